#include "coffer/sdk/stream/tls/internal/close_notify.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>

namespace coffer::internal {

std::string TakeCloseNotify(SSL* ssl) {
  if (SSL_in_init(ssl) != 0 ||
      (SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN) != 0) {
    return std::string();
  }
  bssl::UniquePtr<BIO> memory(BIO_new(BIO_s_mem()));
  if (memory == nullptr) return std::string();
  // The library writes the record into memory instead of Asio's pair of BIOs.
  // SSL_set0_wbio takes one reference and drops the one before.
  BIO* usual = SSL_get_wbio(ssl);
  BIO_up_ref(usual);
  BIO_up_ref(memory.get());
  SSL_set0_wbio(ssl, memory.get());
  SSL_shutdown(ssl);
  SSL_set0_wbio(ssl, usual);
  ERR_clear_error();
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  if (BIO_mem_contents(memory.get(), &data, &bytes) != 1) return std::string();
  return std::string(reinterpret_cast<const char*>(data), bytes);
}

}  // namespace coffer::internal
