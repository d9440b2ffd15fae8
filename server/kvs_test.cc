// The kvs binary as an operator meets it: its one line a listener, its signals,
// its exit codes, its complaints.

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/testing/tls/test_certificates.h"
#include "coffer/tools/cli/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using coffer_testing::ChildProcess;
using coffer_testing::RunProcess;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kKvs[] = "server/kvs";

std::uint16_t PortOf(const std::string& line) {
  absl::string_view rest = line;
  EXPECT_TRUE(absl::ConsumePrefix(&rest, "listening on 127.0.0.1:")) << line;
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(rest, &port)) << line;
  return static_cast<std::uint16_t>(port);
}

std::ptrdiff_t ThreadsOf(pid_t pid) {
  const std::filesystem::directory_iterator threads(
      absl::StrCat("/proc/", pid, "/task"));
  return std::distance(begin(threads), end(threads));
}

// The path of a file of the test's own.
std::string NewFile(const std::string& name, const std::string& content) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream file(path, std::ios::binary);
  file << content;
  EXPECT_TRUE(file.flush().good()) << path;
  return path;
}

class KvsTest : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> flags = {}) {
    std::vector<std::string> command = {kKvs, "--listen=127.0.0.1:0",
                                        "--log_level=warning"};
    command.insert(command.end(), flags.begin(), flags.end());
    kvs_ = std::make_unique<ChildProcess>(command);
    port_ = PortOf(kvs_->ReadLine());
  }

  tcp::socket Connected() {
    tcp::socket socket(io_);
    socket.connect({asio::ip::address_v4::loopback(), port_});
    return socket;
  }

  // Sends one request and reads its answer, of `bytes` bytes.
  std::string Ask(tcp::socket& socket, const v1::CommandRequest& request,
                  std::size_t bytes) {
    error_code error;
    asio::write(socket, asio::buffer(Frame(request)), error);
    std::string answer(bytes, '\0');
    if (!error) asio::read(socket, asio::buffer(answer), error);
    return error ? error.message() : answer;
  }

  asio::io_context io_;
  std::unique_ptr<ChildProcess> kvs_;
  std::uint16_t port_ = 0;
};

const std::string kNotThere = Frame([] {
  v1::CommandResponse response;
  response.set_status(404);
  response.set_message("Not found: table t, key k");
  return response;
}());

TEST_F(KvsTest, PrintsALineAListenerAndServesEach) {
  Start({"--listen=127.0.0.1:0"});
  const std::uint16_t second = PortOf(kvs_->ReadLine());
  EXPECT_NE(second, port_);
  for (const std::uint16_t port : {port_, second}) {
    port_ = port;
    tcp::socket socket = Connected();
    EXPECT_EQ(Ask(socket, MakeHget("t", "k"), kNotThere.size()), kNotThere);
  }
}

TEST_F(KvsTest, TermAndIntEndItWithZero) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Start();
    tcp::socket socket = Connected();
    Ask(socket, MakeHget("t", "k"), kNotThere.size());
    kvs_->Signal(signal);
    EXPECT_EQ(kvs_->Wait(), 0);
    char byte;
    error_code error;
    asio::read(socket, asio::buffer(&byte, 1), error);
    EXPECT_EQ(error, asio::error::eof) << "closed cleanly";
  }
}

TEST_F(KvsTest, SecondSignalEndsItAtOnce) {
  Start({"--drain_timeout=1000000s"});
  // A peer that does not take its answers holds the drain up.
  tcp::socket greedy = Connected();
  const std::string set =
      Frame(MakeHset("t", "big", std::string(8 << 20, 'x')));
  asio::write(greedy, asio::buffer(set));
  std::string gets;
  for (int i = 0; i < 20; ++i) gets += Frame(MakeHget("t", "big"));
  asio::write(greedy, asio::buffer(gets));
  char some[100];
  asio::read(greedy, asio::buffer(some));
  kvs_->Signal(SIGTERM);
  // It has taken note once it no longer listens.
  error_code refused;
  while (!refused) {
    tcp::socket probe(io_);
    probe.connect({asio::ip::address_v4::loopback(), port_}, refused);
  }
  kvs_->Signal(SIGTERM);
  EXPECT_EQ(kvs_->Wait(), 1);
}

