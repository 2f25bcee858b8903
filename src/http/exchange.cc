#include "http/exchange.h"

#include <algorithm>
#include <cctype>

#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "http/answer.h"
#include "http/body.h"
#include "http/head.h"
#include "http/target.h"

namespace pratique::http {

namespace {

using SteadyClock = std::chrono::steady_clock;

// Reading on is cheaper than a new connection up to here; beyond it an unwanted body costs us more than the client.
constexpr std::size_t kDrainBytesMax = 256 << 10;

// The nearest proxy writes last.
std::string last_item(const std::string& list) {
  return std::string(trim(split(list, ',').back()));
}

// Secrets of this program begin with "prt_", "prp_", "prl_" … and are 43 characters long: whoever holds a one-time link
// sends one in the path, and a log is read by more people than should press its button.
std::string without_secrets(std::string_view target) {
  constexpr std::size_t kShown = 4;
  constexpr std::size_t kSecretCharacters = 43;
  auto is_of_secret = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; };
  std::string shown;
  while (!target.empty()) {
    auto end = std::find_if_not(target.begin(), target.end(), is_of_secret);
    std::string_view word = target.substr(0, static_cast<std::size_t>(end - target.begin()));
    bool is_secret = word.size() >= kShown + kSecretCharacters && word.starts_with("pr") && word[kShown - 1] == '_';
    shown += is_secret ? std::string(word.substr(0, kShown)) + "***" : std::string(word);
    target.remove_prefix(word.size());
    if (target.empty()) break;
    shown += target.front();
    target.remove_prefix(1);
  }
  return shown;
}

void apply_forwarded(Request& request) {
  auto proto = request.headers.find("X-Forwarded-Proto");
  if (proto) {
    auto scheme = to_lower(last_item(*proto));
    if (scheme == "http" || scheme == "https") request.scheme = scheme;
  }
  auto host = request.headers.find("X-Forwarded-Host");
  if (host && is_authority(last_item(*host))) request.host = last_item(*host);
}

std::optional<Refusal> fill_target(Request& request) {
  auto target = parse_target(request.target);
  if (!target.ok()) return Refusal{400, target.error().message()};
  if (target->path == "*" && request.method != "OPTIONS") return Refusal{400, "only OPTIONS has the target *"};
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  if (!target->authority.empty()) request.host = std::move(target->authority);
  return std::nullopt;
}

// Counted in and out however the exchange ends.
class InWork {
 public:
  explicit InWork(AtomicCounters& counters) : counters_(counters) {
    counters_.requests_total.fetch_add(1, std::memory_order_relaxed);
    counters_.requests_in_work.fetch_add(1, std::memory_order_relaxed);
  }
  ~InWork() { counters_.requests_in_work.fetch_sub(1, std::memory_order_relaxed); }
  InWork(const InWork&) = delete;
  InWork& operator=(const InWork&) = delete;

 private:
  AtomicCounters& counters_;
};

class Exchange final : public Parked {
 public:
  Exchange(Connection& connection, Shared& shared) : connection_(connection), shared_(shared) {
    request_.id = make_request_id();
    request_.peer = connection.peer;
  }

  Afterwards run(std::size_t head_length) {
    auto text = std::string_view(connection_.input).substr(0, head_length);
    auto parsed = parse_head(text);
    received_ = head_length;
    connection_.input.erase(0, head_length);
    connection_.scanned = 0;
    if (auto* refusal = std::get_if<Refusal>(&parsed)) return refuse(*refusal);
    head_ = std::move(std::get<Head>(parsed));
    fill_request();
    if (auto refusal = fill_target(request_)) return refuse(*refusal);
    if (is_trusted_proxy()) apply_forwarded(request_);
    request_.client = client_address();
    return answer();
  }

  Afterwards finish(const std::atomic<bool>& hurry) {
    log::RequestScope scope(request_.id);
    auto later = std::move(later_);
    return deliver(guarded([&] { return later(hurry); }));
  }

  Afterwards refuse(const Refusal& refusal) {
    log::RequestScope scope(request_.id);
    shared_.counters.rejected_total.fetch_add(1, std::memory_order_relaxed);
    auto bytes = render_refusal(refusal, request_.id);
    Patience patience(shared_.limits);
    auto written = connection_.channel.write(as_bytes(bytes), {}, patience);
    write_log(refusal.status, written.ok() ? "" : written.error().message(), bytes.size(), refusal.message);
    return Afterwards::Drain;
  }

 private:
  void fill_request() {
    request_.method = std::move(head_.method);
    request_.target = std::move(head_.target);
    request_.headers = std::move(head_.headers);
    request_.is_tls = connection_.channel.is_tls();
    request_.scheme = request_.is_tls ? "https" : "http";
    request_.host = request_.headers.find("Host").value_or("");
  }

  bool is_trusted_proxy() const {
    const auto& trusted = shared_.trusted_proxies;
    return std::find(trusted.begin(), trusted.end(), connection_.peer) != trusted.end();
  }

