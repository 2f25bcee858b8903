#include <csignal>

#include "base/format.h"
#include "base/guarded.h"
#include "base/text.h"
#include "http/curl_handle.h"

namespace pratique::http {

namespace {

constexpr std::size_t kPooledMax = 32;               // idle handles, each with its own kept connections
constexpr long kBufferBytes = 256 << 10;             // curl's 16 KiB default halves the rate on loopback
constexpr int kRedirectsMax = 10;                    // what browsers allow is 20; registries need one
constexpr std::size_t kErrorBodyBytesMax = 1 << 20;  // of a non-2xx answer while a sink waits for a 2xx one
constexpr std::size_t kHeaderBytesMax = 256 << 10;

// One transfer: what curl's callbacks read and write. Lives on the stack of send().
struct Transfer {
  const ClientRequest& request;
  const ClientOptions& options;
  CURL* handle;
  ClientResponse response{};
  std::optional<Error> error{};  // why a callback stopped the transfer
  std::string piece{};           // of the upload, not yet given to curl
  std::size_t piece_used = 0;
  std::size_t header_bytes = 0;
};

bool is_success(int status) {
  return status >= 200 && status < 300;
}

int status_of(CURL* handle) {
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

std::size_t stop(Transfer& transfer, Error error) {
  transfer.error = std::move(error);
  return CURL_WRITEFUNC_ERROR;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  std::string_view text(data, size);
  auto& body = transfer.response.body;
  if (transfer.request.sink) {
    if (is_success(status_of(transfer.handle))) {
      auto taken = transfer.request.sink(as_bytes(text));
      return taken.ok() ? size : stop(transfer, taken.error());
    }
    body.append(text.substr(0, kErrorBodyBytesMax - std::min(body.size(), kErrorBodyBytesMax)));
    return size;
  }
  if (body.size() + size > transfer.options.body_bytes_max)
    return stop(transfer,
                over_limit(format("the answer has more than the {} bytes accepted", transfer.options.body_bytes_max)));
  body.append(text);
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  std::string_view line(data, size);
  transfer.header_bytes += size;
  if (transfer.header_bytes > kHeaderBytesMax) return stop(transfer, over_limit("the answer's head is too large"));
  // A new status line: what came before was a 100 Continue or a proxy's word.
  if (line.starts_with("HTTP/"))
    transfer.response.headers = {};
  else if (auto field = cut(line, ":"))
    transfer.response.headers.add(std::string(trim(field->first)), std::string(trim(field->second)));
  return size;
}

std::size_t on_upload(char* buffer, std::size_t, std::size_t room, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (transfer.piece_used == transfer.piece.size()) {
    auto next = transfer.request.upload();
    if (!next.ok()) {
      transfer.error = next.error();
      return CURL_READFUNC_ABORT;
    }
    transfer.piece = std::move(*next);
    transfer.piece_used = 0;
  }
  auto take = std::min(room, transfer.piece.size() - transfer.piece_used);
  transfer.piece.copy(buffer, take, transfer.piece_used);
  transfer.piece_used += take;
  return take;
}

void set_connection(CURL* handle, const ClientRequest& request, const ClientOptions& options) {
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  auto stall = std::chrono::ceil<std::chrono::seconds>(options.stall_timeout).count();
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall));
  if (!options.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, options.verify_tls ? 1L : 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, options.verify_tls ? 2L : 0L);
  if (!request.unix_socket.empty()) {
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
  }
}

void set_body(CURL* handle, Transfer& transfer) {
  const auto& request = transfer.request;
  if (request.upload) {
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_upload);
    curl_easy_setopt(handle, CURLOPT_READDATA, &transfer);
    auto length = request.upload_length ? static_cast<curl_off_t>(*request.upload_length) : curl_off_t{-1};
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, length);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
             request.method == "PATCH") {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  if (request.method == "HEAD")
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  else
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

// curl adds fields of its own for a body; an empty value takes one out again.
CurlList header_list(const ClientRequest& request) {
  CurlList list;
  auto append = [&](const std::string& line) { list.reset(curl_slist_append(list.release(), line.c_str())); };
  for (const auto& [name, value] : request.headers.lines()) append(value.empty() ? name + ";" : name + ": " + value);
  if (!request.headers.find("Content-Type")) append("Content-Type:");
  return list;
}

Status check_request(const ClientRequest& request) {
  for (const auto& [name, value] : request.headers.lines()) {
    constexpr std::string_view kBreaks("\r\n\0", 3);
    if (name.find_first_of(kBreaks) != std::string::npos || value.find_first_of(kBreaks) != std::string::npos)
      return invalid("a header field holds a line break");
  }
  return {};
}

// The request to send to where `response` redirects, or nullopt where the answer stands as it is.
Result<std::optional<ClientRequest>> redirected(const ClientRequest& request, const ClientResponse& response,
                                                const ParsedUrl& from) {
  std::optional<ClientRequest> none;
  int status = response.status;
  auto location = response.headers.find("Location");
  bool is_redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  if (!request.follow_redirects || !is_redirect || !location) return none;
  bool is_safe = request.method == "GET" || request.method == "HEAD";
  // Only 303 turns another method into a GET; the others want the body again, which an upload cannot give.
  if (!is_safe && status != 303 && (status < 307 || request.upload)) return none;
  auto to = TRY(resolve_url(from, *location));
  if (from.scheme == "https" && to.scheme == "http")
    return unavailable(format("{} redirects from https to plain http, which is not followed", from.host));
  if (!request.unix_socket.empty() && !to.same_origin(from)) return none;
  // What was meant for one server may be a password in a form or an image nobody else has admitted.
  if (!is_safe && status != 303 && !to.same_origin(from))
    return unavailable(format("{} redirects a {} to {}, which is not followed", from.host, request.method, to.host));
  ClientRequest next = request;
  next.url = to.text;
  if (!is_safe && status == 303) {
    next.method = "GET";
    next.body.clear();
    next.upload = nullptr;
  }
  if (!to.same_origin(from)) {
    Headers kept;
    for (const auto& [name, value] : request.headers.lines()) {
      bool is_secret = equals_ignoring_case(name, "Authorization") || equals_ignoring_case(name, "Cookie") ||
                       equals_ignoring_case(name, "Proxy-Authorization") ||
                       equals_ignoring_case(name, "X-Registry-Auth");
      if (!is_secret) kept.add(name, value);
    }
    next.headers = std::move(kept);
  }
  return std::optional(std::move(next));
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions chosen) : options(std::move(chosen)) {}

  CurlHandle take() {
    auto handles = pool.lock();
    if (handles->empty()) return CurlHandle(curl_easy_init());
    auto handle = std::move(handles->back());
    handles->pop_back();
    return handle;
  }

  void put_back(CurlHandle handle) {
    curl_easy_reset(handle.get());  // keeps connections and the DNS cache
    auto handles = pool.lock();
    if (handles->size() < kPooledMax) handles->push_back(std::move(handle));
  }

  Result<ClientResponse> send_once(const ClientRequest& request, const ParsedUrl& url) {
    auto handle = take();
    if (!handle) return unavailable("libcurl has no memory for a transfer");
    auto response = perform(handle.get(), request, url);
    put_back(std::move(handle));
    return response;
  }

  Result<ClientResponse> perform(CURL* handle, const ClientRequest& request, const ParsedUrl& url) {
    Transfer transfer{.request = request, .options = options, .handle = handle};
    char detail[CURL_ERROR_SIZE] = "";
    auto headers = header_list(request);
    curl_easy_setopt(handle, CURLOPT_URL, url.text.c_str());
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
    set_connection(handle, request, options);
    set_body(handle, transfer);
    auto code = curl_easy_perform(handle);
    if (transfer.error) return *transfer.error;
    // A server may answer and close before it has read the whole upload; its answer counts.
    bool answered_early = code == CURLE_SEND_ERROR && status_of(handle) >= 400;
    if (code != CURLE_OK && !answered_early) return transfer_error(handle, code, detail, url, options);
    transfer.response.status = status_of(handle);
    transfer.response.url = url.text;
    return std::move(transfer.response);
  }

  const ClientOptions options;
  Guarded<std::vector<CurlHandle>> pool;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  initialise_curl();
  // OpenSSL under curl writes with write(2); CURLOPT_NOSIGNAL leaves SIGPIPE to us.
  ::signal(SIGPIPE, SIG_IGN);
}
Client::~Client() = default;

Result<ClientResponse> Client::send(const ClientRequest& original) {
  TRY(check_request(original));
  std::optional<ClientRequest> follow_up;
  for (int redirects = 0; redirects <= kRedirectsMax; ++redirects) {
    const auto& request = follow_up ? *follow_up : original;
    auto url = TRY(parse_url(request.url));
    auto response = TRY(impl_->send_once(request, url));
    auto next = TRY(redirected(request, response, url));
    if (!next) return response;
    follow_up = std::move(next);
  }
  return unavailable(format("{} redirects more than {} times", printable(original.url), kRedirectsMax));
}

}  // namespace pratique::http
