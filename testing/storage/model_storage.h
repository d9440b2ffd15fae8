// ModelStorage: an engine as plain as it can be: maps in order, one lock, and a
// copy of everything to go back to when a group fails. It does all that the
// Storage interface has, so that tests of whatever uses one need not wait for a
// disk, and slowly: each group costs as much as there are keys.
//
// Its data is an object of its own. To crash and start again is to forget the
// engine and to give its data to the next one:
//
//   auto data = std::make_shared<ModelStorage::Data>();
//   auto storage = std::make_unique<ModelStorage>(data);
//   ...
//   storage = std::make_unique<ModelStorage>(data);
//
// Every batch finishes inside Submit. Any thread.

#ifndef COFFER_TESTING_STORAGE_MODEL_STORAGE_H_
#define COFFER_TESTING_STORAGE_MODEL_STORAGE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/storage/storage.h"

namespace coffer_testing {

class ModelStorage final : public coffer::server::Storage {
 public:
  struct Record {
    std::string value;
    uint64_t version = 0;
    uint64_t expires_at_ms = 0;
  };
  using Table = std::map<std::string, Record>;
  struct Data {
    // None is empty.
    std::map<std::string, Table> tables;
    std::map<std::string, std::string> notes;
    uint64_t last_version = 0;
  };

  // The clock outlives it.
  explicit ModelStorage(std::shared_ptr<Data> data = std::make_shared<Data>(),
                        const coffer::Clock* clock = &coffer::Clock::System());

  bool Submit(coffer::server::Batch& batch, Done done) override;
  coffer::server::Capabilities capabilities() const override;
  absl::string_view name() const override { return "model"; }
  coffer::server::StorageCounts counts() const override;
  void SetChangeSink(coffer::server::ChangeSink* sink) override {
    sink_ = sink;
  }
  // What has expired goes with the next batch or sweep, all of it.
  bool Sweep() override;
  absl::Status ForEachNote(NoteVisitor visit) override;

  // From now on writes are refused with `status`; OK: no more.
  void RefuseWrites(const absl::Status& status);

 private:
  using Op = coffer::server::Op;
  using KeyChange = coffer::server::KeyChange;

  // Under the lock.
  void ExecuteUnit(absl::Span<Op> unit, size_t result_bytes_max);
  void Execute(absl::Span<Op> unit, size_t i, size_t result_bytes_max);
  void ExecuteOnKey(absl::Span<Op> unit, size_t i, Op& op);
  void Write(Op& op, const Record* present, std::string value);
  void SetNote(absl::Span<Op> unit, size_t i, Op& op);
  void GetTable(Op& op, size_t result_bytes_max);
  void Scan(Op& op);
  void ListTables(Op& op);
  void ChangeTable(Op& op);
  Record* Find(const Op& op);
  void Erase(const Op& op);
  void DropExpired();
  // Kept until it is clear that the unit does not fail.
  void Tell(KeyChange::Kind kind, absl::string_view table,
            absl::string_view key, uint64_t version,
            const Record* record = nullptr);
  void TellNow();
  uint64_t NowMs() const;

  const std::shared_ptr<Data> data_;
  const coffer::Clock& clock_;
  mutable std::mutex mutex_;
  absl::Status refusal_;
  bool held_ = true;             // the comparisons of the group so far
  uint64_t next_expiry_ms_ = 0;  // nothing expires before it
  coffer::server::ChangeSink* sink_ = nullptr;
  std::vector<KeyChange> changes_;  // not told yet
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_MODEL_STORAGE_H_
