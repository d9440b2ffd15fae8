// As much of HTTP/2 (RFC 9113), its header compression (RFC 7541) and gRPC as
// unary calls of etcd's KV service take. A client's header is sent in full the
// first time, and as a few bytes from then on, as gRPC's own clients do it.

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/tools/bench/load/load_protocol.h"

namespace coffer::bench {
namespace {

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHeaderBytes = 9;
constexpr size_t kGrpcHeaderBytes = 5;

enum FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
};
constexpr uint8_t kAck = 1;        // of kSettings and kPing
constexpr uint8_t kEndStream = 1;  // of kData and kHeaders
constexpr uint8_t kEndHeaders = 4;
// What the server may send before it needs a kWindowUpdate is 65535.
constexpr size_t kWindowUpdateBytes = 16384;

void AppendNumber(uint32_t number, int bytes, std::string* out) {
  while (bytes-- > 0) out->push_back(static_cast<char>(number >> (8 * bytes)));
}

uint32_t NumberIn(absl::string_view bytes) {
  uint32_t number = 0;
  for (const char byte : bytes) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return number;
}

void AppendFrame(FrameType type, uint8_t flags, uint32_t stream,
                 absl::string_view payload, std::string* out) {
  AppendNumber(static_cast<uint32_t>(payload.size()), 3, out);
  AppendNumber(type, 1, out);
  AppendNumber(flags, 1, out);
  AppendNumber(stream, 4, out);
  out->append(payload.data(), payload.size());
}

// A header's text of less than 127 bytes, uncompressed.
void AppendText(absl::string_view text, std::string* out) {
  out->push_back(static_cast<char>(text.size()));
  out->append(text.data(), text.size());
}

// A protobuf field of bytes.
void AppendField(int number, absl::string_view bytes, std::string* out) {
  out->push_back(static_cast<char>(number << 3 | 2));
  size_t size = bytes.size();
  for (; size >= 128; size >>= 7) {
    out->push_back(static_cast<char>(size | 128));
  }
  out->push_back(static_cast<char>(size));
  out->append(bytes.data(), bytes.size());
}

class EtcdProtocol final : public LoadProtocol {
 public:
  explicit EtcdProtocol(absl::string_view authority) : authority_(authority) {}

  void Begin(std::string* out) override {
    absl::StrAppend(out, kPreface);
    AppendFrame(kSettings, 0, 0, "", out);
  }

  void Set(absl::string_view key, absl::string_view value,
           std::string* out) override {
    message_.clear();
    AppendField(1, key, &message_);
    AppendField(2, value, &message_);
    Call("/etcdserverpb.KV/Put", out);
  }

  void Get(absl::string_view key, std::string* out) override {
    message_.clear();
    AppendField(1, key, &message_);
    Call("/etcdserverpb.KV/Range", out);
  }

  absl::StatusOr<size_t> TakeAnswers(absl::string_view* in,
                                     std::string* out) override {
    size_t answers = 0;
    while (in->size() >= kFrameHeaderBytes) {
      const size_t size = NumberIn(in->substr(0, 3));
      if (in->size() < kFrameHeaderBytes + size) break;
      const auto type = static_cast<FrameType>((*in)[3]);
      const auto flags = static_cast<uint8_t>((*in)[4]);
      const absl::string_view payload = in->substr(kFrameHeaderBytes, size);
      in->remove_prefix(kFrameHeaderBytes + size);
      switch (type) {
        case kData:
          messages_ += size > kGrpcHeaderBytes;
          received_ += size;
          break;
        case kHeaders:
          if ((flags & kEndStream) == 0) break;
          // A call that fails ends without a message.
          if (messages_ == 0) return absl::InternalError("a call has failed");
          --messages_;
          ++answers;
          break;
        case kSettings:
          if (flags & kAck) break;
          AppendFrame(kSettings, kAck, 0, "", out);
          break;
        case kPing:
          if (flags & kAck) break;
          AppendFrame(kPing, kAck, 0, payload, out);
          break;
        case kRstStream:
        case kGoAway:
          return absl::InternalError("the server ended a call");
        default:
          break;
      }
    }
    if (received_ >= kWindowUpdateBytes) {
      std::string bytes;
      AppendNumber(static_cast<uint32_t>(std::exchange(received_, 0)), 4,
                   &bytes);
      AppendFrame(kWindowUpdate, 0, 0, bytes, out);
    }
    return answers;
  }

 private:
  // With message_. Requests are far smaller than the server's window, and each
  // waits for its answer: they never have to wait for it.
  void Call(absl::string_view path, std::string* out) {
    AppendFrame(kHeaders, kEndHeaders, next_stream_, Headers(path), out);
    frame_.clear();
    frame_.push_back(0);  // not compressed
    AppendNumber(static_cast<uint32_t>(message_.size()), 4, &frame_);
    frame_ += message_;
    AppendFrame(kData, kEndStream, next_stream_, frame_, out);
    next_stream_ += 2;
  }

  std::string Headers(absl::string_view path) {
    // :method POST, :scheme http.
    std::string headers = "\x83\x86";
    if (path == path_) {
      // What was added to the table below, the latest first.
      headers += "\xc1\xc0\xbf\xbe";
      return headers;
    }
    path_ = std::string(path);
    headers += "\x44";  // :path
    AppendText(path, &headers);
    headers += "\x41";  // :authority
    AppendText(authority_, &headers);
    headers += "\x5f";  // content-type
    AppendText("application/grpc", &headers);
    headers += "\x40";  // a name of our own
    AppendText("te", &headers);
    AppendText("trailers", &headers);
    return headers;
  }

  const std::string authority_;
  std::string path_;  // of the call before
  uint32_t next_stream_ = 1;
  std::string message_;
  std::string frame_;
  // Messages whose call has not ended yet, and bytes of them that the server
  // has not been told of.
  size_t messages_ = 0;
  size_t received_ = 0;
};

}  // namespace

std::unique_ptr<LoadProtocol> MakeEtcdProtocol(absl::string_view authority) {
  return std::make_unique<EtcdProtocol>(authority);
}

}  // namespace coffer::bench
