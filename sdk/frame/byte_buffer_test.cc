#include "coffer/sdk/frame/byte_buffer.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

TEST(ByteBuffer, HoldsNothingAtFirst) {
  ByteBuffer buffer;
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_EQ(buffer.data(), nullptr);
}

TEST(ByteBuffer, ReallocateKeepsPartOfItself) {
  ByteBuffer buffer;
  buffer.Reallocate(8);
  std::memcpy(buffer.data(), "abcdefgh", 8);
  buffer.Reallocate(100, absl::string_view(buffer.data() + 3, 4));
  EXPECT_EQ(buffer.capacity(), 100u);
  EXPECT_EQ(std::string(buffer.data(), 4), "defg");
}

TEST(ByteBufferDeathTest, ReallocateToLessThanIsKeptIsABug) {
  ByteBuffer buffer;
  EXPECT_DEATH(buffer.Reallocate(2, "abc"), "kept.size");
}

TEST(ByteBuffer, MoveLeavesTheSourceEmpty) {
  ByteBuffer from;
  from.Reallocate(8);
  const char* const memory = from.data();
  ByteBuffer to(std::move(from));
  EXPECT_EQ(to.data(), memory);
  EXPECT_EQ(to.capacity(), 8u);
  EXPECT_EQ(from.capacity(), 0u);  // NOLINT(bugprone-use-after-move)
  from = std::move(to);
  EXPECT_EQ(from.data(), memory);
  EXPECT_EQ(to.capacity(), 0u);  // NOLINT(bugprone-use-after-move)
}

TEST(ByteBuffer, FreeIfLargeKeepsWhatIsSmall) {
  ByteBuffer buffer;
  buffer.Reallocate(kKeepBytes);
  buffer.FreeIfLarge();
  EXPECT_EQ(buffer.capacity(), kKeepBytes);
  buffer.Reallocate(kKeepBytes + 1);
  buffer.FreeIfLarge();
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_EQ(buffer.data(), nullptr);
}

}  // namespace
}  // namespace coffer::internal
