#include "coffer/server/worker.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/keep_alive.h"
#include "coffer/server/accept_loop.h"
#include "coffer/server/log.h"
#include "coffer/server/server.h"

namespace coffer::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Worker::Worker(Server* server)
    : server_(server),
      work_(asio::make_work_guard(io_)),
      drain_timer_(server->options_.clock->MakeTimer(io_.get_executor())) {}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    StopAccepting();
    drain_timer_->Cancel();
    AbortAll();
    work_.reset();
  });
  thread_.join();
}

absl::Status Worker::Share(tcp::acceptor& acceptor) {
  auto own = std::make_unique<Listener>(
      Listener{tcp::acceptor(io_),
               server_->options_.clock->MakeTimer(io_.get_executor())});
  const int copy = ::fcntl(acceptor.native_handle(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return absl::ErrnoToStatus(errno, "duplicating a listener");
  error_code error;
  own->acceptor.assign(acceptor.local_endpoint(error).protocol(), copy, error);
  if (error) {
    ::close(copy);
    return absl::UnavailableError(
        absl::StrCat("sharing a listener: ", error.message()));
  }
  listeners_.push_back(std::move(own));
  return absl::OkStatus();
}

void Worker::Run() {
  for (auto& listener : listeners_) {
    auto on_accept = [this](tcp::socket socket) {
      Accepted(std::move(socket));
    };
    asio::co_spawn(io_,
                   AcceptLoop(&listener->acceptor, server_->options_.clock,
                              listener->backoff_timer.get(), on_accept),
                   asio::detached);
  }
  thread_ = std::thread([this] { io_.run(); });
}

void Worker::Accepted(tcp::socket socket) {
  // It was accepted when the listener was not closed yet. Nobody would end it.
  if (stopping_) return;  // closes it
  const ServerLimits& limits = server_->options_.limits;
  if (server_->connections_.fetch_add(1) >= limits.connections_max) {
    server_->connections_.fetch_sub(1);
    Log(LogLevel::kWarning, "connection refused",
        {{"reason", absl::StrCat("over the limit of ", limits.connections_max,
                                 " connections")}});
    return;
  }
  try {
    Serve(std::move(socket));
  } catch (...) {
    server_->connections_.fetch_sub(1);
    throw;
  }
}

void Worker::Serve(tcp::socket socket) {
  error_code ignored;
  // An answer is one write; waiting to fill a packet only delays it.
  socket.set_option(tcp::no_delay(true), ignored);
  coffer::internal::KeepAlive(socket);
  if (server_->options_.on_accepted) server_->options_.on_accepted(socket);
  ConnectionContext context;
  context.service = server_->service_;
  context.limits = &server_->options_.limits;
  context.clock = server_->options_.clock;
  context.connections = &connections_;
  context.on_closed = [this] {
    server_->connections_.fetch_sub(1);
    CheckDrained();
  };
  StartConnection(std::move(socket), server_->options_.tls, std::move(context));
}

void Worker::Drain(std::function<void()> drained) {
  asio::post(io_, [this, drained = std::move(drained)]() mutable {
    BeginDrain(std::move(drained));
  });
}

void Worker::BeginDrain(std::function<void()> drained) {
  drained_ = std::move(drained);
  StopAccepting();
  Clock* const clock = server_->options_.clock;
  drain_timer_->AsyncWaitUntil(
      clock->Now() + server_->options_.limits.drain_timeout,
      [this](error_code error) {
        if (!error) DrainTimeIsOver();
      });
  // A copy: those that have nothing in flight are gone from the set at once.
  const ConnectionSet draining = connections_;
  for (const auto& connection : draining) connection->Drain();
  CheckDrained();
}

void Worker::DrainTimeIsOver() {
  if (!drained_) return;
  Log(LogLevel::kWarning, "drain timeout",
      {{"connections", absl::StrCat(connections_.size())}});
  AbortAll();
  // Not when they are gone: one that waits for the storage may never be.
  std::exchange(drained_, nullptr)();
}

void Worker::StopAccepting() {
  stopping_ = true;
  error_code ignored;
  for (auto& listener : listeners_) {
    listener->acceptor.close(ignored);
    listener->backoff_timer->Cancel();
  }
}

void Worker::AbortAll() {
  const ConnectionSet aborted = connections_;
  for (const auto& connection : aborted) connection->Abort();
}

void Worker::CheckDrained() {
  if (!connections_.empty() || !drained_) return;
  drain_timer_->Cancel();
  std::exchange(drained_, nullptr)();
}

}  // namespace coffer::server
