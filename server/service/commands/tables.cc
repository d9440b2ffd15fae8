// ListTables, CountKeys, DropTable, RenameTable.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/service/commands/commands.h"
#include "coffer/server/service/commands/page.h"
#include "coffer/server/service/states.h"

namespace coffer::server {

absl::Status PlanListTables(const v1::CommandRequest& request,
                            Planner& planner) {
  const v1::ListTables& list = request.list_tables();
  PageRange* page = MakePage(list.limit(), planner);
  page->cursor = list.cursor();
  page->prefix = list.prefix();
  planner.batch().ListTables(page);
  return absl::OkStatus();
}

void AnswerListTables(const AnswerContext& context) {
  context.response->set_cursor(context.ops[0].cursor_out);
  AnswerTables(context, context.ops[0].tables);
}

absl::Status PlanCountKeys(const v1::CommandRequest& request,
                           Planner& planner) {
  planner.batch().CountKeys(request.count_keys().table());
  return absl::OkStatus();
}

absl::Status PlanDropTable(const v1::CommandRequest& request,
                           Planner& planner) {
  planner.batch().DropTable(request.drop_table().table());
  return absl::OkStatus();
}

absl::Status PlanRenameTable(const v1::CommandRequest& request,
                             Planner& planner) {
  const v1::RenameTable& rename = request.rename_table();
  if (rename.table() == rename.new_name()) {
    return InvalidCommand(
        absl::StrCat("rename_table: ", rename.table(), " has this name"));
  }
  planner.batch().RenameTable(rename.table(), rename.new_name());
  return absl::OkStatus();
}

// Of the three above: the table, by the name that it has now.
void AnswerTable(const AnswerContext& context) {
  const Op& op = context.ops[0];
  if (op.tables.empty()) {
    return AnswerError(context, absl::NotFoundError(absl::StrCat(
                                    "Not found: table ", op.table)));
  }
  TableStats table = op.tables[0];
  if (op.kind == OpKind::kRenameTable) table.name = std::string(op.value);
  AnswerTables(context, {&table, 1});
}

}  // namespace coffer::server