// The drain is over, and the loop that waits for signals as well.
TEST_F(KvsTest, SecondSignalInTheLastOfTheShutdownEndsItAtOnce) {
  // A pipe that has no room holds up the end of the log.
  const std::string path = ::testing::TempDir() + "/full";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int full = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(full, 0);
  const std::string page(4096, '\n');
  while (write(full, page.data(), page.size()) > 0) {
  }
  kvs_ = std::make_unique<ChildProcess>(std::vector<std::string>{
      "/bin/sh", "-c",
      absl::StrCat("exec ", kKvs, " --threads=1 --listen=127.0.0.1:0 2>\"$0\""),
      path});
  ASSERT_THAT(kvs_->ReadLine(), StartsWith("listening on "));
  const std::ptrdiff_t threads = ThreadsOf(kvs_->pid());
  kvs_->Signal(SIGTERM);
  // The server's thread ends after the drain; the log's cannot.
  while (ThreadsOf(kvs_->pid()) >= threads) std::this_thread::yield();
  kvs_->Signal(SIGTERM);
  EXPECT_EQ(kvs_->Wait(), 1);
  close(full);
}

TEST_F(KvsTest, DescriptorsExhaustedDoNotEndIt) {
  Start();
  tcp::socket before = Connected();
  EXPECT_EQ(Ask(before, MakeHget("t", "k"), kNotThere.size()), kNotThere);
  rlimit few;
  ASSERT_EQ(prlimit(kvs_->pid(), RLIMIT_NOFILE, nullptr, &few), 0);
  const rlimit old = few;
  few.rlim_cur = 30;
  ASSERT_EQ(prlimit(kvs_->pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  // The system's backlog takes all of them; the server can accept only some.
  std::vector<tcp::socket> crowd;
  for (int i = 0; i < 60; ++i) crowd.push_back(Connected());
  EXPECT_EQ(Ask(before, MakeHget("t", "k"), kNotThere.size()), kNotThere);
  crowd.clear();
  ASSERT_EQ(prlimit(kvs_->pid(), RLIMIT_NOFILE, &old, nullptr), 0);
  tcp::socket after = Connected();
  EXPECT_EQ(Ask(after, MakeHget("t", "k"), kNotThere.size()), kNotThere);
}

struct Refused {
  std::vector<std::string> flags;
  int exit_code;
  std::string why;
};

void ExpectRefused(const std::vector<Refused>& cases) {
  for (const Refused& c : cases) {
    std::vector<std::string> command = {kKvs};
    command.insert(command.end(), c.flags.begin(), c.flags.end());
    const auto finished = RunProcess(command);
    EXPECT_EQ(finished.exit_code, c.exit_code) << c.why << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(c.why));
    // absl writes what it finds itself in its own way.
    if (absl::StartsWith(c.why, "kvs: ")) {
      EXPECT_THAT(finished.err, StartsWith("kvs: "));
      EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1)
          << finished.err;
    }
    EXPECT_EQ(finished.out, "");
  }
}

TEST_F(KvsTest, BadStartsSayWhyInOneLine) {
  Start();
  ExpectRefused({
      {{"--no_such_flag"}, 1, "Unknown command line flag 'no_such_flag'"},
      {{"--threads=many"}, 1, "threads"},
      {{"--storage=tape"}, 1, "kvs: --storage: no engine \"tape\""},
      {{"extra"}, 1, "kvs: unexpected argument \"extra\""},
      {{absl::StrCat("--listen=127.0.0.1:", port_)},
       2,
       absl::StrCat("kvs: cannot listen on 127.0.0.1:", port_,
                    ": Address already in use")},
  });
}

TEST_F(KvsTest, BadTlsFilesSayWhyInOneLine) {
  const auto& certificates = coffer_testing::GetTestCertificates();
  const std::string folder = ::testing::TempDir();
  const std::string absent = folder + "/absent.pem";
  const std::string garbage = NewFile("garbage.pem", "garbage\n");
  const std::string cert =
      NewFile("server.pem", certificates.server.certificate);
  const std::string key =
      NewFile("server.key", certificates.server.private_key);
  const std::string other =
      NewFile("client.key", certificates.client.private_key);
  Start({"--tls_cert=" + cert, "--tls_key=" + key});  // the certificate is good
  const auto refused = [](const std::string& chain, const std::string& with,
                          int exit_code, const std::string& why) {
    return Refused{
        {"--listen=127.0.0.1:0", "--tls_cert=" + chain, "--tls_key=" + with},
        exit_code,
        "kvs: " + why + "\n"};
  };
  ExpectRefused({
      refused(absent, key, 2,
              "cannot read certificate chain " + absent +
                  ": No such file or directory"),
      refused(
          cert, absent, 2,
          "cannot read private key " + absent + ": No such file or directory"),
      refused(cert, folder, 2,
              "cannot read private key " + folder + ": Is a directory"),
      refused(cert, garbage, 1,
              "private key " + garbage + ": no PEM private key in it"),
      refused(cert, other, 1,
              "private key " + other +
                  " does not match the first certificate of certificate "
                  "chain " +
                  cert),
  });
}

