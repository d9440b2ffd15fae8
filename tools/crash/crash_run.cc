#include "coffer/tools/crash/crash_run.h"

#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coffer/sdk/backoff_policy.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/sdk/sync_client.h"
#include "coffer/sdk/transaction.h"
#include "coffer/tools/cli/child_process.h"
#include "coffer/tools/crash/linearizability.h"

namespace coffer::crash {
namespace {

using Kind = Operation::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Text = std::optional<std::string>;

constexpr int kRegisters = 6;
constexpr int kCounters = 2;
// The keys that are written together.
constexpr const char* kTogether[] = {"k0", "k1", "k2", "k3"};

// What is checked on its own: the registers, the counters, the keys that are
// written by one MultiSet, and those of two tables by one transaction.
constexpr int kFirstCounter = kRegisters;
constexpr int kMultiSet = kFirstCounter + kCounters;
constexpr int kTransaction = kMultiSet + 1;
constexpr int kObjects = kTransaction + 1;

std::string NameOf(int object) {
  if (object < kRegisters) return absl::StrCat("register ", object);
  if (object < kMultiSet) return absl::StrCat("counter ", object);
  return object == kMultiSet ? "keys of one MultiSet"
                             : "keys of one transaction";
}

uint64_t Now() {
  return static_cast<uint64_t>(
      Clock::System().Now().time_since_epoch().count());
}

// What was answered to a call: a value, or that there is none.
using Answer = absl::StatusOr<Text>;

Answer Alike(const std::vector<Text>& values) {
  for (const Text& value : values) {
    if (value == values[0]) continue;
    return absl::DataLossError(absl::StrCat(
        "keys that are written together were read apart: ",
        values[0].value_or("nothing"), " and ", value.value_or("nothing")));
  }
  return values[0];
}

// The calls of one client.
class Calls {
 public:
  explicit Calls(SyncClient* client) : client_(*client) {}

  Answer Read(int object) {
    if (object == kMultiSet) return ReadMultiSet();
    if (object == kTransaction) return ReadTransaction();
    if (object >= kFirstCounter) {
      const auto sum = client_.Get<int64_t>("counters", Key(object));
      if (absl::IsNotFound(sum.status())) return Text();
      if (!sum.ok()) return sum.status();
      return Text(absl::StrCat(*sum));
    }
    const auto value = client_.Get<std::string>("registers", Key(object));
    if (absl::IsNotFound(value.status())) return Text();
    if (!value.ok()) return value.status();
    return Text(*value);
  }

  absl::Status Write(int object, const Text& value) {
    if (object == kMultiSet) {
      std::vector<std::pair<std::string, std::string>> pairs;
      for (const char* key : kTogether) pairs.emplace_back(key, *value);
      return client_.MultiSet("multi", pairs);
    }
    if (object == kTransaction) {
      return client_
          .Commit(Transaction().Then(
              op::Put("left", "k0", *value), op::Put("right", "k1", *value),
              op::Put("left", "k2", *value), op::Put("right", "k3", *value)))
          .status();
    }
    return value.has_value() ? client_.Set("registers", Key(object), *value)
                             : client_.Delete("registers", Key(object));
  }

  Answer Add(int object) {
    const auto sum = client_.Increment("counters", Key(object), 1);
    if (!sum.ok()) return sum.status();
    return Text(absl::StrCat(*sum));
  }

 private:
  static std::string Key(int object) { return absl::StrCat("k", object); }

  Answer ReadMultiSet() {
    const auto values = client_.MultiGet<std::string>(
        "multi",
        std::vector<std::string>(std::begin(kTogether), std::end(kTogether)));
    if (!values.ok()) return values.status();
    return Alike(*values);
  }

  Answer ReadTransaction() {
    const auto read = client_.Commit(
        Transaction().Then(op::Read<std::string>("left", "k0"),
                           op::Read<std::string>("right", "k1"),
                           op::Read<std::string>("left", "k2"),
                           op::Read<std::string>("right", "k3")));
    if (!read.ok()) return read.status();
    const auto& [a, b, c, d] = *read->then;
    return Alike({a.value, b.value, c.value, d.value});
  }

