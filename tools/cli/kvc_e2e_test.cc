// The real kvc against the real kvs.

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coffer/testing/tls/test_certificates.h"
#include "coffer/tools/cli/child_process.h"
#include "coffer/tools/cli/kvc_e2e_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using coffer_testing::ChildProcess;
using coffer_testing::Finished;
using coffer_testing::GetTestCertificates;
using coffer_testing::RunProcess;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Kvc, SetGetGetallOverTcp) {
  Server server;
  Client kvc(server.address());
  EXPECT_EQ(kvc({"set", "users", "ada", "int:36"}).out, "ok\n");
  EXPECT_EQ(
      kvc({"mset", "users", "bob", "hello world", "eve", "bool:true"}).out,
      "ok\n");
  const Finished got = kvc({"get", "users", "ada"});
  EXPECT_EQ(got.exit_code, 0);
  EXPECT_EQ(got.out, "int:36\n");
  EXPECT_EQ(got.err, "");
  EXPECT_EQ(kvc({"mget", "users", "bob", "x"}).out,
            "bob\thello world\nx\tnone:\n");
  EXPECT_EQ(kvc({"exists", "users", "ada"}).out, "true\n");
  EXPECT_EQ(kvc({"mexists", "users", "ada", "x"}).out, "ada\ttrue\nx\tfalse\n");
  EXPECT_EQ(kvc({"getall", "users"}).out,
            "ada\tint:36\nbob\thello world\neve\tbool:true\n");
  EXPECT_EQ(kvc({"del", "users", "ada"}).out, "int:36\n");
  EXPECT_EQ(kvc({"mdel", "users", "ada", "bob"}).out,
            "ada\tnone:\nbob\thello world\n");
  EXPECT_EQ(kvc({"getall", "users"}).out, "eve\tbool:true\n");
}

TEST(Kvc, WhatGetPrintsCanBeSet) {
  Server server;
  Client kvc(server.address());
  for (const char* value : {"int:-5", "float:1.5", "bool:false", "bin:00ff",
                            "text:int:5", "text:", "hello world", "esc:a\\nb",
                            "none:", "gr\xc3\xbc\xc3\x9f", "a\\b 'c'"}) {
    ASSERT_EQ(kvc({"set", "t", "k", value}).exit_code, 0) << value;
    EXPECT_EQ(kvc({"get", "t", "k"}).out, absl::StrCat(value, "\n"));
  }
}

TEST(Kvc, AbsentKeyIsRefused) {
  Server server;
  const Finished got = Client(server.address())({"get", "t", "k"});
  EXPECT_EQ(got.exit_code, 1);
  EXPECT_EQ(got.out, "");
  EXPECT_EQ(got.err, "kvc: 404 Not found: table t, key k\n");
}

TEST(Kvc, JsonIsALineForEachAnswer) {
  Server server;
  Client kvc(server.address(), {"--json"});
  EXPECT_EQ(kvc({"set", "t", "k", "a \"b\""}).exit_code, 0);
  EXPECT_EQ(kvc({"get", "t", "k"}).out,
            R"({"status":200,"message":"","values":)"
            R"([{"type":"text","value":"a \"b\""}],"pairs":[]})"
            "\n");
  EXPECT_EQ(kvc({"getall", "t"}).out,
            R"({"status":200,"message":"","values":[],"pairs":)"
            R"([{"key":"k","value":{"type":"text","value":"a \"b\""}}]})"
            "\n");
  const Finished absent = kvc({"get", "t", "x"});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.out, StartsWith(R"({"status":404,"message":"Not found)"));
  EXPECT_THAT(absent.err, IsOneComplaint());
}

TEST(Kvc, LinesOfInputAreCommands) {
  Server server;
  const Finished done =
      Client(server.address())
          .Lines("# fill\nset t k \"a\\nb\"\n\nget t nothing\ngot\nget t k\n");
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_EQ(done.out, "ok\nesc:a\\nb\n");
  EXPECT_EQ(done.err,
            "kvc: line 4: 404 Not found: table t, key nothing\n"
            "kvc: line 5: no command \"got\"; kvc help lists them\n");
}

TEST(Kvc, LinesAreAnsweredAsTheyCome) {
  Server server;
  ChildProcess kvc(Client(server.address()).command());
  kvc.Write("set t k 1\n");
  EXPECT_EQ(kvc.ReadLine(), "ok");
  kvc.Write("get t k\n");
  EXPECT_EQ(kvc.ReadLine(), "1");
  kvc.CloseInput();
  EXPECT_EQ(kvc.Wait(), 0);
}

