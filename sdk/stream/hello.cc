#include "coffer/sdk/stream/hello.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"

namespace coffer {
namespace {

// 0 on the wire is the default; over the ceiling is as good as the ceiling.
absl::StatusOr<std::uint32_t> LimitFromWire(absl::string_view name,
                                            std::uint32_t bytes) {
  if (bytes == 0) return kFrameBytesMaxDefault;
  if (bytes < kFrameBytesMaxLeast) {
    return absl::InvalidArgumentError(
        absl::StrCat("hello: ", name, " of ", bytes, " is below the least of ",
                     kFrameBytesMaxLeast));
  }
  return std::min(bytes, kFrameBytesMaxCeiling);
}

// Hello and HelloReply name the same capabilities by the same names.
template <class Message>
absl::StatusOr<FrameEncoderOptions> Accept(const Message& peer,
                                           const HelloOptions& own) {
  if (peer.protocol_version() == 0) {
    return absl::InvalidArgumentError("hello: no protocol version");
  }
  auto frame = LimitFromWire("frame_bytes_max", peer.frame_bytes_max());
  if (!frame.ok()) return frame.status();
  auto message =
      LimitFromWire("uncompressed_bytes_max", peer.uncompressed_bytes_max());
  if (!message.ok()) return message.status();
  FrameEncoderOptions options;
  options.limits.frame_bytes_max = *frame;
  options.limits.uncompressed_bytes_max = *message;
  options.lz4 = own.lz4 && peer.lz4();
  return options;
}

}  // namespace

std::string MakeClientId() {
  absl::BitGen random;
  std::string id(16, '\0');
  for (char& c : id) c = static_cast<char>(absl::Uniform<int>(random, 0, 256));
  return id;
}

v1::CommandRequest MakeHello(const HelloOptions& own,
                             absl::string_view client_id,
                             absl::string_view client_name,
                             std::uint64_t next_request_id) {
  v1::CommandRequest request;
  v1::Hello* hello = request.mutable_hello();
  hello->set_protocol_version(kProtocolVersion);
  hello->set_lz4(own.lz4);
  hello->set_frame_bytes_max(own.limits.frame_bytes_max);
  hello->set_uncompressed_bytes_max(own.limits.uncompressed_bytes_max);
  hello->set_next_request_id(next_request_id);
  hello->set_client_id(client_id.data(), client_id.size());
  hello->set_client_name(client_name.data(), client_name.size());
  return request;
}

absl::StatusOr<FrameEncoderOptions> AcceptHello(const v1::Hello& hello,
                                                const HelloOptions& own) {
  if (hello.client_id().size() != 16) {
    return absl::InvalidArgumentError(absl::StrCat("hello: client id of ",
                                                   hello.client_id().size(),
                                                   " bytes instead of 16"));
  }
  if (hello.client_name().size() > kClientNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("hello: client name of ", hello.client_name().size(),
                     " bytes exceeds the limit of ", kClientNameBytesMax));
  }
  auto options = Accept(hello, own);
  if (!options.ok()) return options;
  // What the client would take does not lift the server's own limits.
  options->limits.frame_bytes_max =
      std::min(options->limits.frame_bytes_max, own.limits.frame_bytes_max);
  options->limits.uncompressed_bytes_max =
      std::min(options->limits.uncompressed_bytes_max,
               own.limits.uncompressed_bytes_max);
  return options;
}

void FillHelloReply(const HelloOptions& own, ServerInfo info,
                    v1::HelloReply* reply) {
  info.protocol_version = kProtocolVersion;
  info.lz4 = own.lz4;
  info.limits = own.limits;
  WriteServerInfo(info, reply);
}

absl::StatusOr<FrameEncoderOptions> AcceptHelloReply(
    const v1::HelloReply& reply, const HelloOptions& own) {
  return Accept(reply, own);
}

}  // namespace coffer
