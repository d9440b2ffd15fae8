// Hello: what the two ends of a connection tell each other before anything else
// (docs/wire.md, "Hello"). Pure: makes and reads the messages, does no I/O.
//
// Both ends say what they can read; each then encodes within what the other
// said. A peer that says nothing is of the older protocol: it is sent plain
// frames.

#ifndef COFFER_SDK_STREAM_HELLO_H_
#define COFFER_SDK_STREAM_HELLO_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/sdk/server_info.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

inline constexpr std::uint32_t kProtocolVersion = 1;

// The least limits that a peer may name: an error message must fit.
inline constexpr std::uint32_t kFrameBytesMaxLeast = 1024;

inline constexpr std::size_t kClientNameBytesMax = 256;

// What this end can read.
struct HelloOptions {
  bool lz4 = true;
  FrameLimits limits;
};

// 128 random bits, to name one client instance.
std::string MakeClientId();

// `next_request_id`: lower ones may have been sent on earlier connections of
// this client.
v1::CommandRequest MakeHello(const HelloOptions& own,
                             absl::string_view client_id,
                             absl::string_view client_name,
                             std::uint64_t next_request_id = 1);

// Server: how to encode for the client that said `hello`: within its limits and
// `own`. InvalidArgument for one that cannot be served, saying why.
absl::StatusOr<FrameEncoderOptions> AcceptHello(const v1::Hello& hello,
                                                const HelloOptions& own);
// `info` says the rest of what the client is told: its version, lz4 and limits
// are replaced by those of this protocol and of `own`.
void FillHelloReply(const HelloOptions& own, ServerInfo info,
                    v1::HelloReply* reply);

// Client: how to encode for the server that answered `reply`. What it says of
// itself beside that is read by ServerInfoFromReply.
absl::StatusOr<FrameEncoderOptions> AcceptHelloReply(
    const v1::HelloReply& reply, const HelloOptions& own);

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_HELLO_H_
