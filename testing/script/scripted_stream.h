// ScriptedStream: a stream whose other side says what its script says, byte by
// byte: for codecs and for protocols that are not frames of messages
// (scripted_peer.h is for those).
//
//   ScriptedStream stream("server", time.get_executor(), time.clock());
//   stream.Expect("PING\r\n").Reply("PONG\r\n").Chunked({1});
//   stream.ExpectEnd();
//   CodeUnderTest code(std::move(stream));
//
// It is a MemoryPipe's end, and keeps its contract; the steps go along when it
// is moved. However the bytes are divided, they are compared as they come: the
// first that differs, bytes behind the last step, and an end before it fail the
// test at once, with name, step, place, what came and the rest of the script,
// and reset the connection. Steps that were not reached when the stream is
// destroyed fail the test too.
//
// Threads: those of the executor. Ownership: refers to the clock, which has to
// move for pieces and delays: run it with VirtualTime, for a ManualClock stands
// still by itself.

#ifndef COFFER_TESTING_SCRIPT_SCRIPTED_STREAM_H_
#define COFFER_TESTING_SCRIPT_SCRIPTED_STREAM_H_

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "coffer/sdk/clock.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/script/script_step.h"

namespace coffer_testing {

namespace internal {
class ScriptedBytes;
}

class ScriptedStream : public MemoryPipe {
 public:
  using Where = std::source_location;
  using lowest_layer_type = ScriptedStream;

  class Step : public ScriptStep {
   public:
    using ScriptStep::ScriptStep;

    Step& Reply(std::string bytes) {
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

  ScriptedStream(std::string name, boost::asio::any_io_executor executor,
                 coffer::Clock& clock, MemoryPipeOptions options = {},
                 Where where = Where::current());
  ScriptedStream(ScriptedStream&&) noexcept = default;
  ScriptedStream& operator=(ScriptedStream&& other) noexcept;
  ~ScriptedStream();

  lowest_layer_type& lowest_layer() { return *this; }
  const lowest_layer_type& lowest_layer() const { return *this; }

  // These bytes come next; at least one.
  Step Expect(std::string bytes, Where where = Where::current());
  // No more come: shutdown, close or destruction. What destroys the stream is
  // too late for it.
  Step ExpectEnd(Where where = Where::current());
  // Says something of itself, as soon as the steps before have come true.
  Step Push(std::string bytes, Where where = Where::current());

  // All steps have come true.
  bool done() const;

 private:
  ScriptedStream(std::string name, std::pair<MemoryPipe, MemoryPipe> ends,
                 coffer::Clock& clock, Where where);

  std::shared_ptr<internal::ScriptedBytes> script_;  // null: moved from
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SCRIPT_SCRIPTED_STREAM_H_
