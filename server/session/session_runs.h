// SessionRuns: executes the runs of one session and answers them: at once where
// the storage finishes inside Submit, else by way of the pipeline, as they are
// done.
//
// Threads: the stream's executor; the storage calls back on its own, by way of
// it. Completion: its coroutines are the session's, one at a time. Not to be
// destroyed while the pipeline has a run that executes: see Abandon.

#ifndef COFFER_SERVER_SESSION_SESSION_RUNS_H_
#define COFFER_SERVER_SESSION_SESSION_RUNS_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/service/service.h"
#include "coffer/server/session/answer_sender.h"
#include "coffer/server/session/peer.h"
#include "coffer/server/session/run_pipeline.h"
#include "coffer/server/session/session_wait.h"
#include "coffer/server/session/subscriptions.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

template <class Framed>
class SessionRuns {
 public:
  using EntryPtr = RunPipeline::EntryPtr;

  // Of the session; all outlive this.
  struct Parts {
    Service* service;
    Clock* clock;
    Peer* peer;
    Framed* stream;
    SessionWait<Framed>* wait;
    Subscriptions* subscriptions;
    AnswerSender<Framed>* sender;
  };

  explicit SessionRuns(const Parts& parts)
      : service_(*parts.service),
        clock_(*parts.clock),
        peer_(*parts.peer),
        stream_(*parts.stream),
        wait_(*parts.wait),
        subscriptions_(*parts.subscriptions),
        sender_(*parts.sender) {}

  // Those that are not answered yet.
  RunPipeline& pipeline() { return pipeline_; }
  const RunPipeline& pipeline() const { return pipeline_; }

  // The peer has said Hello: its writes are executed once, however often they
  // come.
  void SetClient(const v1::Hello& hello) {
    retries_ = service_.state().retries.Open(hello.client_id(),
                                             hello.next_request_id());
  }

  // Starts a run. True: it is finished, and is to be answered. False: there is
  // nothing to answer now; what the storage has not finished is in the
  // pipeline.
  bool Launch(EntryPtr& entry) {
    if (entry->run.empty()) return false;
    if (Submit(*entry)) return true;
    for (std::size_t i = 0; i < entry->run.size(); ++i) {
      const v1::CommandRequest& request = entry->run.request(i);
      entry->touched.Add(request, IsStrict(peer_, request));
    }
    pipeline_.Add(std::move(entry), State::kExecuting);
    return false;
  }

  // Executes and answers them, and takes them back; they wait for nothing.
  boost::asio::awaitable<absl::Status> AnswerPings(EntryPtr& pings) {
    absl::Status answered;
    if (Launch(pings)) answered = co_await Answer(pings->run);
    if (pings != nullptr) pipeline_.GiveBack(std::move(pings));
    co_return answered;
  }

  // Answers the runs that are done, and starts those that waited for them.
  boost::asio::awaitable<absl::Status> ServePipeline() {
    for (;;) {
      if (Entry* done = pipeline_.NextDone()) {
        absl::Status answered = co_await Answer(done->run);
        pipeline_.GiveBack(pipeline_.Remove(done));
        if (!answered.ok()) co_return answered;
      } else if (Entry* next = pipeline_.NextToStart()) {
        next->state = State::kExecuting;
        if (Submit(*next)) next->state = State::kDone;
      } else {
        co_return absl::OkStatus();
      }
    }
  }

  // Answers a run that is finished, and clears it. Where sending fails the rest
  // is not sent; the hooks are told.
  boost::asio::awaitable<absl::Status> Answer(ServiceRun& run) {
    absl::Status sent;
    for (std::size_t i = 0; i < run.size(); ++i) {
      if (sent.ok() && !stream_.is_ready()) {
        KeepAnswers(run);
        sent = co_await sender_.MakeRoom();
      }
      service_.Answer(run, i, peer_.answer_bytes_max(), &sender_.response());
      if (sent.ok()) {
        sent = sender_.Feed(run.request(i));
      } else {
        service_.AfterSend(sent);  // executed all the same: the hooks know
      }
    }
    run.Clear();  // holds nothing while the peer takes its time
    co_return sent;
  }

  // It is over, because of `why`. The storage has hold of what it executes, and
  // the hooks are told of each.
  boost::asio::awaitable<void> Abandon(absl::Status why) {
    subscriptions_.DropAll();
    pipeline_.DropWaiting();
    while (!pipeline_.empty()) {
      wait_.Forget();
      if (Entry* done = pipeline_.NextDone()) {
        for (std::size_t i = 0; i < done->run.size(); ++i) {
          service_.Answer(done->run, i, peer_.answer_bytes_max(),
                          &sender_.response());
          service_.AfterSend(why);
        }
        pipeline_.GiveBack(pipeline_.Remove(done));
      } else {
        co_await wait_.ForSignal();
      }
    }
    // Of subscriptions that those runs have opened.
    subscriptions_.DropAll();
  }

 private:
  using Entry = RunPipeline::Entry;
  using State = RunPipeline::State;

  bool Submit(Entry& entry) {
    entry.run.set_answer_bytes_max(peer_.answer_bytes_max());
    entry.run.set_subscriber(&subscriptions_);
    entry.run.set_retries(peer_.said_hello() ? &retries_ : nullptr);
    if (entry.run.has_deadlines()) entry.run.set_start(clock_.Now());
    return service_.Execute(entry.run, [this, run = &entry] {
      boost::asio::post(stream_.get_executor(), [this, run] {
        run->state = State::kDone;
        if (sender_.flushing()) service_.KeepAnswers(run->run);
        wait_.Wake();
      });
    });
  }

  // The peer has to read first. Those who wait for the same writes on other
  // connections do not wait for that.
  void KeepAnswers(ServiceRun& run) {
    service_.KeepAnswers(run);
    pipeline_.ForEachDone(
        [this](Entry& done) { service_.KeepAnswers(done.run); });
  }

  Service& service_;
  Clock& clock_;
  Peer& peer_;
  Framed& stream_;
  SessionWait<Framed>& wait_;
  Subscriptions& subscriptions_;
  AnswerSender<Framed>& sender_;
  RetrySession retries_;  // of a peer that has said Hello; outlives the runs
  RunPipeline pipeline_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_SESSION_RUNS_H_
