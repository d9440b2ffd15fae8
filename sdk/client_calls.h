// ClientCalls: how the functions of Client (client.h) make a call of a request,
// and sort out what they are given beside their own arguments. For Client's
// parts.

#ifndef COFFER_SDK_CLIENT_CALLS_H_
#define COFFER_SDK_CLIENT_CALLS_H_

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <type_traits>
#include <utility>

#include "coffer/sdk/call_options.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/internal/mapped_handler.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

class ClientCalls {
 public:
  explicit ClientCalls(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  const std::shared_ptr<Connection>& connection() const { return connection_; }

 protected:
  // Executes `request`; its result is what `decode` makes of the answer.
  template <class Result, class Decode, class... Extra>
  auto Call(v1::CommandRequest request, Decode decode, Extra&&... extra) {
    return Initiate<Result>(
        [connection = connection_, decode](
            auto handler, v1::CommandRequest sent, CallOptions options) {
          connection->Execute(std::move(sent), std::move(options),
                              internal::MapResult(std::move(handler), decode));
        },
        std::move(request), std::forward<Extra>(extra)...);
  }

  // Sorts options and token out.
  template <class Result, class Start, class Argument>
  static auto Initiate(Start start, Argument argument) {
    return Initiate<Result>(std::move(start), std::move(argument),
                            CallOptions(), boost::asio::use_awaitable);
  }
  template <class Result, class Start, class Argument, class Token>
  requires(!std::is_same_v<std::decay_t<Token>,
                           CallOptions>) static auto Initiate(Start start,
                                                              Argument argument,
                                                              Token&& token) {
    return Initiate<Result>(std::move(start), std::move(argument),
                            CallOptions(), std::forward<Token>(token));
  }
  template <class Result, class Start, class Argument>
  static auto Initiate(Start start, Argument argument, CallOptions options) {
    return Initiate<Result>(std::move(start), std::move(argument),
                            std::move(options), boost::asio::use_awaitable);
  }
  template <class Result, class Start, class Argument, class Token>
  static auto Initiate(Start start, Argument argument, CallOptions options,
                       Token&& token) {
    return boost::asio::async_initiate<Token, void(Result)>(
        std::move(start), token, std::move(argument), std::move(options));
  }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace coffer

#endif  // COFFER_SDK_CLIENT_CALLS_H_
