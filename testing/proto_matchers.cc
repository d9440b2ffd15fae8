#include "coffer/testing/proto_matchers.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/field_comparator.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::DefaultFieldComparator;
using google::protobuf::util::MessageDifferencer;

const FieldDescriptor* FindField(const Descriptor& type,
                                 const std::string& name) {
  const FieldDescriptor* const own = type.FindFieldByName(name);
  return own != nullptr ? own : type.file()->pool()->FindFieldByName(name);
}

}  // namespace

namespace internal {

EqualsProtoMatcher::EqualsProtoMatcher(const Message& expected) {
  std::shared_ptr<Message> copy(expected.New());
  copy->CopyFrom(expected);
  message_ = std::move(copy);
}

EqualsProtoMatcher::EqualsProtoMatcher(std::string expected_text)
    : text_(std::move(expected_text)) {}

bool EqualsProtoMatcher::MatchAndExplain(
    const Message& actual, ::testing::MatchResultListener* listener) const {
  std::shared_ptr<const Message> expected = message_;
  const std::string& type = actual.GetDescriptor()->full_name();
  if (expected == nullptr) {
    std::shared_ptr<Message> parsed(actual.New());
    if (!google::protobuf::TextFormat::ParseFromString(text_, parsed.get())) {
      // Said aloud, as Not() would make a success of a mismatch.
      ADD_FAILURE() << "the expected text is not a " << type << ": " << text_;
      *listener << "the expected text is not a " << type;
      return false;
    }
    expected = std::move(parsed);
  }
  if (expected->GetDescriptor() != actual.GetDescriptor()) {
    *listener << "which is a " << type << ", not a "
              << expected->GetDescriptor()->full_name();
    return false;
  }

  MessageDifferencer differencer;
  DefaultFieldComparator comparator;
  if (margin_) {
    comparator.set_float_comparison(DefaultFieldComparator::APPROXIMATE);
    comparator.SetDefaultFractionAndMargin(0, *margin_);
    differencer.set_field_comparator(&comparator);
  }
  if (partial_) differencer.set_scope(MessageDifferencer::PARTIAL);
  for (const std::string& name : ignored_) {
    const FieldDescriptor* const field =
        FindField(*actual.GetDescriptor(), name);
    if (field == nullptr) {
      ADD_FAILURE() << "there is no field " << name << " to ignore in a "
                    << type;
      *listener << "there is no field " << name << " to ignore";
      return false;
    }
    differencer.IgnoreField(field);
  }
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  if (differencer.Compare(*expected, actual)) return true;
  *listener << "which differs in:\n" << differences;
  return false;
}

std::string EqualsProtoMatcher::Expected() const {
  std::string described =
      absl::StrCat("{ ", message_ ? message_->ShortDebugString() : text_, " }");
  if (partial_) absl::StrAppend(&described, " in the fields set there");
  if (margin_) absl::StrAppend(&described, " within ", *margin_);
  if (!ignored_.empty()) {
    absl::StrAppend(&described, " ignoring ", absl::StrJoin(ignored_, ", "));
  }
  return described;
}

void EqualsProtoMatcher::DescribeTo(std::ostream* os) const {
  *os << "equals " << Expected();
}

void EqualsProtoMatcher::DescribeNegationTo(std::ostream* os) const {
  *os << "does not equal " << Expected();
}

}  // namespace internal

ProtoMatcher EqualsProto(const Message& expected) {
  return ::testing::MakePolymorphicMatcher(
      internal::EqualsProtoMatcher(expected));
}

ProtoMatcher EqualsProto(std::string expected_text) {
  return ::testing::MakePolymorphicMatcher(
      internal::EqualsProtoMatcher(std::move(expected_text)));
}

ProtoMatcher Partially(ProtoMatcher matcher) {
  matcher.mutable_impl().set_partial();
  return matcher;
}

ProtoMatcher IgnoringFields(std::vector<std::string> fields,
                            ProtoMatcher matcher) {
  matcher.mutable_impl().ignore(fields);
  return matcher;
}

ProtoMatcher Approximately(ProtoMatcher matcher, double margin) {
  matcher.mutable_impl().set_margin(margin);
  return matcher;
}

}  // namespace coffer_testing
