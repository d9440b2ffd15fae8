// ServiceTester: asks a Service as a session does, and waits for its answers,
// whether the storage finishes inline or later.

#ifndef COFFER_SERVER_SERVICE_SERVICE_TESTER_H_
#define COFFER_SERVER_SERVICE_SERVICE_TESTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/server/service/service.h"
#include "coffer/server/storage/storage.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

// A request in protobuf's text format: "hget { table: 't' key: 'k' }".
v1::CommandRequest Request(const std::string& text);

// What an older peer would get: the message's bytes in hex, without what
// is for peers of ours.
std::string WireHex(v1::CommandResponse response);

class ServiceTester {
 public:
  explicit ServiceTester(Storage* storage, const ServiceOptions& options = {})
      : service_(storage, nullptr, options) {}

  Service& service() { return service_; }

  // All requests in one run; their answers.
  std::vector<v1::CommandResponse> AskAll(
      const std::vector<v1::CommandRequest>& requests);
  v1::CommandResponse Ask(const v1::CommandRequest& request);
  v1::CommandResponse Ask(const std::string& text) {
    return Ask(Request(text));
  }

  // The peer's limit from here on.
  void set_answer_bytes_max(uint32_t bytes) { answer_bytes_max_ = bytes; }

 private:
  Service service_;
  ServiceRun run_;
  uint32_t answer_bytes_max_ = kFrameBytesMaxDefault;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_SERVICE_TESTER_H_
