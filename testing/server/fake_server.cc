#include "coffer/testing/server/fake_server.h"

#include "gtest/gtest.h"

namespace coffer_testing {

using internal::FakeRule;
using internal::FakeServerState;

FakeServer::FakeServer(boost::asio::any_io_executor executor,
                       FakeServerOptions options)
    : state_(std::make_shared<FakeServerState>(std::move(executor),
                                               options.limits, options.clock,
                                               options.pipe, options.durable)) {
}

FakeServer::~FakeServer() { state_->Stop(); }

MemoryPipe FakeServer::Connect(Where where) {
  return state_->Connect(state_->executor(), where);
}

coffer::Dialer& FakeServer::dialer() { return *state_; }

void FakeServer::WrapDialed(std::function<coffer::AnyStream(MemoryPipe)> wrap) {
  state_->set_wrap(std::move(wrap));
}

uint16_t FakeServer::Listen() { return state_->Listen(); }

void FakeServer::FailNext(absl::Status status, CallMatcher matcher,
                          Where where) {
  if (status.ok()) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "FailNext(OK) fails nothing";
    return;
  }
  state_->Add({.what = FakeRule::What::kFail,
               .matcher = std::move(matcher),
               .where = where,
               .status = std::move(status)});
}

void FakeServer::DelayNext(coffer::Clock::Duration delay, CallMatcher matcher,
                           Where where) {
  if (!state_->has_clock()) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "DelayNext needs FakeServerOptions::clock";
    return;
  }
  state_->Add({.what = FakeRule::What::kDelay,
               .matcher = std::move(matcher),
               .where = where,
               .delay = delay});
}

void FakeServer::DelayDial(coffer::Clock::Duration delay, Where where) {
  if (!state_->has_clock()) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "DelayDial needs FakeServerOptions::clock";
    return;
  }
  state_->set_dial_delay(delay);
}

void FakeServer::StallDials(bool stall) { state_->StallDials(stall); }

void FakeServer::DropRequest(CallMatcher matcher, Where where) {
  state_->Add({.what = FakeRule::What::kDropRequest,
               .matcher = std::move(matcher),
               .where = where});
}

void FakeServer::DropAnswer(CallMatcher matcher, Where where) {
  state_->Add({.what = FakeRule::What::kDropAnswer,
               .matcher = std::move(matcher),
               .where = where});
}

void FakeServer::DropConnections() { state_->DropConnections(); }

void FakeServer::DrainConnections() { state_->DrainConnections(); }

void FakeServer::Refuse(bool refuse) { state_->set_refuse(refuse); }

void FakeServer::Restart(Data data) {
  state_->DropConnections();
  if (data == Data::kLose) state_->LoseData();
  if (data != Data::kKeep) state_->Forget();
}

FakeServer::Tables FakeServer::Contents() const {
  Tables contents;
  for (const std::string& table : state_->tables()) {
    coffer::server::Batch batch;
    batch.GetTable(table);
    EXPECT_TRUE(state_->storage().Submit(batch, [] {}));
    for (const auto& entry : batch.ops()[0].entries) {
      coffer::v1::Value& value = contents[table][std::string(entry.key.view())];
      EXPECT_TRUE(
          value.ParseFromArray(entry.value.view().data(),
                               static_cast<int>(entry.value.view().size())));
    }
  }
  return contents;
}

}  // namespace coffer_testing
