// What MemoryStorage does with whole tables.

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/storage/memory_locks.h"
#include "coffer/server/storage/memory_storage.h"

namespace coffer::server {
namespace {

// A page looks through so many segments at most: one whose range has few keys
// may be empty and have a cursor all the same.
constexpr size_t kSegmentsPerPage = 256;

// Where a page begins: a shard, and a position in its part of the table. On the
// wire: a byte, 8 bytes big-endian, the key.
struct ScanPosition {
  size_t shard = 0;
  MemoryTable::Position in_table;
};

constexpr size_t kPositionBytes = 1 + sizeof(uint64_t);

std::string EncodePosition(const ScanPosition& position) {
  std::string cursor(1, static_cast<char>(position.shard));
  for (int shift = 56; shift >= 0; shift -= 8) {
    cursor.push_back(static_cast<char>(position.in_table.hash >> shift));
  }
  return cursor + position.in_table.key;
}

bool DecodePosition(absl::string_view cursor, size_t shards,
                    ScanPosition* position) {
  if (cursor.empty()) return true;  // the beginning
  if (cursor.size() < kPositionBytes) return false;
  position->shard = static_cast<unsigned char>(cursor[0]);
  for (size_t i = 1; i < kPositionBytes; ++i) {
    position->in_table.hash =
        position->in_table.hash << 8 | static_cast<unsigned char>(cursor[i]);
  }
  position->in_table.key = std::string(cursor.substr(kPositionBytes));
  return position->shard < shards;
}

absl::Status NoCursor(absl::string_view cursor) {
  return absl::InvalidArgumentError(absl::StrCat(
      "a cursor of ", cursor.size(), " bytes that is none of this engine"));
}

}  // namespace

void MemoryStorage::GetTable(Op& op, size_t result_bytes_max) {
  Locks locks(*this, kAllShards);
  const TableId table = tables_.Find(op.table);
  if (table == kNoTable) return;
  const uint64_t now_ms = NowMs();
  size_t bytes = 0;
  for (const PaddedShard& padded : shards()) {
    const MemoryShard& shard = padded.shard;
    const bool fits = shard.ForEach(table, [&](const SharedBytes& key,
                                               const MemoryRecord& record) {
      const uint64_t expires_at_ms =
          shard.ExpiresAtMs(table, key.view(), record);
      if (record.expires && expires_at_ms <= now_ms) return true;
      bytes += key.size() + record.value.size();
      if (result_bytes_max != 0 && bytes > result_bytes_max) return false;
      op.entries.push_back({key, record.value, record.version, expires_at_ms});
      return true;
    });
    if (!fits) {
      op.status = TableTooLarge(bytes, result_bytes_max);
      std::vector<TableEntry>().swap(op.entries);
      return;
    }
  }
}

void MemoryStorage::Scan(Op& op) {
  const PageRange& page = *op.page;
  ScanPosition position;
  if (!DecodePosition(page.cursor, kShards, &position)) {
    op.status = NoCursor(page.cursor);
    return;
  }
  const uint64_t now_ms = NowMs();
  size_t bytes = 0;
  std::vector<MemoryTable::Found> found;
  for (size_t segments = 0; position.shard < kShards; ++segments) {
    if (segments == kSegmentsPerPage) break;
    MemoryShard& shard = shards_[position.shard].shard;
    std::lock_guard lock(shard.mutex());
    const TableId id = tables_.Find(op.table);
    const MemoryTable* const table = shard.FindTable(id);
    uint64_t next = 0;
    found.clear();
    if (table != nullptr) next = table->SegmentFrom(position.in_table, &found);
    for (const MemoryTable::Found& key : found) {
      const absl::string_view name = key.key->view();
      const uint64_t expires_at_ms = table->ExpiresAtMs(name, *key.record);
      if (!InRange(page, name)) continue;
      if (key.record->expires && expires_at_ms <= now_ms) continue;
      bytes += name.size() + (page.keys_only ? 0 : key.record->value.size());
      const bool over = page.bytes_max != 0 && bytes > page.bytes_max;
      if (op.entries.size() == page.limit || (over && !op.entries.empty())) {
        position.in_table = {key.hash, std::string(name)};
        op.cursor_out = EncodePosition(position);
        return;
      }
      op.entries.push_back({*key.key,
                            page.keys_only ? SharedBytes() : key.record->value,
                            key.record->version, expires_at_ms});
    }
    position.in_table = {next, ""};
    if (next == 0) ++position.shard;
  }
  if (position.shard < kShards) op.cursor_out = EncodePosition(position);
}

MemoryStorage::DueByTable MemoryStorage::FindDue(uint64_t now_ms) const {
  DueByTable due;
  for (const PaddedShard& padded : shards()) {
    std::lock_guard lock(padded.shard.mutex());
    padded.shard.ForEachDueTable(
        now_ms, [&](TableId id, const MemoryTable& table) {
          const MemoryTable::Totals gone = table.Due(now_ms);
          due[id].keys += gone.keys;
          due[id].bytes += gone.bytes;
        });
  }
  return due;
}

// By name: the cursor is where the next page begins.
void MemoryStorage::ListTables(Op& op) {
  const PageRange& page = *op.page;
  const DueByTable due = FindDue(NowMs());
  const absl::string_view from = std::max(page.cursor, page.prefix);
  size_t bytes = 0;
  tables_.ForEach(from, [&](TableId id, const TableStats& stats) {
    if (!absl::StartsWith(stats.name, page.prefix)) return false;
    TableStats live = stats;
    if (const auto gone = due.find(id); gone != due.end()) {
      live.keys -= std::min(live.keys, gone->second.keys);
      live.bytes -= std::min(live.bytes, gone->second.bytes);
    }
    if (live.keys == 0) return true;
    bytes += live.name.size();
    const bool over = page.bytes_max != 0 && bytes > page.bytes_max;
    if (op.tables.size() == page.limit || (over && !op.tables.empty())) {
      op.cursor_out = live.name;
      // An empty cursor is that of the first page.
      COFFER_ASSERT(!op.cursor_out.empty());
      return false;
    }
    op.tables.push_back(std::move(live));
    return true;
  });
}

void MemoryStorage::CountKeys(Op& op) {
  const DueByTable due = FindDue(NowMs());
  TableStats stats = tables_.Stats(op.table);
  const auto gone = due.find(tables_.Find(op.table));
  if (gone != due.end()) {
    stats.keys -= std::min(stats.keys, gone->second.keys);
    stats.bytes -= std::min(stats.bytes, gone->second.bytes);
  }
  if (stats.keys == 0) return;
  op.found = true;
  op.tables.push_back(std::move(stats));
}

TableStats MemoryStorage::StatsOfLive(absl::string_view name) const {
  const uint64_t now_ms = NowMs();
  TableStats stats = tables_.Stats(name);
  const TableId id = tables_.Find(name);
  for (const PaddedShard& padded : shards()) {
    const MemoryTable* const table = padded.shard.FindTable(id);
    if (table == nullptr) continue;
    const MemoryTable::Totals gone = table->Due(now_ms);
    stats.keys -= gone.keys;
    stats.bytes -= gone.bytes;
  }
  return stats;
}

void MemoryStorage::Unlink(absl::string_view name, Tables* unlinked) {
  const TableId id = tables_.Find(name);
  for (PaddedShard& padded : shards()) {
    std::unique_ptr<MemoryTable> table = padded.shard.TakeTable(id);
    if (table != nullptr) unlinked->push_back(std::move(table));
  }
  tables_.Remove(name);
}

void MemoryStorage::Free(Tables unlinked) {
  if (unlinked.empty()) return;
  std::lock_guard lock(dropped_mutex_);
  std::move(unlinked.begin(), unlinked.end(), std::back_inserter(dropped_));
}

void MemoryStorage::DropTable(Op& op) {
  Tables unlinked;
  {
    Locks locks(*this, kAllShards);
    TableStats stats = StatsOfLive(op.table);
    if (stats.keys == 0) return;
    op.found = true;
    op.tables.push_back(std::move(stats));
    Unlink(op.table, &unlinked);
    ForgetSalts();
    TellOfTable(KeyChange::Kind::kTableGone, op.table);
  }
  Free(std::move(unlinked));
}

void MemoryStorage::RenameTable(Op& op) {
  Tables unlinked;
  {
    Locks locks(*this, kAllShards);
    TableStats stats = StatsOfLive(op.table);
    if (stats.keys == 0) return;
    if (StatsOfLive(op.value).keys != 0) {
      op.status = TableExists(op.value);
      return;
    }
    op.found = true;
    op.tables.push_back(std::move(stats));
    // One whose keys have all expired is in nobody's way.
    if (tables_.Find(op.value) != kNoTable) Unlink(op.value, &unlinked);
    tables_.Rename(op.table, op.value);
    salts_.Renamed(op.table, op.value);
    ForgetSalts();
    TellOfTable(KeyChange::Kind::kTableGone, op.table);
    TellOfTable(KeyChange::Kind::kTableCame, op.value);
  }
  Free(std::move(unlinked));
}

void MemoryStorage::ForgetSalts() {
  salts_.Forget([this](absl::string_view name) {
    return tables_.Find(name) != kNoTable;
  });
}

void MemoryStorage::TellOfTable(KeyChange::Kind kind, absl::string_view name) {
  const uint64_t version = NextVersion();
  if (sink_ == nullptr || !sink_->Wants(name)) return;
  KeyChange change;
  change.kind = kind;
  change.table = name;
  change.version = version;
  sink_->OnChanges({&change, 1});
}

}  // namespace coffer::server
