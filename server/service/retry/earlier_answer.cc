#include "coffer/server/service/retry/earlier_answer.h"

namespace coffer::server {

void KeepAnswer(const v1::CommandResponse& response, std::size_t bytes_max,
                std::string* kept) {
  const std::size_t bytes = response.ByteSizeLong();
  if (bytes <= bytes_max) {
    kept->resize(bytes);  // reuses its memory
    response.SerializeWithCachedSizesToArray(
        reinterpret_cast<google::protobuf::uint8*>(kept->data()));
    return;
  }
  v1::CommandResponse without;
  without.set_status(response.status());
  without.set_outcome(response.outcome());
  without.set_message(response.status() == 200
                          ? "done by an earlier attempt, whose values were too "
                            "large to be kept"
                          : "an earlier attempt failed, with a message that "
                            "was too large to be kept");
  without.SerializeToString(kept);
}

}  // namespace coffer::server
