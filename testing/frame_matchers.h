// Matchers for frames on the wire, in a string of bytes such as
// DummyStream::written(), decoded by the production FrameDecoder:
//
//   EXPECT_THAT(bytes, Frames<CommandResponse>(ElementsAre(
//                          EqualsProto("status: 200"), EqualsProto(other))));
//   EXPECT_THAT(bytes, Frames(ElementsAre(
//                          FrameIs<CommandResponse>(true, Lt(2000), body))));
//   EXPECT_THAT(bytes, HasFrame<CommandResponse>(EqualsProto("status: 200")));
//   EXPECT_THAT(bytes, FrameIs<CommandResponse>(false, 3, body));  // just one
//
// Bytes that are not whole, well-formed frames of such messages match none of
// them and fail the test, also inside Not(): it says what is wrong, where.

#ifndef COFFER_TESTING_FRAME_MATCHERS_H_
#define COFFER_TESTING_FRAME_MATCHERS_H_

#include <cstddef>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/message_parser.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {

struct Frame {
  bool compressed = false;
  size_t payload_bytes = 0;  // on the wire, without the header
  std::string payload;       // uncompressed

  friend std::ostream& operator<<(std::ostream& out, const Frame& frame);
};

// All frames of `bytes`, which they must fill. An error says how many frames
// came before it.
absl::StatusOr<std::vector<Frame>> DecodeFrames(absl::string_view bytes);

namespace internal {

template <class Message>
absl::StatusOr<std::vector<Message>> DecodeMessages(absl::string_view bytes) {
  absl::StatusOr<std::vector<Frame>> frames = DecodeFrames(bytes);
  if (!frames.ok()) return frames.status();
  std::vector<Message> messages(frames->size());
  for (size_t i = 0; i < messages.size(); ++i) {
    const absl::Status parsed =
        coffer::ParseMessage((*frames)[i].payload, &messages[i]);
    if (!parsed.ok()) {
      return absl::Status(parsed.code(),
                          absl::StrCat("frame ", i, ": ", parsed.message()));
    }
  }
  return messages;
}

// Fails the test: Not() would make a success of a mismatch.
inline void FailUndecodable(const absl::Status& why) {
  ADD_FAILURE() << "bytes that are no such frames: " << why;
}

// Applies `inner` to what `Decode` makes of the bytes.
template <class Decoded, class Inner>
class BytesMatcher {
 public:
  using Decode = absl::StatusOr<Decoded> (*)(absl::string_view);

  BytesMatcher(const char* what, Decode decode, Inner inner)
      : what_(what), decode_(decode), inner_(std::move(inner)) {}

  bool MatchAndExplain(absl::string_view bytes,
                       ::testing::MatchResultListener* listener) const {
    const absl::StatusOr<Decoded> decoded = decode_(bytes);
    if (!decoded.ok()) {
      FailUndecodable(decoded.status());
      *listener << "which is not a sequence of frames: " << decoded.status();
      return false;
    }
    *listener << "which holds " << ::testing::PrintToString(*decoded) << " ";
    return Matcher().MatchAndExplain(*decoded, listener);
  }
  void DescribeTo(std::ostream* os) const {
    *os << what_;
    Matcher().DescribeTo(os);
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "not: ";
    DescribeTo(os);
  }

 private:
  ::testing::Matcher<const Decoded&> Matcher() const {
    return ::testing::SafeMatcherCast<const Decoded&>(inner_);
  }

  const char* what_;
  Decode decode_;
  Inner inner_;
};

template <class Message>
class FrameIsMatcher {
 public:
  FrameIsMatcher(::testing::Matcher<bool> compressed,
                 ::testing::Matcher<size_t> payload_bytes,
                 ::testing::Matcher<const Message&> body)
      : compressed_(std::move(compressed)),
        payload_bytes_(std::move(payload_bytes)),
        body_(std::move(body)) {}

  bool MatchAndExplain(const Frame& frame,
                       ::testing::MatchResultListener* listener) const {
    Message message;
    const absl::Status parsed = coffer::ParseMessage(frame.payload, &message);
    if (!parsed.ok()) {
      *listener << "whose payload is no such message: " << parsed;
      return false;
    }
    *listener << "which is " << (frame.compressed ? "" : "not ")
              << "compressed, has a payload of " << frame.payload_bytes
              << " bytes and holds " << ::testing::PrintToString(message)
              << " ";
    return compressed_.Matches(frame.compressed) &&
           payload_bytes_.Matches(frame.payload_bytes) &&
           body_.MatchAndExplain(message, listener);
  }
  // A string that is exactly one frame.
  bool MatchAndExplain(absl::string_view bytes,
                       ::testing::MatchResultListener* listener) const {
    const absl::StatusOr<std::vector<Frame>> frames = DecodeFrames(bytes);
    if (!frames.ok()) {
      FailUndecodable(frames.status());
      *listener << "which is not a frame: " << frames.status();
      return false;
    }
    if (frames->size() != 1) {
      *listener << "which is " << frames->size() << " frames";
      return false;
    }
    Message message;
    const absl::Status parsed =
        coffer::ParseMessage(frames->front().payload, &message);
    if (!parsed.ok()) FailUndecodable(parsed);
    return MatchAndExplain(frames->front(), listener);
  }
  void DescribeTo(std::ostream* os) const {
    *os << "is a frame whose compression ";
    compressed_.DescribeTo(os);
    *os << ", whose payload's size ";
    payload_bytes_.DescribeTo(os);
    *os << " and whose message ";
    body_.DescribeTo(os);
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "not: ";
    DescribeTo(os);
  }

 private:
  ::testing::Matcher<bool> compressed_;
  ::testing::Matcher<size_t> payload_bytes_;
  ::testing::Matcher<const Message&> body_;
};

}  // namespace internal

// Bytes whose frames, as a container of Frame, match.
template <class ContainerMatcher>
auto Frames(ContainerMatcher frames) {
  return ::testing::MakePolymorphicMatcher(
      internal::BytesMatcher<std::vector<Frame>, ContainerMatcher>(
          "has frames that ", &DecodeFrames, std::move(frames)));
}

// Bytes whose frames' messages, as a container of Message, match.
template <class Message, class ContainerMatcher>
auto Frames(ContainerMatcher messages) {
  return ::testing::MakePolymorphicMatcher(
      internal::BytesMatcher<std::vector<Message>, ContainerMatcher>(
          "has messages that ", &internal::DecodeMessages<Message>,
          std::move(messages)));
}

// Bytes in which at least one frame's message matches.
template <class Message, class MessageMatcher>
auto HasFrame(MessageMatcher message) {
  return Frames<Message>(::testing::Contains(std::move(message)));
}

// A Frame, or bytes that are one frame. `payload_bytes` is the size on the
// wire. A Frame of another message, among others, is only a mismatch.
template <class Message>
auto FrameIs(::testing::Matcher<bool> compressed,
             ::testing::Matcher<size_t> payload_bytes,
             ::testing::Matcher<const Message&> body) {
  return ::testing::MakePolymorphicMatcher(internal::FrameIsMatcher<Message>(
      std::move(compressed), std::move(payload_bytes), std::move(body)));
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_FRAME_MATCHERS_H_
