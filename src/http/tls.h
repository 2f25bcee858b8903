// TLS on a non-blocking socket, server side, with OpenSSL. Knows no waiting: that is the channel's business.
#pragma once

#include <openssl/types.h>

#include <memory>

#include "http/http.h"

namespace pratique::http {

// What one attempt to move bytes came to.
struct Moved {
  enum class State { Some, WouldRead, WouldWrite, Closed, Broken } state;
  std::size_t bytes = 0;
};

class TlsContext {
 public:
  // TLS 1.2 and 1.3, server preference. Invalid when a file is unreadable or key and certificate do not belong
  // together.
  static Result<TlsContext> load(const TlsFiles& files);
  SSL_CTX* get() const { return context_.get(); }

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  struct Free {
    void operator()(SSL_CTX* context) const;
  };
  std::unique_ptr<SSL_CTX, Free> context_;
};

class TlsStream {
 public:
  TlsStream(const TlsContext& context, int fd);
  Moved handshake();  // Some when it is complete
  Moved read(std::span<std::byte> buffer);
  Moved write(Bytes bytes);
  void shutdown();  // one attempt to say goodbye
  bool is_established() const { return established_; }
  bool heard_plain_http() const {
    return heard_plain_http_;
  }  // after a broken handshake: the client took the wrong door

 private:
  Moved outcome(int result);
  struct Free {
    void operator()(SSL* ssl) const;
  };
  std::unique_ptr<SSL, Free> ssl_;
  bool established_ = false;
  bool heard_plain_http_ = false;
};

}  // namespace pratique::http
