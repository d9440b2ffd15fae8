// RetryClient: the record of one client's writes, by which a write that comes
// again is known and not executed again. The sessions of the client share it.
//
// Each write is begun before it is executed, and finished with its answer. A
// write that is begun again meanwhile joins the one that runs; later, it gets
// its answer again. What is not here was never executed, if its id is above the
// window's floor; at or below it nobody knows, and it is refused. A first
// attempt is believed to be one, unless its id may have been executed as a
// later attempt and forgotten.
//
// Threads: any, with a lock that is held for lookups and copies only; runs that
// waited are told after it was released. Ownership: a run that has begun writes
// finishes or abandons each, and leaves what it has joined.

#ifndef COFFER_SERVER_SERVICE_RETRY_RETRY_CLIENT_H_
#define COFFER_SERVER_SERVICE_RETRY_RETRY_CLIENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "coffer/server/service/retry/earlier_answer.h"
#include "coffer/server/service/retry/retry_limits.h"
#include "coffer/server/service/retry/retry_note.pb.h"
#include "coffer/server/service/retry/retry_window.h"
#include "coffer/server/service/run_completion.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

// What is to become of a write.
enum class RetryVerdict {
  kExecute,   // it has begun: it is to be finished
  kAnswered,  // it was executed: *earlier has its answer
  kJoined,    // it is being executed: *earlier will have its answer
  kRefused,   // nobody knows whether it was executed
};

// Whether a write is written down with what it writes, if the engine is a
// durable one: what is not is forgotten with the process.
enum class WriteKind { kNoted, kUnnoted };

class RetryClient {
 public:
  // `bytes` is the sum over all clients, which this one adds its own to. Ids up
  // to `floor` may have been executed where nobody remembers it. All outlive
  // it.
  RetryClient(const RetryLimits& limits, std::atomic<std::size_t>& bytes,
              std::uint64_t floor);
  RetryClient(const RetryClient&) = delete;
  RetryClient& operator=(const RetryClient&) = delete;
  ~RetryClient();

  // `id` is not 0. `attempt` is the request's. `run` is that of the request;
  // joined to another run, it expects one arrival more.
  RetryVerdict Begin(std::uint64_t id, std::uint32_t attempt,
                     RunCompletion* run,
                     std::unique_ptr<EarlierAnswer>* earlier,
                     WriteKind kind = WriteKind::kNoted);

  // Those that have joined get `response`. It is remembered, unless it says
  // that the write was not executed: then the next attempt is.
  void Finish(std::uint64_t id, const v1::CommandResponse& response);

  // What became of the write is not known to its run, which goes.
  void Abandon(std::uint64_t id);

  // The run that has joined `id` goes, `earlier` with it. Not while another
  // thread may finish `id`: it could have hold of the run.
  void Leave(std::uint64_t id, EarlierAnswer* earlier);

  // Forgets the older half of the answers.
  void DropOlderHalf();

  // --- With a durable engine

  // Ids of kUnnoted up to this one may have been executed before the process
  // began.
  void SetUnnotedFloor(std::uint64_t floor);

  // Where the note of the running write `id` goes, what it is to say beside the
  // answer, and the notes that are to be deleted together with it.
  struct NoteParts {
    std::uint64_t place = 0;
    std::uint64_t floor = 0;
    std::uint64_t retried_floor = 0;
    bool retried = false;
    std::vector<std::uint64_t> excess = {};
  };
  // `last_place`: of all clients. A place above it was never used.
  NoteParts PartsOfNote(std::uint64_t id,
                        std::atomic<std::uint64_t>& last_place);
  // The notes at `places` were not deleted, or may not have been.
  void AddPlaces(const std::vector<std::uint64_t>& places);

  // A write, as its note has it. In the order of ids, before all else.
  void Restore(std::uint64_t place, const RetryNote& note);

  // Of all notes.
  std::vector<std::uint64_t> Places() const;
  std::uint64_t floor() const;

 private:
  // Under the lock.
  std::uint64_t FloorFor(std::uint32_t attempt, WriteKind kind) const;
  void CountBytes();

  const std::size_t answer_bytes_max_;
  std::atomic<std::size_t>& all_bytes_;
  mutable std::mutex mutex_;
  RetryWindow window_;
  std::uint64_t unnoted_floor_ = 0;
  std::size_t counted_bytes_ = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RETRY_RETRY_CLIENT_H_
