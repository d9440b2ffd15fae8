#include "coffer/server/storage/durable/log_end.h"

#include <algorithm>
#include <array>

namespace coffer::server {
namespace {

// The format of RocksDB's logs, as its wiki and log_format.h have it: blocks,
// in them records with a header of a masked CRC-32C of all that follows it but
// the length, the length of the payload, and a type. Less than a header at the
// end of a block is filled with zeros.
constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;
constexpr size_t kLengthAt = 4;
constexpr size_t kTypeAt = 6;
// Of logs that are not recycled.
enum Type : uint8_t { kZero, kFull, kFirst, kMiddle, kLast };
// What a disk writes as a whole.
constexpr size_t kSectorBytes = 512;

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    }
    table[i] = crc;
  }
  return table;
}

uint32_t MaskedCrc32c(absl::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = MakeCrcTable();
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc = kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff] ^ (crc >> 8);
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

uint32_t LittleEndian(absl::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = bytes.size(); i-- > 0;) {
    number = number << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return number;
}

bool IsZero(absl::string_view bytes) {
  return bytes.find_first_not_of('\0') == absl::string_view::npos;
}

struct Record {
  uint8_t type = kZero;
  size_t size = 0;  // with its header
};

// The header at the beginning of `bytes`, which end where their block does.
// False if there is none.
bool ReadHeader(absl::string_view bytes, size_t block_left, Record* record) {
  if (bytes.size() < kHeaderBytes) return false;
  record->type = static_cast<uint8_t>(bytes[kTypeAt]);
  record->size = kHeaderBytes + LittleEndian(bytes.substr(kLengthAt, 2));
  return record->type >= kFull && record->type <= kLast &&
         record->size <= block_left;
}

bool ChecksumHolds(absl::string_view record) {
  return MaskedCrc32c(record.substr(kTypeAt)) ==
         LittleEndian(record.substr(0, kLengthAt));
}

// The end of a log, from the beginning of its last write on.
class Tail {
 public:
  Tail(uint64_t begin, absl::string_view bytes, uint64_t nonzero_end)
      : begin_(begin),
        bytes_(bytes),
        data_end_(nonzero_end - std::min(nonzero_end, begin)) {}

  LogEndFinder::Result Judge() {
    FindWholeWrites();
    const uint64_t end = begin_ + end_;
    const uint64_t as_it_is = begin_ + bytes_.size();
    if (data_end_ <= end_) return {.end = end};
    const bool torn = EndIsMissing() || SectorIsMissing();
    if (torn && !WriteBegins()) return {.end = end, .is_torn = true};
    if (torn || zeros_) return {.end = end, .has_hole = true};
    return {.end = as_it_is};
  }

 private:
  size_t BlockLeft(size_t at) const {
    return kBlockBytes - static_cast<size_t>((begin_ + at) % kBlockBytes);
  }

  // Sets end_ behind the last of them, and stop_ to where reading ends.
  void FindWholeWrites() {
    bool within = false;  // a write of several records
    for (;;) {
      if (BlockLeft(stop_) < kHeaderBytes) stop_ += BlockLeft(stop_);
      if (stop_ >= bytes_.size()) return;
      const absl::string_view rest = bytes_.substr(stop_);
      zeros_ = IsZero(rest.substr(0, kHeaderBytes));
      Record record;
      if (!ReadHeader(rest, BlockLeft(stop_), &record)) return;
      claimed_end_ = stop_ + record.size;
      if (record.size > rest.size()) return;
      if (!ChecksumHolds(rest.substr(0, record.size))) return;
      const bool begins = record.type == kFull || record.type == kFirst;
      if (begins == within) return;
      stop_ += record.size;
      within = record.type == kFirst || record.type == kMiddle;
      if (!within) end_ = stop_;
    }
  }

  // What is there ends before its last record does, or its write.
  bool EndIsMissing() const {
    return data_end_ < stop_ + kHeaderBytes || data_end_ < claimed_end_;
  }

  // What is there has zeros for a sector, or the rest of one.
  bool SectorIsMissing() const {
    for (size_t at = end_; at < data_end_;) {
      const size_t size = std::min<size_t>(
          kSectorBytes - static_cast<size_t>((begin_ + at) % kSectorBytes),
          data_end_ - at);
      if (IsZero(bytes_.substr(at, size))) return true;
      at += size;
    }
    return false;
  }

  // Whether another write begins behind the one that is not whole.
  bool WriteBegins() const {
    // What the record holds may be the bytes of a log.
    for (size_t at = std::max(end_ + 1, claimed_end_);
         at + kHeaderBytes <= data_end_; ++at) {
      const absl::string_view rest = bytes_.substr(at);
      Record record;
      if (!ReadHeader(rest, BlockLeft(at), &record)) continue;
      if (record.type != kFull && record.type != kFirst) continue;
      if (record.size > rest.size()) continue;
      if (ChecksumHolds(rest.substr(0, record.size))) return true;
    }
    return false;
  }

  const uint64_t begin_;
  const absl::string_view bytes_;
  const size_t data_end_;
  size_t end_ = 0;
  size_t stop_ = 0;
  size_t claimed_end_ = 0;  // of the last record that was looked at
  bool zeros_ = false;      // reading ends at a header of zeros
};

}  // namespace

void LogEndFinder::Add(absl::string_view bytes) {
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, kBlockBytes - block_.size());
    bytes.remove_prefix(part.size());
    const size_t nonzero = part.find_last_not_of('\0');
    if (nonzero != absl::string_view::npos) {
      last_nonzero_end_ = bytes_ + nonzero + 1;
    }
    block_.append(part.data(), part.size());
    bytes_ += part.size();
    if (block_.size() < kBlockBytes) continue;
    ReadBlock();
    block_.clear();
  }
}

// The block's records; as their headers have it: RocksDB finds what is damaged
// in front of the last write.
void LogEndFinder::ReadBlock() {
  const uint64_t begin = bytes_ - block_.size();
  absl::string_view rest = block_;
  size_t keep = 0;  // of the block, in the tail
  while (!stopped_ && rest.size() >= kHeaderBytes) {
    Record record;
    stopped_ =
        !ReadHeader(rest, kBlockBytes - (block_.size() - rest.size()), &record);
    if (stopped_) break;
    if (record.type == kFull || record.type == kFirst) {
      keep = block_.size() - rest.size();
      tail_begin_ = begin + keep;
      tail_.clear();
    }
    // Cut off by the end of the file.
    if (record.size > rest.size()) break;
    rest.remove_prefix(record.size);
  }
  tail_.append(block_, keep);
}

LogEndFinder::Result LogEndFinder::Finish() {
  ReadBlock();
  return Tail(tail_begin_, tail_, last_nonzero_end_).Judge();
}

}  // namespace coffer::server
