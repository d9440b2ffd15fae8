// RetryWindow: the latest writes of one client, by request id: those that run,
// and those that were answered, with their answers. Pure data, without a lock.
//
// Answered entries leave in the order in which they were answered, when there
// are too many of them, and raise the floor: what is not here and has an id at
// or below the floor may have been here once. Running entries never leave.
//
// A durable engine has notes of them, each at a place of its own. The place of
// one that leaves is free for another, whose note overwrites the first: so they
// are as many as entries, and what is left of them is below the floor.
//
// Memory: entries stand in slots that are reused, each with the string that
// held its last answer, so a window of steady size allocates nothing.

#ifndef COFFER_SERVER_SERVICE_RETRY_RETRY_WINDOW_H_
#define COFFER_SERVER_SERVICE_RETRY_RETRY_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coffer::server {

struct EarlierAnswer;
class RunCompletion;

class RetryWindow {
 public:
  struct Entry {
    std::uint64_t id = 0;
    bool running = false;
    // Executed because a later attempt came: the first one may yet arrive.
    bool retried = false;
    // Of its note; 0: it has none.
    std::uint64_t place = 0;
    // Of a running one: the run that executes it, and who waits for its answer.
    const RunCompletion* run = nullptr;
    EarlierAnswer* joined = nullptr;
    // Of an answered one: a serialized v1::CommandResponse.
    std::string answer;
  };

  // Ids up to `floor` may have been executed where nobody remembers it.
  RetryWindow(std::size_t answers_max, std::uint64_t floor)
      : answers_max_(answers_max), floor_(floor) {}

  // Valid until the next call of Add or DropOlderHalf. Null if there is none.
  Entry* Find(std::uint64_t id);

  // A running one; there is none with this id.
  Entry& Add(std::uint64_t id);

  // Its answer is in place. The oldest answered one goes if there are too many.
  void SetAnswered(Entry& entry);

  // It was not executed, and nothing about it is worth remembering.
  void Remove(Entry& entry);

  // Gives memory back: the older half of the answered ones, at least one.
  void DropOlderHalf();

  // An answered one, as its note has it, and the newest from now on; there is
  // none with this id.
  void Restore(std::uint64_t id, bool retried, std::uint64_t place,
               std::string answer);
  // They are at least so.
  void RaiseFloors(std::uint64_t floor, std::uint64_t retried_floor);

  // A free place; 0: there is none.
  std::uint64_t TakePlace();
  // At most so many of the free places, where there are more than a window of
  // steady size needs: their notes are to be deleted.
  std::vector<std::uint64_t> TakeExcess(std::size_t most);
  void AddPlaces(const std::vector<std::uint64_t>& places);
  // All of them, free or not.
  std::vector<std::uint64_t> Places() const;

  std::uint64_t floor() const { return floor_; }
  // Of the entries that were `retried`: a first attempt at or below it may have
  // been executed as a later one.
  std::uint64_t retried_floor() const { return retried_floor_; }

  std::size_t answered() const { return answered_; }
  // What it takes from the heap. The answers' part is as of the last call of
  // SetAnswered or DropOlderHalf.
  std::size_t bytes() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Slot : Entry {
    std::size_t answer_bytes = 0;  // as counted
    std::uint32_t chain = kNone;   // next of its bucket, or next free one
    // Neighbours among the answered ones.
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;
    bool used = false;
  };

  std::uint32_t& Bucket(std::uint64_t id);
  std::uint32_t IndexOf(const Entry& entry) const;
  std::uint32_t Take();
  void Grow();
  void Count(Slot& slot);
  void Append(std::uint32_t index);
  void Unchain(std::uint32_t index);
  void Free(std::uint32_t index);
  void EvictOldest();

  const std::size_t answers_max_;
  std::uint64_t floor_;
  std::uint64_t retried_floor_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> buckets_;  // a power of two of them
  std::uint32_t free_ = kNone;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
  std::size_t answered_ = 0;
  std::size_t answer_bytes_ = 0;
  std::vector<std::uint64_t> places_;  // free ones
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RETRY_RETRY_WINDOW_H_
