// MuxConnection: the Connection that talks to a server: over one stream, or
// over several, of which each call takes one that is connected, if there is
// one, and of those the one with the fewest calls under way.

#ifndef COFFER_SDK_CONNECTION_MUX_CONNECTION_H_
#define COFFER_SDK_CONNECTION_MUX_CONNECTION_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coffer/sdk/connection.h"
#include "coffer/sdk/connection/client_identity.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/sdk/dialer.h"

namespace coffer::internal {

class MuxCore;

class MuxConnection final : public Connection {
 public:
  // Begins to connect.
  MuxConnection(boost::asio::any_io_executor executor,
                const std::vector<std::shared_ptr<Dialer>>& dialers,
                const ConnectionOptions& options,
                const std::shared_ptr<ClientIdentity>& identity);
  ~MuxConnection() override;

  boost::asio::any_io_executor get_executor() override { return executor_; }
  void Execute(v1::CommandRequest request, CallOptions options,
               ExecuteHandler handler) override;
  void Subscribe(std::string topic, SubscribeOptions options,
                 SubscribeHandler handler) override;
  void Watch(v1::OpenWatch what, SubscribeOptions options,
             SubscribeHandler handler) override;
  void Close(CloseHandler handler) override;
  std::optional<ServerInfo> server_info() const override;

 private:
  // `note`: of the call that is to be given to it, or null.
  MuxCore& Best(const AttemptNote* note);

  const boost::asio::any_io_executor executor_;
  std::vector<std::shared_ptr<MuxCore>> cores_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_MUX_CONNECTION_H_
