// ConnectionOptions: how MakeConnection's connections behave.
//
// Options that make no sense (each says below what does) give a connection that
// never connects: all of its calls end with the InvalidArgument of
// CheckConnectionOptions.

#ifndef COFFER_SDK_CONNECTION_OPTIONS_H_
#define COFFER_SDK_CONNECTION_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "coffer/sdk/backoff_policy.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/idempotency_policy.h"
#include "coffer/sdk/observer.h"
#include "coffer/sdk/retry_policy.h"
#include "coffer/sdk/stream/hello.h"

namespace coffer {

struct ConnectionOptions {
  // Not an aggregate on purpose: g++ 12 miscompiles a braced {.name = ...}
  // inside a co_await expression. Name the options first.
  ConnectionOptions() {}

  // For a call that says nothing else: from Execute to its result. More than 0.
  Clock::Duration call_timeout = std::chrono::seconds(10);

  // --- The connection

  // Connections to the server, at least 1. Of those that are connected a call
  // takes the one with the fewest calls under way. One is best for most: its
  // calls share system calls. Calls on different connections may overtake each
  // other.
  int connections = 1;

  // For one attempt: to dial (TLS included) and to say Hello. More than 0. The
  // dialer is told, and divides it among the addresses that there are.
  Clock::Duration connect_timeout = std::chrono::seconds(5);

  // Between attempts to connect, when all endpoints have failed, and after a
  // connection was lost. Not null.
  std::shared_ptr<const BackoffPolicy> reconnect_backoff =
      std::make_shared<ExponentialBackoff>();

  // A call that is made while the last attempt to connect has failed (at each
  // endpoint, and of each connection): true: it fails at once; false: it waits
  // for a connection, as long as it has time. After a connection was lost it
  // waits for the next attempt in both cases.
  bool fail_fast = false;

  // A connection over which nothing was received for so long is tried with a
  // Ping, and given up after as long again. 0: never. Not for a server of the
  // older protocol, which knows no Ping: of that one the host at least is asked
  // by TCP (connect.h).
  Clock::Duration ping_interval = std::chrono::seconds(10);

  // --- Bounds, of each connection

  // Calls that are sent and not answered, those given up included. At least 1.
  std::size_t calls_in_flight_max = 1024;
  // A call beyond that: queued, or refused with ResourceExhausted.
  enum class WhenFull { kQueue, kRefuse };
  WhenFull when_full = WhenFull::kQueue;
  // Calls that are queued, at least 1, and bytes of their requests. Beyond
  // either a call is refused with ResourceExhausted. With retries the requests
  // of all calls under way are kept, and count as bytes too.
  std::size_t calls_queued_max = 65536;
  std::size_t bytes_queued_max = 64 << 20;
  // Of requests that wait to be written. The low mark is not above the high
  // one.
  std::size_t write_high_mark_bytes = 1 << 20;
  std::size_t write_low_mark_bytes = 256 << 10;

  // --- Retries (retry_policy.h). A null `retry`: none, but for calls that
  // bring their own. The others are not null.

  std::shared_ptr<const RetryPolicy> retry =
      std::make_shared<LimitedAttempts>(3);
  std::shared_ptr<const BackoffPolicy> backoff =
      std::make_shared<ExponentialBackoff>();
  std::shared_ptr<const IdempotencyPolicy> idempotency =
      std::make_shared<DefaultIdempotency>();

  // --- What the server is told (wire.md, "Hello")

  // Its limits are at least kFrameBytesMaxLeast (stream/hello.h).
  HelloOptions hello;
  // UTF-8, at most kClientNameBytesMax.
  std::string client_name;
  // False: no Hello; the server is taken for one of the older protocol.
  bool say_hello = true;

  // --- Around it

  // Is told of every call; null: nothing is paid for it.
  std::shared_ptr<Observer> observer;

  // Asserted not to be null.
  Clock* clock = &Clock::System();

  // Of the backoffs, so that a test has the same ones again. Unset: random.
  std::optional<std::uint64_t> seed;
  // 16 bytes, for a test that compares bytes. Empty: random.
  std::string client_id;
};

// InvalidArgument, naming the option, its value and what it should be, if there
// is one that makes no sense.
absl::Status CheckConnectionOptions(const ConnectionOptions& options);

}  // namespace coffer

#endif  // COFFER_SDK_CONNECTION_OPTIONS_H_
