#include "coffer/testing/fault/error_names.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace coffer_testing::internal {
namespace {

namespace error = boost::asio::error;
using boost::system::error_code;

struct NamedError {
  const char* name;
  error_code error;
};

const NamedError kNamed[] = {
    {"ok", error_code()},
    {"eof", error::eof},
    {"broken_pipe", error::broken_pipe},
    {"connection_aborted", error::connection_aborted},
    {"connection_refused", error::connection_refused},
    {"connection_reset", error::connection_reset},
    {"host_unreachable", error::host_unreachable},
    {"network_down", error::network_down},
    {"network_reset", error::network_reset},
    {"network_unreachable", error::network_unreachable},
    {"no_buffer_space", error::no_buffer_space},
    {"no_memory", error::no_memory},
    {"not_connected", error::not_connected},
    {"operation_aborted", error::operation_aborted},
    {"stream_truncated", boost::asio::ssl::error::stream_truncated},
    {"timed_out", error::timed_out},
    {"try_again", error::try_again},
};

const boost::system::error_category* Category(absl::string_view name) {
  for (const boost::system::error_category* category :
       {&boost::system::system_category(), &boost::system::generic_category(),
        &error::get_misc_category(), &error::get_netdb_category(),
        &error::get_addrinfo_category(), &error::get_ssl_category(),
        &boost::asio::ssl::error::get_stream_category()}) {
    if (name == category->name()) return category;
  }
  return nullptr;
}

}  // namespace

std::string ErrorName(const error_code& code) {
  for (const NamedError& named : kNamed) {
    if (named.error == code) return named.name;
  }
  return absl::StrCat(code.category().name(), "/", code.value());
}

absl::StatusOr<error_code> ErrorNamed(absl::string_view name) {
  for (const NamedError& named : kNamed) {
    if (named.name == name) return named.error;
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(name, absl::MaxSplits('/', 1));
  const boost::system::error_category* const category = Category(parts.first);
  int value = 0;
  if (category == nullptr || !absl::SimpleAtoi(parts.second, &value)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no error is \"", name,
        "\": a name as connection_reset is, or CATEGORY/VALUE as system/104"));
  }
  return error_code(value, *category);
}

}  // namespace coffer_testing::internal
