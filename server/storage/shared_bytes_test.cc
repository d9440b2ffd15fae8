#include "coffer/server/storage/shared_bytes.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

TEST(SharedBytes, DefaultIsNullAndReadsAsEmpty) {
  SharedBytes bytes;
  EXPECT_FALSE(bytes);
  EXPECT_EQ(bytes.size(), 0u);
  EXPECT_EQ(bytes.view(), "");
}

TEST(SharedBytes, CopyOfNothingIsEmptyButNotNull) {
  SharedBytes bytes = SharedBytes::Copy("");
  EXPECT_TRUE(bytes);
  EXPECT_EQ(bytes.size(), 0u);
  EXPECT_EQ(bytes.view(), "");
}

TEST(SharedBytes, CopyOutlivesItsSource) {
  auto source = std::make_unique<std::string>("a\0b", 3);
  SharedBytes bytes = SharedBytes::Copy(*source);
  source.reset();
  EXPECT_EQ(bytes.view(), absl::string_view("a\0b", 3));
}

TEST(SharedBytes, CopiesShareTheBytesUntilTheLastGoes) {
  SharedBytes first = SharedBytes::Copy("shared");
  SharedBytes second = first;
  EXPECT_EQ(first.view().data(), second.view().data());
  first = SharedBytes();
  EXPECT_FALSE(first);
  EXPECT_EQ(second.view(), "shared");
}

TEST(SharedBytes, MoveLeavesNull) {
  SharedBytes first = SharedBytes::Copy("moved");
  const char* data = first.view().data();
  SharedBytes second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.view().data(), data);
  SharedBytes third = SharedBytes::Copy("overwritten");
  third = std::move(second);
  EXPECT_EQ(third.view(), "moved");
}

TEST(SharedBytes, AssignedToItselfIsUnchanged) {
  SharedBytes bytes = SharedBytes::Copy("same");
  SharedBytes& alias = bytes;
  bytes = alias;
  EXPECT_EQ(bytes.view(), "same");
}

// The sanitizers see a race or a leak if the counting is wrong.
TEST(SharedBytes, CopiedAndDroppedOnManyThreadsIsFreedOnce) {
  for (int round = 0; round < 100; ++round) {
    SharedBytes bytes = SharedBytes::Copy(std::string(100, 'x'));
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([copy = bytes]() mutable {
        for (int n = 0; n < 100; ++n) {
          SharedBytes another = copy;
          copy = std::move(another);
        }
        EXPECT_EQ(copy.view(), std::string(100, 'x'));
      });
    }
    bytes = SharedBytes();
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace coffer::server
