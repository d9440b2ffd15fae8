#include "coffer/server/service/service_tester.h"

#include <future>

#include "absl/strings/escaping.h"
#include "coffer/sdk/internal/assert.h"
#include "google/protobuf/text_format.h"

namespace coffer::server {

v1::CommandRequest Request(const std::string& text) {
  v1::CommandRequest request;
  COFFER_ASSERT(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

std::string WireHex(v1::CommandResponse response) {
  response.clear_outcome();
  response.clear_request_id();
  return absl::BytesToHexString(response.SerializeAsString());
}

std::vector<v1::CommandResponse> ServiceTester::AskAll(
    const std::vector<v1::CommandRequest>& requests) {
  run_.Clear();
  run_.set_answer_bytes_max(answer_bytes_max_);
  for (const v1::CommandRequest& request : requests) {
    run_.AddRequest() = request;
  }
  std::promise<void> done;
  if (!service_.Execute(run_, [&done] { done.set_value(); })) {
    done.get_future().wait();
  }
  std::vector<v1::CommandResponse> responses(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    service_.Answer(run_, i, answer_bytes_max_, &responses[i]);
  }
  return responses;
}

v1::CommandResponse ServiceTester::Ask(const v1::CommandRequest& request) {
  return AskAll({request})[0];
}

}  // namespace coffer::server
