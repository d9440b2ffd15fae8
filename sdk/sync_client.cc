#include "coffer/sdk/sync_client.h"

#include <boost/asio/post.hpp>

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
    : clock_(options.clock),
      loop_(std::make_shared<internal::SyncLoop>()),
      client_(MakeConnection(loop_->get_executor(), std::move(dialers),
                             std::move(options))) {}

SyncClient::~SyncClient() {
  // On the loop, so that what it ends is at rest.
  auto connection = std::exchange(client_, Client(nullptr)).connection();
  boost::asio::post(
      loop_->get_executor(),
      [ended = std::move(connection)]() mutable { ended.reset(); });
}

absl::Status SyncClient::Delete(TextArg table, TextArg key,
                                CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client_.Delete(table, key, options, std::move(handler));
  });
}

absl::StatusOr<bool> SyncClient::Exists(TextArg table, TextArg key,
                                        CallOptions options) {
  return Wait<absl::StatusOr<bool>>([&](auto handler) {
    client_.Exists(table, key, options, std::move(handler));
  });
}

absl::Status SyncClient::MultiSet(TextArg table,
                                  std::initializer_list<KeyValue> pairs,
                                  CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client_.MultiSet(table, pairs, options, std::move(handler));
  });
}

absl::Status SyncClient::MultiDelete(TextArg table, KeyList keys,
                                     CallOptions options) {
  return Wait<absl::Status>([&](auto handler) {
    client_.MultiDelete(table, keys, options, std::move(handler));
  });
}

absl::StatusOr<std::vector<bool>> SyncClient::MultiExists(TextArg table,
                                                          KeyList keys,
                                                          CallOptions options) {
  return Wait<absl::StatusOr<std::vector<bool>>>([&](auto handler) {
    client_.MultiExists(table, keys, options, std::move(handler));
  });
}

std::vector<absl::StatusOr<Value>> SyncClient::Run(Batch batch,
                                                   CallOptions options) {
  using Results = std::vector<absl::StatusOr<Value>>;
  if (!loop_->MayBlock().ok()) {
    return Results(batch.size(), loop_->MayBlock());
  }
  internal::BlockingCall<Results> call;
  client_.Run(std::move(batch), options, call.Handler());
  return call.Wait();
}

absl::StatusOr<SyncSubscription> SyncClient::Subscribe(
    std::string topic, SubscribeOptions options) {
  auto source =
      Wait<absl::StatusOr<std::unique_ptr<EventSource>>>([&](auto handler) {
        client_.connection()->Subscribe(std::move(topic), options,
                                        std::move(handler));
      });
  if (!source.ok()) return source.status();
  return SyncSubscription(loop_, clock_, *std::move(source));
}

absl::Status SyncClient::Ping(CallOptions options) {
  return Wait<absl::Status>(
      [&](auto handler) { client_.Ping(options, std::move(handler)); });
}

absl::StatusOr<CommandResponse> SyncClient::Execute(CommandRequest request,
                                                    CallOptions options) {
  return Wait<absl::StatusOr<CommandResponse>>([&](auto handler) {
    client_.Execute(std::move(request), options, std::move(handler));
  });
}

absl::Status SyncClient::Close() {
  return Wait<absl::Status>(
      [&](auto handler) { client_.Close(std::move(handler)); });
}

}  // namespace coffer
