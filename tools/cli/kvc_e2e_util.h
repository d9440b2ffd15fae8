// A kvs and a kvc, as programs, for end-to-end tests.

#ifndef COFFER_TOOLS_CLI_KVC_E2E_UTIL_H_
#define COFFER_TOOLS_CLI_KVC_E2E_UTIL_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "coffer/tools/cli/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {

using Words = std::vector<std::string>;

inline constexpr char kKvs[] = "server/kvs";
inline constexpr char kKvc[] = "tools/cli/kvc";

inline Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A kvs on a port of its own.
class Server {
 public:
  explicit Server(const Words& flags = {})
      : process_(Words{kKvs, "--listen=127.0.0.1:0", "--log_level=warning"} +
                 flags) {
    const std::string ready = process_.ReadLine();
    absl::string_view address = ready;
    EXPECT_TRUE(absl::ConsumePrefix(&address, "listening on ")) << ready;
    address_ = std::string(address);
  }

  const std::string& address() const { return address_; }
  std::string port() const { return address_.substr(address_.rfind(':') + 1); }
  coffer_testing::ChildProcess& process() { return process_; }

 private:
  coffer_testing::ChildProcess process_;
  std::string address_;
};

// kvc for that server.
class Client {
 public:
  explicit Client(std::string address, Words flags = {})
      : command_(Words{kKvc, "--server=" + address} + flags) {}

  coffer_testing::Finished operator()(const Words& words) const {
    return coffer_testing::RunProcess(command_ + words);
  }
  coffer_testing::Finished Lines(const std::string& lines) const {
    return coffer_testing::RunProcess(command_, lines);
  }
  const Words& command() const { return command_; }

 private:
  Words command_;
};

// One line, and the program's name on it.
MATCHER(IsOneComplaint, "is one line that begins with kvc: ") {
  return absl::StartsWith(arg, "kvc: ") && arg.find('\n') == arg.size() - 1;
}

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_KVC_E2E_UTIL_H_
