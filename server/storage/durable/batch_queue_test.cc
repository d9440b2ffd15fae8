#include "coffer/server/storage/durable/batch_queue.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace coffer::server {
namespace {

Batch OfBytes(const std::string& value) {
  Batch batch;
  batch.Set("t", "", value);
  return batch;
}

TEST(BatchQueue, RefusesWhatPassesItsLimitAndLeavesDone) {
  BatchQueue queue(1000);
  const std::string value(500, 'v');
  Batch first = OfBytes(value);
  Batch second = OfBytes(value);
  Storage::Done done = [] {};
  EXPECT_TRUE(queue.Push(&first, done).ok());
  bool called = false;
  done = [&called] { called = true; };
  const absl::Status refused = queue.Push(&second, done);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(refused.message(),
            "overloaded: batches of 628 bytes wait for the disk, the limit is "
            "1000");
  done();
  EXPECT_TRUE(called);
  EXPECT_EQ(queue.Pop(0).size(), 1u);
  EXPECT_TRUE(queue.Push(&second, done).ok()) << "there is room again";
}

TEST(BatchQueue, TakesOneOfAnySizeWhenEmpty) {
  BatchQueue queue(1000);
  const std::string value(5000, 'v');
  Batch large = OfBytes(value);
  Storage::Done done = [] {};
  EXPECT_TRUE(queue.Push(&large, done).ok());
}

TEST(BatchQueue, PopsInOrderUpToItsBytesAndAtLeastOne) {
  BatchQueue queue(100000);
  const std::string value(872, 'v');  // 1000 bytes a batch
  std::vector<Batch> batches;
  for (int i = 0; i < 5; ++i) batches.push_back(OfBytes(value));
  for (Batch& batch : batches) {
    Storage::Done done = [] {};
    ASSERT_TRUE(queue.Push(&batch, done).ok());
  }
  auto popped = queue.Pop(2999);
  ASSERT_EQ(popped.size(), 2u);
  EXPECT_EQ(popped[0].batch, &batches[0]);
  EXPECT_EQ(popped[1].batch, &batches[1]);
  EXPECT_EQ(queue.Pop(0).size(), 1u);
  EXPECT_EQ(queue.Pop(2000).size(), 2u);
}

TEST(BatchQueue, ClosedItGivesWhatIsLeftThenNothing) {
  BatchQueue queue(1000);
  Batch batch = OfBytes("");
  Storage::Done done = [] {};
  ASSERT_TRUE(queue.Push(&batch, done).ok());
  queue.Close();
  EXPECT_EQ(queue.Pop(1000).size(), 1u);
  EXPECT_TRUE(queue.Pop(1000).empty());
}

TEST(BatchQueue, CloseWakesWhoeverWaits) {
  BatchQueue queue(1000);
  std::thread waits([&] { EXPECT_TRUE(queue.Pop(1000).empty()); });
  queue.Close();
  waits.join();
}

}  // namespace
}  // namespace coffer::server
