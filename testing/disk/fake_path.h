// Paths on a FakeFileSystem.

#ifndef COFFER_TESTING_DISK_FAKE_PATH_H_
#define COFFER_TESTING_DISK_FAKE_PATH_H_

#include <cstddef>
#include <string>

#include "rocksdb/io_status.h"

namespace coffer_testing {

inline rocksdb::IOStatus NoSuch(const std::string& path) {
  return rocksdb::IOStatus::PathNotFound(path, "no such file or folder");
}

inline std::string DirOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// With one slash where there are several, and none at the end.
inline std::string Plain(const std::string& path) {
  std::string plain;
  for (const char c : path) {
    if (c != '/' || plain.empty() || plain.back() != '/') plain += c;
  }
  if (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return plain;
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_DISK_FAKE_PATH_H_
