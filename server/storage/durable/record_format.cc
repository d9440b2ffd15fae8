#include "coffer/server/storage/durable/record_format.h"

#include "absl/strings/str_cat.h"

namespace coffer::server {
namespace {

// The first byte of a key.
constexpr char kMeta = 0x01;
constexpr char kTable = 0x02;
constexpr char kExpiry = 0x04;
constexpr char kNote = 0x05;
constexpr char kData = 0x10;

// The first byte of a table's record. Format 1 has none of its flags.
constexpr char kHasBytes = 0x01;

// The first byte of a data record. The other bits are refused: they would say
// that something stands in the record that this build does not know.
constexpr unsigned char kHasExpiry = 0x01;

void AppendNumber(uint64_t number, std::string* to) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    to->push_back(static_cast<char>(number >> shift));
  }
}

// The first 8 bytes of `bytes`, which go.
uint64_t TakeNumber(absl::string_view* bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) {
    number = number << 8 | static_cast<unsigned char>((*bytes)[i]);
  }
  bytes->remove_prefix(sizeof(number));
  return number;
}

std::string Meta(absl::string_view name) {
  return absl::StrCat(absl::string_view(&kMeta, 1), name);
}

std::string Of(char kind) { return std::string(1, kind); }

}  // namespace

std::string FormatKey() { return Meta("format"); }
std::string LastTableKey() { return Meta("last_table"); }
std::string VersionBoundKey() { return Meta("version_bound"); }

std::string TableKey(absl::string_view name) {
  return absl::StrCat(absl::string_view(&kTable, 1), name);
}

std::string DataKey(TableId table, absl::string_view key) {
  std::string encoded;
  encoded.reserve(kDataKeyPrefixBytes + key.size());
  encoded.push_back(kData);
  AppendNumber(table, &encoded);
  encoded.append(key.data(), key.size());
  return encoded;
}

std::string NoteKey(absl::string_view name) {
  return absl::StrCat(absl::string_view(&kNote, 1), name);
}

std::string ExpiryKey(const ExpiryEntry& entry) {
  std::string encoded = Of(kExpiry);
  AppendNumber(entry.at_ms, &encoded);
  AppendNumber(entry.table, &encoded);
  encoded.append(entry.key.data(), entry.key.size());
  return encoded;
}

bool DecodeExpiryKey(absl::string_view bytes, ExpiryEntry* entry) {
  if (bytes.size() < 1 + 2 * sizeof(uint64_t)) return false;
  if (bytes[0] != kExpiry) return false;
  bytes.remove_prefix(1);
  entry->at_ms = TakeNumber(&bytes);
  entry->table = TakeNumber(&bytes);
  entry->key = bytes;
  return true;
}

KeyRange AllTables() { return {Of(kTable), Of(kTable + 1)}; }

KeyRange DataOf(TableId table) {
  return {DataKey(table, ""), DataKey(table + 1, "")};
}

KeyRange AllNotes() { return {Of(kNote), Of(kNote + 1)}; }

KeyRange ExpiredAt(uint64_t now_ms) {
  const uint64_t end_ms = now_ms == UINT64_MAX ? now_ms : now_ms + 1;
  return {Of(kExpiry), ExpiryKey({.at_ms = end_ms})};
}

absl::string_view NoteNameOf(absl::string_view note_key) {
  return note_key.substr(1);
}

absl::string_view TableNameOf(absl::string_view table_key) {
  return table_key.substr(1);
}

std::string EncodeNumber(uint64_t number) {
  std::string bytes;
  AppendNumber(number, &bytes);
  return bytes;
}

bool DecodeNumber(absl::string_view bytes, uint64_t* number) {
  if (bytes.size() != sizeof(*number)) return false;
  *number = TakeNumber(&bytes);
  return true;
}

std::string EncodeTable(const TableRecord& table) {
  std::string bytes = Of(kHasBytes);
  AppendNumber(table.id, &bytes);
  AppendNumber(table.keys, &bytes);
  AppendNumber(table.bytes, &bytes);
  return bytes;
}

bool DecodeTable(absl::string_view bytes, TableRecord* table) {
  if (bytes.empty() || (bytes[0] & ~kHasBytes) != 0) return false;
  const bool has_bytes = bytes[0] == kHasBytes;
  bytes.remove_prefix(1);
  if (bytes.size() != sizeof(uint64_t) * (has_bytes ? 3 : 2)) return false;
  table->id = TakeNumber(&bytes);
  table->keys = TakeNumber(&bytes);
  table->bytes = has_bytes ? TakeNumber(&bytes) : 0;
  return table->id != kNoTable;
}

std::string EncodeDataHeader(const DataRecord& record) {
  const bool expires = record.expires_at_ms != 0;
  std::string bytes = Of(expires ? kHasExpiry : 0);
  AppendNumber(record.version, &bytes);
  if (expires) AppendNumber(record.expires_at_ms, &bytes);
  return bytes;
}

bool DecodeData(absl::string_view bytes, DataRecord* record) {
  if (bytes.empty()) return false;
  const auto flags = static_cast<unsigned char>(bytes[0]);
  if ((flags & ~kHasExpiry) != 0) return false;
  const bool expires = (flags & kHasExpiry) != 0;
  bytes.remove_prefix(1);
  if (bytes.size() < sizeof(uint64_t) * (expires ? 2 : 1)) return false;
  record->version = TakeNumber(&bytes);
  record->expires_at_ms = expires ? TakeNumber(&bytes) : 0;
  record->value = bytes;
  return true;
}

}  // namespace coffer::server
