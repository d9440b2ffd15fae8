#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coffer/tools/bench/load/load_protocol.h"

namespace coffer::bench {
namespace {

constexpr absl::string_view kEnd = "\r\n";

class RedisProtocol final : public LoadProtocol {
 public:
  void Set(absl::string_view key, absl::string_view value,
           std::string* out) override {
    absl::StrAppend(out, "*3\r\n$3\r\nSET\r\n");
    AppendBulk(key, out);
    AppendBulk(value, out);
  }

  void Get(absl::string_view key, std::string* out) override {
    absl::StrAppend(out, "*2\r\n$3\r\nGET\r\n");
    AppendBulk(key, out);
  }

  absl::StatusOr<size_t> TakeAnswers(absl::string_view* in,
                                     std::string*) override {
    size_t answers = 0;
    for (;;) {
      const size_t end = in->find(kEnd);
      if (end == absl::string_view::npos) return answers;
      const absl::string_view line = in->substr(0, end);
      size_t size = end + kEnd.size();
      if (!line.empty() && line[0] == '$') {
        uint64_t bytes = 0;
        if (!absl::SimpleAtoi(line.substr(1), &bytes)) {
          return absl::NotFoundError("no such key");
        }
        size += bytes + kEnd.size();
        if (in->size() < size) return answers;
      } else if (line != "+OK") {
        return absl::InternalError(absl::StrCat("answer ", line));
      }
      in->remove_prefix(size);
      ++answers;
    }
  }

 private:
  static void AppendBulk(absl::string_view bytes, std::string* out) {
    absl::StrAppend(out, "$", bytes.size(), kEnd, bytes, kEnd);
  }
};

}  // namespace

std::unique_ptr<LoadProtocol> MakeRedisProtocol() {
  return std::make_unique<RedisProtocol>();
}

}  // namespace coffer::bench
