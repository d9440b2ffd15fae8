#include "coffer/testing/memory_pipe.h"

#include <utility>

namespace coffer_testing {
namespace {

std::shared_ptr<internal::ByteChannel> MakeDirection(
    const MemoryPipeOptions& options) {
  return std::make_shared<internal::ByteChannel>(internal::ByteChannelOptions{
      .capacity_bytes = options.capacity,
      .low_mark_bytes = options.low_mark.value_or(options.capacity - 1),
      .transfer = options.transfer});
}

}  // namespace

MemoryPipe::MemoryPipe(executor_type executor,
                       std::shared_ptr<internal::ByteChannel> in,
                       std::shared_ptr<internal::ByteChannel> out,
                       bool fail_if_abandoned, std::source_location where)
    : FakeStream(std::move(executor), std::move(in), std::move(out),
                 fail_if_abandoned, where) {}

std::pair<MemoryPipe, MemoryPipe> MakeMemoryPipe(
    boost::asio::any_io_executor executor, MemoryPipeOptions options,
    std::source_location where) {
  return MakeMemoryPipe(executor, executor, options, where);
}

std::pair<MemoryPipe, MemoryPipe> MakeMemoryPipe(
    boost::asio::any_io_executor first, boost::asio::any_io_executor second,
    MemoryPipeOptions options, std::source_location where) {
  const auto forth = MakeDirection(options);
  const auto back = MakeDirection(options);
  return {MemoryPipe(std::move(first), back, forth, options.fail_if_abandoned,
                     where),
          MemoryPipe(std::move(second), forth, back, options.fail_if_abandoned,
                     where)};
}

}  // namespace coffer_testing
