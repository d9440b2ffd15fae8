// InputLines: the lines of a file, a pipe or a terminal, for a coroutine: where
// nothing is there yet, it waits without blocking the others, and can be
// cancelled.
//
// Not thread-safe.

#ifndef COFFER_TOOLS_CLI_INPUT_LINES_H_
#define COFFER_TOOLS_CLI_INPUT_LINES_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace coffer::cli {

class InputLines {
 public:
  explicit InputLines(boost::asio::any_io_executor executor);
  InputLines(const InputLines&) = delete;
  InputLines& operator=(const InputLines&) = delete;
  ~InputLines();

  // Once, before the first Next: the file of this name, or a descriptor, which
  // stays the caller's. NotFound: it cannot be opened.
  absl::Status Open(const std::string& path);
  absl::Status Open(int descriptor);

  // The next line, without its end; nullopt: there is none any more. What
  // stands behind the last end of a line is a line too. Errors: it cannot be
  // read; Cancelled.
  boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> Next();

 private:
  absl::Status Take(int descriptor);
  // False: that was the end.
  boost::asio::awaitable<absl::StatusOr<bool>> ReadMore();

  int descriptor_ = -1;
  // Waits for it; closed once it is known to be one that never waits, such as a
  // file.
  boost::asio::posix::stream_descriptor waiter_;
  std::string buffer_;
  std::size_t at_ = 0;        // of the buffer, what is not given yet
  std::size_t searched_ = 0;  // up to here there is no end of a line
  bool end_ = false;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_INPUT_LINES_H_