  SyncClient& client_;
};

// What the clients of a round have done.
class Round {
 public:
  Round() : histories_(kObjects) {}

  void Add(int object, Operation operation) {
    std::lock_guard lock(mutex_);
    histories_[object].push_back(std::move(operation));
    ++answers_;
    changed_.notify_all();
  }
  void Fail(std::string what) {
    std::lock_guard lock(mutex_);
    failures_.push_back(std::move(what));
    changed_.notify_all();
  }
  // Blocks until so many more calls have ended; false: not within half a
  // minute.
  bool WaitForMore(int calls) {
    std::unique_lock lock(mutex_);
    const uint64_t wanted = answers_ + static_cast<uint64_t>(calls);
    return changed_.wait_for(lock, seconds(30), [&] {
      return answers_ >= wanted || !failures_.empty();
    });
  }

  // Not while clients run.
  std::vector<std::vector<Operation>>& histories() { return histories_; }
  std::vector<std::string>& failures() { return failures_; }

  std::atomic<bool> stop{false};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t answers_ = 0;
  std::vector<std::vector<Operation>> histories_;
  std::vector<std::string> failures_;
};

class Crashes {
 public:
  explicit Crashes(const CrashOptions& options)
      : options_(options), random_(options.seed), now_(kObjects) {}

  absl::StatusOr<CrashResult> Run() {
    std::filesystem::remove_all(options_.data_dir);
    absl::Status status = Start();
    for (int i = 0; status.ok() && i < options_.clients + 1; ++i) {
      clients_.push_back(std::make_unique<SyncClient>(address_, Options()));
    }
    while (status.ok() && result_.kills < options_.kills &&
           result_.failures.empty()) {
      status = RunRound();
      if (options_.progress) options_.progress(result_.kills);
    }
    clients_.clear();
    if (!status.ok()) return status;
    return result_;
  }

 private:
  // Calls are sent again until they are answered, or their time is over.
  static ConnectionOptions Options() {
    ConnectionOptions options;
    options.call_timeout = seconds(20);
    options.reconnect_backoff =
        std::make_shared<ExponentialBackoff>(milliseconds(2), milliseconds(20));
    options.backoff = options.reconnect_backoff;
    return options;
  }

  void Launch() {
    std::vector<std::string> command = {
        options_.kvs, "--storage=rocksdb", "--log_level=warning",
        absl::StrCat("--data_dir=", options_.data_dir),
        // The clients know only the first address.
        absl::StrCat("--listen=", address_.empty() ? "127.0.0.1:0" : address_)};
    command.insert(command.end(), options_.kvs_flags.begin(),
                   options_.kvs_flags.end());
    kvs_ = std::make_unique<coffer_testing::ChildProcess>(command);
  }

  absl::Status Start() {
    Launch();
    const std::string line = kvs_->ReadLine();
    absl::string_view address = line;
    if (!absl::ConsumePrefix(&address, "listening on ")) {
      return absl::UnavailableError(absl::StrCat("kvs did not start: ", line));
    }
    address_ = std::string(address);
    return absl::OkStatus();
  }

  void Kill() {
    kvs_->Signal(SIGKILL);
    kvs_->Wait();
    ++result_.kills;
    if (options_.after_kill) options_.after_kill(result_.kills);
  }

  int Below(int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random_);
  }

  absl::Status RunRound() {
    Round round;
    std::vector<std::thread> threads;
    for (int i = 0; i < options_.clients; ++i) {
      threads.emplace_back(
          [this, &round, i, seed = random_()] { RunClient(round, i, seed); });
    }
    absl::Status status = CrashOnce(round);
    round.stop = true;
    for (std::thread& thread : threads) thread.join();
    if (status.ok()) status = ReadAll(round);
    if (status.ok()) Check(round);
    return status;
  }

  absl::Status CrashOnce(Round& round) {
    const absl::Status silent =
        absl::DeadlineExceededError("the server answers nothing");
    if (!round.WaitForMore(1 + Below(options_.answers_max))) return silent;
    Kill();
    while (Below(4) == 0 && result_.kills < options_.kills) {
      // Some way into its start.
      Launch();
      std::promise<void>().get_future().wait_for(
          std::chrono::microseconds(Below(30000)));
      Kill();
    }
    const absl::Status started = Start();
    if (!started.ok()) return started;
    return round.WaitForMore(1 + Below(options_.answers_max / 4 + 1)) ? started
                                                                      : silent;
  }

