// FakeFile: the bytes of one file, what of them would outlive a loss of power,
// and what such a loss may leave.
//
// A write is pending until the next sync. Pure; not thread-safe:
// FakeFileSystem guards it.

#ifndef COFFER_TESTING_DISK_FAKE_FILE_H_
#define COFFER_TESTING_DISK_FAKE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace coffer_testing {

// What a loss of power does to writes that were not synced.
enum class PowerLoss {
  // All of them are gone.
  kDropped,
  // The first of them are there, the last of these up to some byte, or some
  // sector, of it.
  kTorn,
  // Of each sector that they touch, the old or the new bytes, and a length of
  // the file between the old and the new.
  kReordered,
};

class FakeFile {
 public:
  // In bytes: what a disk writes as a whole.
  static constexpr std::size_t kSectorBytes = 512;

  // As a reader sees it.
  const std::string& bytes() const { return bytes_; }
  // As it would be without what is pending.
  const std::string& synced_bytes() const { return synced_; }

  // What is between the end and `offset` becomes zeros.
  void Write(std::uint64_t offset, absl::string_view bytes);
  void Truncate(std::uint64_t size);
  void Sync();
  // A sync has failed, and the system takes what was pending for written: it
  // is seen by readers, no later sync writes it, and only what is written anew
  // is. As file systems do after an error.
  void ForgetPending();

  void LosePower(PowerLoss manner, std::mt19937_64& random);
  void FlipBit(std::uint64_t offset, int bit);

 private:
  struct Change {
    bool truncates = false;
    std::uint64_t offset = 0;  // or the size
    std::string bytes = {};
  };

  static void Apply(const Change& change, std::string* to);
  void Tear(std::mt19937_64& random);
  void Reorder(std::mt19937_64& random);

  std::string bytes_;
  std::string synced_;
  std::vector<Change> pending_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_DISK_FAKE_FILE_H_
