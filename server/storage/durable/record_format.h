// The bytes of the durable engine's keys and records: docs/storage_format.md.
//
// Pure functions. Numbers are unsigned, big-endian, 8 bytes. A key begins with
// a byte for what it is; that of a data record goes on with its table's id and
// then the key itself, so keys of a table stand together, in the order of
// unsigned bytes, and no two pairs of names share one.

#ifndef COFFER_SERVER_STORAGE_DURABLE_RECORD_FORMAT_H_
#define COFFER_SERVER_STORAGE_DURABLE_RECORD_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "coffer/server/storage/table_registry.h"

namespace coffer::server {

// What this build writes, and the newest that it reads.
inline constexpr uint64_t kDataFormat = 2;

// Keys of the records that there is one of.
std::string FormatKey();     // kDataFormat, in decimal
std::string LastTableKey();  // the highest id that a table has ever had
// No version above it has ever been given.
std::string VersionBoundKey();

// Of the record of the table `name`.
std::string TableKey(absl::string_view name);
std::string DataKey(TableId table, absl::string_view key);
// Where the key itself begins in a DataKey.
inline constexpr size_t kDataKeyPrefixBytes = 1 + sizeof(TableId);

// Of a note.
std::string NoteKey(absl::string_view name);

// Of a key that expires, in the order of time.
struct ExpiryEntry {
  uint64_t at_ms = 0;  // since 1970
  TableId table = kNoTable;
  absl::string_view key = {};
};
std::string ExpiryKey(const ExpiryEntry& entry);
// False: the bytes are none. The key is in the bytes.
bool DecodeExpiryKey(absl::string_view bytes, ExpiryEntry* entry);

// All keys from `begin` on, and before `end`.
struct KeyRange {
  std::string begin;
  std::string end;
};
KeyRange AllTables();
KeyRange DataOf(TableId table);
KeyRange AllNotes();
// Entries of keys that have expired at `now_ms`.
KeyRange ExpiredAt(uint64_t now_ms);
// The name of a key in AllTables().
absl::string_view TableNameOf(absl::string_view table_key);
// The name of a key in AllNotes().
absl::string_view NoteNameOf(absl::string_view note_key);

std::string EncodeNumber(uint64_t number);
// False: the bytes are none.
bool DecodeNumber(absl::string_view bytes, uint64_t* number);

struct TableRecord {
  TableId id = kNoTable;
  uint64_t keys = 0;
  uint64_t bytes = 0;  // of its keys and values
};
std::string EncodeTable(const TableRecord& table);
// False: the bytes are none that this build knows. Those of format 1 do not say
// how many bytes the table has.
bool DecodeTable(absl::string_view bytes, TableRecord* table);

struct DataRecord {
  uint64_t version = 0;
  // Milliseconds since 1970; 0: never.
  uint64_t expires_at_ms = 0;
  absl::string_view value = {};  // in the bytes that were decoded
};
// What stands before the value.
std::string EncodeDataHeader(const DataRecord& record);
// False: the bytes are none that this build knows.
bool DecodeData(absl::string_view bytes, DataRecord* record);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_RECORD_FORMAT_H_
