// Endpoint: a host and a port, and their text form: "localhost:9527",
// "127.0.0.1:0", "[::1]:9527".

#ifndef COFFER_SDK_ENDPOINT_H_
#define COFFER_SDK_ENDPOINT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer {

inline constexpr std::uint16_t kDefaultPort = 9527;

struct Endpoint {
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = kDefaultPort;
};

// HOST:PORT, or HOST alone for the default port; an IPv6 address stands in
// brackets. InvalidArgument says what is wrong with `text`.
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text);

std::string ToString(const Endpoint& endpoint);

}  // namespace coffer

#endif  // COFFER_SDK_ENDPOINT_H_
