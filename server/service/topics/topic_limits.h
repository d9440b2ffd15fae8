// TopicLimits: the memory that events may take after they were published.

#ifndef COFFER_SERVER_SERVICE_TOPICS_TOPIC_LIMITS_H_
#define COFFER_SERVER_SERVICE_TOPICS_TOPIC_LIMITS_H_

#include <cstddef>

namespace coffer::server {

struct TopicLimits {
  // Of one topic: its latest events that are kept, and their bytes. The latest
  // one is kept whatever its size.
  std::size_t ring_events_max = 1024;
  std::size_t ring_bytes_max = 1 << 20;
  // Of all topics together, in bytes.
  std::size_t total_bytes_max = 64 << 20;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_TOPICS_TOPIC_LIMITS_H_
