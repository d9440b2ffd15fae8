// MockConnection: a coffer::Connection whose calls a test expects and answers,
// for code that takes a coffer::Client:
//
//   asio::io_context io;
//   const auto connection =
//       std::make_shared<StrictMock<MockConnection>>(io.get_executor());
//   EXPECT_CALL(*connection,
//               Execute(EqualsProto("hget { table: 't' key: 'k' }"), _, _))
//       .WillOnce(connection->Answers(MakeAnswer(36)));
//   CodeUnderTest(coffer::Client(connection));
//   io.run();
//
// Answers, Opens and Closes are actions that complete a call as a connection
// does: once, never inside it, on the handler's executor, by default that of
// the mock. Answers that are to come later, or in another order than the calls,
// are for CallSequencer (call_sequencer.h). What nothing else is said of: a
// call fails with Unimplemented, Close succeeds, and server_info is nullopt.
//
// Threads: any, as gmock. Ownership: the mock does not outlive the context.

#ifndef COFFER_SDK_MOCKS_MOCK_CONNECTION_H_
#define COFFER_SDK_MOCKS_MOCK_CONNECTION_H_

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/mocks/internal/held_operation.h"
#include "coffer/sdk/server_info.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"

namespace coffer_testing {

class MockConnection : public coffer::Connection {
 public:
  explicit MockConnection(boost::asio::any_io_executor executor);
  ~MockConnection() override;

  boost::asio::any_io_executor get_executor() override { return executor_; }

  MOCK_METHOD(void, Execute,
              (coffer::v1::CommandRequest, coffer::CallOptions, ExecuteHandler),
              (override));
  MOCK_METHOD(void, Subscribe,
              (std::string, coffer::SubscribeOptions, SubscribeHandler),
              (override));
  MOCK_METHOD(void, Watch,
              (coffer::v1::OpenWatch, coffer::SubscribeOptions,
               SubscribeHandler),
              (override));
  MOCK_METHOD(void, Close, (CloseHandler), (override));
  MOCK_METHOD(std::optional<coffer::ServerInfo>, server_info, (),
              (const, override));

  // Actions for Execute, Subscribe or Watch, and Close. `opened` is for one
  // call: a second one of the same action fails with Unimplemented.
  auto Answers(absl::StatusOr<coffer::v1::CommandResponse> answer) {
    return [executor = executor_, answer = std::move(answer)](
               const coffer::v1::CommandRequest&, const coffer::CallOptions&,
               ExecuteHandler handler) {
      using Response = absl::StatusOr<coffer::v1::CommandResponse>;
      internal::HeldOperation<Response>::Make(std::move(handler), executor)
          ->Complete(answer);
    };
  }
  auto Opens(absl::StatusOr<std::unique_ptr<coffer::EventSource>> opened) {
    using Opened = absl::StatusOr<std::unique_ptr<coffer::EventSource>>;
    return [executor = executor_,
            once = std::make_shared<Opened>(std::move(opened))](
               const auto&, const coffer::SubscribeOptions&,
               SubscribeHandler handler) {
      Opened given = std::exchange(*once, NothingSaid("Subscribe or Watch"));
      internal::HeldOperation<Opened>::Make(std::move(handler), executor)
          ->Complete(std::move(given));
    };
  }
  auto Closes(absl::Status status) {
    return [executor = executor_, status](CloseHandler handler) {
      internal::HeldOperation<absl::Status>::Make(std::move(handler), executor)
          ->Complete(status);
    };
  }

 private:
  static absl::Status NothingSaid(const char* call);

  const boost::asio::any_io_executor executor_;
};

}  // namespace coffer_testing

#endif  // COFFER_SDK_MOCKS_MOCK_CONNECTION_H_
