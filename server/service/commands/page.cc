#include "coffer/server/service/commands/page.h"

#include <algorithm>

namespace coffer::server {
namespace {

// What an entry takes in an answer beside its key and value: tags and lengths,
// the version, the expiry twice.
constexpr size_t kEntryBytes = 64;

}  // namespace

// A quarter for what entries take beside keys and values, a quarter for these,
// a quarter for the cursor, and some to spare.
PageRange* MakePage(uint32_t limit, Planner& planner) {
  const size_t quarter = planner.limits().answer_bytes_max / 4;
  const size_t entries =
      limit == 0 ? kPageEntriesDefault : std::min(limit, kPageEntriesMax);
  PageRange* page = planner.Make<PageRange>();
  page->limit = std::max<size_t>(1, std::min(entries, quarter / kEntryBytes));
  page->bytes_max = std::max<size_t>(1, quarter);
  return page;
}

}  // namespace coffer::server
