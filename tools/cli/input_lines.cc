#include "coffer/tools/cli/input_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace coffer::cli {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadBytes = 1 << 16;

absl::Status SystemError(int error) {
  return absl::NotFoundError(std::strerror(error));
}

}  // namespace

InputLines::InputLines(asio::any_io_executor executor) : waiter_(executor) {}

InputLines::~InputLines() {
  if (waiter_.is_open()) waiter_.release();
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status InputLines::Open(const std::string& path) {
  return Take(open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

absl::Status InputLines::Open(int descriptor) {
  return Take(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
}

absl::Status InputLines::Take(int descriptor) {
  if (descriptor < 0) return SystemError(errno);
  descriptor_ = descriptor;
  boost::system::error_code error;
  waiter_.assign(descriptor_, error);
  return error ? SystemError(error.value()) : absl::OkStatus();
}

asio::awaitable<absl::StatusOr<bool>> InputLines::ReadMore() {
  buffer_.erase(0, at_);
  searched_ -= at_;
  at_ = 0;
  for (;;) {
    if (waiter_.is_open()) {
      auto [error] =
          co_await waiter_.async_wait(asio::posix::stream_descriptor::wait_read,
                                      asio::as_tuple(asio::use_awaitable));
      if (error == asio::error::operation_aborted) {
        co_return absl::CancelledError("cancelled by the caller");
      }
      // What never waits cannot be waited for.
      if (error) waiter_.release();
    }
    const std::size_t before = buffer_.size();
    buffer_.resize(before + kReadBytes);
    const ssize_t got = read(descriptor_, buffer_.data() + before, kReadBytes);
    const int error = errno;
    buffer_.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got > 0) co_return true;
    if (got == 0) co_return false;
    if (error != EINTR && error != EAGAIN) co_return SystemError(error);
  }
}

asio::awaitable<absl::StatusOr<std::optional<std::string>>> InputLines::Next() {
  for (;;) {
    const std::size_t found = buffer_.find('\n', searched_);
    if (found != std::string::npos) {
      std::string line = buffer_.substr(at_, found - at_);
      at_ = searched_ = found + 1;
      co_return line;
    }
    searched_ = buffer_.size();
    if (end_) {
      if (at_ == buffer_.size()) co_return std::nullopt;
      std::string line = buffer_.substr(at_);
      at_ = buffer_.size();
      co_return line;
    }
    const absl::StatusOr<bool> more = co_await ReadMore();
    if (!more.ok()) co_return more.status();
    end_ = !*more;
  }
}

}  // namespace coffer::cli
