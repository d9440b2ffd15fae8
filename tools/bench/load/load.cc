#include "coffer/tools/bench/load/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::bench {
namespace {

constexpr size_t kRandomBytes = 1 << 20;
constexpr size_t kReadBytes = 1 << 16;
constexpr size_t kEventsAtOnce = 64;

// A number that no other one is made into, of which every bit depends on every
// bit of the number (splitmix64's end).
uint64_t Mix(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct Connection {
  Connection(Socket with, std::unique_ptr<LoadProtocol> speaks)
      : socket(std::move(with)), protocol(std::move(speaks)) {}

  Socket socket;
  std::unique_ptr<LoadProtocol> protocol;
  std::string in;
  std::string out;  // what is to be sent
  size_t sent = 0;  // of it
  bool waits_to_send = false;
  bool ready = false;                    // the protocol's word
  std::deque<Clock::TimePoint> started;  // of the requests under way
};

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    COFFER_ASSERT(options.value_bytes <= kValueBytesMax && options.keys > 0);
    random_bytes_.reserve(kRandomBytes);
    while (random_bytes_.size() < kRandomBytes) {
      random_bytes_.push_back(static_cast<char>(random_()));
    }
  }

  absl::StatusOr<LoadResult> Run() {
    if (epoll_.fd() < 0) return absl::ErrnoToStatus(errno, "epoll_create1");
    connections_.reserve(options_.connections);
    for (size_t i = 0; i < options_.connections; ++i) {
      const absl::Status connected = Connect(i);
      if (!connected.ok()) return connected;
    }
    now_ = last_ = clock_.Now();
    begin_ = now_ + (options_.every_key ? Clock::Duration{} : options_.warm_up);
    end_ = begin_ + options_.time;
    absl::Status status;
    for (Connection& connection : connections_) {
      connection.protocol->Begin(&connection.out);
      status = SendRequests(connection);
      if (!status.ok()) return status;
    }
    while (status.ok() && under_way_ + unready_ > 0) status = Turn();
    if (!status.ok()) return status;
    result_.time = last_ - begin_;
    return std::move(result_);
  }

 private:
  absl::Status Connect(size_t i) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.server.port);
    if (::inet_pton(AF_INET, options_.server.host.c_str(), &address.sin_addr) !=
        1) {
      return absl::InvalidArgumentError(
          absl::StrCat(options_.server.host, " is not an address of IPv4"));
    }
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.fd() < 0 ||
        ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)) != 0) {
      return absl::ErrnoToStatus(errno, "connecting");
    }
    const int on = 1;
    ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, socket.fd(), &event) != 0) {
      return absl::ErrnoToStatus(errno, "epoll_ctl");
    }
    connections_.emplace_back(std::move(socket), options_.make_protocol());
    ++unready_;
    return absl::OkStatus();
  }

  // Waits for some connections, and serves them.
  absl::Status Turn() {
    epoll_event events[kEventsAtOnce];
    const int count =
        ::epoll_wait(epoll_.fd(), events, kEventsAtOnce, /*timeout=*/-1);
    if (count < 0) {
      if (errno == EINTR) return absl::OkStatus();
      return absl::ErrnoToStatus(errno, "epoll_wait");
    }
    now_ = clock_.Now();
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections_[events[i].data.u64];
      absl::Status status;
      if (events[i].events & ~uint32_t{EPOLLOUT}) status = Receive(connection);
      if (status.ok()) status = SendRequests(connection);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Receive(Connection& connection) {
    std::string& in = connection.in;
    const size_t before = in.size();
    in.resize(before + kReadBytes);
    const ssize_t got =
        ::recv(connection.socket.fd(), &in[before], kReadBytes, MSG_DONTWAIT);
    in.resize(before + std::max<ssize_t>(got, 0));
    if (got == 0) return absl::UnavailableError("the server has closed");
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) return absl::OkStatus();
      return absl::ErrnoToStatus(errno, "receiving");
    }
    absl::string_view rest = in;
    const auto answers =
        connection.protocol->TakeAnswers(&rest, &connection.out);
    if (!answers.ok()) return answers.status();
    in.erase(0, in.size() - rest.size());
    if (*answers > connection.started.size()) {
      return absl::DataLossError("an answer that nobody has asked for");
    }
    for (size_t i = 0; i < *answers; ++i) Answered(connection);
    return absl::OkStatus();
  }

  void Answered(Connection& connection) {
    const Clock::TimePoint started = connection.started.front();
    connection.started.pop_front();
    --under_way_;
    if (!options_.every_key && (now_ < begin_ || now_ >= end_)) return;
    last_ = now_;
    ++result_.requests;
    result_.latencies.Add(static_cast<uint64_t>((now_ - started).count()));
  }

  bool TakeKey(uint64_t* key) {
    if (!options_.every_key) {
      *key = random_() % options_.keys;
      return now_ < end_;
    }
    *key = next_key_++;
    return *key < options_.keys;
  }

  // As many as may be under way, as far as the network takes them.
  absl::Status SendRequests(Connection& connection) {
    if (!connection.ready && connection.protocol->ready()) {
      connection.ready = true;
      --unready_;
    }
    uint64_t number = 0;
    while (connection.ready && connection.started.size() < options_.in_flight &&
           TakeKey(&number)) {
      if (options_.absent) number += options_.keys;
      const std::string key =
          absl::StrCat(absl::Hex(Mix(number), absl::kZeroPad16));
      if (options_.get) {
        connection.protocol->Get(key, &connection.out);
      } else {
        const size_t at = random_() % (kRandomBytes - options_.value_bytes);
        connection.protocol->Set(
            key,
            absl::string_view(random_bytes_).substr(at, options_.value_bytes),
            &connection.out);
      }
      connection.started.push_back(now_);
      ++under_way_;
    }
    return Send(connection);
  }

  absl::Status Send(Connection& connection) {
    std::string& out = connection.out;
    while (connection.sent < out.size()) {
      const ssize_t sent =
          ::send(connection.socket.fd(), out.data() + connection.sent,
                 out.size() - connection.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN) return WaitToSend(connection, true);
        return absl::ErrnoToStatus(errno, "sending");
      }
      connection.sent += sent;
    }
    out.clear();
    connection.sent = 0;
    return WaitToSend(connection, false);
  }

  absl::Status WaitToSend(Connection& connection, bool wait) {
    if (connection.waits_to_send == wait) return absl::OkStatus();
    connection.waits_to_send = wait;
    epoll_event event{};
    event.events = EPOLLIN | (wait ? uint32_t{EPOLLOUT} : 0);
    event.data.u64 = &connection - connections_.data();
    if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_MOD, connection.socket.fd(),
                    &event) != 0) {
      return absl::ErrnoToStatus(errno, "epoll_ctl");
    }
    return absl::OkStatus();
  }

  const LoadOptions& options_;
  Clock& clock_ = Clock::System();
  std::mt19937_64 random_{std::random_device()()};
  std::string random_bytes_;
  Socket epoll_;
  std::vector<Connection> connections_;
  size_t under_way_ = 0;
  size_t unready_ = 0;
  uint64_t next_key_ = 0;
  Clock::TimePoint begin_, end_, now_, last_;
  LoadResult result_;
};

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options) {
  return Load(options).Run();
}

}  // namespace coffer::bench
