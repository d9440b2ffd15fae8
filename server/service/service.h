// Service: what the server does with requests, between a session and the
// storage. A session hands it runs of requests; each run is planned by the
// commands, executed in order as one storage batch, and answered request by
// request. Four hooks look on (hooks.h).
//
// A write of a peer that has said Hello is executed once, however often it
// comes: its answer is remembered, and given again (retry/retry_windows.h), by
// a durable engine also after a restart.
//
// Threads: sessions on any threads may call it at the same time, each with runs
// of its own. The storage outlives the service.

#ifndef COFFER_SERVER_SERVICE_SERVICE_H_
#define COFFER_SERVER_SERVICE_SERVICE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/service/command.h"
#include "coffer/server/service/hooks.h"
#include "coffer/server/service/service_run.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/storage/storage.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

struct ServiceOptions {
  // Says what is left until a key expires. Outlives the service.
  const Clock* clock = &Clock::System();
  // Appending makes no larger values: such as a peer with the server's own
  // limit could not read.
  size_t value_bytes_max = kValueBytesMaxDefault;
};

class Service {
 public:
  // `state` may be shared with other services; null: one of its own.
  explicit Service(Storage* storage,
                   std::shared_ptr<VolatileState> state = nullptr,
                   const ServiceOptions& options = {});
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  VolatileState& state() { return *state_; }

  // Hooks are registered before the first Execute: asserted.
  void OnReceived(Hooks::Received hook);
  void OnExecuted(Hooks::Executed hook);
  void OnBeforeSend(Hooks::BeforeSend hook);
  void OnAfterSend(Hooks::AfterSend hook);

  // Whether a request is executed at all is asked of `admission`, after the
  // received hooks and before anything is planned: a status that is not OK is
  // the answer, and nothing of the request has effect. As a hook, it is called
  // on the sessions' threads and set before the first Execute. None: all are.
  using Admission = absl::AnyInvocable<absl::Status(const v1::CommandRequest&)>;
  void SetAdmission(Admission admission);

  // Executes the run's requests. True: finished, `done` is dropped without a
  // call. False: `done` is called once, later, on another thread; until then
  // the run is not to be touched or destroyed. A run that has a retry of a
  // write that another run executes is finished when that one is answered.
  //
  // What a caller has no more time for is not executed (ServiceRun::SetDecoded
  // and set_start).
  bool Execute(ServiceRun& run, Storage::Done done);

  // Replaces *response by the answer of request `i` of an executed run. To be
  // called once for each, in order: answers are built one at a time, so that
  // those of a run never stand in memory together.
  //
  // An answer of more than `answer_bytes_max` bytes becomes a 413 (answer.h).
  // The request's id, which the session echoes, is counted; what hooks add is
  // not.
  void Answer(ServiceRun& run, size_t i, uint32_t answer_bytes_max,
              v1::CommandResponse* response);

  // Retries of the run's writes, on other connections, get their answers when
  // Answer makes them. This gives them at once: for a session that has to wait
  // before it goes on with Answer.
  void KeepAnswers(ServiceRun& run);

  // For the session to call, once for each answer and in order: before it is
  // encoded, and after it is flushed or could not be.
  void BeforeSend(v1::CommandResponse& response);
  void AfterSend(const absl::Status& status);

 private:
  using Slot = ServiceRun::Slot;

  Hooks& OpenHooks();
  void Plan(ServiceRun& run, Slot& slot, Planner& planner);
  void MakeAnswer(const ServiceRun& run, const Slot& slot,
                  uint32_t answer_bytes_max, v1::CommandResponse* response);
  AnswerContext ContextOf(const ServiceRun& run, const Slot& slot,
                          uint32_t answer_bytes_max,
                          v1::CommandResponse* response);

  // service_retry.cc
  bool BeginWrite(ServiceRun& run, Slot& slot);
  void FinishWrite(ServiceRun& run, Slot& slot,
                   const v1::CommandResponse& response);
  void AddNote(ServiceRun& run, Slot& slot, Planner& planner);
  void AddForgotten(ServiceRun& run, Planner& planner);
  bool SubmitAndJoin(ServiceRun& run, Storage::Done done);
  void StorageDone(ServiceRun& run);

  Storage& storage_;
  const std::shared_ptr<VolatileState> state_;
  const ServiceOptions options_;
  Hooks hooks_;
  Admission admission_;
  std::atomic<bool> started_{false};
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_SERVICE_H_
