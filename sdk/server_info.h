// ServerInfo: what a server says of itself in its answer to Hello: its version,
// what it can do, the epoch of what it does not keep, and its limits. Pure.
//
// A server of ours that is older leaves out what it does not know of; each
// member says how that reads. A server of the older protocol says nothing: a
// ServerInfo of defaults stands for it.

#ifndef COFFER_SDK_SERVER_INFO_H_
#define COFFER_SDK_SERVER_INFO_H_

#include <cstdint>
#include <string>

#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

// The keys that one request may name, of a server that does not say.
inline constexpr std::uint32_t kRequestKeysMaxDefault = 1 << 17;

struct ServerFeatures {
  bool subscriptions = false;  // with credit, sequence numbers and resume
  bool retries = false;    // a write is applied once, however often it comes
  bool deadlines = false;  // what is too late is not started
  bool any_order = false;  // answers may come in another order than calls
  // Read, Put, Scan, Transaction and the rest, and no_previous of older writes.
  bool data_commands = false;
  bool watch = false;  // changes of keys are told

  friend bool operator==(const ServerFeatures&,
                         const ServerFeatures&) = default;
};

struct ServerInfo {
  std::uint32_t protocol_version = 0;  // 0: it said no Hello
  std::string version;                 // empty: not said
  // Another number means that the server has forgotten what it keeps in memory
  // beside the data: topics, and, unless it says otherwise below, which writes
  // it has executed. 0: not said.
  std::uint64_t epoch = 0;
  // The same for which writes it has executed alone: a server that keeps those
  // with the data says the same number over a restart. Not said: as `epoch`.
  std::uint64_t retries_epoch = 0;
  // Those that this build does not know are left out.
  ServerFeatures features;
  bool lz4 = false;
  // What it reads, in bytes.
  FrameLimits limits;
  std::uint32_t request_keys_max = kRequestKeysMaxDefault;
  std::uint32_t subscriptions_max = 0;  // of one connection; 0: none
};

// Total: makes something of every reply. Whether its limits can be spoken
// within is AcceptHelloReply's affair (stream/hello.h).
ServerInfo ServerInfoFromReply(const v1::HelloReply& reply);

// Sets what ServerInfoFromReply reads, and nothing else.
void WriteServerInfo(const ServerInfo& info, v1::HelloReply* reply);

}  // namespace coffer

#endif  // COFFER_SDK_SERVER_INFO_H_
