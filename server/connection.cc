#include "coffer/server/connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "coffer/server/stream_connection.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::string PeerName(const tcp::socket& socket) {
  boost::system::error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return "unknown";
  return absl::StrCat(remote.address().to_string(), ":", remote.port());
}

}  // namespace

void StartConnection(tcp::socket socket,
                     std::shared_ptr<asio::ssl::context> tls,
                     ConnectionContext context) {
  std::string peer = PeerName(socket);
  if (tls == nullptr) {
    StartConnectionOn(std::move(socket), std::move(peer), std::move(context));
  } else {
    StartConnectionOn(TlsStream<tcp::socket>(std::move(socket), *tls),
                      std::move(peer), std::move(context));
  }
}

}  // namespace coffer::server
