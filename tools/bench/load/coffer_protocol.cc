#include <random>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/tools/bench/load/load_protocol.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::bench {
namespace {

constexpr char kTable[] = "bench";
constexpr size_t kHeaderBytes = 4;

class CofferProtocol final : public LoadProtocol {
 public:
  explicit CofferProtocol(const CofferProtocolOptions& options)
      : options_(options) {}

  void Begin(std::string* out) override {
    v1::CommandRequest request;
    v1::Hello& hello = *request.mutable_hello();
    hello.set_protocol_version(1);
    std::random_device random;
    std::string id;
    while (id.size() < 16) id.push_back(static_cast<char>(random()));
    hello.set_client_id(id);
    hello.set_client_name("load_generator");
    hello.set_next_request_id(1);
    Append(request, out);
  }

  bool ready() const override { return ready_; }

  void Set(absl::string_view key, absl::string_view value,
           std::string* out) override {
    v1::Hset& hset = *set_.mutable_hset();
    hset.set_table(kTable);
    hset.set_no_previous(true);
    hset.mutable_pair()->set_key(key.data(), key.size());
    hset.mutable_pair()->mutable_value()->set_binary(value.data(),
                                                     value.size());
    if (options_.request_ids) set_.set_request_id(++last_id_);
    Append(set_, out);
  }

  void Get(absl::string_view key, std::string* out) override {
    get_.mutable_hget()->set_table(kTable);
    get_.mutable_hget()->set_key(key.data(), key.size());
    if (options_.request_ids) get_.set_request_id(++last_id_);
    Append(get_, out);
  }

  absl::StatusOr<size_t> TakeAnswers(absl::string_view* in,
                                     std::string*) override {
    size_t answers = 0;
    while (in->size() >= kHeaderBytes) {
      size_t size = 0;
      for (size_t i = 0; i < kHeaderBytes; ++i) {
        size = size << 8 | static_cast<unsigned char>((*in)[i]);
      }
      if (in->size() < kHeaderBytes + size) break;
      if (!response_.ParseFromArray(in->data() + kHeaderBytes,
                                    static_cast<int>(size))) {
        return absl::DataLossError("an answer that is no message");
      }
      in->remove_prefix(kHeaderBytes + size);
      // The first one answers the Hello.
      if (response_.status() != (ready_ && options_.absent ? 404u : 200u)) {
        return absl::InternalError(absl::StrCat("answer ", response_.status(),
                                                ": ", response_.message()));
      }
      if (ready_) ++answers;
      ready_ = true;
    }
    return answers;
  }

 private:
  static void Append(const v1::CommandRequest& request, std::string* out) {
    const size_t size = request.ByteSizeLong();
    for (const int shift : {24, 16, 8, 0}) {
      out->push_back(static_cast<char>(size >> shift));
    }
    request.AppendToString(out);
  }

  const CofferProtocolOptions options_;
  bool ready_ = false;
  uint64_t last_id_ = 0;
  // Kept from one to the next, with their memory.
  v1::CommandRequest set_;
  v1::CommandRequest get_;
  v1::CommandResponse response_;
};

}  // namespace

std::unique_ptr<LoadProtocol> MakeCofferProtocol(
    const CofferProtocolOptions& options) {
  return std::make_unique<CofferProtocol>(options);
}

}  // namespace coffer::bench
