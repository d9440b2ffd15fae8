// A session that the tests record and replay: three calls of a client.

#ifndef COFFER_TESTING_TRANSCRIPT_SESSION_EXAMPLE_H_
#define COFFER_TESTING_TRANSCRIPT_SESSION_EXAMPLE_H_

#include <boost/asio/awaitable.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/stream/client_stream.h"

namespace coffer_testing {

// Sets, gets and gets what is not there; the answers, in their order.
template <class Stream>
boost::asio::awaitable<std::vector<std::string>> Session(
    coffer::ClientStream<Stream>& client) {
  std::vector<std::string> answers;
  std::vector<coffer::v1::CommandRequest> requests;
  requests.push_back(coffer::MakeHset("lamps", "red", 3));
  requests.push_back(coffer::MakeHget("lamps", "red"));
  requests.push_back(coffer::MakeHget("lamps", "blue"));
  for (coffer::v1::CommandRequest& request : requests) {
    auto answer = co_await client.Execute(std::move(request));
    answers.push_back(answer.ok() ? answer->ShortDebugString()
                                  : answer.status().ToString());
  }
  const absl::Status closed = co_await client.Close();
  answers.push_back(closed.ToString());
  co_return answers;
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_TRANSCRIPT_SESSION_EXAMPLE_H_
