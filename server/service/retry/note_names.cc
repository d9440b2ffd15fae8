#include "coffer/server/service/retry/note_names.h"

#include "absl/strings/str_cat.h"

namespace coffer::server {
namespace {

// `w`, the client's id, the place as 8 bytes big-endian.
constexpr char kWrite = 'w';
constexpr std::size_t kPlaceBytes = 8;

}  // namespace

std::string RetryNoteName(absl::string_view client_id, std::uint64_t place) {
  char bytes[kPlaceBytes];
  for (std::size_t i = kPlaceBytes; i-- > 0; place >>= 8) {
    bytes[i] = static_cast<char>(place & 0xff);
  }
  return absl::StrCat(absl::string_view(&kWrite, 1), client_id,
                      absl::string_view(bytes, kPlaceBytes));
}

bool ParseRetryNoteName(absl::string_view name, absl::string_view* client_id,
                        std::uint64_t* place) {
  if (name.size() < 1 + kPlaceBytes || name[0] != kWrite) return false;
  *client_id = name.substr(1, name.size() - 1 - kPlaceBytes);
  *place = 0;
  for (const char byte : name.substr(name.size() - kPlaceBytes)) {
    *place = *place << 8 | static_cast<unsigned char>(byte);
  }
  return true;
}

}  // namespace coffer::server
