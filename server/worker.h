// Worker: one thread, its io_context, its share of the listeners and its
// connections. Constructed, told to Drain and destroyed by the Server.

#ifndef COFFER_SERVER_WORKER_H_
#define COFFER_SERVER_WORKER_H_

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/connection.h"

namespace coffer::server {

class Server;

class Worker {
 public:
  explicit Worker(Server* server);
  // Aborts what is left and joins the thread.
  ~Worker();

  // Before Run: accept from a duplicate of `acceptor`'s socket.
  absl::Status Share(boost::asio::ip::tcp::acceptor& acceptor);

  // Starts the thread.
  void Run();

  // Any thread, once. Calls `drained` on the worker's thread when its last
  // connection is gone, or after drain_timeout.
  void Drain(std::function<void()> drained);

 private:
  struct Listener {
    boost::asio::ip::tcp::acceptor acceptor;
    std::unique_ptr<Timer> backoff_timer;
  };

  void Accepted(boost::asio::ip::tcp::socket socket);
  void Serve(boost::asio::ip::tcp::socket socket);
  void BeginDrain(std::function<void()> drained);
  void DrainTimeIsOver();
  void StopAccepting();
  void AbortAll();
  void CheckDrained();

  Server* const server_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  ConnectionSet connections_;
  std::unique_ptr<Timer> drain_timer_;
  std::function<void()> drained_;  // set while draining
  bool stopping_ = false;          // what is accepted now came too late
  std::thread thread_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_WORKER_H_
