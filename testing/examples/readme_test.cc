// Every block of C++ in testing/README.md is a region of one of the examples,
// which compile and pass, and every region is shown.

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

// The lines between one that is or starts with `begin` and the next `end`.
std::vector<std::string> Regions(const std::string& path,
                                 const std::string& begin,
                                 const std::string& end) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream content;
  content << file.rdbuf();
  std::vector<std::string> regions;
  bool inside = false;
  const std::vector<std::string> lines = absl::StrSplit(content.str(), '\n');
  for (const std::string& line : lines) {
    if (inside && line == end) {
      inside = false;
    } else if (inside) {
      regions.back() += line + "\n";
    } else if (absl::StartsWith(line, begin)) {
      regions.emplace_back();
      inside = true;
    }
  }
  EXPECT_FALSE(inside) << "a region of " << path << " does not end";
  return regions;
}

TEST(TestingReadme, ShowsTheCodeOfTheExample) {
  const std::vector<std::string> shown =
      Regions("testing/README.md", "```cpp", "```");
  std::vector<std::string> compiled;
  for (const char* file : {"echo_test.cc", "fake_server_example_test.cc"}) {
    for (const std::string& region :
         Regions(std::string("testing/examples/") + file,
                 "// README: ", "// README: end")) {
      compiled.push_back(region);
    }
  }
  EXPECT_THAT(shown, ::testing::SizeIs(6));
  EXPECT_EQ(shown, compiled);
}

}  // namespace
