#include "coffer/sdk/mocks/mock_connection.h"

#include "absl/strings/str_cat.h"

namespace coffer_testing {

MockConnection::MockConnection(boost::asio::any_io_executor executor)
    : executor_(std::move(executor)) {
  ON_CALL(*this, Execute).WillByDefault(Answers(NothingSaid("Execute")));
  ON_CALL(*this, Subscribe).WillByDefault(Opens(NothingSaid("Subscribe")));
  ON_CALL(*this, Watch).WillByDefault(Opens(NothingSaid("Watch")));
  ON_CALL(*this, Close).WillByDefault(Closes(absl::OkStatus()));
}

MockConnection::~MockConnection() = default;

absl::Status MockConnection::NothingSaid(const char* call) {
  return absl::UnimplementedError(
      absl::StrCat("MockConnection: nothing says what this ", call, " gives"));
}

}  // namespace coffer_testing
