#include "coffer/server/service/retry/durable_retries.h"

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/server/service/retry/note_names.h"
#include "coffer/server/service/retry/retry_note.pb.h"
#include "coffer/server/service/retry/state_note.h"

namespace coffer::server {
namespace {

absl::Status DoesNotParse(absl::string_view what, absl::string_view note) {
  return absl::DataLossError(
      absl::StrCat("what is kept for retries does not parse: ", what, " of ",
                   note.size(), " bytes"));
}

template <class Message>
bool Parse(absl::string_view bytes, Message* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

// Takes notes in the order of their names, in which those of a client stand
// together.
class NoteReader {
 public:
  explicit NoteReader(RetryWindows* windows) : windows_(*windows) {}

  void Add(absl::string_view name, absl::string_view bytes) {
    absl::string_view client_id;
    RetryWindows::PlacedNote placed;
    if (name == kRetryStateName) {
      if (!Parse(bytes, &state_)) status_ = DoesNotParse("the epoch", bytes);
    } else if (ParseRetryNoteName(name, &client_id, &placed.place)) {
      if (!Parse(bytes, &placed.note) || placed.note.request_id() == 0) {
        status_ = DoesNotParse("a write", bytes);
        return;
      }
      if (client_id != client_id_) EndClient();
      client_id_ = std::string(client_id);
      notes_.push_back(std::move(placed));
    }
  }

  void EndClient() {
    if (!notes_.empty()) windows_.Restore(client_id_, std::move(notes_));
    notes_.clear();
  }

  const absl::Status& status() const { return status_; }
  const RetryState& state() const { return state_; }

 private:
  RetryWindows& windows_;
  absl::Status status_;
  RetryState state_;
  std::string client_id_;
  std::vector<RetryWindows::PlacedNote> notes_;
};

// Whether it is on the disk.
bool WriteState(Storage& storage, const RetryState& state) {
  const StateNote note(state);
  Batch batch;
  const size_t op = batch.SetNote(kRetryStateName, &note, batch.NewGroup());
  std::promise<void> done;
  if (!storage.Submit(batch, [&done] { done.set_value(); })) {
    done.get_future().wait();
  }
  return batch.ops()[op].status.ok();
}

}  // namespace

absl::Status RestoreRetries(Storage* storage, RetryWindows* windows,
                            std::uint64_t new_epoch) {
  if (!storage->capabilities().durable) return absl::OkStatus();
  NoteReader reader(windows);
  const absl::Status visited = storage->ForEachNote(
      [&reader](absl::string_view name, absl::string_view note) {
        reader.Add(name, note);
      });
  if (!visited.ok()) return visited;
  reader.EndClient();
  if (!reader.status().ok()) return reader.status();
  RetryState state = reader.state();
  if (state.epoch() == 0 && windows->clients() > 0) {
    return absl::DataLossError("what is kept for retries has lost its epoch");
  }
  if (state.epoch() == 0) {
    state.set_epoch(new_epoch);
    if (!WriteState(*storage, state)) return absl::OkStatus();
  }
  windows->BecomeDurable(state.epoch(), state.forgotten());
  return absl::OkStatus();
}

}  // namespace coffer::server
