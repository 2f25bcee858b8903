// HTTP/1.1: a server whose handlers are plain blocking functions, and a client.
//
// The server multiplexes idle connections on few threads; a request in work runs its handler on a bounded pool and may
// block. Bodies stream in both directions and never have to fit in memory. Not here: what a request means.
// Thread rule: handlers run concurrently and must be thread-safe; Request and Response belong to one handler call.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/encoding.h"
#include "base/result.h"
#include "os/fd.h"

namespace pratique::http {

// Header fields in order; names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value);
  void set(std::string name, std::string value);                 // replaces all of that name
  std::optional<std::string> find(std::string_view name) const;  // the first
  std::vector<std::string> all(std::string_view name) const;     // every line, in order
  const std::vector<std::pair<std::string, std::string>>& lines() const { return lines_; }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// A body read once, front to back.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // At least one byte unless the body has ended (0). Blocks. Unavailable when the peer goes away, stalls or is slower
  // than the server allows; Invalid for bad chunked framing.
  virtual Result<std::size_t> read(std::span<std::byte> buffer) = 0;
  virtual std::optional<std::uint64_t> length() const = 0;  // nullopt: chunked
};
// The whole body; Limit beyond `bytes_max`.
Result<std::string> read_all(BodyReader& body, std::size_t bytes_max);

struct Request {
  std::string id;      // 16 hex digits, made here; in every log line and in X-Request-Id
  std::string method;  // "GET"
  std::string target;  // as sent: "/v2/x/tags/list?n=2"
  std::string path;    // percent-decoded once, no query; never with "..", NUL or "//"
  std::vector<std::pair<std::string, std::string>> query;  // decoded (a "+" is a space), in order
  Headers headers;
  std::string peer;  // "127.0.0.1"
  // Whom to count and to write down: what a trusted proxy names as its own peer, else `peer`.
  std::string client;
  bool is_tls = false;
  // What the client sees: from X-Forwarded-Proto and X-Forwarded-Host where the peer is a trusted proxy.
  std::string scheme = "http";
  std::string host;                                        // "registry.example.org:5000"
  BodyReader* body = nullptr;                              // never null inside a handler
  std::vector<std::pair<std::string, std::string>> route;  // what {name} segments of the route matched

  std::optional<std::string> parameter(std::string_view name) const;  // first query parameter of that name
  std::vector<std::string> parameters(std::string_view name) const;
  std::string_view captured(std::string_view name) const;  // "" if the route has none
  std::string origin() const;                              // scheme://host, for absolute links
};

// Bytes of an open file; sent with sendfile on plain connections.
struct FileBody {
  os::Fd file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
// Produced while it is sent, chunked: called until it gives an empty string. An error cuts the connection.
using StreamBody = std::function<Result<std::string>()>;

struct Response {
  int status = 200;
  Headers headers;
  std::variant<std::string, FileBody, StreamBody> body;
  // For answers to HEAD whose length is known without a body.
  std::optional<std::uint64_t> content_length;
  // Instead of all the above, for an answer that must be waited for: called once, on a thread kept for waiting, so that
  // no worker is held. `hurry` is true when there is no room to wait, or becomes so when the server stops: the answer
  // is then wanted at once. The request and its body are valid until the call returns.
  std::function<Response(const std::atomic<bool>& hurry)> later;

