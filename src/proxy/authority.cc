// The certificate authority, on OpenSSL: a P-256 key, a self-signed certificate with a name constraint, and a server
// certificate made anew at each start.
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <memory>

#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "os/file.h"
#include "proxy/proxy.h"

namespace pratique::proxy {

namespace {

// As long as an installation lives. A shorter life would protect nothing: the key lies beside the certificates, and
// whoever has it has the gate.
constexpr hours kLifetime{24 * 3'650};
// A client's clock may be behind ours.
constexpr hours kBackdated{24};
constexpr std::size_t kPemBytesMax = 64 << 10;
constexpr int kSerialBytes = 16;

template <auto function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

Error openssl_error(std::string_view doing) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return unavailable(format("{}: {}", doing, text));
}

std::string text_of(const Memory& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(std::max(size, 0l))};
}

Result<std::string> to_pem(const X509& certificate) {
  Memory memory(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(memory.get(), const_cast<X509*>(&certificate)) != 1)
    return openssl_error("writing a certificate");
  return text_of(memory);
}

Result<std::string> to_pem(const EVP_PKEY& key) {
  Memory memory(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PKCS8PrivateKey(memory.get(), const_cast<EVP_PKEY*>(&key), nullptr, nullptr, 0, nullptr, nullptr) !=
      1)
    return openssl_error("writing a key");
  return text_of(memory);
}

Status add_extension(X509& certificate, X509& issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  Extension made(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  if (!made || X509_add_ext(&certificate, made.get(), -1) != 1) return openssl_error("making a certificate");
  return {};
}

struct Wanted {
  std::string name;
  std::vector<std::pair<int, std::string>> extensions;
};

// `issuer` and `issuer_key` null: signed by itself.
Result<Certificate> make_certificate(const Wanted& wanted, EVP_PKEY& key, X509* issuer, EVP_PKEY* issuer_key,
                                     Time now) {
  Certificate made(X509_new());
  X509* certificate = made.get();
  X509_set_version(certificate, X509_VERSION_3);
  auto serial = random_bytes(kSerialBytes);
  serial[0] = static_cast<char>(serial[0] & 0x7F);  // positive, RFC 5280 section 4.1.2.2
  BIGNUM* number = BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), kSerialBytes, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  ASN1_TIME_set(X509_getm_notBefore(certificate), (now - kBackdated).unix_seconds());
  ASN1_TIME_set(X509_getm_notAfter(certificate), (now + kLifetime).unix_seconds());
  X509_set_pubkey(certificate, &key);
  auto* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(wanted.name.c_str()),
                             -1, -1, 0);
  X509& signer = issuer ? *issuer : *certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(&signer));
  for (const auto& [id, value] : wanted.extensions) TRY(add_extension(*certificate, signer, id, value));
  if (X509_sign(certificate, issuer_key ? issuer_key : &key, EVP_sha256()) == 0)
    return openssl_error("signing a certificate");
  return made;
}

struct Authority {
  Key key;
  Certificate certificate;
};

Result<Authority> read_authority(const std::string& certificate_path, const std::string& key_path) {
  struct stat status{};
  if (::stat(key_path.c_str(), &status) != 0) return from_errno("reading " + key_path, errno);
  if ((status.st_mode & 0077) != 0)
    return denied(format("{} can be read by others: chmod 600 it, or remove it to get another authority", key_path));
  auto certificate_text = TRY(os::read_file(certificate_path, kPemBytesMax));
  auto key_text = TRY(os::read_file(key_path, kPemBytesMax));
  Memory certificate_memory(BIO_new_mem_buf(certificate_text.data(), static_cast<int>(certificate_text.size())));
  Memory key_memory(BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
  Authority read{Key(PEM_read_bio_PrivateKey(key_memory.get(), nullptr, nullptr, nullptr)),
                 Certificate(PEM_read_bio_X509(certificate_memory.get(), nullptr, nullptr, nullptr))};
  ERR_clear_error();
  if (!read.key || !read.certificate || X509_check_private_key(read.certificate.get(), read.key.get()) != 1) {
    ERR_clear_error();
    return corrupt(format("{} and {} are no certificate and key of an authority", certificate_path, key_path));
  }
  return read;
}

Result<Authority> make_authority(const std::string& certificate_path, const std::string& key_path,
                                 std::string_view domain, Time now) {
  Authority made{Key(EVP_EC_gen("P-256")), nullptr};
  if (!made.key) return openssl_error("making a key");
  Wanted wanted{.name = "pratique " + random_hex(4),
                .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                               {NID_key_usage, "critical,keyCertSign"},
                               {NID_subject_key_identifier, "hash"},
                               {NID_name_constraints, format("critical,permitted;DNS:{}", domain)}}};
  made.certificate = TRY(make_certificate(wanted, *made.key, nullptr, nullptr, now));
  // The key first: a certificate whose key is missing would be handed to clients for nothing.
  TRY(os::write_file(key_path, TRY(to_pem(*made.key)), 0600));
  TRY(os::write_file(certificate_path, TRY(to_pem(*made.certificate)), 0644));
  return made;
}

}  // namespace

Result<Issued> issue_certificate(const std::string& directory, std::string_view domain,
                                 const std::vector<std::string>& names, const Clock& clock) {
  TRY(os::make_directories(directory));
  Issued issued{.authority = directory + "/authority.pem",
                .server = {directory + "/server.pem", directory + "/server.key"}};
  const std::string key_path = directory + "/authority.key";
  const bool exists = os::exists(issued.authority);
  auto authority = TRY(exists ? read_authority(issued.authority, key_path)
                              : make_authority(issued.authority, key_path, domain, clock.now()));
  Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("making a key");
  std::vector<std::string> alternatives;
  for (const auto& name : names) alternatives.push_back("DNS:" + name);
  Wanted wanted{.name = "pratique gate",
                .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                               {NID_key_usage, "critical,digitalSignature"},
                               {NID_ext_key_usage, "serverAuth"},
                               {NID_subject_alt_name, join(alternatives, ",")},
                               {NID_authority_key_identifier, "keyid"}}};
  auto certificate = TRY(make_certificate(wanted, *key, authority.certificate.get(), authority.key.get(), clock.now()));
  TRY(os::write_file(issued.server.key, TRY(to_pem(*key)), 0600));
  TRY(os::write_file(issued.server.certificate, TRY(to_pem(*certificate)), 0644));
  return issued;
}

}  // namespace pratique::proxy
