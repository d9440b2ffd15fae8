#include "coffer/server/service/retry/retry_windows.h"

#include <algorithm>
#include <iterator>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {

RetrySession& RetrySession::operator=(RetrySession&& other) noexcept {
  std::swap(windows_, other.windows_);
  std::swap(client_, other.client_);
  std::swap(client_id_, other.client_id_);
  return *this;
}

RetrySession::~RetrySession() {
  if (client_ != nullptr) windows_->Close(*client_id_);
}

void RetrySession::Finish(std::uint64_t id,
                          const v1::CommandResponse& response) {
  client_->Finish(id, response);
  if (windows_->over(windows_->limits_.bytes_max)) windows_->Trim();
}

RetryClient::NoteParts RetrySession::PartsOfNote(std::uint64_t id) {
  return client_->PartsOfNote(id, windows_->last_place_);
}

RetrySession RetryWindows::Open(absl::string_view client_id,
                                std::uint64_t next_request_id) {
  // For 0 this is the highest id there is.
  const std::uint64_t sent_before = next_request_id - 1;
  std::lock_guard lock(mutex_);
  const auto found = by_id_.find(std::string(client_id));
  Record* record = nullptr;
  if (found == by_id_.end()) {
    if (by_id_.size() >= limits_.clients_max) DropIdle();
    const bool nothing_unknown = durable() && !forgets_;
    record = &Add(client_id, nothing_unknown ? 0 : sent_before);
    record->client.SetUnnotedFloor(sent_before);
  } else {
    record = &*found->second;
    if (record->sessions == 0) {
      open_.splice(open_.end(), idle_, found->second);
    }
    if (std::exchange(record->is_restored, false)) {
      record->client.SetUnnotedFloor(sent_before);
    }
  }
  ++record->sessions;
  RetrySession session;
  session.windows_ = this;
  session.client_ = &record->client;
  session.client_id_ = record->client_id;
  return session;
}

// To those that are open.
RetryWindows::Record& RetryWindows::Add(absl::string_view client_id,
                                        std::uint64_t floor) {
  open_.emplace_back(limits_, bytes_, floor);
  const auto added = by_id_.emplace(client_id, std::prev(open_.end())).first;
  open_.back().client_id = &added->first;
  return open_.back();
}

void RetryWindows::Close(const std::string& client_id) {
  std::lock_guard lock(mutex_);
  const Records::iterator record = by_id_.find(client_id)->second;
  if (--record->sessions == 0) idle_.splice(idle_.end(), open_, record);
}

void RetryWindows::DropIdle() {
  if (idle_.empty()) return;
  const Record& dropped = idle_.front();
  if (durable()) {
    Forgotten forgotten{*dropped.client_id, dropped.client.Places()};
    // One that has never written leaves nothing that is unknown.
    forgets_ =
        forgets_ || !forgotten.places.empty() || dropped.client.floor() > 0;
    if (!forgotten.places.empty()) {
      forgotten_.push_back(std::move(forgotten));
      ++forgotten_count_;
    }
  }
  by_id_.erase(*dropped.client_id);
  idle_.pop_front();
}

void RetryWindows::Trim() {
  // To somewhat less than the limit, so that it does not come to this with
  // every write.
  const std::size_t enough = limits_.bytes_max - limits_.bytes_max / 8;
  std::lock_guard lock(mutex_);
  if (!over(limits_.bytes_max)) return;  // another thread has done it
  while (over(enough) && !idle_.empty()) DropIdle();
  std::size_t before = 0;
  do {
    before = bytes();
    for (std::size_t n = open_.size(); n > 0 && over(enough); --n) {
      open_.front().client.DropOlderHalf();
      open_.splice(open_.end(), open_, open_.begin());
    }
  } while (over(enough) && bytes() < before);
}

void RetryWindows::Restore(absl::string_view client_id,
                           std::vector<PlacedNote> notes) {
  std::sort(notes.begin(), notes.end(),
            [](const PlacedNote& a, const PlacedNote& b) {
              return a.note.request_id() < b.note.request_id();
            });
  std::lock_guard lock(mutex_);
  Record& record = Add(client_id, 0);
  record.is_restored = true;
  for (const PlacedNote& one : notes) {
    record.written_at_ms = std::max(record.written_at_ms, one.note.at_ms());
    record.client.Restore(one.place, one.note);
    if (one.place > last_place_) last_place_ = one.place;
  }
}

void RetryWindows::BecomeDurable(std::uint64_t epoch, bool forgotten) {
  {
    std::lock_guard lock(mutex_);
    COFFER_ASSERT(epoch != 0 && idle_.empty());
    epoch_ = epoch;
    forgets_ = forgotten;
    idle_.swap(open_);
    idle_.sort([](const Record& a, const Record& b) {
      return a.written_at_ms < b.written_at_ms;
    });
    while (by_id_.size() > limits_.clients_max) DropIdle();
  }
  if (over(limits_.bytes_max)) Trim();
}

std::optional<RetryWindows::Forgotten> RetryWindows::TakeForgotten() {
  if (forgotten_count_.load(std::memory_order_relaxed) == 0) {
    return std::nullopt;
  }
  std::lock_guard lock(mutex_);
  if (forgotten_.empty()) return std::nullopt;
  Forgotten taken = std::move(forgotten_.front());
  forgotten_.pop_front();
  --forgotten_count_;
  return taken;
}

void RetryWindows::GiveBack(Forgotten forgotten) {
  std::lock_guard lock(mutex_);
  forgotten_.push_back(std::move(forgotten));
  ++forgotten_count_;
}

std::size_t RetryWindows::clients() const {
  std::lock_guard lock(mutex_);
  return by_id_.size();
}

}  // namespace coffer::server
