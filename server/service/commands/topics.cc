// PUBLISH, SUBSCRIBE, UNSUBSCRIBE, and the subscriptions and watches of peers
// of ours. They need no storage: each takes effect when it is answered.

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/service/commands/commands.h"

namespace coffer::server {
namespace {

constexpr std::uint32_t kOk = 200;
constexpr std::uint32_t kOverloaded = 429;

// Whether there is a session to subscribe; if not, the error is built.
bool HasSubscriber(const AnswerContext& context) {
  if (context.subscriber != nullptr) return true;
  AnswerError(context, InvalidCommand("subscriptions need a connection"));
  return false;
}

// Too many subscriptions are no matter of size.
void AnswerRefused(const AnswerContext& context, const absl::Status& error) {
  AnswerError(context, error);
  if (absl::IsResourceExhausted(error)) {
    context.response->set_status(kOverloaded);
  }
}

void AnswerOpened(const AnswerContext& context,
                  absl::StatusOr<v1::SubscriptionReply> reply) {
  if (!reply.ok()) return AnswerRefused(context, reply.status());
  context.response->set_status(kOk);
  *context.response->mutable_subscription() = *std::move(reply);
}

}  // namespace

void AnswerPublish(const AnswerContext& context) {
  context.topics.Publish(context.request.publish());
  context.response->set_status(kOk);
}

void AnswerSubscribe(const AnswerContext& context) {
  if (!HasSubscriber(context)) return;
  const absl::StatusOr<std::uint64_t> id =
      context.subscriber->Subscribe(context.request.subscribe().topic());
  if (!id.ok()) return AnswerRefused(context, id.status());
  context.response->set_status(kOk);
  context.response->add_values()->set_integer(static_cast<std::int64_t>(*id));
}

void AnswerUnsubscribe(const AnswerContext& context) {
  const v1::Unsubscribe& unsubscribe = context.request.unsubscribe();
  if (context.topics.End(unsubscribe.topic(), unsubscribe.id())) {
    context.response->set_status(kOk);
    return;
  }
  AnswerError(context, absl::NotFoundError(absl::StrCat(
                           "Not found: subscription ", unsubscribe.id())));
}

void AnswerOpenSubscription(const AnswerContext& context) {
  if (!HasSubscriber(context)) return;
  AnswerOpened(context,
               context.subscriber->Open(context.request.open_subscription()));
}

void AnswerOpenWatch(const AnswerContext& context) {
  if (!HasSubscriber(context)) return;
  AnswerOpened(context,
               context.subscriber->OpenWatch(context.request.open_watch()));
}

void AnswerCloseSubscription(const AnswerContext& context) {
  if (!HasSubscriber(context)) return;
  const std::uint64_t id =
      context.request.close_subscription().subscription_id();
  const absl::Status closed = context.subscriber->Close(id);
  if (!closed.ok()) return AnswerRefused(context, closed);
  context.response->set_status(kOk);
}

}  // namespace coffer::server