TEST_F(KvsTest, TooFewDescriptorsToStartSaySoInOneLine) {
  for (const char* descriptors : {"6", "7", "8", "9", "10", "12", "20"}) {
    const auto finished =
        RunProcess({"/bin/sh", "-c",
                    absl::StrCat("ulimit -n ", descriptors, "; exec ", kKvs,
                                 " --threads=400 --listen=127.0.0.1:0")});
    EXPECT_EQ(finished.exit_code, 2) << descriptors;
    EXPECT_THAT(finished.err, StartsWith("kvs: cannot start"));
    EXPECT_THAT(finished.err, HasSubstr("Too many open files"));
    if (descriptors == std::string("20")) {
      EXPECT_THAT(finished.err, HasSubstr("cannot start 400 threads: "));
    }
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1)
        << finished.err;
    EXPECT_EQ(finished.out, "");
  }
}

TEST_F(KvsTest, RaisesItsDescriptorsAsFarAsItMay) {
  kvs_ = std::make_unique<ChildProcess>(std::vector<std::string>{
      "/bin/sh", "-c",
      absl::StrCat("ulimit -S -n 50; exec ", kKvs,
                   " --threads=1 --listen=127.0.0.1:0 --log_level=error")});
  port_ = PortOf(kvs_->ReadLine());
  rlimit limit;
  ASSERT_EQ(prlimit(kvs_->pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
  EXPECT_GT(limit.rlim_cur, 50u);
}

TEST_F(KvsTest, WarnsOfDescriptorsThatDoNotSufficeForItsConnections) {
  for (const auto& [connections_max, warned] :
       {std::pair<int, bool>{1000, true}, {100, false}}) {
    kvs_ = std::make_unique<ChildProcess>(std::vector<std::string>{
        "/bin/sh", "-c",
        absl::StrCat("ulimit -n 200; exec ", kKvs,
                     " --threads=1 --listen=127.0.0.1:0 --log_level=warning"
                     " --connections_max=",
                     connections_max, " 2>&1")});
    // The log and the one line come in either order.
    std::string output = kvs_->ReadLine() + "\n";
    kvs_->Signal(SIGTERM);
    while (true) {
      const std::string line = kvs_->ReadLine();
      if (line.empty()) break;
      absl::StrAppend(&output, line, "\n");
    }
    EXPECT_EQ(absl::StrContains(output,
                                "level=warning event=\"few descriptors\" "
                                "limit=200 wanted=1036 connections_max=1000"),
              warned)
        << output;
    EXPECT_THAT(output, HasSubstr("listening on "));
  }
}

TEST_F(KvsTest, HelpNamesEveryFlagOfItsOwn) {
  const auto help = RunProcess({kKvs, "--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* flag :
       {"--listen", "--storage", "--data_dir", "--sync", "--accept_damaged_log",
        "--backup_dir", "--restore", "--restore_id", "--threads", "--tls_cert",
        "--tls_key", "--tls_client_ca", "--frame_bytes_max",
        "--connections_max", "--idle_timeout", "--stall_timeout",
        "--handshake_timeout", "--drain_timeout", "--log_level"}) {
    EXPECT_THAT(help.out, HasSubstr(flag));
  }
  EXPECT_THAT(RunProcess({kKvs, "--version"}).out, StartsWith("kvs "));
}

// A library that links OpenSSL would bind to BoringSSL's symbols, and crash.
TEST_F(KvsTest, OnlyBoringSslIsLoaded) {
  Start();
  std::ifstream maps(absl::StrCat("/proc/", kvs_->pid(), "/maps"));
  std::string line;
  int boring = 0;
  while (std::getline(maps, line)) {
    if (!absl::StrContains(line, "libssl") &&
        !absl::StrContains(line, "libcrypto")) {
      continue;
    }
    EXPECT_THAT(line, HasSubstr("/android/"));
    ++boring;
  }
  EXPECT_GT(boring, 0);
}

}  // namespace
}  // namespace coffer::server
