#include "coffer/server/storage/durable/batch_queue.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using std::chrono::milliseconds;

Batch OfBytes(const std::string& value) {
  Batch batch;
  batch.Set("t", "", value);
  return batch;
}

TEST(BatchQueue, RefusesWhatPassesItsLimitAndLeavesDone) {
  BatchQueue queue(1000, &Clock::System());
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
            "overloaded: batches of 629 bytes wait for the disk, the limit is "
            "1000");
  done();
  EXPECT_TRUE(called);
  EXPECT_EQ(queue.Pop(0).size(), 1u);
  EXPECT_TRUE(queue.Push(&second, done).ok()) << "there is room again";
}

class Large final : public ValueChange {
 public:
  absl::Status Apply(absl::optional<absl::string_view>, absl::Span<const Op>,
                     std::string*) const override {
    return absl::OkStatus();
  }
  size_t bytes() const override { return 900; }
};

TEST(BatchQueue, CountsWhateverABatchHolds) {
  const std::string name(900, 'n');
  const Large large;
  const PageRange page{.prefix = name};
  std::vector<Batch> batches(4);
  batches[0].Get(name, "k");
  batches[1].Get("t", name);
  batches[2].Change("t", "k", &large);
  batches[3].Scan("t", &page);
  for (Batch& batch : batches) {
    BatchQueue queue(1000, &Clock::System());
    Batch other = OfBytes("v");
    Storage::Done done = [] {};
    ASSERT_TRUE(queue.Push(&other, done).ok());
    EXPECT_FALSE(queue.Push(&batch, done).ok());
  }
}

TEST(BatchQueue, TakesOneOfAnySizeWhenEmpty) {
  BatchQueue queue(1000, &Clock::System());
  const std::string value(5000, 'v');
  Batch large = OfBytes(value);
  Storage::Done done = [] {};
  EXPECT_TRUE(queue.Push(&large, done).ok());
}

TEST(BatchQueue, PopsInOrderUpToItsBytesAndAtLeastOne) {
  BatchQueue queue(100000, &Clock::System());
  const std::string value(871, 'v');  // 1000 bytes a batch
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
  BatchQueue queue(1000, &Clock::System());
  Batch batch = OfBytes("");
  Storage::Done done = [] {};
  ASSERT_TRUE(queue.Push(&batch, done).ok());
  queue.Close();
  EXPECT_EQ(queue.Pop(1000).size(), 1u);
  EXPECT_TRUE(queue.Pop(1000).empty());
}

TEST(BatchQueue, CloseWakesWhoeverWaits) {
  BatchQueue queue(1000, &Clock::System());
  std::thread waits([&] { EXPECT_TRUE(queue.Pop(1000).empty()); });
  queue.Close();
  waits.join();
}

// A thread in WaitFor, on a clock that stands still.
class WaitForTest : public ::testing::Test {
 protected:
  ~WaitForTest() override {
    queue_.Close();
    if (thread_.joinable()) thread_.join();
  }

  void Push() {
    Storage::Done done = [] {};
    ASSERT_TRUE(queue_.Push(&batch_, done).ok());
  }

  // Returns when it waits.
  void Start(size_t batches) {
    thread_ = std::thread([this, batches] {
      there_ = queue_.WaitFor(batches, clock_.Now() + milliseconds(5));
    });
    while (clock_.pending_timers() == 0) std::this_thread::yield();
  }

  size_t There() {
    thread_.join();
    return there_;
  }

  coffer_testing::ManualClock clock_;
  BatchQueue queue_{1000, &clock_};
  Batch batch_;
  std::thread thread_;
  size_t there_ = 0;
};

TEST_F(WaitForTest, SoManyThatAreThereAlready) {
  Push();
  Push();
  EXPECT_EQ(queue_.WaitFor(2, clock_.Now() + milliseconds(5)), 2u);
  EXPECT_EQ(queue_.size(), 2u);
}

TEST_F(WaitForTest, EndsWithTheLastOfThem) {
  Push();
  Start(3);
  Push();
  EXPECT_EQ(clock_.pending_timers(), 1u) << "one is missing still";
  Push();
  EXPECT_EQ(There(), 3u);
}

TEST_F(WaitForTest, EndsWithItsTime) {
  Push();
  Start(2);
  clock_.AdvanceBy(milliseconds(5));
  EXPECT_EQ(There(), 1u);
}

TEST_F(WaitForTest, EndsWhenItIsClosed) {
  Start(2);
  queue_.Close();
  EXPECT_EQ(There(), 0u);
  EXPECT_EQ(queue_.WaitFor(2, clock_.Now() + milliseconds(5)), 0u);
}

// However its end and its time meet.
TEST_F(WaitForTest, TheNextOneIsNotEndedByTheOneBefore) {
  for (int i = 0; i < 100; ++i) {
    Start(queue_.size() + 1);
    std::thread time([this] { clock_.AdvanceBy(milliseconds(5)); });
    Push();
    time.join();
    There();
    EXPECT_EQ(queue_.Pop(1000).size(), 1u);
    Start(1);
    EXPECT_EQ(clock_.pending_timers(), 1u);
    clock_.AdvanceBy(milliseconds(5));
    EXPECT_EQ(There(), 0u);
  }
}

}  // namespace
}  // namespace coffer::server
