// A CONNECT proxy that leads nowhere but to ourselves: clients that believe they speak to AWS's names speak to this
// gate, with a certificate of our own authority. Nothing is forwarded, so there is nothing to abuse it for.
//
// Not here: what the requests mean, TLS (http). Thread-safe once started.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/http.h"
#include "os/fd.h"

namespace pratique::proxy {

// The head of a CONNECT request, judged strictly: "sts.amazonaws.com" for port 443. Invalid for malformed heads, Denied
// for every other method, with what to say to the client.
Result<std::string> parse_connect(std::string_view head);

struct Options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;          // 0: any free one
  std::vector<std::string> hosts;  // lower case; every other name is refused
  // Named limits. A client sends its head in one packet; these stop whoever does not.
  std::size_t heads_waiting_max = 256;
  std::size_t head_bytes_max = 8 << 10;
  std::chrono::milliseconds head_timeout{10'000};
};

class ConnectProxy {
 public:
  // Listens and serves at once. `adopt` gets each accepted connection with its client's address, on the proxy's thread;
  // it must not block. Unavailable when the address is taken.
  using Adopt = std::function<void(os::Fd socket, std::string peer)>;
  static Result<std::unique_ptr<ConnectProxy>> start(const Options& options, Adopt adopt);
  ~ConnectProxy();  // stops at once; adopted connections go on
  std::uint16_t port() const;

  struct Impl;
  explicit ConnectProxy(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// Our certificate authority, in a directory of its own: authority.pem for clients, authority.key with mode 0600. It can
// sign for `domain` and names below it only (a critical name constraint), so trusting it opens no other door.
// Creates what is missing; Denied for a key that others may read, Corrupt for files that are none.
// Gives the files of a fresh certificate for `names`, signed by it.
struct Issued {
  std::string authority;  // path of authority.pem
  http::TlsFiles server;
};
Result<Issued> issue_certificate(const std::string& directory, std::string_view domain,
                                 const std::vector<std::string>& names, const Clock& clock);

}  // namespace pratique::proxy
