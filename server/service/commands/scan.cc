// Scan: a table, page by page.

#include "absl/status/status.h"
#include "coffer/server/service/commands/commands.h"
#include "coffer/server/service/commands/page.h"
#include "coffer/server/service/states.h"

namespace coffer::server {
namespace {

constexpr absl::string_view kTooLargeValue =
    "scan with keys_only, or accept larger frames";

}  // namespace

absl::Status PlanScan(const v1::CommandRequest& request, Planner& planner) {
  const v1::Scan& scan = request.scan();
  PageRange* page = MakePage(scan.limit(), planner);
  page->cursor = scan.cursor();
  page->prefix = scan.prefix();
  page->begin = scan.begin();
  page->end = scan.end();
  page->keys_only = scan.keys_only();
  planner.batch().Scan(scan.table(), page);
  return absl::OkStatus();
}

void AnswerScan(const AnswerContext& context) {
  const bool keys_only = context.request.scan().keys_only();
  AnswerContext of_page = context;
  if (!keys_only) of_page.advice = kTooLargeValue;
  context.response->set_cursor(context.ops[0].cursor_out);
  AnswerStates(of_page, [&](StateVisitor visit) {
    for (const TableEntry& entry : context.ops[0].entries) {
      StateParts parts{.version = entry.version,
                       .expires_at_ms = entry.expires_at_ms,
                       .key = entry.key.view()};
      if (!keys_only) parts.value = &entry.value;
      visit(parts);
    }
  });
}

}  // namespace coffer::server
