#include "coffer/testing/dummy_stream.h"

#include <memory>
#include <utility>

namespace coffer_testing {
namespace {

using internal::ByteChannel;

internal::ByteChannelOptions ChannelOptions(const DummyStreamOptions& options) {
  return {.read_bytes_max = options.read_bytes_max,
          .write_bytes_max = options.write_bytes_max,
          .transfer = options.transfer};
}

// Preset, and ended: nobody writes to it.
std::shared_ptr<ByteChannel> MakeInput(std::string input,
                                       const DummyStreamOptions& options) {
  auto channel =
      std::make_shared<ByteChannel>(ChannelOptions(options), std::move(input));
  channel->Close(ByteChannel::Side::kWriter);
  return channel;
}

std::shared_ptr<ByteChannel> MakeOutput(const DummyStreamOptions& options) {
  internal::ByteChannelOptions channel = ChannelOptions(options);
  channel.record = true;
  channel.sink = true;
  return std::make_shared<ByteChannel>(channel);
}

}  // namespace

DummyStream::DummyStream(boost::asio::any_io_executor executor,
                         std::string input, DummyStreamOptions options,
                         std::source_location where)
    : FakeStream(std::move(executor), MakeInput(std::move(input), options),
                 MakeOutput(options), options.fail_if_abandoned, where) {}

DummyStream::DummyStream(boost::asio::any_io_executor executor,
                         std::shared_ptr<ByteChannel> loopback,
                         DummyStreamOptions options, std::source_location where)
    : FakeStream(std::move(executor), loopback, loopback,
                 options.fail_if_abandoned, where) {}

DummyStream DummyStream::Loopback(boost::asio::any_io_executor executor,
                                  DummyStreamOptions options,
                                  std::source_location where) {
  internal::ByteChannelOptions channel = ChannelOptions(options);
  channel.record = true;
  return DummyStream(std::move(executor),
                     std::make_shared<ByteChannel>(channel), options, where);
}

}  // namespace coffer_testing
