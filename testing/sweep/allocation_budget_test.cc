#include "coffer/testing/sweep/allocation_budget.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "coffer/testing/sweep/failures_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {

// Its name is to be found in a message.
__attribute__((noinline)) std::string KeyThatMayAllocate(int table, int key) {
  return "t" + std::to_string(table) + ":" + std::to_string(key);
}

namespace {

using internal::FailuresOf;
using Failures = std::vector<internal::CapturedFailures::Failure>;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// What the compiler cannot leave out.
void* volatile kept = nullptr;

// Has no storage of its own for what is formatted.
class RightKey {
 public:
  RightKey(int table, int key) {
    std::snprintf(text_.data(), text_.size(), "t%d:%d", table, key);
  }

 private:
  std::array<char, 32> text_;
};

TEST(AllocationBudgetTest, PathWithoutAllocationPasses) {
  const AllocationBudget budget{0};
  for (int i = 0; i < 1000; ++i) {
    RightKey key(1'000'000 + i, 1'000'000 + i);
    kept = &key;
  }
  kept = nullptr;
}

// Short strings are kept inside std::string: only long keys show it.
TEST(AllocationBudgetTest, PathThatAllocatesSometimesFails) {
  const Failures passes = FailuresOf([] {
    const AllocationBudget budget{0};
    KeyThatMayAllocate(1, 2);
  });
  EXPECT_THAT(passes, SizeIs(0));

  uint32_t line = 0;
  const Failures failures = FailuresOf([&] {
    line = std::source_location::current().line() + 1;
    const AllocationBudget budget{0};
    KeyThatMayAllocate(12345678, 12345678);
  });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message,
              AllOf(HasSubstr("AllocationBudget: 1 allocations of "),
                    HasSubstr(" bytes in all, and 0 allowed"),
                    HasSubstr("The first too many, of "),
                    HasSubstr("KeyThatMayAllocate")));
  EXPECT_EQ(failures[0].line, static_cast<int>(line));
  EXPECT_THAT(failures[0].file, HasSubstr("allocation_budget_test.cc"));
}

TEST(AllocationBudgetTest, BudgetMayBeSpentAndNoMore) {
  const auto allocate = [](int times) {
    for (int i = 0; i < times; ++i) {
      const auto memory = std::make_unique<std::array<char, 100>>();
      kept = memory.get();
    }
  };
  EXPECT_THAT(FailuresOf([&] {
                const AllocationBudget budget{3};
                allocate(3);
              }),
              SizeIs(0));
  const Failures failures = FailuresOf([&] {
    const AllocationBudget budget{3};
    allocate(5);
  });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(
      failures[0].message,
      HasSubstr("5 allocations of 500 bytes in all, and 3 allowed. The first "
                "too many, of 100 bytes:"));
}

TEST(AllocationBudgetTest, EveryFormOfNewCounts) {
  struct alignas(64) Aligned {
    char bytes[64];
  };
  AllocationBudget budget{100};
  const auto counts = [&](uint64_t bytes, void* memory) {
    static uint64_t allocations_before = 0, bytes_before = 0;
    const bool grew = budget.allocations() == allocations_before + 1 &&
                      budget.bytes() == bytes_before + bytes;
    allocations_before = budget.allocations();
    bytes_before = budget.bytes();
    return grew && memory != nullptr;
  };
  const std::align_val_t alignment{64};
  bool all = true;
  int* const plain = new int;
  all &= counts(sizeof(int), plain);
  delete plain;
  char* const array = new char[10];
  all &= counts(10, array);
  delete[] array;
  Aligned* const aligned = new Aligned;
  all &= counts(64, aligned) && reinterpret_cast<uintptr_t>(aligned) % 64 == 0;
  delete aligned;
  Aligned* const aligned_array = new Aligned[2];
  all &= counts(128, aligned_array) &&
         reinterpret_cast<uintptr_t>(aligned_array) % 64 == 0;
  delete[] aligned_array;
  int* const nothrow = new (std::nothrow) int;
  all &= counts(sizeof(int), nothrow);
  delete nothrow;
  char* const nothrow_array = new (std::nothrow) char[7];
  all &= counts(7, nothrow_array);
  delete[] nothrow_array;
  Aligned* const nothrow_aligned = new (std::nothrow) Aligned;
  all &= counts(64, nothrow_aligned);
  delete nothrow_aligned;
  Aligned* const nothrow_aligned_array = new (std::nothrow) Aligned[3];
  all &= counts(192, nothrow_aligned_array);
  delete[] nothrow_aligned_array;
  void* const called = ::operator new(0, alignment);
  all &= counts(0, called);
  ::operator delete(called, alignment);
  budget.End();
  EXPECT_TRUE(all);
  EXPECT_EQ(budget.allocations(), 9u);
}

// Asio takes memory from aligned_alloc, not from operator new.
TEST(AllocationBudgetTest, HandlersOfAsioCount) {
  boost::asio::io_context io;
  std::array<char, 256> large = {};
  boost::asio::post(io, [large] { kept = const_cast<char*>(large.data()); });
  io.run();
  io.restart();
  AllocationBudget budget{1};
  boost::asio::post(io, [large] { kept = const_cast<char*>(large.data()); });
  budget.End();
  EXPECT_EQ(budget.allocations(), 1u);
  EXPECT_GT(budget.bytes(), 256u);
  io.run();
}

TEST(AllocationBudgetTest, NothingCountsAfterTheEnd) {
  AllocationBudget budget{0};
  budget.End();
  const auto memory = std::make_unique<std::array<char, 100>>();
  kept = memory.get();
  EXPECT_EQ(budget.allocations(), 0u);
  EXPECT_EQ(budget.bytes(), 0u);
}

TEST(AllocationBudgetTest, EndingTwiceFails) {
  const Failures failures = FailuresOf([] {
    AllocationBudget budget{0};
    budget.End();
    budget.End();
  });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message, HasSubstr("ended twice"));
}

TEST(AllocationBudgetTest, OtherThreadsDoNotCount) {
  uint64_t theirs = 0;
  AllocationBudget ours{10};
  std::thread other([&] {
    AllocationBudget budget{10};
    for (int i = 0; i < 3; ++i) kept = std::make_unique<int>(i).get();
    budget.End();
    theirs = budget.allocations();
  });
  other.join();
  ours.End();
  EXPECT_EQ(theirs, 3u);
  EXPECT_EQ(ours.allocations(), 1u) << "std::thread keeps the lambda";
}

TEST(AllocationBudgetTest, BudgetsNestAndEndInAnyOrder) {
  std::optional<AllocationBudget> outer, inner;
  outer.emplace(10);
  kept = std::make_unique<int>(1).get();
  inner.emplace(10);
  kept = std::make_unique<int>(2).get();
  outer.reset();
  kept = std::make_unique<int>(3).get();
  inner->End();
  EXPECT_EQ(inner->allocations(), 2u);
}

TEST(AllocationBudgetDeathTest, IsDestroyedOnItsThread) {
  EXPECT_DEATH(
      {
        auto budget = std::make_unique<AllocationBudget>(10);
        std::thread([&] { budget.reset(); }).join();
      },
      "ends on the thread that made it");
}

}  // namespace
}  // namespace coffer_testing
