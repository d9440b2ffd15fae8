#include "coffer/server/storage/durable/durable_options.h"

namespace coffer::server {
namespace {

constexpr SyncMode kModes[] = {SyncMode::kAlways, SyncMode::kInterval,
                               SyncMode::kNever};

}  // namespace

absl::string_view ToString(SyncMode mode) {
  switch (mode) {
    case SyncMode::kAlways:
      return "always";
    case SyncMode::kInterval:
      return "interval";
    case SyncMode::kNever:
      return "never";
  }
  return "";
}

bool ParseSyncMode(absl::string_view text, SyncMode* mode) {
  for (const SyncMode known : kModes) {
    if (text != ToString(known)) continue;
    *mode = known;
    return true;
  }
  return false;
}

}  // namespace coffer::server
