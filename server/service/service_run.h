// ServiceRun: the requests that a session executes together, one storage batch,
// and their results. It is scratch of the session, reused from run to run: the
// memory of the requests and of the batch is kept, unless it became large.
//
//   run.Clear();
//   while (!run.full() && <a frame is there>) Parse(frame, &run.AddRequest());
//   if (!service.Execute(run, done)) <wait for done>;
//   for (size_t i = 0; i < run.size(); ++i) service.Answer(run, i, ...);
//
// One thread at a time; while the run executes, none.

#ifndef COFFER_SERVER_SERVICE_SERVICE_RUN_H_
#define COFFER_SERVER_SERVICE_SERVICE_RUN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/server/storage/batch.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/arena.h"

namespace coffer::server {

class ServiceRun {
 public:
  ServiceRun() = default;
  ServiceRun(const ServiceRun&) = delete;
  ServiceRun& operator=(const ServiceRun&) = delete;

  // A new last request, with nothing set, to be parsed into. Valid until Clear.
  v1::CommandRequest& AddRequest();
  // Takes the last request back.
  void DropLast();

  size_t size() const { return slots_.size(); }
  bool empty() const { return slots_.empty(); }
  const v1::CommandRequest& request(size_t i) const {
    return *slots_[i].request;
  }

  // Whether the next request should wait for the next run: the last one may
  // have a result of any size (HGETALL), or all together name so many keys
  // that their results are worth being sent first. Results pin what they have
  // found until Clear, so this bounds the memory of a session.
  bool full();

  // The largest answer that will be asked for, in bytes: a bound for what the
  // storage collects for one answer. The peer's limit on messages.
  uint32_t answer_bytes_max() const { return answer_bytes_max_; }
  void set_answer_bytes_max(uint32_t bytes) { answer_bytes_max_ = bytes; }

  void Clear();

 private:
  friend class Service;

  struct Slot {
    v1::CommandRequest* request;  // in arena_
    // Its operations in batch_.
    size_t first_op = 0;
    size_t op_count = 0;
    // Why it was refused before it was executed.
    absl::Status refused;
  };

  // Requests and what they want stored. Its first block outlives Clear.
  std::unique_ptr<char[]> first_block_;
  std::optional<google::protobuf::Arena> arena_;
  std::vector<Slot> slots_;
  // Taken back by DropLast, for the next AddRequest.
  v1::CommandRequest* spare_ = nullptr;
  Batch batch_;
  uint32_t answer_bytes_max_ = kFrameBytesMaxDefault;
  bool executed_ = false;
  // For full(): of the first `counted_` requests.
  size_t counted_ = 0;
  size_t keys_ = 0;
  bool unbounded_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_SERVICE_RUN_H_
