#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.h"
#include "base/format.h"

namespace pratique::http {

namespace {

// One recv then serves many records. Released while a connection idles (SSL_MODE_RELEASE_BUFFERS).
constexpr std::size_t kReadBufferBytes = 128 << 10;

std::string last_tls_error() {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return text;
}

int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

// OpenSSL's own socket BIO calls write(2), which raises SIGPIPE in a process that does not ignore it.
int bio_write(BIO* bio, const char* data, int size) {
  auto sent = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  BIO_clear_retry_flags(bio);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int size) {
  auto got = ::recv(socket_of(bio), data, static_cast<std::size_t>(size), MSG_DONTWAIT);
  BIO_clear_retry_flags(bio);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
    CHECK(made != nullptr, "OpenSSL has memory for a BIO method");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}
void TlsStream::Free::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

Result<TlsContext> TlsContext::load(const TlsFiles& files) {
  TlsContext made(SSL_CTX_new(TLS_server_method()));
  auto* context = made.get();
  if (context == nullptr) return unavailable("OpenSSL cannot make a TLS context: " + last_tls_error());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Renegotiation is a way to make the server work; compression leaks secrets (CRIME).
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBufferBytes);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return invalid(format("reading the TLS certificate {}: {}", files.certificate, last_tls_error()));
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return invalid(format("reading the TLS key {}: {}", files.key, last_tls_error()));
  if (SSL_CTX_check_private_key(context) != 1)
    return invalid(format("the TLS key {} does not belong to the certificate {}", files.key, files.certificate));
  return made;
}

TlsStream::TlsStream(const TlsContext& context, int fd) : ssl_(SSL_new(context.get())) {
  CHECK(ssl_ != nullptr, "OpenSSL has memory for a connection");
  auto* bio = BIO_new(socket_method());
  CHECK(bio != nullptr, "OpenSSL has memory for a BIO");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

Moved TlsStream::outcome(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return {Moved::State::Some, static_cast<std::size_t>(result)};
    case SSL_ERROR_WANT_READ:
      return {Moved::State::WouldRead};
    case SSL_ERROR_WANT_WRITE:
      return {Moved::State::WouldWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {Moved::State::Closed};
    default:
      break;
  }
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) heard_plain_http_ = true;
  ERR_clear_error();
  return {Moved::State::Broken};
}

Moved TlsStream::handshake() {
  ERR_clear_error();
  auto moved = outcome(SSL_do_handshake(ssl_.get()));
  established_ = moved.state == Moved::State::Some;
  return moved;
}

Moved TlsStream::read(std::span<std::byte> buffer) {
  ERR_clear_error();
  // A record holds 16 KiB at most; what else has already arrived is delivered in the same go.
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    auto room = std::min<std::size_t>(buffer.size() - filled, 1 << 30);
    auto moved = outcome(SSL_read(ssl_.get(), buffer.data() + filled, static_cast<int>(room)));
    if (moved.state != Moved::State::Some) return filled > 0 ? Moved{Moved::State::Some, filled} : moved;
    filled += moved.bytes;
  }
  return {Moved::State::Some, filled};
}

Moved TlsStream::write(Bytes bytes) {
  if (bytes.empty()) return {Moved::State::Some, 0};
  ERR_clear_error();
  auto size = std::min<std::size_t>(bytes.size(), 1 << 30);
  return outcome(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(size)));
}

void TlsStream::shutdown() {
  if (!established_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace pratique::http
