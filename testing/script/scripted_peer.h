// ScriptedPeer: the other side of a connection, which says what its script says
// and nothing else. Messages go through the real framing:
//
//   VirtualTime time;
//   auto [near, far] = MakeMemoryPipe(time.get_executor());
//   ScriptedPeer<CommandRequest, CommandResponse> server(
//       "server", std::move(far), time.clock());
//   server.Expect(EqualsProto("hget { table: 't' key: 'a' }"))
//       .Reply(red).After(std::chrono::milliseconds(50)).Chunked({1, 3, 7});
//   server.Expect(_).Reply(blue).ThenEof(5);  // in the middle of a frame
//   ...                                       // the code under test, on `near`
//
// `In` is what it receives, `Out` what it sends. A message that the step that
// is due does not expect, or one behind the last step, fails the test at once,
// with the peer's name, the number of the step, the message and the rest of the
// script, and resets the connection, so that nobody waits for an answer that
// will not come. So does the end of what the other side sends, before the last
// step: unless ExpectEnd is due. Steps that were not reached when the peer is
// destroyed fail the test too. Messages that do not parse count as unexpected,
// and so does an end within a frame, also behind the last step.
//
// Steps may be added at any time. The clock has to move for pieces and delays:
// run it with VirtualTime, for a ManualClock stands still by itself. Threads:
// those of the stream's executor, on which nothing here ever waits. Ownership:
// holds its end; refers to the clock.

#ifndef COFFER_TESTING_SCRIPT_SCRIPTED_PEER_H_
#define COFFER_TESTING_SCRIPT_SCRIPTED_PEER_H_

#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <source_location>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/testing/encode_frames.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/script/script.h"
#include "coffer/testing/script/script_step.h"
#include "coffer/testing/script/script_writer.h"
#include "gmock/gmock.h"

namespace coffer_testing {

template <class In, class Out>
class ScriptedPeer {
 public:
  using Where = std::source_location;

  class Step : public ScriptStep {
   public:
    using ScriptStep::ScriptStep;

    Step& Reply(const Out& message) {
      AddReply(EncodeFrames(message));
      return *this;
    }
    // Bytes, of any number of frames or of none.
    Step& ReplyBytes(std::string bytes) {
      AddReply(std::move(bytes));
      return *this;
    }
    Step& After(coffer::Clock::Duration delay) {
      ScriptStep::After(delay);
      return *this;
    }
    Step& Chunked(std::vector<size_t> sizes) {
      ScriptStep::Chunked(std::move(sizes));
      return *this;
    }
  };

  ScriptedPeer(std::string name, MemoryPipe end, coffer::Clock& clock,
               Where where = Where::current())
      : state_(std::make_shared<State>(std::move(name), std::move(end), clock,
                                       where)) {
    state_->Receive();
  }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;
  ~ScriptedPeer() { state_->Stop(); }

  // The next message is like that.
  Step Expect(::testing::Matcher<const In&> matcher,
              Where where = Where::current()) {
    std::ostringstream description;
    matcher.DescribeTo(&description);
    state_->matchers.push_back(std::move(matcher));
    return Step(state_->script.Add(
        internal::Script::Kind::kExpect,
        absl::StrCat("expects a message that ", description.str()),
        state_->matchers.size() - 1, where));
  }

  // The other side sends no more.
  Step ExpectEnd(Where where = Where::current()) {
    return Step(state_->script.Add(internal::Script::Kind::kExpectEnd,
                                   "expects the end of input", 0, where));
  }

  // Says something of itself, as soon as the steps before have come true.
  Step Push(const Out& message, Where where = Where::current()) {
    return PushBytes(EncodeFrames(message), where);
  }
  Step PushBytes(std::string bytes, Where where = Where::current()) {
    Step step(state_->script.Add(internal::Script::Kind::kPush,
                                 "says something of itself", 0, where));
    step.ReplyBytes(std::move(bytes));
    boost::asio::post(state_->framed.get_executor(),
                      [state = state_] { state->Advance(); });
    return step;
  }

  // All steps have come true; what they say may be under way.
  bool done() const { return state_->script.empty(); }

 private:
  using Kind = internal::Script::Kind;

  struct State : std::enable_shared_from_this<State> {
    State(std::string name, MemoryPipe end, coffer::Clock& clock, Where where)
        : framed(std::move(end)),
          script(std::move(name), where),
          writer(std::make_shared<internal::ScriptWriter>(&framed.next_layer(),
                                                          &clock)),
          answers(writer) {}

    void Receive() {
      framed.Next([self = this->shared_from_this()](
                      boost::system::error_code error, In message) {
        if (self->stopped) return;
        self->Advance();
        if (error) return self->OnEnd(error);
        self->OnMessage(message);
        if (!self->script.failed()) self->Receive();
      });
    }

    void OnMessage(const In& message) {
      if (script.empty()) {
        return Refuse(absl::StrCat("an unexpected message: ",
                                   message.ShortDebugString()));
      }
      ::testing::StringMatchResultListener why;
      if (script.front().kind != Kind::kExpect ||
          !matchers[script.front().index].MatchAndExplain(message, &why)) {
        return Refuse(
            absl::StrCat("got another message: ", message.ShortDebugString(),
                         why.str().empty() ? "" : "\n", why.str()));
      }
      answers.Send(script.TakeFront());
      Advance();
    }

    void OnEnd(boost::system::error_code error) {
      // What does not decode, or ends within a frame, is unexpected always.
      if (error.category() == coffer::FrameCategory() ||
          (error != boost::asio::error::eof && !script.empty())) {
        return Refuse(
            absl::StrCat("the other side's input ends: ",
                         std::string(framed.read_status().message())));
      }
      if (script.empty()) return;
      if (script.front().kind != Kind::kExpectEnd) {
        return Refuse("the other side has ended its sending");
      }
      answers.Send(script.TakeFront());
      Advance();
    }

    // Says what is to be said of itself.
    void Advance() {
      while (!stopped && !script.failed() && !script.empty() &&
             script.front().kind == Kind::kPush) {
        answers.Send(script.TakeFront());
      }
    }

    // Nobody is to wait for an answer that will not come.
    void Refuse(const std::string& why) {
      script.Fail(why);
      writer->Stop();
      framed.next_layer().reset();
    }

    void Stop() {
      stopped = true;
      writer->Stop();
      framed.next_layer().close();
      script.FailIfUnfinished(answers);
    }

    coffer::FramedStream<MemoryPipe, In, Out> framed;
    internal::Script script;
    const std::shared_ptr<internal::ScriptWriter> writer;
    internal::ScriptAnswers answers;
    std::vector<::testing::Matcher<const In&>> matchers;
    bool stopped = false;
  };

  const std::shared_ptr<State> state_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SCRIPT_SCRIPTED_PEER_H_