TEST(Kvc, ServerThatDiesIsALostConnection) {
  Server server;
  ChildProcess kvc(Client(server.address()).command());
  kvc.Write("set t k 1\n");
  EXPECT_EQ(kvc.ReadLine(), "ok");
  server.process().Signal(SIGKILL);
  server.process().Wait();
  kvc.Write("get t k\nget t k\n");
  EXPECT_EQ(kvc.ReadLine(), "");
  EXPECT_EQ(kvc.Wait(), 3);
}

TEST(Kvc, TenMegabytesGoBothWays) {
  Server server;
  std::string random_hex;
  uint64_t state = 1;
  while (random_hex.size() < 10u << 20) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    absl::StrAppend(&random_hex, absl::Hex(state >> 32, absl::kZeroPad8));
  }
  // The first compresses, the second hardly.
  for (const std::string& value :
       {std::string(10 << 20, 'x'), "bin:" + random_hex}) {
    const Finished done =
        Client(server.address())
            .Lines(absl::StrCat("set t k ", value, "\nget t k\n"));
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_TRUE(done.out == absl::StrCat("ok\n", value, "\n"));
  }
}

TEST(Kvc, ValueOverTheLimitIsRefused) {
  Server server({"--frame_bytes_max=2000"});
  const Finished done =
      Client(server.address())
          .Lines(absl::StrCat("set t k bin:", std::string(8000, 'a'),
                              "\nset t k 1\nget t k\n"));
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_EQ(done.out, "ok\n1\n");
  EXPECT_THAT(done.err, AllOf(StartsWith("kvc: line 1: 413 "),
                              HasSubstr("exceeds the limit of 2000")));
}

