#include "coffer/server/session/session_harness.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "coffer/sdk/frame/frame_decoder.h"
#include "coffer/server/session/server_stream.h"
#include "gtest/gtest.h"

namespace coffer::server {

std::string Frame(const google::protobuf::MessageLite& message,
                  FrameEncoderOptions options) {
  FrameEncoder encoder(options);
  std::string bytes;
  EXPECT_TRUE(encoder.Encode(message, &bytes).ok());
  return bytes;
}

std::vector<v1::CommandResponse> Answers(const std::string& bytes) {
  FrameDecoder decoder;
  std::vector<v1::CommandResponse> answers;
  std::size_t given = 0;
  while (given < bytes.size()) {
    const auto room = decoder.Prepare();
    const std::size_t n = std::min(room.size(), bytes.size() - given);
    std::copy_n(bytes.data() + given, n, room.data());
    decoder.Commit(n);
    given += n;
    absl::string_view payload;
    while (decoder.Next(&payload) == FrameDecoder::Step::kFrame) {
      EXPECT_TRUE(answers.emplace_back().ParseFromArray(payload.data(),
                                                        payload.size()));
    }
  }
  EXPECT_TRUE(decoder.at_boundary()) << "half an answer";
  return answers;
}

SessionHarness::SessionHarness(ServerLimits limits,
                               coffer_testing::MemoryPipeOptions pipe,
                               Storage* storage,
                               std::shared_ptr<VolatileState> state)
    : service_(storage == nullptr ? &memory_ : storage, std::move(state)) {
  if (storage == nullptr) service_.state().changes.Attach(&memory_);
  auto [client, server] =
      coffer_testing::MakeMemoryPipe(io_.get_executor(), pipe);
  client_.emplace(std::move(client));
  session_ = std::make_unique<ServerStream<Pipe>>(std::move(server), &service_,
                                                  limits);
}

SessionHarness::~SessionHarness() {
  client_.reset();
  Run();
  // An older subscriber: to it, this was a half-close.
  if (progress().subscribed) Drain();
  Run();
  EXPECT_TRUE(!started_ || status_.has_value()) << "the session hangs";
  session_.reset();
  Run();
}

SessionProgress SessionHarness::progress() const {
  return session_->progress();
}

std::size_t SessionHarness::memory_bytes() const {
  return session_->memory_bytes();
}

void SessionHarness::Drain() { session_->Drain(); }

void SessionHarness::Start(bool reading) {
  started_ = true;
  session_->Process([this](absl::Status status) { status_ = status; });
  if (reading) Read();
}

void SessionHarness::Send(std::string bytes) {
  auto kept = std::make_shared<std::string>(std::move(bytes));
  boost::asio::async_write(*client_, boost::asio::buffer(*kept),
                           [kept](boost::system::error_code, std::size_t) {});
  Run();
}

void SessionHarness::EndSending() {
  client_->shutdown_send();
  Run();
}

void SessionHarness::Read() {
  client_->async_read_some(
      boost::asio::buffer(room_),
      [this](boost::system::error_code error, std::size_t bytes) {
        received_.append(room_, bytes);
        ended_ = error.failed();
        if (!error) Read();
      });
}

void SessionHarness::Run() {
  io_.restart();
  io_.poll();
}

}  // namespace coffer::server