  Afterwards answer() {
    log::RequestScope scope(request_.id);
    body_.emplace(connection_, head_, shared_.limits);
    request_.body = &*body_;
    is_head_ = request_.method == "HEAD";
    if (auto wait = shared_.rate.admit(request_.client, SteadyClock::now()))
      return deliver(Response::too_many(request_, "this address asks too often", *wait));
    auto response = guarded([&] { return shared_.handler(request_); });
    if (!response.later) return deliver(response);
    later_ = std::move(response.later);
    return Afterwards::Park;
  }

  // Whom to count: the address a trusted proxy names as its own peer, else ours.
  std::string client_address() const {
    auto forwarded = is_trusted_proxy() ? request_.headers.find("X-Forwarded-For") : std::nullopt;
    return forwarded ? last_item(*forwarded) : connection_.peer;
  }

  Afterwards deliver(const Response& response) {
    auto& body = *body_;
    body.skip_arrived(kDrainBytesMax);
    bool keep_alive = may_keep_alive(body) && !asks_to_close(response);
    auto sent = send_response(connection_.channel, response,
                              {.request_id = request_.id,
                               .keep_alive = keep_alive,
                               .head_only = is_head_,
                               .may_chunk = head_.minor_version >= 1},
                              shared_.limits);
    received_ += body.received();
    write_log(response.status, sent.status.ok() ? "" : sent.status.error().message(), sent.bytes, "");
    if (!sent.status.ok()) return Afterwards::Close;
    if (sent.must_close) return body.is_finished() ? Afterwards::Close : Afterwards::Drain;
    return read_rest(body) ? Afterwards::KeepAlive : Afterwards::Close;
  }

  // A handler does not throw, but a library below it may: that ends one request, not the server.
  template <typename Answer>
  Response guarded(const Answer& answer) {
    try {
      return answer();
    } catch (const std::exception& error) {
      log::error("handler threw",
                 {{"method", request_.method}, {"path", without_secrets(request_.path)}, {"error", error.what()}});
    } catch (...) {
      log::error("handler threw", {{"method", request_.method}, {"path", without_secrets(request_.path)}});
    }
    return Response::problem(request_, unavailable("something went wrong here; the log has it under this request id"),
                             500);
  }

  bool may_keep_alive(const RequestBody& body) const {
    if (!head_.keep_alive || body.is_broken() || body.is_unasked() || shared_.stopping.load(std::memory_order_relaxed))
      return false;
    auto left = body.left();
    return left && *left <= kDrainBytesMax;
  }

  static bool asks_to_close(const Response& response) {
    auto connection = response.headers.find("Connection");
    return connection && equals_ignoring_case(*connection, "close");
  }

  // The answer is out; the rest of a small body is read so that the connection can be used again.
  bool read_rest(RequestBody& body) {
    std::array<std::byte, 16 << 10> scratch;
    while (!body.is_finished()) {
      if (!body.read(scratch).ok()) return false;
    }
    return true;
  }

  // One line a request; quiet for what changed nothing.
  void write_log(int status, std::string_view failure, std::uint64_t bytes_sent, std::string_view reason) {
    auto micros = std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - begin_).count();
    shared_.counters.count_response(status, bytes_sent);
    shared_.counters.bytes_received.fetch_add(received_, std::memory_order_relaxed);
    bool is_routine = status < 400 && failure.empty() && (request_.method == "GET" || request_.method == "HEAD");
    auto write = is_routine ? log::debug : log::info;
    std::string_view note = failure.empty() ? reason : failure;
    log::Fields fields = {{"method", request_.method},
                          {"target", without_secrets(request_.target)},
                          {"status", status},
                          {"peer", request_.peer},
                          {"received", received_},
                          {"sent", bytes_sent},
                          {"ms", format("{}.{:03}", micros / 1000, micros % 1000)},
                          {"note", note}};
    write("request answered", fields);
  }

  Connection& connection_;
  Shared& shared_;
  const InWork in_work_{shared_.counters};
  const SteadyClock::time_point begin_ = SteadyClock::now();
  std::uint64_t received_ = 0;
  Head head_;
  Request request_;
  std::optional<RequestBody> body_;
  bool is_head_ = false;
  decltype(Response::later) later_;
};

}  // namespace

Afterwards serve_request(Connection& connection, std::size_t head_length, Shared& shared) {
  auto exchange = std::make_unique<Exchange>(connection, shared);
  auto afterwards = exchange->run(head_length);
  if (afterwards == Afterwards::Park) connection.parked = std::move(exchange);
  return afterwards;
}

Afterwards finish_request(Connection& connection, const std::atomic<bool>& hurry) {
  auto parked = std::move(connection.parked);
  return static_cast<Exchange&>(*parked).finish(hurry);
}

Afterwards refuse_request(Connection& connection, const Refusal& refusal, Shared& shared) {
  return Exchange(connection, shared).refuse(refusal);
}

}  // namespace pratique::http
