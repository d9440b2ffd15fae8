// Tests with a transcript, of which one fails on purpose: what it prints is
// looked at by transcript_failure_test; on its own it fails.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>

#include "coffer/proto/requests.h"
#include "coffer/testing/encode_frames.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/time/virtual_time.h"
#include "coffer/testing/transcript/transcript.h"
#include "coffer/testing/transcript/transcript_stream.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;

// A client that asks and waits for an answer which does not come.
void Ask(const std::string& expected) {
  VirtualTime time;
  Transcript transcript(time.clock());
  auto [near, far] = MakeMemoryPipe(time.get_executor());
  TranscriptStream client(std::move(near), transcript.Client("client"));
  const std::string request = EncodeFrames(coffer::MakeHget("lamps", "red"));
  std::array<char, 16> answer;
  asio::async_write(client, asio::buffer(request), [](auto...) {});
  client.async_read_some(asio::buffer(answer), [](auto...) {});
  time.RunReady();
  EXPECT_EQ(std::to_string(far.buffered()), expected);
}

TEST(FailingSession, Fails) { Ask("no bytes"); }
TEST(FailingSession, Passes) { Ask("18"); }

}  // namespace
}  // namespace coffer_testing
