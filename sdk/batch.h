// Batch: requests that are sent together and have nothing else to do with each
// other (Client::Run). Unlike MultiSet, it is not all or nothing.
//
//   coffer::Batch batch;
//   batch.Set("users", "ada", 36).Get("users", "bob");
//   auto results = co_await client.Run(std::move(batch));
//   // results[1]: NotFound, or bob's value

#ifndef COFFER_SDK_BATCH_H_
#define COFFER_SDK_BATCH_H_

#include <boost/asio/any_completion_handler.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/conditions.h"
#include "coffer/sdk/connection.h"

namespace coffer {

class Batch {
 public:
  // The result of each: its value; of Set and Delete the value before, or an
  // empty Value; of Exists a bool.
  Batch& Get(TextArg table, TextArg key) { return Add(MakeHget(table, key)); }
  template <ConvertibleToValue V>
  Batch& Set(TextArg table, TextArg key, V&& value) {
    return Add(MakeHset(table, key, std::forward<V>(value)));
  }
  Batch& Delete(TextArg table, TextArg key) {
    return Add(MakeHdel(table, key));
  }
  Batch& Exists(TextArg table, TextArg key) {
    return Add(MakeHexist(table, key));
  }

  // As the functions of Client with these names (data_calls.h), and as there
  // FailedPrecondition where a condition does not hold. The result of Put (and
  // its like), Remove and Expire: the version, an integer (of Remove 0: there
  // was nothing to remove); of Increment: the sum; of Append: the bytes of the
  // whole, an integer.
  template <ConvertibleToValue V>
  Batch& Put(TextArg table, TextArg key, V&& value,
             const PutOptions& options = PutOptions()) {
    return Add(MakePut(table, key, std::forward<V>(value), options.condition,
                       options.expiry));
  }
  template <ConvertibleToValue V>
  Batch& SetIfAbsent(TextArg table, TextArg key, V&& value) {
    return Add(MakePut(table, key, std::forward<V>(value), IfAbsent()));
  }
  template <ConvertibleToValue V>
  Batch& SetIfPresent(TextArg table, TextArg key, V&& value) {
    return Add(MakePut(table, key, std::forward<V>(value), IfPresent()));
  }
  template <ConvertibleToValue V>
  Batch& CompareAndSet(TextArg table, TextArg key, std::uint64_t version,
                       V&& value) {
    return Add(MakePut(table, key, std::forward<V>(value), IfVersion(version)));
  }
  Batch& Remove(TextArg table, TextArg key,
                const RemoveOptions& options = RemoveOptions()) {
    return Add(MakeRemove(table, key, options.condition));
  }
  Batch& DeleteIf(TextArg table, TextArg key, std::uint64_t version) {
    return Add(MakeRemove(table, key, IfVersion(version)));
  }
  template <class N>
  requires(Integer<N> || std::floating_point<N>) Batch& Increment(TextArg table,
                                                                  TextArg key,
                                                                  N amount) {
    return Add(MakeIncrement(table, key, amount));
  }
  template <ConvertibleToValue V>
  Batch& Append(TextArg table, TextArg key, V&& value) {
    return Add(MakeAppend(table, key, std::forward<V>(value)));
  }
  // ExpiresAt, ExpiresAfter or NeverExpires (conditions.h).
  Batch& Expire(TextArg table, TextArg key, const v1::Expiry& expiry) {
    return Add(MakeExpire(table, key, expiry));
  }

  std::size_t size() const { return requests_.size(); }
  std::vector<CommandRequest> Take() && { return std::move(requests_); }

 private:
  Batch& Add(CommandRequest request) {
    requests_.push_back(std::move(request));
    return *this;
  }

  std::vector<CommandRequest> requests_;
};

namespace internal {

using BatchResults = std::vector<absl::StatusOr<Value>>;
using BatchHandler = boost::asio::any_completion_handler<void(BatchResults)>;

// Executes all; `handler` is given their results, in their order, when the last
// one is there. Cancelled, it cancels all.
void RunBatch(const std::shared_ptr<Connection>& connection,
              std::vector<CommandRequest> requests, CallOptions options,
              BatchHandler handler);

}  // namespace internal
}  // namespace coffer

#endif  // COFFER_SDK_BATCH_H_