// Publishes until it is destroyed: who subscribes says nothing until it has
// got something.
class Publisher {
 public:
  Publisher(const Client& kvc, const Words& words)
      : thread_([this, kvc, words] {
          while (!done_) EXPECT_EQ(kvc(words).out, "ok\n");
        }) {}
  ~Publisher() {
    done_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

TEST(Kvc, WhatIsPublishedIsShownUntilItIsInterrupted) {
  Server server;
  const Client kvc(server.address());
  ChildProcess sub(kvc.command() + Words{"sub", "news"});
  {
    Publisher publisher(kvc, {"pub", "news", "int:5", "a b"});
    EXPECT_EQ(sub.ReadLine(), "int:5\ta b");
    EXPECT_EQ(sub.ReadLine(), "int:5\ta b");
  }
  sub.Signal(SIGINT);
  EXPECT_EQ(sub.Wait(), 0);
}

TEST(Kvc, EventsAsJsonAreNumbered) {
  Server server;
  const Client kvc(server.address());
  ChildProcess sub(kvc.command() + Words{"--json", "sub", "news"});
  Publisher publisher(kvc, {"pub", "news", "x"});
  const std::string first = sub.ReadLine();
  EXPECT_THAT(first, AllOf(StartsWith("{\"epoch\":"),
                           HasSubstr("\"values\":[{\"type\":\"text\","
                                     "\"value\":\"x\"}]}")));
  EXPECT_NE(sub.ReadLine(), first);
  sub.Signal(SIGTERM);
  EXPECT_EQ(sub.Wait(), 0);
}

TEST(Kvc, SubscriptionOutlivesTheServer) {
  Server server;
  const Client kvc(server.address());
  ChildProcess sub(kvc.command() + Words{"sub", "news"});
  {
    Publisher publisher(kvc, {"pub", "news", "first"});
    EXPECT_EQ(sub.ReadLine(), "first");
  }
  server.process().Signal(SIGKILL);
  server.process().Wait();
  Server again({"--listen=" + server.address()});
  {
    Publisher publisher(kvc, {"pub", "news", "second"});
    std::string line = sub.ReadLine();
    while (line == "first") line = sub.ReadLine();
    EXPECT_EQ(line, "second");
  }
  sub.Signal(SIGINT);
  EXPECT_EQ(sub.Wait(), 0);
}

TEST(Kvc, ChangesAreShownOverARestartOfTheServer) {
  Server server;
  const Client kvc(server.address());
  ChildProcess watch(kvc.command() + Words{"watch", "users", "--prefix=a"});
  {
    Publisher writer(kvc, {"set", "users", "ada", "int:36"});
    const std::string first = watch.ReadLine();
    EXPECT_THAT(first, AllOf(StartsWith("set\tada\t"), HasSubstr("\tint:36")));
    EXPECT_NE(watch.ReadLine(), first) << "another version";
  }
  server.process().Signal(SIGKILL);
  server.process().Wait();
  Server again({"--listen=" + server.address()});
  {
    Publisher writer(kvc, {"set", "users", "alan", "int:41"});
    std::string line = watch.ReadLine();
    while (absl::StrContains(line, "ada")) line = watch.ReadLine();
    EXPECT_THAT(line, AllOf(StartsWith("set\talan\t"), HasSubstr("\tint:41")));
  }
  watch.Signal(SIGINT);
  EXPECT_EQ(watch.Wait(), 0);
}

TEST(Kvc, PingTellsTheTime) {
  Server server;
  const Finished ping = Client(server.address())({"ping"});
  EXPECT_EQ(ping.exit_code, 0);
  EXPECT_THAT(ping.out, AllOf(StartsWith("answered in "), HasSubstr(" ms\n")));
  EXPECT_EQ(Client("127.0.0.1:1")({"ping"}).exit_code, 3);
}

TEST(Kvc, SubscribingWithoutAServerIsNoConnection) {
  const Finished sub = Client("127.0.0.1:1")({"sub", "news"});
  EXPECT_EQ(sub.exit_code, 3);
  EXPECT_THAT(sub.err, AllOf(IsOneComplaint(), HasSubstr("refused")));
}

TEST(Kvc, WrongUseExitsWithTwo) {
  // No server: none is needed to see it.
  Client kvc("127.0.0.1:1");
  const struct {
    Words words;
    const char* why;
  } cases[] = {
      {{"got", "t"}, "no command \"got\""},
      {{"get", "t"}, "get: it takes TABLE KEY"},
      {{"set", "t", "k", "int:x"}, "int: \"x\" is not a whole number"},
      {{"get", "t", "-k"}, "unknown flag \"-k\""},
      {{"--sever=x"}, "unknown flag \"--sever=x\""},
      {{"--timeout=x", "get", "t", "k"}, "--timeout: \"x\""},
      {{"--ca=x", "get", "t", "k"}, "--ca needs --tls"},
      {{"--tls", "--ca=/no/such/ca.pem", "get", "t", "k"}, "/no/such/ca.pem"},
  };
  for (const auto& c : cases) {
    const Finished done = kvc(c.words);
    EXPECT_EQ(done.exit_code, 2) << c.why;
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, AllOf(IsOneComplaint(), HasSubstr(c.why)));
  }
}

TEST(Kvc, HelpIsGivenWithoutAServer) {
  Client kvc("127.0.0.1:1");
  const Finished help = kvc({"help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("getall TABLE"));
  EXPECT_EQ(kvc({"--help"}).out, help.out);
}

TEST(Kvc, InputThatCannotBeReadIsWrongUse) {
  const Finished done = coffer_testing::RunProcessOn({kKvc}, "/");
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_EQ(done.err, "kvc: standard input cannot be read\n");
}

TEST(Kvc, NobodyListeningIsNoConnection) {
  // Bound, so that nobody else takes it, and not listening.
  using boost::asio::ip::tcp;
  boost::asio::io_context io;
  tcp::acceptor bound(io, tcp::v4());
  bound.bind({boost::asio::ip::address_v4::loopback(), 0});
  const std::string address =
      absl::StrCat("127.0.0.1:", bound.local_endpoint().port());
  const Finished done = Client(address)({"get", "t", "k"});
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_EQ(done.out, "");
  EXPECT_THAT(done.err, AllOf(IsOneComplaint(), HasSubstr(address),
                              HasSubstr("refused")));
}

// Certificates as files, and a server that asks for them.
class KvcTls : public testing::Test {
 protected:
  KvcTls() {
    const auto& made = GetTestCertificates();
    Write("ca", made.ca.certificate);
    Write("other_ca", made.other_ca.certificate);
    Write("server", made.server.certificate);
    Write("server_key", made.server.private_key);
    Write("client", made.client.certificate);
    Write("client_key", made.client.private_key);
    Write("other_client", made.other_client.certificate);
    Write("other_client_key", made.other_client.private_key);
  }

  static std::string Path(const std::string& name) {
    return absl::StrCat(testing::TempDir(), "/", name, ".pem");
  }
  static void Write(const std::string& name, const std::string& pem) {
    std::ofstream(Path(name), std::ios::binary) << pem;
  }
  static Words ServerFlags() {
    return {"--tls_cert=" + Path("server"), "--tls_key=" + Path("server_key")};
  }
  static Words MutualServerFlags() {
    return ServerFlags() + Words{"--tls_client_ca=" + Path("ca")};
  }
  static Words ClientFlags(const std::string& ca,
                           const std::string& certificate = "") {
    Words flags = {"--tls", "--ca=" + Path(ca)};
    if (certificate.empty()) return flags;
    return flags + Words{"--cert=" + Path(certificate),
                         "--key=" + Path(certificate + "_key")};
  }
};

TEST_F(KvcTls, SetGetGetallOverMutualTls) {
  Server server(MutualServerFlags());
  Client kvc(server.address(), ClientFlags("ca", "client"));
  EXPECT_EQ(kvc({"set", "t", "k", "int:5"}).err, "");
  const Finished got = kvc({"get", "t", "k"});
  EXPECT_EQ(got.exit_code, 0);
  EXPECT_EQ(got.out, "int:5\n");
  EXPECT_EQ(kvc({"getall", "t"}).out, "k\tint:5\n");
  // By name too: it is sent to the server, and verified.
  Client by_name("localhost:" + server.port(), ClientFlags("ca", "client"));
  EXPECT_EQ(by_name({"get", "t", "k"}).out, "int:5\n");
}

TEST_F(KvcTls, WrongAuthorityIsRefused) {
  Server server(MutualServerFlags());
  const Finished done =
      Client(server.address(),
             ClientFlags("other_ca", "client"))({"set", "t", "k", "1"});
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_EQ(done.out, "");
  EXPECT_THAT(done.err,
              AllOf(IsOneComplaint(), HasSubstr("certificate verify failed"),
                    HasSubstr("Coffer test CA")));
}

TEST_F(KvcTls, WrongNameIsRefused) {
  Server server(ServerFlags());
  const Finished done =
      Client(server.address(),
             ClientFlags("ca") + Words{"--name=db1"})({"set", "t", "k", "1"});
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_THAT(done.err, AllOf(IsOneComplaint(), HasSubstr("not valid for db1"),
                              HasSubstr("localhost")));
  Client right(server.address(), ClientFlags("ca") + Words{"--name=localhost"});
  EXPECT_EQ(right({"set", "t", "k", "1"}).exit_code, 0);
}

TEST_F(KvcTls, ClientWithoutACertificateOfTheRightAuthorityIsRefused) {
  Server server(MutualServerFlags());
  for (const char* certificate : {"", "other_client"}) {
    const Finished done =
        Client(server.address(),
               ClientFlags("ca", certificate))({"set", "t", "k", "1"});
    EXPECT_EQ(done.exit_code, 3) << certificate;
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, IsOneComplaint());
  }
  Client right(server.address(), ClientFlags("ca", "client"));
  EXPECT_EQ(right({"get", "t", "k"}).exit_code, 1);
}

TEST_F(KvcTls, OneSideAloneWithTlsIsNoConnection) {
  Server plain;
  const Finished to_plain =
      Client(plain.address(),
             ClientFlags("ca") + Words{"--timeout=60s"})({"get", "t", "k"});
  EXPECT_EQ(to_plain.exit_code, 3);
  EXPECT_THAT(to_plain.err, AllOf(IsOneComplaint(), HasSubstr(plain.address()),
                                  HasSubstr("TLS handshake")));
  Server tls(ServerFlags());
  const Finished to_tls = Client(tls.address())({"get", "t", "k"});
  EXPECT_EQ(to_tls.exit_code, 3);
  EXPECT_THAT(to_tls.err, AllOf(IsOneComplaint(), HasSubstr(tls.address()),
                                HasSubstr("wants --tls")));
}

// OpenSSL beside BoringSSL in one process would crash sooner or later.
std::set<std::string> LoadedTlsLibraries(pid_t pid) {
  std::set<std::string> found;
  std::ifstream maps(absl::StrCat("/proc/", pid, "/maps"));
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path == std::string::npos) continue;
    for (const char* library : {"/libssl", "/libcrypto"}) {
      if (absl::StrContains(line, library)) found.insert(line.substr(path));
    }
  }
  return found;
}

TEST_F(KvcTls, OnlyBoringSslIsLoaded) {
  Server server(MutualServerFlags());
  ChildProcess kvc(
      Client(server.address(), ClientFlags("ca", "client")).command());
  kvc.Write("set t k 1\n");
  ASSERT_EQ(kvc.ReadLine(), "ok");
  for (const pid_t pid : {kvc.pid(), server.process().pid()}) {
    EXPECT_THAT(LoadedTlsLibraries(pid),
                ElementsAre(HasSubstr("/android/libcrypto"),
                            HasSubstr("/android/libssl")));
  }
}

}  // namespace
}  // namespace coffer::cli
