// Matchers for protobuf messages; a mismatch prints the fields that differ:
//
//   EXPECT_THAT(response, EqualsProto("status: 200 values { integer: 3 }"));
//   EXPECT_THAT(response, EqualsProto(expected));
//   EXPECT_THAT(response, Partially(EqualsProto("status: 404")));
//   EXPECT_THAT(response,
//               IgnoringFields({"request_id"}, EqualsProto(expected)));
//   EXPECT_THAT(response, Approximately(EqualsProto(expected), 0.01));
//
// The three modifiers nest in any order.

#ifndef COFFER_TESTING_PROTO_MATCHERS_H_
#define COFFER_TESTING_PROTO_MATCHERS_H_

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/message.h"

namespace coffer_testing {
namespace internal {

// What to expect, and which differences count.
class EqualsProtoMatcher {
 public:
  explicit EqualsProtoMatcher(const google::protobuf::Message& expected);
  explicit EqualsProtoMatcher(std::string expected_text);

  bool MatchAndExplain(const google::protobuf::Message& actual,
                       ::testing::MatchResultListener* listener) const;
  void DescribeTo(std::ostream* os) const;
  void DescribeNegationTo(std::ostream* os) const;

  void set_partial() { partial_ = true; }
  void set_margin(double margin) { margin_ = margin; }
  void ignore(const std::vector<std::string>& fields) {
    ignored_.insert(ignored_.end(), fields.begin(), fields.end());
  }

 private:
  std::string Expected() const;

  std::shared_ptr<const google::protobuf::Message> message_;
  std::string text_;  // without message_
  bool partial_ = false;
  std::optional<double> margin_;
  std::vector<std::string> ignored_;
};

}  // namespace internal

using ProtoMatcher =
    ::testing::PolymorphicMatcher<internal::EqualsProtoMatcher>;

// The message is copied.
ProtoMatcher EqualsProto(const google::protobuf::Message& expected);
// Text that is not a message of the actual's type fails the test, also inside
// Not().
ProtoMatcher EqualsProto(std::string expected_text);

// Fields that the expected message does not set do not count.
ProtoMatcher Partially(ProtoMatcher matcher);

// The fields, wherever they are, do not count. A field is given by its full
// name, or as a name in the message itself; one that there is not fails the
// test, also inside Not().
ProtoMatcher IgnoringFields(std::vector<std::string> fields,
                            ProtoMatcher matcher);

// Floating-point fields may differ by `margin`.
ProtoMatcher Approximately(ProtoMatcher matcher, double margin = 1e-6);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_PROTO_MATCHERS_H_
