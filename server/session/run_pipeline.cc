#include "coffer/server/session/run_pipeline.h"

#include <algorithm>
#include <utility>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {

RunPipeline::EntryPtr RunPipeline::Take() {
  if (spares_.empty()) return std::make_unique<Entry>();
  EntryPtr entry = std::move(spares_.back());
  spares_.pop_back();
  return entry;
}

void RunPipeline::GiveBack(EntryPtr entry) {
  entry->run.Clear();
  entry->touched.Clear();
  if (spares_.size() < kSparesMax) spares_.push_back(std::move(entry));
}

RunPipeline::Entry* RunPipeline::Add(EntryPtr entry, State state) {
  entry->state = state;
  return entries_.emplace_back(std::move(entry)).get();
}

RunPipeline::EntryPtr RunPipeline::Remove(Entry* entry) {
  const auto at =
      std::find_if(entries_.begin(), entries_.end(),
                   [entry](const EntryPtr& one) { return one.get() == entry; });
  COFFER_ASSERT(at != entries_.end());
  EntryPtr removed = std::move(*at);
  entries_.erase(at);
  return removed;
}

bool RunPipeline::Block(const v1::CommandRequest& later, bool strict) const {
  return std::any_of(
      entries_.begin(), entries_.end(),
      [&](const EntryPtr& one) { return one->touched.Block(later, strict); });
}

RunPipeline::Entry* RunPipeline::NextToStart() const {
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    const Entry& entry = **at;
    if (entry.state != State::kWaiting) continue;
    const bool blocked =
        std::any_of(entries_.begin(), at, [&entry](const EntryPtr& earlier) {
          return earlier->touched.Block(entry.touched);
        });
    if (!blocked) return at->get();
  }
  return nullptr;
}

RunPipeline::Entry* RunPipeline::NextDone() const {
  for (const EntryPtr& entry : entries_) {
    if (entry->state == State::kDone) return entry.get();
  }
  return nullptr;
}

bool RunPipeline::Cancel(std::uint64_t request_id) {
  bool found = false;
  for (const EntryPtr& entry : entries_) {
    if (entry->state != State::kWaiting) continue;
    found = CancelIn(entry->run, request_id) || found;
  }
  return found;
}

void RunPipeline::DropWaiting() {
  entries_.remove_if(
      [](const EntryPtr& entry) { return entry->state == State::kWaiting; });
}

bool CancelIn(ServiceRun& run, std::uint64_t request_id) {
  bool found = false;
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (run.request(i).request_id() != request_id) continue;
    run.Cancel(i);
    found = true;
  }
  return found;
}

}  // namespace coffer::server
