// RetryLimits: the bounds of what the server remembers of its clients' writes.

#ifndef COFFER_SERVER_SERVICE_RETRY_RETRY_LIMITS_H_
#define COFFER_SERVER_SERVICE_RETRY_RETRY_LIMITS_H_

#include <cstddef>

namespace coffer::server {

struct RetryLimits {
  // Clients that are remembered. Past it those without a connection go, the one
  // that left longest ago first; one with a connection never goes.
  std::size_t clients_max = 10000;

  // Writes of one client that are remembered once they are answered.
  std::size_t answers_per_client_max = 1024;

  // A larger answer is remembered as done, without what it held.
  std::size_t answer_bytes_max = 4096;

  // Memory of all windows together. Past it clients without a connection go,
  // and then each of the others in turn forgets the older half of its answers.
  std::size_t bytes_max = 64 << 20;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RETRY_RETRY_LIMITS_H_
