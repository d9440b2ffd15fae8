#include "coffer/server/service/retry/retry_windows.h"

#include <iterator>

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

RetrySession RetryWindows::Open(absl::string_view client_id,
                                std::uint64_t next_request_id) {
  std::lock_guard lock(mutex_);
  const auto [found, is_new] =
      by_id_.try_emplace(std::string(client_id), Records::iterator());
  if (is_new) {
    if (by_id_.size() > limits_.clients_max) DropIdle();
    // For 0 this is the highest id there is.
    open_.emplace_back(limits_, bytes_, next_request_id - 1);
    found->second = std::prev(open_.end());
    found->second->client_id = &found->first;
  } else if (found->second->sessions == 0) {
    open_.splice(open_.end(), idle_, found->second);
  }
  Record& record = *found->second;
  ++record.sessions;
  RetrySession session;
  session.windows_ = this;
  session.client_ = &record.client;
  session.client_id_ = record.client_id;
  return session;
}

void RetryWindows::Close(const std::string& client_id) {
  std::lock_guard lock(mutex_);
  const Records::iterator record = by_id_.find(client_id)->second;
  if (--record->sessions == 0) idle_.splice(idle_.end(), open_, record);
}

void RetryWindows::DropIdle() {
  if (idle_.empty()) return;
  by_id_.erase(*idle_.front().client_id);
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

std::size_t RetryWindows::clients() const {
  std::lock_guard lock(mutex_);
  return by_id_.size();
}

}  // namespace coffer::server
