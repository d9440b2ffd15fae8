#include "coffer/tools/cli/answer_check.h"

#include "absl/strings/str_cat.h"

namespace coffer::cli {
namespace {

absl::Status CheckValues(const v1::CommandResponse& response, int expected) {
  if (response.values_size() == expected) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the server's answer is malformed: ", response.values_size(),
                   " values, expected ", expected));
}

absl::Status CheckStates(const v1::CommandResponse& response, int expected) {
  if (response.states_size() == expected) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the server's answer is malformed: ", response.states_size(),
                   " states, expected ", expected));
}

absl::Status CheckTable(const v1::CommandResponse& response) {
  if (response.tables_size() == 1) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the server's answer is malformed: ", response.tables_size(),
                   " tables, expected 1"));
}

absl::Status CheckTransaction(const v1::Transaction& transaction,
                              const v1::CommandResponse& response) {
  int expected = 0;
  for (const v1::Operation& operation :
       response.held() ? transaction.then() : transaction.otherwise()) {
    expected += operation.has_read() ? operation.read().keys_size() : 1;
  }
  return CheckStates(response, expected);
}

absl::Status CheckBools(const v1::CommandResponse& response, int expected) {
  for (const v1::Value& value : response.values()) {
    if (value.value_case() == v1::Value::kBool) continue;
    return absl::DataLossError(
        "the server's answer is malformed: expected true or false, got "
        "something else");
  }
  return CheckValues(response, expected);
}

}  // namespace

absl::Status CheckAnswer(const v1::CommandRequest& request,
                         const v1::CommandResponse& response) {
  switch (request.request_data_case()) {
    case v1::CommandRequest::kHget:
    case v1::CommandRequest::kHdel:
      return CheckValues(response, 1);
    case v1::CommandRequest::kHexist:
      return CheckBools(response, 1);
    case v1::CommandRequest::kHmget:
      return CheckValues(response, request.hmget().keys_size());
    case v1::CommandRequest::kHmdel:
      return CheckValues(response, request.hmdel().keys_size());
    case v1::CommandRequest::kHmexist:
      return CheckBools(response, request.hmexist().keys_size());
    case v1::CommandRequest::kRead:
      return CheckStates(response, request.read().keys_size());
    case v1::CommandRequest::kPut:
    case v1::CommandRequest::kRemove:
    case v1::CommandRequest::kIncrement:
    case v1::CommandRequest::kAppend:
    case v1::CommandRequest::kExpire:
      return CheckStates(response, 1);
    case v1::CommandRequest::kCountKeys:
    case v1::CommandRequest::kDropTable:
    case v1::CommandRequest::kRenameTable:
      return CheckTable(response);
    case v1::CommandRequest::kTransaction:
      return CheckTransaction(request.transaction(), response);
    default:
      return absl::OkStatus();
  }
}

}  // namespace coffer::cli
