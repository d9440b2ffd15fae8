#include "coffer/sdk/stream/tls/internal/certificate_text.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/mem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace coffer::internal {
namespace {

constexpr size_t kNameTextBytesMax = 256;
constexpr size_t kNamesShownMax = 8;

std::string Bounded(std::string text) {
  if (text.size() > kNameTextBytesMax) {
    text.resize(kNameTextBytesMax);
    text += "...";
  }
  return text;
}

absl::string_view BytesOf(const ASN1_STRING* string) {
  return absl::string_view(
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
      static_cast<size_t>(ASN1_STRING_length(string)));
}

bool HasNul(absl::string_view text) {
  return text.find('\0') != absl::string_view::npos;
}

std::string AddressText(absl::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() == 4) inet_ntop(AF_INET, bytes.data(), text, sizeof(text));
  if (bytes.size() == 16) inet_ntop(AF_INET6, bytes.data(), text, sizeof(text));
  return text;
}

std::string AlternativeName(const GENERAL_NAME* name) {
  switch (name->type) {
    case GEN_DNS:
    case GEN_URI:
    case GEN_EMAIL: {
      const absl::string_view text = BytesOf(name->d.ia5);
      return HasNul(text) ? std::string() : std::string(text);
    }
    case GEN_IPADD:
      return AddressText(BytesOf(name->d.iPAddress));
    default:
      return std::string();
  }
}

}  // namespace

std::string NameText(const X509_NAME* name) {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  if (name == nullptr || bio == nullptr ||
      X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0 ||
      BIO_mem_contents(bio.get(), &data, &bytes) != 1 || bytes == 0) {
    return "(empty)";
  }
  return Bounded(std::string(reinterpret_cast<const char*>(data), bytes));
}

std::string CommonName(const X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return std::string();
  uint8_t* utf8 = nullptr;
  const int bytes = ASN1_STRING_to_UTF8(
      &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (bytes < 0) return std::string();
  bssl::UniquePtr<uint8_t> owned(utf8);
  const std::string text(reinterpret_cast<const char*>(utf8),
                         static_cast<size_t>(bytes));
  return HasNul(text) ? std::string() : text;
}

std::vector<std::string> AlternativeNames(const X509* certificate) {
  std::vector<std::string> texts;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return texts;
  for (size_t i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    std::string text = AlternativeName(sk_GENERAL_NAME_value(names, i));
    if (!text.empty()) texts.push_back(std::move(text));
  }
  GENERAL_NAMES_free(names);
  return texts;
}

std::string NamesText(const X509* certificate) {
  const std::vector<std::string> names = AlternativeNames(certificate);
  if (names.empty()) return "it names no host";
  const auto shown_end = names.begin() + static_cast<std::ptrdiff_t>(std::min(
                                             names.size(), kNamesShownMax));
  const std::string shown =
      absl::StrJoin(names.begin(), shown_end, ", ",
                    [](std::string* out, const std::string& name) {
                      absl::StrAppend(out, Bounded(absl::CHexEscape(name)));
                    });
  return absl::StrCat("it is for ", shown,
                      names.size() > kNamesShownMax ? ", ..." : "");
}

}  // namespace coffer::internal
