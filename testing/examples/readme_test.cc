// Every block of C++ in testing/README.md is a region of one of the examples,
// which compile and pass, and every region is shown.

#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

using ::testing::HasSubstr;

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

std::string Text(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

TEST(TestingReadme, ShowsTheCodeOfTheExamples) {
  const std::vector<std::string> shown =
      Regions("testing/README.md", "```cpp", "```");
  std::vector<std::string> compiled;
  for (const char* file :
       {"echo_test.cc", "fake_server_example_test.cc",
        "scripted_example_test.cc", "transcript_example_test.cc",
        "network_example_test.cc"}) {
    for (const std::string& region :
         Regions(std::string("testing/examples/") + file,
                 "// README: ", "// README: end")) {
      compiled.push_back(region);
    }
  }
  EXPECT_THAT(shown, ::testing::SizeIs(9));
  EXPECT_EQ(shown, compiled);
}

// Each row of the table names an example, which exists and uses what it is an
// example of.
TEST(TestingReadme, EachRowHasAnExample) {
  size_t rows = 0;
  const std::vector<std::string> lines =
      absl::StrSplit(Text("testing/README.md"), '\n');
  for (const std::string& line : lines) {
    std::smatch row;
    static const std::regex* const kRow = new std::regex(
        R"(\| .* \| [^`]*`(\w+).* \| `[\w/]+\.h` \| \[\w+\]\((.*)\) \|)");
    if (!absl::StartsWith(line, "| ") || absl::StartsWith(line, "| ---") ||
        absl::StartsWith(line, "| I want")) {
      continue;
    }
    ++rows;
    if (!std::regex_match(line, row, *kRow)) {
      ADD_FAILURE() << "no row with an example: " << line;
    } else if (absl::StartsWith(row[2].str(), "examples/")) {
      EXPECT_THAT(Text("testing/" + row[2].str()), HasSubstr(row[1].str()))
          << line;
    }
  }
  EXPECT_GT(rows, 30u);
}

}  // namespace
