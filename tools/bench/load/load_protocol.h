// LoadProtocol: what the load generator has to know of a server to write and
// read keys: the bytes of a request, and where an answer ends. One object a
// connection; no I/O. All of them do the same work for a request: its bytes are
// put together, and its answer is looked at, an error included.

#ifndef COFFER_TOOLS_BENCH_LOAD_LOAD_PROTOCOL_H_
#define COFFER_TOOLS_BENCH_LOAD_LOAD_PROTOCOL_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer::bench {

class LoadProtocol {
 public:
  virtual ~LoadProtocol() = default;

  // What a connection begins with.
  virtual void Begin(std::string* out) { (void)out; }
  // Whether requests may be sent; false: only after more answers.
  virtual bool ready() const { return true; }

  // Append one request to `out`.
  virtual void Set(absl::string_view key, absl::string_view value,
                   std::string* out) = 0;
  virtual void Get(absl::string_view key, std::string* out) = 0;

  // Takes what has come as a whole off the beginning of `in`, and returns the
  // answers in it. What the server itself has asked for is appended to `out`.
  // An error: an answer that is one, an absent key included, or bytes that make
  // no sense.
  virtual absl::StatusOr<size_t> TakeAnswers(absl::string_view* in,
                                             std::string* out) = 0;
};

// Coffer's (docs/wire.md): HSET and HGET of a client that has said Hello.
struct CofferProtocolOptions {
  // As the SDK's: a write that comes again is known, for which the server
  // remembers each; without, requests are answered in their order, as Redis's.
  bool request_ids = true;
  // No key that is asked for is there: it is one that is that makes an error.
  bool absent = false;
};
std::unique_ptr<LoadProtocol> MakeCofferProtocol(
    const CofferProtocolOptions& options);
// Redis's: SET and GET.
std::unique_ptr<LoadProtocol> MakeRedisProtocol();
// etcd's: Put and Range, as gRPC, which is HTTP/2. Written by hand, like the
// two others, so that all have a client of the same cost.
std::unique_ptr<LoadProtocol> MakeEtcdProtocol(absl::string_view authority);

}  // namespace coffer::bench

#endif  // COFFER_TOOLS_BENCH_LOAD_LOAD_PROTOCOL_H_