  void RunClient(Round& round, int client, unsigned seed) {
    std::mt19937 random(seed);
    Calls calls(clients_[client].get());
    while (!round.stop) {
      const int object = static_cast<int>(random() % kObjects);
      Operation operation;
      operation.client = client;
      if (random() % 3 == 0) {
        operation.kind = Kind::kRead;
      } else if (object >= kFirstCounter && object < kMultiSet) {
        operation.kind = Kind::kAdd;
      } else {
        operation.kind = Kind::kWrite;
        if (object >= kRegisters || random() % 4 != 0) {
          operation.value = absl::StrCat(client, "-", ++written_);
        }
      }
      Call(round, calls, object, std::move(operation));
    }
  }

  void Call(Round& round, Calls& calls, int object, Operation operation) {
    operation.begin = Now();
    absl::Status status;
    if (operation.kind == Kind::kWrite) {
      status = calls.Write(object, operation.value);
    } else {
      const Answer answer = operation.kind == Kind::kRead ? calls.Read(object)
                                                          : calls.Add(object);
      status = answer.status();
      if (answer.ok()) operation.value = *answer;
    }
    if (absl::IsDataLoss(status)) {
      round.Fail(absl::StrCat(NameOf(object), ": ", status.ToString()));
      return;
    }
    if (status.ok()) {
      operation.end = Now();
      ++answered_;
    } else if (operation.kind == Kind::kRead ||
               OutcomeOf(status) == v1::NOT_EXECUTED) {
      ++not_executed_;  // whoever sees it all the same has seen what never was
      return;
    } else {
      ++unknown_;
    }
    round.Add(object, std::move(operation));
  }

  // What is there when nobody writes: the end of the histories, and the
  // beginning of the next ones.
  absl::Status ReadAll(Round& round) {
    Calls calls(clients_.back().get());
    before_ = now_;
    for (int object = 0; object < kObjects; ++object) {
      Operation read;
      read.client = options_.clients;
      read.begin = Now();
      const Answer answer = calls.Read(object);
      read.end = Now();
      if (absl::IsDataLoss(answer.status())) {
        round.failures().push_back(
            absl::StrCat(NameOf(object), ": ", answer.status().ToString()));
        continue;
      }
      if (!answer.ok()) return answer.status();
      now_[object] = read.value = *answer;
      round.histories()[object].push_back(std::move(read));
    }
    return absl::OkStatus();
  }

  void Check(Round& round) {
    result_.answered = answered_;
    result_.unknown = unknown_;
    result_.not_executed = not_executed_;
    for (int object = 0; object < kObjects; ++object) {
      const std::vector<Operation>& history = round.histories()[object];
      ++result_.histories;
      if (IsLinearizable(history, before_[object])) continue;
      std::string text = absl::StrCat(
          "seed ", options_.seed, ", before kill ", result_.kills, ": ",
          NameOf(object), ", at first ", before_[object].value_or("nothing"),
          ", is not linearizable:\n");
      for (const Operation& operation : history) {
        absl::StrAppend(&text, "  ", Describe(operation), "\n");
      }
      result_.failures.push_back(std::move(text));
    }
    for (std::string& failure : round.failures()) {
      result_.failures.push_back(std::move(failure));
    }
  }

  const CrashOptions options_;
  std::mt19937 random_;
  std::string address_;
  std::unique_ptr<coffer_testing::ChildProcess> kvs_;
  // One for each client, and one that reads at the end of a round.
  std::vector<std::unique_ptr<SyncClient>> clients_;
  std::vector<Text> before_;
  std::vector<Text> now_;
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> answered_{0};
  std::atomic<uint64_t> unknown_{0};
  std::atomic<uint64_t> not_executed_{0};
  CrashResult result_;
};

}  // namespace

absl::StatusOr<CrashResult> RunCrashes(const CrashOptions& options) {
  return Crashes(options).Run();
}

}  // namespace coffer::crash
