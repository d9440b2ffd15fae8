#include "coffer/sdk/frame/malformed_frames.h"

#include <zlib.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/frame/big_endian.h"
#include "coffer/sdk/frame/frame_header.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer {
namespace {

std::string Header(bool compressed, uint32_t payload_bytes) {
  std::string header(kFrameHeaderBytes, '\0');
  EncodeFrameHeader({compressed, payload_bytes}, header.data());
  return header;
}

std::string LittleEndian(uint32_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) {
    text.push_back(static_cast<char>(value >> (8 * i)));
  }
  return text;
}

std::string Lz4Frame(uint32_t declared, absl::string_view block) {
  return CompressedFrame(Lz4Payload(declared, block));
}

// `text` with the byte at `at`, counted from the end if negative, changed.
std::string Flipped(std::string text, int at) {
  const size_t index = at < 0 ? text.size() + at : at;
  text.at(index) = static_cast<char>(text.at(index) ^ 0x55);
  return text;
}

std::string Cut(absl::string_view text, size_t from_end) {
  return std::string(text.substr(0, text.size() - from_end));
}

void AddHeaderFaults(std::vector<MalformedFrame>* all) {
  const FrameLimits limits = kMalformedFrameLimits;
  const auto add = [all](const char* name, std::string bytes, FrameErrc code) {
    all->push_back({name, std::move(bytes), code});
  };
  add("PlainFrameOverLimit", Header(false, limits.frame_bytes_max + 1),
      FrameErrc::kOversizeFrame);
  add("CompressedFrameOverLimit", Header(true, limits.frame_bytes_max + 1),
      FrameErrc::kOversizeFrame);
  add("PlainFrameOf2GiB", Header(false, kFrameCompressedBit - 1),
      FrameErrc::kOversizeFrame);
  add("CompressedFrameOf2GiB", Header(true, kFrameCompressedBit - 1),
      FrameErrc::kOversizeFrame);
  add("PlainMessageOverLimit", Header(false, limits.uncompressed_bytes_max + 1),
      FrameErrc::kOversizeMessage);
  add("EndInHeader", std::string(3, '\0'), FrameErrc::kTruncatedHeader);
  add("EndAfterHeader", Header(false, 1), FrameErrc::kTruncatedPayload);
  add("EndInPayload", Cut(PlainFrame("payload"), 1),
      FrameErrc::kTruncatedPayload);
  add("EndInCompressedPayload", Cut(Lz4Frame(3, Lz4Literals("abc")), 1),
      FrameErrc::kTruncatedPayload);
}

void AddLz4Faults(std::vector<MalformedFrame>* all) {
  const auto add = [all](const char* name, std::string bytes, FrameErrc code) {
    all->push_back({name, std::move(bytes), code});
  };
  const std::string literals = Lz4Literals("0123456789");
  const std::string match = Lz4Match(10);  // 16 bytes.
  add("Lz4OverLimit",
      Lz4Frame(kMalformedFrameLimits.uncompressed_bytes_max + 1,
               std::string(100, '\xff')),
      FrameErrc::kOversizeMessage);
  add("Lz4Of4GiB", Lz4Frame(0xffffffff, literals), FrameErrc::kOversizeMessage);
  add("Lz4WithoutAnything", CompressedFrame(""), FrameErrc::kTruncatedBlock);
  add("Lz4CutInSizePrefix", CompressedFrame(std::string(3, '\0')),
      FrameErrc::kTruncatedBlock);
  add("Lz4WithoutBlock", Lz4Frame(0, ""), FrameErrc::kTruncatedBlock);
  add("Lz4CutInLiterals", Lz4Frame(10, Cut(literals, 1)),
      FrameErrc::kTruncatedBlock);
  add("Lz4CutInLiteralLength", Lz4Frame(20, "\xf0"),
      FrameErrc::kTruncatedBlock);
  add("Lz4CutInOffset", Lz4Frame(16, match.substr(0, 3)),
      FrameErrc::kTruncatedBlock);
  add("Lz4CutInMatchLength",
      Lz4Frame(100, std::string("\x1f"
                                "a\x01\0",
                                4)),
      FrameErrc::kTruncatedBlock);
  add("Lz4CutAfterMatch", Lz4Frame(16, match.substr(0, 4)),
      FrameErrc::kTruncatedBlock);
  add("Lz4OffsetBeforeStart", Lz4Frame(16, Flipped(match, 2)),
      FrameErrc::kCorruptBlock);
  // A block must end in five literals.
  add("Lz4EndsInTooFewLiterals",
      Lz4Frame(16, std::string("\x1a"
                               "a\x01\0\x10"
                               "5",
                               6)),
      FrameErrc::kCorruptBlock);
  add("Lz4DeclaresMore", Lz4Frame(11, literals), FrameErrc::kSizeMismatch);
  add("Lz4DeclaresLess", Lz4Frame(9, literals), FrameErrc::kSizeMismatch);
  add("Lz4DeclaresLessThanMatch", Lz4Frame(8, match), FrameErrc::kSizeMismatch);
  add("Lz4DeclaresTheImpossible", Lz4Frame(256, std::string(1, '\0')),
      FrameErrc::kSizeMismatch);
  add("Lz4TrailingByte", Lz4Frame(16, match + '\0'), FrameErrc::kTrailingBytes);
  add("Lz4SecondBlock", Lz4Frame(16, match + literals),
      FrameErrc::kTrailingBytes);
}

