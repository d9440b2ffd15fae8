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
#include "coffer/sdk/clock.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/server/service/retry/retry_windows.h"
#include "coffer/server/service/run_completion.h"
#include "coffer/server/service/subscriber.h"
#include "coffer/server/storage/batch.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/arena.h"

namespace coffer::server {

class ServiceRun {
 public:
  ServiceRun() = default;
  ServiceRun(const ServiceRun&) = delete;
  ServiceRun& operator=(const ServiceRun&) = delete;
  ~ServiceRun();

  // A new last request, with nothing set, to be parsed into. Valid until Clear.
  v1::CommandRequest& AddRequest();
  // Takes the last request back.
  void DropLast();
  // Nobody waits for request `i` of a run that is not executed yet: it will not
  // be, and is answered with Cancelled.
  void Cancel(size_t i);
  bool cancelled(size_t i) const { return slots_[i].cancelled; }

  size_t size() const { return slots_.size(); }
  bool empty() const { return slots_.empty(); }
  const v1::CommandRequest& request(size_t i) const {
    return *slots_[i].request;
  }

  // Whether the next request should wait for the next run: the last one may
  // have a result of any size (HGETALL, Scan, ListTables), or all together name
  // so many keys that their results are worth being sent first. Results pin
  // what they have found until Clear, so this bounds the memory of a session.
  bool full();

  // The largest answer that will be asked for, in bytes: a bound for what the
  // storage collects for one answer. The peer's limit on messages.
  uint32_t answer_bytes_max() const { return answer_bytes_max_; }
  void set_answer_bytes_max(uint32_t bytes) { answer_bytes_max_ = bytes; }

  // Whose subscriptions the run opens and closes; null: nobody's. Outlives it.
  void set_subscriber(Subscriber* subscriber) { subscriber_ = subscriber; }

  // Of a peer that has said Hello: its writes are executed once, however often
  // they come (retry/retry_windows.h). Null: of another. Outlives the run.
  void set_retries(RetrySession* retries) { retries_ = retries; }

  // The last request was decoded at this time: its deadline, if it has one,
  // counts from then. Not for peers that have not said Hello.
  void SetDecoded(Clock::TimePoint decoded);
  // Whether any request has a deadline; then Execute is to be told the time.
  bool has_deadlines() const { return has_deadlines_; }
  void set_start(Clock::TimePoint now) { start_ = now; }

  // Forgets the requests. Writes that were begun and not answered are from
  // then on writes whose outcome is not known.
  void Clear();

 private:
  friend class Service;

  // What the memory of writes has to do with a request.
  enum class Retry : uint8_t {
    kNone,
    kBegun,    // it is told the answer
    kEarlier,  // it gives the answer, or will
    kRefused,  // it cannot tell whether the request was executed
  };

  struct Slot {
    v1::CommandRequest* request;  // in arena_
    // Its operations in batch_.
    size_t first_op = 0;
    size_t op_count = 0;
    // Behind them, in their group: the note of a write, and deletions of notes
    // at places of which there are too many.
    size_t note_ops = 0;
    std::vector<uint64_t> excess = {};
    // Why it was refused before it was executed.
    absl::Status refused;
    Clock::TimePoint deadline = Clock::TimePoint::max();
    Retry retry = Retry::kNone;
    bool cancelled = false;
    bool answered = false;
    std::unique_ptr<EarlierAnswer> earlier;
  };

  void AbandonWrites();
  void KeepWhatIsNotDeleted();
  void CountAnew();

  // Requests and what they want stored. Its first block outlives Clear.
  std::unique_ptr<char[]> first_block_;
  std::optional<google::protobuf::Arena> arena_;
  std::vector<Slot> slots_;
  // Taken back by DropLast, for the next AddRequest.
  v1::CommandRequest* spare_ = nullptr;
  Batch batch_;
  uint32_t answer_bytes_max_ = kFrameBytesMaxDefault;
  bool executed_ = false;
  bool has_deadlines_ = false;
  Clock::TimePoint start_ = Clock::TimePoint::min();
  RetrySession* retries_ = nullptr;
  Subscriber* subscriber_ = nullptr;
  // Slots with kBegun, and with kEarlier that wait for another run.
  size_t begun_ = 0;
  size_t joined_ = 0;
  RunCompletion completion_;
  // A client whose notes the run deletes, in a group that begins there.
  std::optional<RetryWindows::Forgotten> forgotten_;
  size_t forgotten_op_ = 0;
  // For full(): of the first `counted_` requests.
  size_t counted_ = 0;
  size_t keys_ = 0;
  bool unbounded_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_SERVICE_RUN_H_
