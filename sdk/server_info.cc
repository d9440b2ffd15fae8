#include "coffer/sdk/server_info.h"

#include <algorithm>

namespace coffer {
namespace {

struct NamedFeature {
  v1::Feature name;
  bool ServerFeatures::*member;
};

constexpr NamedFeature kFeatures[] = {
    {v1::SUBSCRIPTIONS, &ServerFeatures::subscriptions},
    {v1::RETRIES, &ServerFeatures::retries},
    {v1::DEADLINES, &ServerFeatures::deadlines},
    {v1::ANY_ORDER, &ServerFeatures::any_order},
    {v1::DATA_COMMANDS, &ServerFeatures::data_commands},
    {v1::WATCH, &ServerFeatures::watch},
};

std::uint32_t BytesOrDefault(std::uint32_t bytes) {
  return bytes == 0 ? kFrameBytesMaxDefault
                    : std::min(bytes, kFrameBytesMaxCeiling);
}

}  // namespace

ServerInfo ServerInfoFromReply(const v1::HelloReply& reply) {
  ServerInfo info;
  info.protocol_version = reply.protocol_version();
  info.version = reply.server_version();
  info.epoch = reply.epoch();
  info.retries_epoch =
      reply.retries_epoch() != 0 ? reply.retries_epoch() : reply.epoch();
  for (const int feature : reply.features()) {
    for (const NamedFeature& known : kFeatures) {
      if (feature == known.name) info.features.*known.member = true;
    }
  }
  info.lz4 = reply.lz4();
  info.limits.frame_bytes_max = BytesOrDefault(reply.frame_bytes_max());
  info.limits.uncompressed_bytes_max =
      BytesOrDefault(reply.uncompressed_bytes_max());
  if (reply.request_keys_max() != 0) {
    info.request_keys_max = reply.request_keys_max();
  }
  info.subscriptions_max = reply.subscriptions_max();
  return info;
}

void WriteServerInfo(const ServerInfo& info, v1::HelloReply* reply) {
  reply->set_protocol_version(info.protocol_version);
  reply->set_server_version(info.version);
  reply->set_epoch(info.epoch);
  reply->set_retries_epoch(info.retries_epoch);
  reply->clear_features();
  for (const NamedFeature& known : kFeatures) {
    if (info.features.*known.member) reply->add_features(known.name);
  }
  reply->set_lz4(info.lz4);
  reply->set_frame_bytes_max(info.limits.frame_bytes_max);
  reply->set_uncompressed_bytes_max(info.limits.uncompressed_bytes_max);
  reply->set_request_keys_max(info.request_keys_max);
  reply->set_subscriptions_max(info.subscriptions_max);
}

}  // namespace coffer
