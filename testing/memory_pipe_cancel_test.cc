// Cancels a transfer at every point of its course, each side, in each way, and
// sees that no byte is lost, doubled or moved. A sender and a receiver that go
// on after an abort stand for FramedStream.

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

#include "coffer/testing/memory_pipe.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::cancellation_type;
using boost::system::error_code;

const std::string kBytes = "the quick brown fox jumps over it";

// Sends kBytes from `pipe`, and goes on after an abort.
class Sender {
 public:
  explicit Sender(MemoryPipe& pipe) : pipe_(pipe) {}

  void Start() { Next(); }

  asio::cancellation_signal signal;
  int aborts = 0;

 private:
  void Next() {
    if (sent_ == kBytes.size()) return;
    pipe_.async_write_some(
        asio::buffer(kBytes.data() + sent_, kBytes.size() - sent_),
        asio::bind_cancellation_slot(
            signal.slot(), [this](error_code error, size_t bytes) {
              if (error) {
                EXPECT_EQ(error, asio::error::operation_aborted);
                EXPECT_EQ(bytes, 0u);
                ++aborts;
              }
              sent_ += bytes;
              Next();
            }));
  }

  MemoryPipe& pipe_;
  size_t sent_ = 0;
};

// Receives as many, likewise.
class Receiver {
 public:
  explicit Receiver(MemoryPipe& pipe) : pipe_(pipe) {}

  void Start() { Next(); }

  asio::cancellation_signal signal;
  int aborts = 0;
  std::string received;

 private:
  void Next() {
    if (received.size() >= kBytes.size()) return;
    pipe_.async_read_some(
        asio::buffer(buffer_),
        asio::bind_cancellation_slot(
            signal.slot(), [this](error_code error, size_t bytes) {
              if (error) {
                EXPECT_EQ(error, asio::error::operation_aborted);
                EXPECT_EQ(bytes, 0u);
                ++aborts;
              }
              received.append(buffer_.data(), bytes);
              Next();
            }));
  }

  MemoryPipe& pipe_;
  std::array<char, 4> buffer_;
};

// A transfer between two ends, which calls `cancel` once.
class Transfer {
 public:
  using Cancel = std::function<void(Transfer&)>;

  Transfer(MemoryPipeOptions options, Cancel cancel, int cancel_at)
      : cancel_(std::move(cancel)),
        cancel_at_(cancel_at),
        ends_(MakeMemoryPipe(io_.get_executor(), options)) {}

  // Starts one side, and the other when there is nothing more to do, so that
  // operations of the first wait. False if it ended before it was cancelled.
  bool Run(bool sender_first) {
    const auto start_sender = [this] { sender_.Start(); };
    const auto start_receiver = [this] { receiver_.Start(); };
    if (sender_first) {
      Steps(start_sender);
      Steps(start_receiver);
    } else {
      Steps(start_receiver);
      Steps(start_sender);
    }
    EXPECT_EQ(receiver_.received, kBytes) << "cancelled at step " << cancel_at_;
    EXPECT_EQ(a().pending_writes() + b().pending_reads(), 0u);
    return step_ > cancel_at_;
  }

  MemoryPipe& a() { return ends_.first; }
  MemoryPipe& b() { return ends_.second; }
  Sender& sender() { return sender_; }
  Receiver& receiver() { return receiver_; }

 private:
  void Steps(const std::function<void()>& start) {
    start();
    do {
      if (step_++ == cancel_at_) cancel_(*this);
    } while (Poll());
  }

  bool Poll() {
    io_.restart();
    return io_.poll_one() > 0;
  }

  const Cancel cancel_;
  const int cancel_at_;
  int step_ = 0;
  asio::io_context io_;
  std::pair<MemoryPipe, MemoryPipe> ends_;
  Sender sender_{ends_.first};
  Receiver receiver_{ends_.second};
};

class MemoryPipeCancelTest
    : public ::testing::TestWithParam<std::tuple<size_t, TransferMode>> {
 protected:
  // Cancels at every step of a transfer, until one ends before that.
  static void Sweep(const Transfer::Cancel& cancel) {
    const auto [capacity, mode] = GetParam();
    int aborts = 0;
    for (const bool sender_first : {true, false}) {
      bool cancelled = true;
      for (int at = 0; cancelled && !HasFailure(); ++at) {
        Transfer transfer({.capacity = capacity, .transfer = mode}, cancel, at);
        cancelled = transfer.Run(sender_first);
        aborts += transfer.sender().aborts + transfer.receiver().aborts;
      }
    }
    EXPECT_GT(aborts, 0) << "nothing was ever cancelled";
  }
};

INSTANTIATE_TEST_SUITE_P(
    Capacities, MemoryPipeCancelTest,
    ::testing::Combine(::testing::Values(1, 3, 1000),
                       ::testing::Values(TransferMode::kLate,
                                         TransferMode::kEarly)));

TEST_P(MemoryPipeCancelTest, ReadCancelledAtEveryStepLosesNoByte) {
  for (const auto type :
       {cancellation_type::terminal, cancellation_type::partial,
        cancellation_type::total, cancellation_type::all}) {
    Sweep([type](Transfer& t) { t.receiver().signal.emit(type); });
  }
}

// With room for everything and early transfer no write waits, so that none can
// be cancelled.
TEST_P(MemoryPipeCancelTest, WriteCancelledAtEveryStepLosesNoByte) {
  if (GetParam() == std::make_tuple(size_t{1000}, TransferMode::kEarly))
    GTEST_SKIP();
  for (const auto type :
       {cancellation_type::terminal, cancellation_type::partial,
        cancellation_type::total, cancellation_type::all}) {
    Sweep([type](Transfer& t) { t.sender().signal.emit(type); });
  }
}

TEST_P(MemoryPipeCancelTest, StreamsCancelledAtEveryStepLoseNoByte) {
  Sweep([](Transfer& t) {
    t.b().cancel();
    t.a().cancel();
  });
}

}  // namespace
}  // namespace coffer_testing
