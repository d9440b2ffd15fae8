// MakePage: the bounds of a page that Scan or ListTables asks for, so that its
// answer fits within the peer's limit.

#ifndef COFFER_SERVER_SERVICE_COMMANDS_PAGE_H_
#define COFFER_SERVER_SERVICE_COMMANDS_PAGE_H_

#include <cstdint>

#include "coffer/server/service/command.h"
#include "coffer/server/storage/batch.h"

namespace coffer::server {

// Entries of a page whose request says no limit, and of any page.
inline constexpr uint32_t kPageEntriesDefault = 1000;
inline constexpr uint32_t kPageEntriesMax = 10000;

// A page of at most `limit` entries; 0: of as many as usual. A page of several
// entries fits into the answer, its cursor included if that is not longer than
// the keys and values together; one whose only entry is larger may not.
PageRange* MakePage(uint32_t limit, Planner& planner);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_COMMANDS_PAGE_H_
