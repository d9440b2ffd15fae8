// RetryWindows: the records of all clients, which the sessions of the process
// share. A session that has read a Hello opens the record of its client and
// keeps it open while it lasts; records without a session are forgotten when
// there are too many, or when they take too much memory (RetryLimits).
//
// They live as long as the process: after a restart with an empty memory every
// client's floor is what its Hello says, so that what was sent before is
// refused and not executed twice.
//
// With a durable engine each write has a note, written in the same step, from
// which the records are restored at the start (durable_retries.h). What is not
// there then was not executed, unless something was forgotten: the note of an
// answer that leaves a record is overwritten by that of a later write, and
// those of a client that is forgotten are deleted with the next write of any.
// Until they are, or if they never are, they say nothing that is not so.
//
// Threads: any. One lock for the set of records, taken when a session begins
// and ends and when memory is short; each record has a lock of its own.

#ifndef COFFER_SERVER_SERVICE_RETRY_RETRY_WINDOWS_H_
#define COFFER_SERVER_SERVICE_RETRY_RETRY_WINDOWS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/server/service/retry/retry_client.h"
#include "coffer/server/service/retry/retry_limits.h"
#include "coffer/server/service/retry/retry_note.pb.h"

namespace coffer::server {

class RetryWindows;

// A session's hold on the record of its client. Moves; empty by default.
class RetrySession {
 public:
  RetrySession() = default;
  RetrySession(RetrySession&& other) noexcept { *this = std::move(other); }
  RetrySession& operator=(RetrySession&& other) noexcept;
  ~RetrySession();

  explicit operator bool() const { return client_ != nullptr; }

  // As RetryClient's.
  RetryVerdict Begin(std::uint64_t id, std::uint32_t attempt,
                     RunCompletion* run,
                     std::unique_ptr<EarlierAnswer>* earlier,
                     WriteKind kind = WriteKind::kNoted) {
    return client_->Begin(id, attempt, run, earlier, kind);
  }
  void Finish(std::uint64_t id, const v1::CommandResponse& response);
  void Abandon(std::uint64_t id) { client_->Abandon(id); }
  void Leave(std::uint64_t id, EarlierAnswer* earlier) {
    client_->Leave(id, earlier);
  }
  RetryClient::NoteParts PartsOfNote(std::uint64_t id);
  void AddPlaces(const std::vector<std::uint64_t>& places) {
    client_->AddPlaces(places);
  }

  const std::string& client_id() const { return *client_id_; }
  RetryWindows& windows() const { return *windows_; }

 private:
  friend class RetryWindows;

  RetryWindows* windows_ = nullptr;
  RetryClient* client_ = nullptr;
  const std::string* client_id_ = nullptr;  // the key of its record
};

class RetryWindows {
 public:
  explicit RetryWindows(const RetryLimits& limits = {}) : limits_(limits) {}
  RetryWindows(const RetryWindows&) = delete;
  RetryWindows& operator=(const RetryWindows&) = delete;

  // The record of `client_id`, made if there is none; then ids below
  // `next_request_id` may have been executed where nobody remembers it, and 0
  // says so of all. Outlives the session's hold.
  RetrySession Open(absl::string_view client_id, std::uint64_t next_request_id);

  // --- With a durable engine

  // The notes of a client, by their places. Before any Open.
  struct PlacedNote {
    std::uint64_t place;
    RetryNote note;
  };
  void Restore(absl::string_view client_id, std::vector<PlacedNote> notes);
  // All are restored: from now on writes have notes. Forgets what is over the
  // limits, the clients that have written least lately first. What is unknown
  // of a client that has no record was never executed, unless `forgotten`.
  void BecomeDurable(std::uint64_t epoch, bool forgotten);
  bool durable() const { return epoch_ != 0; }
  // HelloReply.retries_epoch; 0: not durable.
  std::uint64_t epoch() const { return epoch_; }

  // A client whose notes are to be deleted, all or none, with the next write.
  struct Forgotten {
    std::string client_id;
    std::vector<std::uint64_t> places;
  };
  // Nullopt: there is none. Fast then.
  std::optional<Forgotten> TakeForgotten();
  // They were not deleted, or may not have been.
  void GiveBack(Forgotten forgotten);

  const RetryLimits& limits() const { return limits_; }

  // Clients that are remembered.
  std::size_t clients() const;
  // Memory of their windows.
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  friend class RetrySession;

  struct Record {
    Record(const RetryLimits& limits, std::atomic<std::size_t>& bytes,
           std::uint64_t floor)
        : client(limits, bytes, floor) {}

    RetryClient client;
    std::size_t sessions = 0;
    const std::string* client_id = nullptr;
    // Of a restored one: its latest write; and no session has opened it yet.
    std::uint64_t written_at_ms = 0;
    bool is_restored = false;
  };
  using Records = std::list<Record>;

  Record& Add(absl::string_view client_id, std::uint64_t floor);
  void Close(const std::string& client_id);
  // If the memory is over its limit.
  void Trim();
  // Under the lock.
  void DropIdle();
  bool over(std::size_t bytes_max) const { return bytes() > bytes_max; }

  const RetryLimits limits_;
  std::uint64_t epoch_ = 0;  // set before any session
  std::atomic<std::uint64_t> last_place_{0};
  std::atomic<std::size_t> bytes_{0};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Records::iterator> by_id_;
  Records open_;
  Records idle_;  // the one that has been idle for longest first
  // Some client that has written has no record any more.
  bool forgets_ = false;
  std::deque<Forgotten> forgotten_;
  std::atomic<std::size_t> forgotten_count_{0};
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RETRY_RETRY_WINDOWS_H_
