#include "coffer/sdk/endpoint.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace coffer {
namespace {

absl::Status Malformed(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not HOST:PORT: ", why));
}

}  // namespace

absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text) {
  Endpoint endpoint;
  absl::string_view host = text;
  absl::string_view port;
  bool has_port = false;
  if (!text.empty() && text[0] == '[') {
    const auto close = text.find(']');
    if (close == absl::string_view::npos) return Malformed(text, "no ]");
    host = text.substr(1, close - 1);
    const absl::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') {
      return Malformed(text, "something other than :PORT after ]");
    }
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else if (const auto colon = text.rfind(':');
             colon != absl::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
    if (host.find(':') != absl::string_view::npos) {
      return Malformed(text, "an IPv6 address needs brackets");
    }
  }
  if (host.empty()) return Malformed(text, "no host");
  std::uint32_t number = kDefaultPort;
  if (has_port && (!absl::SimpleAtoi(port, &number) || number > 65535)) {
    return Malformed(text, "the port is not a number from 0 to 65535");
  }
  endpoint.host = std::string(host);
  endpoint.port = static_cast<std::uint16_t>(number);
  return endpoint;
}

std::string ToString(const Endpoint& endpoint) {
  const bool brackets = endpoint.host.find(':') != std::string::npos;
  return brackets ? absl::StrCat("[", endpoint.host, "]:", endpoint.port)
                  : absl::StrCat(endpoint.host, ":", endpoint.port);
}

}  // namespace coffer
