#include "coffer/sdk/sync_client.h"

#include <utility>

#include "coffer/sdk/connect.h"
#include "coffer/sdk/make_connection.h"

namespace coffer {
namespace {

std::shared_ptr<Dialer> DialerTo(std::string target,
                                 const ConnectionOptions& options) {
  ConnectOptions connect;
  connect.clock = options.clock;
  return MakeTcpDialer(std::move(target), connect);
}

}  // namespace

SyncClient::SyncClient(std::string target, ConnectionOptions options)
    : SyncClient(DialerTo(std::move(target), options), options) {}

SyncClient::SyncClient(std::shared_ptr<Dialer> dialer,
                       ConnectionOptions options)
    : SyncClient(std::vector<std::shared_ptr<Dialer>>{std::move(dialer)},
                 std::move(options)) {}

SyncClient::SyncClient(std::vector<std::shared_ptr<Dialer>> dialers,
                       ConnectionOptions options)
    : SyncClient(options.clock, std::move(dialers), options,
                 std::make_shared<internal::SyncLoop>()) {}

SyncClient::SyncClient(Clock* clock,
                       std::vector<std::shared_ptr<Dialer>> dialers,
                       ConnectionOptions options,
                       const std::shared_ptr<internal::SyncLoop>& loop)
    : SyncWatchCalls(
          clock, loop,
          Client(MakeConnection(loop->get_executor(), std::move(dialers),
                                std::move(options)))) {}

SyncClient::~SyncClient() = default;

absl::Status SyncClient::Delete(TextArg table, TextArg key,
                                CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client().Delete(table, key, options, std::move(handler));
  });
}

absl::StatusOr<bool> SyncClient::Exists(TextArg table, TextArg key,
                                        CallOptions options) {
  return Wait<absl::StatusOr<bool>>([&](auto handler) {
    client().Exists(table, key, options, std::move(handler));
  });
}

absl::Status SyncClient::MultiSet(TextArg table,
                                  std::initializer_list<KeyValue> pairs,
                                  CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client().MultiSet(table, pairs, options, std::move(handler));
  });
}

absl::Status SyncClient::MultiDelete(TextArg table, KeyList keys,
                                     CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client().MultiDelete(table, keys, options, std::move(handler));
  });
}

absl::StatusOr<std::vector<bool>> SyncClient::MultiExists(TextArg table,
                                                          KeyList keys,
                                                          CallOptions options) {
  return Wait<absl::StatusOr<std::vector<bool>>>([&](auto handler) {
    client().MultiExists(table, keys, options, std::move(handler));
  });
}

std::vector<absl::StatusOr<Value>> SyncClient::Run(Batch batch,
                                                   CallOptions options) {
  using Results = std::vector<absl::StatusOr<Value>>;
  if (!loop()->MayBlock().ok()) {
    return Results(batch.size(), loop()->MayBlock());
  }
  internal::BlockingCall<Results> call;
  client().Run(std::move(batch), options, call.Handler());
  return call.Wait();
}

absl::StatusOr<SyncSubscription> SyncClient::Subscribe(
    std::string topic, SubscribeOptions options) {
  auto source = WaitForSource([&](auto handler) {
    client().connection()->Subscribe(std::move(topic), options,
                                     std::move(handler));
  });
  if (!source.ok()) return source.status();
  return SyncSubscription(*std::move(source));
}

absl::Status SyncClient::Ping(CallOptions options) {
  return Wait<absl::Status>(
      [&](auto handler) { client().Ping(options, std::move(handler)); });
}

absl::StatusOr<CommandResponse> SyncClient::Execute(CommandRequest request,
                                                    CallOptions options) {
  return Wait<absl::StatusOr<CommandResponse>>([&](auto handler) {
    client().Execute(std::move(request), options, std::move(handler));
  });
}

absl::Status SyncClient::Close() {
  return Wait<absl::Status>(
      [&](auto handler) { client().Close(std::move(handler)); });
}

}  // namespace coffer
