// An io_context that is destroyed while operations are pending: whatever waits
// for them goes with it, coroutines that own the stream included. Leaks are for
// asan to find.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>
#include <utility>

#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/sdk/stream/internal/waiter.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::MemoryPipe;
using internal::Waiter;
using Client =
    FramedStream<MemoryPipe, v1::CommandResponse, v1::CommandRequest>;

constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);

struct CountsItsEnd {
  explicit CountsItsEnd(int* counter) : ends(counter) {}
  ~CountsItsEnd() { ++*ends; }
  CountsItsEnd(const CountsItsEnd&) = delete;
  CountsItsEnd& operator=(const CountsItsEnd&) = delete;
  int* const ends;
};

asio::awaitable<void> Read(MemoryPipe pipe, int* ends) {
  CountsItsEnd local(ends);
  Client stream(std::move(pipe));
  co_await stream.Next(kAwaitTuple);
  ADD_FAILURE() << "nothing was sent";
}

asio::awaitable<void> Write(MemoryPipe pipe, int* ends) {
  CountsItsEnd local(ends);
  Client stream(std::move(pipe));
  v1::CommandRequest request;
  request.mutable_hget()->set_key(std::string(1000, 'k'));
  EXPECT_TRUE(stream.Feed(request).ok());
  co_await stream.Flush(kAwaitTuple);
  ADD_FAILURE() << "nobody reads";
}

TEST(ContextDestroyed, EndsCoroutinesThatOwnTheStreamTheyWaitFor) {
  int ends = 0;
  {
    asio::io_context io;
    const coffer_testing::MemoryPipeOptions options = {
        .capacity = 10, .fail_if_abandoned = false};
    auto [reader, reader_peer] = MakeMemoryPipe(io.get_executor(), options);
    auto [writer, writer_peer] = MakeMemoryPipe(io.get_executor(), options);
    asio::co_spawn(io, Read(std::move(reader), &ends), asio::detached);
    asio::co_spawn(io, Write(std::move(writer), &ends), asio::detached);
    io.poll();
    EXPECT_EQ(ends, 0);
  }
  EXPECT_EQ(ends, 2);
}

// The handler keeps its Waiter and the next one, which has one too.
TEST(ContextDestroyed, DropsHandlersThatOwnTheirWaiters) {
  int ends = 0;
  {
    asio::io_context io;
    auto first = std::make_shared<Waiter>(io.get_executor());
    auto second = std::make_shared<Waiter>(io.get_executor());
    auto third = std::make_shared<Waiter>(io.get_executor());
    auto local = std::make_shared<CountsItsEnd>(&ends);
    first->Arm([first, second, local](error_code) { ADD_FAILURE(); });
    second->Arm([second, third](error_code) { ADD_FAILURE(); });
    third->Arm([first, third](error_code) { ADD_FAILURE(); });
  }
  EXPECT_EQ(ends, 1);
}

TEST(ContextDestroyed, WaiterMayOutliveIt) {
  int ends = 0;
  std::shared_ptr<Waiter> waiter;
  {
    asio::io_context io;
    waiter = std::make_shared<Waiter>(io.get_executor());
    auto local = std::make_shared<CountsItsEnd>(&ends);
    waiter->Arm([local](error_code) { ADD_FAILURE(); });
  }
  EXPECT_EQ(ends, 1);
  EXPECT_FALSE(waiter->pending());
  waiter->Post({});
  waiter.reset();
}

}  // namespace
}  // namespace coffer
