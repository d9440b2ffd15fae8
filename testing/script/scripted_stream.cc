#include "coffer/testing/script/scripted_stream.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/script/script.h"
#include "coffer/testing/script/script_writer.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace internal {

namespace {

std::string Quoted(absl::string_view bytes) {
  constexpr size_t kShown = 64;
  return absl::StrCat("\"", absl::CHexEscape(bytes.substr(0, kShown)), "\"",
                      bytes.size() > kShown ? "..." : "");
}

}  // namespace

// The other side.
class ScriptedBytes : public std::enable_shared_from_this<ScriptedBytes> {
 public:
  using Kind = Script::Kind;

  ScriptedBytes(std::string name, MemoryPipe end, coffer::Clock& clock,
                std::source_location where)
      : pipe_(std::move(end)),
        script_(std::move(name), where),
        writer_(std::make_shared<ScriptWriter>(&pipe_, &clock)),
        answers_(writer_) {}

  std::shared_ptr<Script::Step> Expect(std::string bytes,
                                       std::source_location where) {
    expected_.push_back(std::move(bytes));
    return script_.Add(Kind::kExpect,
                       absl::StrCat("expects ", Quoted(expected_.back())),
                       expected_.size() - 1, where);
  }
  std::shared_ptr<Script::Step> ExpectEnd(std::source_location where) {
    return script_.Add(Kind::kExpectEnd, "expects the end of input", 0, where);
  }
  std::shared_ptr<Script::Step> Push(const std::string& bytes,
                                     std::source_location where) {
    boost::asio::post(pipe_.get_executor(),
                      [self = shared_from_this()] { self->Advance(); });
    return script_.Add(Kind::kPush, absl::StrCat("says ", Quoted(bytes)), 0,
                       where);
  }

  bool done() const { return script_.empty(); }

  void Receive() {
    pipe_.async_read_some(
        boost::asio::buffer(buffer_),
        [self = shared_from_this()](boost::system::error_code error,
                                    size_t bytes) {
          if (self->stopped_) return;
          self->Advance();
          if (error) return self->OnEnd(error);
          self->OnBytes(absl::string_view(self->buffer_.data(), bytes));
          if (!self->script_.failed()) self->Receive();
        });
  }

  void Stop() {
    stopped_ = true;
    writer_->Stop();
    pipe_.close();
    script_.FailIfUnfinished(answers_);
  }

 private:
  void OnBytes(absl::string_view bytes) {
    while (!bytes.empty()) {
      if (script_.empty()) {
        return Refuse(absl::StrCat("unexpected bytes: ", Quoted(bytes)));
      }
      if (script_.front().kind != Kind::kExpect) {
        return Refuse(absl::StrCat("got bytes: ", Quoted(bytes)));
      }
      const absl::string_view expected =
          absl::string_view(expected_[script_.front().index]).substr(matched_);
      const size_t common = std::min(expected.size(), bytes.size());
      const auto differs = std::mismatch(
          bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(common),
          expected.begin());
      const size_t same = static_cast<size_t>(differs.first - bytes.begin());
      matched_ += same;
      if (same < common) {
        return Refuse(absl::StrCat("byte ", matched_, " differs: got ",
                                   Quoted(bytes.substr(same))));
      }
      bytes.remove_prefix(same);
      if (same < expected.size()) return;
      matched_ = 0;
      answers_.Send(script_.TakeFront());
      Advance();
    }
  }

  void OnEnd(boost::system::error_code error) {
    if (script_.empty()) return;
    if (error == boost::asio::error::eof && matched_ == 0 &&
        script_.front().kind == Kind::kExpectEnd) {
      answers_.Send(script_.TakeFront());
      return Advance();
    }
    Refuse(absl::StrCat("the other side has ended (", error.message(), "), ",
                        matched_, " bytes into the step"));
  }

  void Advance() {
    while (!stopped_ && !script_.failed() && !script_.empty() &&
           script_.front().kind == Kind::kPush) {
      answers_.Send(script_.TakeFront());
    }
  }

  // Nobody is to wait for an answer that will not come.
  void Refuse(const std::string& why) {
    script_.Fail(why);
    writer_->Stop();
    pipe_.reset();
  }

  MemoryPipe pipe_;
  Script script_;
  const std::shared_ptr<ScriptWriter> writer_;
  ScriptAnswers answers_;
  std::vector<std::string> expected_;
  size_t matched_ = 0;  // bytes of the step that is due
  std::array<char, 4096> buffer_;
  bool stopped_ = false;
};

}  // namespace internal

using internal::ScriptedBytes;

ScriptedStream::ScriptedStream(std::string name,
                               boost::asio::any_io_executor executor,
                               coffer::Clock& clock, MemoryPipeOptions options,
                               Where where)
    : ScriptedStream(std::move(name),
                     MakeMemoryPipe(std::move(executor), options, where), clock,
                     where) {}

ScriptedStream::ScriptedStream(std::string name,
                               std::pair<MemoryPipe, MemoryPipe> ends,
                               coffer::Clock& clock, Where where)
    : MemoryPipe(std::move(ends.first)),
      script_(std::make_shared<ScriptedBytes>(
          std::move(name), std::move(ends.second), clock, where)) {
  script_->Receive();
}

ScriptedStream& ScriptedStream::operator=(ScriptedStream&& other) noexcept {
  if (this == &other) return *this;
  if (script_ != nullptr) script_->Stop();
  MemoryPipe::operator=(std::move(other));
  script_ = std::move(other.script_);
  return *this;
}

ScriptedStream::~ScriptedStream() {
  if (script_ != nullptr) script_->Stop();
}

ScriptedStream::Step ScriptedStream::Expect(std::string bytes, Where where) {
  if (bytes.empty()) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "Expect(\"\") expects nothing";
  }
  return Step(script_->Expect(std::move(bytes), where));
}

ScriptedStream::Step ScriptedStream::ExpectEnd(Where where) {
  return Step(script_->ExpectEnd(where));
}

ScriptedStream::Step ScriptedStream::Push(std::string bytes, Where where) {
  Step step(script_->Push(bytes, where));
  step.Reply(std::move(bytes));
  return step;
}

bool ScriptedStream::done() const { return script_->done(); }

}  // namespace coffer_testing
