// Matchers for absl::Status and absl::StatusOr:
//
//   EXPECT_THAT(storage.Sync(), IsOk());
//   EXPECT_THAT(encoder.Encode(big, &out),
//               StatusIs(absl::StatusCode::kResourceExhausted,
//                        HasSubstr("exceeds the limit")));
//   EXPECT_THAT(FromValue<int64_t>(value), IsOkAndHolds(42));
//
// A mismatch prints the whole status.

#ifndef COFFER_TESTING_STATUS_MATCHERS_H_
#define COFFER_TESTING_STATUS_MATCHERS_H_

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

namespace coffer_testing {
namespace internal {

inline const absl::Status& GetStatus(const absl::Status& status) {
  return status;
}

template <class T>
const absl::Status& GetStatus(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

class StatusIsMatcher {
 public:
  StatusIsMatcher(::testing::Matcher<absl::StatusCode> code,
                  ::testing::Matcher<const std::string&> message)
      : code_(std::move(code)), message_(std::move(message)) {}

  template <class StatusOrT>
  bool MatchAndExplain(const StatusOrT& actual,
                       ::testing::MatchResultListener* listener) const {
    const absl::Status& status = GetStatus(actual);
    *listener << "which is " << status;
    return code_.Matches(status.code()) &&
           message_.MatchAndExplain(std::string(status.message()), listener);
  }

  void DescribeTo(std::ostream* os) const {
    *os << "has a status code that ";
    code_.DescribeTo(os);
    *os << " and a message that ";
    message_.DescribeTo(os);
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "not: ";
    DescribeTo(os);
  }

 private:
  ::testing::Matcher<absl::StatusCode> code_;
  ::testing::Matcher<const std::string&> message_;
};

class IsOkMatcher {
 public:
  template <class StatusOrT>
  bool MatchAndExplain(const StatusOrT& actual,
                       ::testing::MatchResultListener* listener) const {
    *listener << "which is " << GetStatus(actual);
    return GetStatus(actual).ok();
  }

  void DescribeTo(std::ostream* os) const { *os << "is OK"; }
  void DescribeNegationTo(std::ostream* os) const { *os << "is not OK"; }
};

template <class StatusOrT>
class IsOkAndHoldsImpl : public ::testing::MatcherInterface<StatusOrT> {
 public:
  using Value = typename std::decay_t<StatusOrT>::value_type;

  template <class Inner>
  explicit IsOkAndHoldsImpl(const Inner& inner)
      : inner_(::testing::SafeMatcherCast<const Value&>(inner)) {}

  bool MatchAndExplain(
      StatusOrT actual,
      ::testing::MatchResultListener* listener) const override {
    if (!actual.ok()) {
      *listener << "which is " << actual.status();
      return false;
    }
    *listener << "which holds " << ::testing::PrintToString(*actual) << " ";
    return inner_.MatchAndExplain(*actual, listener);
  }

  void DescribeTo(std::ostream* os) const override {
    *os << "is OK and holds a value that ";
    inner_.DescribeTo(os);
  }
  void DescribeNegationTo(std::ostream* os) const override {
    *os << "is not OK or holds a value that ";
    inner_.DescribeNegationTo(os);
  }

 private:
  ::testing::Matcher<const Value&> inner_;
};

template <class Inner>
class IsOkAndHoldsMatcher {
 public:
  explicit IsOkAndHoldsMatcher(Inner inner) : inner_(std::move(inner)) {}

  template <class StatusOrT>
  operator ::testing::Matcher<StatusOrT>() const {  // NOLINT: as gmock's are
    return ::testing::Matcher<StatusOrT>(
        new IsOkAndHoldsImpl<StatusOrT>(inner_));
  }

 private:
  Inner inner_;
};

}  // namespace internal

// An OK Status, or a StatusOr that holds a value.
inline auto IsOk() {
  return ::testing::MakePolymorphicMatcher(internal::IsOkMatcher());
}

// A Status, or the status of a StatusOr, whose code and message match.
inline auto StatusIs(
    ::testing::Matcher<absl::StatusCode> code,
    ::testing::Matcher<const std::string&> message = ::testing::_) {
  return ::testing::MakePolymorphicMatcher(
      internal::StatusIsMatcher(std::move(code), std::move(message)));
}

// A StatusOr that holds a value equal to `inner`, or matched by it.
template <class Inner>
auto IsOkAndHolds(Inner&& inner) {
  return internal::IsOkAndHoldsMatcher<std::decay_t<Inner>>(
      std::forward<Inner>(inner));
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STATUS_MATCHERS_H_