  static Response text(int status, std::string body, std::string_view content_type = "text/plain; charset=utf-8");
  static Response json(int status, std::string body);
  // {"error":{"kind","message","request_id"}} with the status of the error's kind, or another one.
  static Response problem(const Request& request, const Error& error, std::optional<int> status = std::nullopt);
  // 429 with Retry-After, in this API's words and in those of a registry: it is sent before anybody knows which is
  // asked.
  static Response too_many(const Request& request, std::string_view message, std::chrono::seconds retry_after);
};

// The answer itself, waited for here where there is something to wait for: for callers that are no server.
Response settle(Response response);

using Handler = std::function<Response(Request&)>;

// A readable table of method, path and handler. "{x}" matches one segment, a trailing "{x*}" the rest. HEAD falls back
// to GET. Unknown path: 404, known path with another method: 405 with Allow; both as problem JSON.
class Router {
 public:
  void add(std::string_view method, std::string_view pattern, Handler handler);
  Response operator()(Request& request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
};

struct TlsFiles {
  std::string certificate;  // PEM chain
  std::string key;
};

// Named limits; each default has its reason beside it.
struct ServerLimits {
  std::size_t header_bytes_max = 64 << 10;               // tokens with many scopes reach 20 KiB
  std::chrono::milliseconds header_timeout{10'000};      // slow loris
  std::chrono::milliseconds idle_timeout{75'000};        // between requests on a kept connection
  std::chrono::milliseconds body_stall_timeout{60'000};  // no byte for this long, in either direction
  std::chrono::milliseconds body_rate_window{60'000};    // of waiting for the peer; a slower peer than ...
  std::size_t body_rate_min = 1'024;                     // ... this many bytes a second is cut: a body as slow loris
  std::size_t connections_max = 12'000;
  std::size_t workers_max = 128;  // requests in work at once; more wait in the accept order
  std::size_t queue_max = 1'024;  // requests waiting for a worker; beyond it 503 with Retry-After
  std::size_t waits_max = 512;    // answers that are waited for (Response::later); beyond it they are hurried
  // One client's share (an IPv4 address, an IPv6 /64; behind a trusted proxy the address it names). Half of all: one
  // host with a slow loris must not shut the others out, and a whole cluster behind one address must still get in.
  std::size_t connections_per_client_max = 6'000;
  std::size_t requests_per_second_per_client = 0;  // 0: no limit; bursts of ten seconds' worth; beyond it 429
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // "": listens nowhere and serves what adopt() brings
  std::uint16_t port = 0;             // 0: any free one
  std::optional<TlsFiles> tls;
  ServerLimits limits;
  std::vector<std::string> trusted_proxies;  // addresses whose X-Forwarded-* we believe
};

struct ServerCounters {
  std::uint64_t connections_open = 0, connections_total = 0, requests_total = 0, requests_in_work = 0;
  std::uint64_t bytes_received = 0, bytes_sent = 0, rejected_total = 0;
  std::vector<std::pair<int, std::uint64_t>> responses_by_class;  // {2, n} for 2xx
};

class Server {
 public:
  // Listens and serves at once. Unavailable when the address is taken; Invalid for unreadable TLS files.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler handler);
  ~Server();  // stops at once
  std::uint16_t port() const;
  // Serves a connection that was accepted elsewhere, as if `peer` had come here: with this server's TLS and limits.
  void adopt(os::Fd socket, std::string peer);
  ServerCounters counters() const;
  // Reads the certificate and key again; connections that stand keep theirs. Invalid leaves the old pair in use. A
  // change of the files is also noticed within some seconds. Ok without TLS.
  Status reload_certificates();
  // Stops accepting, lets requests in work finish for up to `grace`, then cuts. Idempotent.
  void stop(std::chrono::milliseconds grace);

  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
  // Instead of `body`: called for the next bytes ("" ends it). With `upload_length` the request has a Content-Length,
  // without it is chunked.
  std::function<Result<std::string>()> upload;
  std::optional<std::uint64_t> upload_length;
  // Called with response bytes as they come (2xx only; other bodies are kept, bounded); an error aborts the transfer.
  std::function<Status(Bytes)> sink;
  std::string unix_socket;       // connect there instead of the URL's host
  bool follow_redirects = true;  // never carries Authorization or a body to another host
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;  // empty when a sink took it
  std::string url;   // after redirects
};

struct ClientOptions {
  std::string user_agent = "pratique/0.1";
  std::string ca_file;  // "" : the system's
  bool verify_tls = true;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds stall_timeout{60'000};  // less than 1 byte/s for this long
  std::size_t body_bytes_max = 64 << 20;
};

// Keeps connections. Thread-safe: each call uses its own handle from a pool. Proxy variables of the environment are
// honoured (http_proxy, https_proxy, no_proxy).
class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  // Any HTTP status is ok(); Unavailable when there was no answer, with what failed: name, connect, TLS, time.
  Result<ClientResponse> send(const ClientRequest& request);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::http
