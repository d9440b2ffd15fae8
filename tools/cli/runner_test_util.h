// RunnerFixture: a Runner over an Executor whose answers a test prepares.

#ifndef COFFER_TOOLS_CLI_RUNNER_TEST_UTIL_H_
#define COFFER_TOOLS_CLI_RUNNER_TEST_UTIL_H_

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/tools/cli/executor.h"
#include "coffer/tools/cli/runner.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {

inline v1::CommandResponse Answer(uint32_t status,
                                  absl::string_view message = "") {
  v1::CommandResponse response;
  response.set_status(status);
  response.set_message(std::string(message));
  return response;
}

inline v1::CommandResponse Found(const v1::Value& value) {
  v1::CommandResponse response = Answer(200);
  *response.add_values() = value;
  return response;
}

// Gives the answers it was prepared with, in order, to calls and to tasks;
// remembers the requests.
class FakeExecutor final : public Executor {
 public:
  absl::StatusOr<v1::CommandResponse> Execute(
      const v1::CommandRequest& request) override {
    requests.push_back(request.ShortDebugString());
    if (on_execute) on_execute();
    if (answers.empty()) return absl::UnavailableError("connection lost");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }

  absl::Status Wait(Clock::Duration) override {
    requests.push_back("wait");
    return wait_end;
  }

  absl::Status Run(Task task) override {
    boost::asio::io_context io;
    const auto connection =
        std::make_shared<testing::NiceMock<coffer_testing::MockConnection>>(
            io.get_executor());
    ON_CALL(*connection, Execute)
        .WillByDefault([&](v1::CommandRequest request, CallOptions options,
                           Connection::ExecuteHandler handler) {
          connection->Answers(Execute(request))(request, options,
                                                std::move(handler));
        });
    ServerInfo server;
    server.retries_epoch = 5;
    ON_CALL(*connection, server_info).WillByDefault(testing::Return(server));
    std::optional<absl::Status> result;
    boost::asio::co_spawn(
        io, task(Client(connection)),
        [&](std::exception_ptr, absl::Status status) { result = status; });
    io.run();
    return result.value_or(absl::InternalError("hangs"));
  }

  absl::Status Subscribe(
      const v1::CommandRequest& what,
      const std::function<bool(const Event&)>& take) override {
    requests.push_back(what.has_open_watch()
                           ? "watch " + what.open_watch().ShortDebugString()
                           : "subscribe " + what.open_subscription().topic());
    for (const Event& event : events) {
      if (!take(event)) return absl::OkStatus();
    }
    return subscription_end;
  }

  std::deque<absl::StatusOr<v1::CommandResponse>> answers;
  std::vector<Event> events;
  absl::Status subscription_end;
  absl::Status wait_end;
  std::function<void()> on_execute;
  std::vector<std::string> requests;
};

inline v1::CommandResponse States(std::initializer_list<v1::KeyState> states,
                                  absl::string_view cursor = "") {
  v1::CommandResponse response = Answer(200);
  for (const auto& state : states) *response.add_states() = state;
  response.set_cursor(std::string(cursor));
  return response;
}

class RunnerFixture : public testing::Test {
 protected:
  ExitCode Run(std::vector<std::string> words) {
    return Runner(&executor_, &out_, &err_, options_).RunCommand(words);
  }
  ExitCode RunText(const std::string& text) {
    std::istringstream in(text);
    return Runner(&executor_, &out_, &err_, options_).RunLines(&in);
  }

  FakeExecutor executor_;
  RunnerOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_RUNNER_TEST_UTIL_H_
