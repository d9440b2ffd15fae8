// For the tests of the durable engine: folders of their own, and batches that
// are waited for.

#ifndef COFFER_SERVER_STORAGE_DURABLE_DURABLE_TEST_UTIL_H_
#define COFFER_SERVER_STORAGE_DURABLE_DURABLE_TEST_UTIL_H_

#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/durable/durable_options.h"
#include "coffer/server/storage/durable/rocksdb_storage.h"
#include "coffer/server/storage/storage.h"
#include "gtest/gtest.h"

namespace coffer_testing {

// The path of a folder that is not there yet.
inline std::string NewDataDir() {
  static std::atomic<int> made{0};
  const std::string path =
      absl::StrCat(::testing::TempDir(), "/data", made.fetch_add(1));
  std::filesystem::remove_all(path);
  return path;
}

inline std::unique_ptr<coffer::server::RocksDbStorage> MustOpen(
    const coffer::server::DurableOptions& options) {
  auto storage = coffer::server::RocksDbStorage::Open(options);
  EXPECT_TRUE(storage.ok()) << storage.status();
  return storage.ok() ? *std::move(storage) : nullptr;
}

// A batch that is submitted and may not be done yet.
class Submitted {
 public:
  Submitted(coffer::server::Storage* storage, coffer::server::Batch* batch) {
    auto promise = std::make_shared<std::promise<void>>();
    done_ = promise->get_future();
    inline_ = storage->Submit(*batch, [promise] { promise->set_value(); });
    if (inline_) promise->set_value();
  }
  // Blocks until it is.
  void Wait() { done_.wait(); }
  bool finished_inside_submit() const { return inline_; }

 private:
  std::future<void> done_;
  bool inline_ = false;
};

inline void Execute(coffer::server::Storage& storage,
                    coffer::server::Batch& batch) {
  Submitted(&storage, &batch).Wait();
}

// One operation, its result; names and values live as long as the call.
inline coffer::server::Op RunOne(coffer::server::Storage& storage,
                                 coffer::server::Batch& batch) {
  Execute(storage, batch);
  return std::move(batch.ops()[0]);
}

inline coffer::server::Op Set(coffer::server::Storage& storage,
                              absl::string_view table, absl::string_view key,
                              absl::string_view value) {
  coffer::server::Batch batch;
  batch.Set(table, key, value);
  return RunOne(storage, batch);
}

inline coffer::server::Op Get(coffer::server::Storage& storage,
                              absl::string_view table, absl::string_view key) {
  coffer::server::Batch batch;
  batch.Get(table, key);
  return RunOne(storage, batch);
}

// "none" if the key is absent, "error: ..." if it cannot be read.
inline std::string ValueOf(coffer::server::Storage& storage,
                           absl::string_view table, absl::string_view key) {
  const coffer::server::Op op = Get(storage, table, key);
  if (!op.status.ok()) return absl::StrCat("error: ", op.status.ToString());
  return op.found ? std::string(op.value_out.view()) : "none";
}

}  // namespace coffer_testing

#endif  // COFFER_SERVER_STORAGE_DURABLE_DURABLE_TEST_UTIL_H_
