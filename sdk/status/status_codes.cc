#include "coffer/sdk/status/status_codes.h"

#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/status/outcome.h"

namespace coffer {
namespace {

namespace errc = boost::system::errc;

struct Mapping {
  errc::errc_t error;
  absl::StatusCode code;
};

// What the operating system says.
constexpr Mapping kSystemErrors[] = {
    {errc::operation_canceled, absl::StatusCode::kCancelled},
    {errc::timed_out, absl::StatusCode::kDeadlineExceeded},
    {errc::connection_reset, absl::StatusCode::kUnavailable},
    {errc::connection_refused, absl::StatusCode::kUnavailable},
    {errc::connection_aborted, absl::StatusCode::kUnavailable},
    {errc::broken_pipe, absl::StatusCode::kUnavailable},
    {errc::not_connected, absl::StatusCode::kUnavailable},
    {errc::host_unreachable, absl::StatusCode::kUnavailable},
    {errc::network_unreachable, absl::StatusCode::kUnavailable},
    {errc::network_down, absl::StatusCode::kUnavailable},
    {errc::network_reset, absl::StatusCode::kUnavailable},
    {errc::bad_file_descriptor, absl::StatusCode::kUnavailable},
    {errc::address_not_available, absl::StatusCode::kUnavailable},
    // A Unix socket whose server has not made it yet.
    {errc::no_such_file_or_directory, absl::StatusCode::kUnavailable},
    {errc::too_many_files_open, absl::StatusCode::kResourceExhausted},
    {errc::too_many_files_open_in_system, absl::StatusCode::kResourceExhausted},
    {errc::no_buffer_space, absl::StatusCode::kResourceExhausted},
    {errc::not_enough_memory, absl::StatusCode::kResourceExhausted},
    {errc::permission_denied, absl::StatusCode::kPermissionDenied},
    {errc::operation_not_permitted, absl::StatusCode::kPermissionDenied},
    {errc::address_in_use, absl::StatusCode::kFailedPrecondition},
    {errc::invalid_argument, absl::StatusCode::kInvalidArgument},
    {errc::message_size, absl::StatusCode::kInvalidArgument},
};

absl::StatusCode CodeOf(const boost::system::error_code& error) {
  namespace asio_error = boost::asio::error;
  if (error.category() == FrameCategory()) {
    return FrameError(static_cast<FrameErrc>(error.value()), "").code();
  }
  // asio::error::eof, and the resolver's: no such host, try again, ...
  const auto& category = error.category();
  if (error == asio_error::eof ||
      category == asio_error::get_netdb_category() ||
      category == asio_error::get_addrinfo_category()) {
    return absl::StatusCode::kUnavailable;
  }
  // By name, so that not everybody links TLS: a stream that was cut short, and
  // whatever TLS itself did not like after its handshake.
  const absl::string_view category_name = category.name();
  if (category_name == "asio.ssl" || category_name == "asio.ssl.stream") {
    return absl::StatusCode::kUnavailable;
  }
  for (const Mapping& mapping : kSystemErrors) {
    if (error == mapping.error) return mapping.code;
  }
  return absl::StatusCode::kUnknown;
}

}  // namespace

uint32_t ToWireStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kDeadlineExceeded:
      return 408;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 413;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

absl::StatusCode FromWireStatus(uint32_t status) {
  switch (status) {
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 408:
      return absl::StatusCode::kDeadlineExceeded;
    case 409:
      return absl::StatusCode::kFailedPrecondition;
    case 413:
      return absl::StatusCode::kResourceExhausted;
    case 499:
      return absl::StatusCode::kCancelled;
    case 429:
    case 503:
      return absl::StatusCode::kUnavailable;
  }
  switch (status / 100) {
    case 2:
      return absl::StatusCode::kOk;
    case 4:
      return absl::StatusCode::kInvalidArgument;
    case 5:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kUnknown;
  }
}

absl::Status ToStatus(const v1::CommandResponse& response) {
  const absl::StatusCode code = FromWireStatus(response.status());
  if (code == absl::StatusCode::kOk) return absl::OkStatus();
  std::string message = response.message();
  if (message.empty()) {
    message = absl::StrCat("answer with status ", response.status(),
                           " and no message");
  }
  return WithOutcome(absl::Status(code, message), response.outcome());
}

absl::Status ToStatus(const boost::system::error_code& error,
                      absl::string_view doing) {
  if (!error) return absl::OkStatus();
  return absl::Status(CodeOf(error),
                      absl::StrCat(doing, ": ", error.message()));
}

}  // namespace coffer
