// WatchCalls: the part of Client (client.h) that tells of changes of keys. A
// server that does not (ServerFeatures::watch of server_info()) is not asked:
// Unimplemented.

#ifndef COFFER_SDK_WATCH_CALLS_H_
#define COFFER_SDK_WATCH_CALLS_H_

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/proto/text_arg.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/data_calls.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/internal/mapped_handler.h"
#include "coffer/sdk/watch.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

class WatchCalls : public DataCalls {
 public:
  using DataCalls::DataCalls;

  // Each gives a StatusOr<Watcher<T>> (watch.h), from now on or from where
  // `options` say; no CallOptions, and the token last. T is as for Get. The
  // table and its keys need not be there yet. That the table was dropped or
  // renamed is told to all three.

  // All keys of a table.
  template <class T = Value, class Token = boost::asio::use_awaitable_t<>>
  auto Watch(TextArg table,
             const SubscribeOptions& options = SubscribeOptions(),
             Token&& token = Token()) {
    return WatchOf<T>(internal::WatchOfTable(table), options,
                      std::forward<Token>(token));
  }

  template <class T = Value, class Token = boost::asio::use_awaitable_t<>>
  auto WatchKey(TextArg table, TextArg key,
                const SubscribeOptions& options = SubscribeOptions(),
                Token&& token = Token()) {
    return WatchOf<T>(internal::WatchOfKey(table, key), options,
                      std::forward<Token>(token));
  }

  // The keys that begin so.
  template <class T = Value, class Token = boost::asio::use_awaitable_t<>>
  auto WatchPrefix(TextArg table, TextArg prefix,
                   const SubscribeOptions& options = SubscribeOptions(),
                   Token&& token = Token()) {
    return WatchOf<T>(internal::WatchOfPrefix(table, prefix), options,
                      std::forward<Token>(token));
  }

 private:
  template <class T, class Token>
  auto WatchOf(v1::OpenWatch what, const SubscribeOptions& options,
               Token&& token) {
    return boost::asio::async_initiate<Token, void(absl::StatusOr<Watcher<T>>)>(
        [connection = connection()](auto handler, v1::OpenWatch asked,
                                    const SubscribeOptions& how) {
          connection->Watch(
              std::move(asked), how,
              internal::MapResult(std::move(handler), internal::ToWatcher<T>));
        },
        token, std::move(what), options);
  }
};

}  // namespace coffer

#endif  // COFFER_SDK_WATCH_CALLS_H_