void AddGzipFaults(std::vector<MalformedFrame>* all) {
  const auto add = [all](const char* name, const std::string& payload,
                         FrameErrc code) {
    all->push_back({name, CompressedFrame(payload), code});
  };
  const std::string member = GzipStored("0123456789");
  const size_t over = kMalformedFrameLimits.uncompressed_bytes_max + 1;
  add("GzipOverLimit", GzipStored(std::string(over, 'a')),
      FrameErrc::kOversizeMessage);
  add("GzipCutInHeader", member.substr(0, 5), FrameErrc::kTruncatedBlock);
  add("GzipCutInData", member.substr(0, 20), FrameErrc::kTruncatedBlock);
  add("GzipCutInTrailer", Cut(member, 1), FrameErrc::kTruncatedBlock);
  add("GzipUnknownMethod", Flipped(member, 2), FrameErrc::kCorruptBlock);
  add("GzipCorruptData", Flipped(member, 13), FrameErrc::kCorruptBlock);
  add("GzipWrongChecksum", Flipped(member, -5), FrameErrc::kCorruptBlock);
  add("GzipWrongLength", Flipped(member, -1), FrameErrc::kSizeMismatch);
  add("GzipTrailingByte", member + '\0', FrameErrc::kTrailingBytes);
  add("GzipSecondMember", member + member, FrameErrc::kTrailingBytes);
}

}  // namespace

const std::vector<MalformedFrame>& MalformedFrames() {
  static const auto* const frames = [] {
    auto* const all = new std::vector<MalformedFrame>;
    AddHeaderFaults(all);
    AddLz4Faults(all);
    AddGzipFaults(all);
    return all;
  }();
  return *frames;
}

std::string PlainFrame(absl::string_view payload) {
  return absl::StrCat(Header(false, static_cast<uint32_t>(payload.size())),
                      payload);
}

std::string CompressedFrame(absl::string_view payload) {
  return absl::StrCat(Header(true, static_cast<uint32_t>(payload.size())),
                      payload);
}

std::string Lz4Payload(uint32_t declared, absl::string_view block) {
  std::string prefix(4, '\0');
  internal::StoreBigEndian32(declared, prefix.data());
  return absl::StrCat(prefix, block);
}

std::string Lz4Literals(absl::string_view text) {
  COFFER_ASSERT(text.size() < 15 + 255);
  std::string block;
  if (text.size() < 15) {
    block.push_back(static_cast<char>(text.size() << 4));
  } else {
    block.push_back('\xf0');
    block.push_back(static_cast<char>(text.size() - 15));
  }
  return absl::StrCat(block, text);
}

std::string Lz4Match(uint32_t match_bytes) {
  COFFER_ASSERT(match_bytes >= 7 && match_bytes < 4 + 15);
  std::string block;
  block.push_back(static_cast<char>(1 << 4 | (match_bytes - 4)));
  return absl::StrCat(block, "a", LittleEndian(1, 2), Lz4Literals("12345"));
}

std::string GzipStored(absl::string_view text) {
  const auto bytes = static_cast<uint32_t>(text.size());
  COFFER_ASSERT(bytes < 65536);
  const uint32_t crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()), bytes));
  return absl::StrCat(
      // Magic, deflate, no flags, no time, no hints, unknown system.
      absl::string_view("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10),
      // The last block, stored: its length, and that inverted.
      absl::string_view("\x01", 1), LittleEndian(bytes, 2),
      LittleEndian(~bytes, 2), text, LittleEndian(crc, 4),
      LittleEndian(bytes, 4));
}

}  // namespace coffer
