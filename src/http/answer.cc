#include "http/answer.h"

#include <ctime>

#include "base/check.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/random.h"
#include "base/text.h"

namespace pratique::http {

namespace {

constexpr int kRetryAfterSeconds = 1;  // a full queue empties within a second or not at all

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

// Formatting a date costs more than the rest of a small answer; it changes once a second.
const std::string& date_now() {
  thread_local std::int64_t second = -1;
  thread_local std::string text;
  auto now = static_cast<std::int64_t>(std::time(nullptr));
  if (now != second) {
    second = now;
    text = Time::from_unix_seconds(now).to_http_date();
  }
  return text;
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

// What a handler says may hold what a client said: a line break in it must not become a field of its own.
void append_safely(std::string& out, std::string_view text) {
  for (char c : text) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

bool is_framing(std::string_view name) {
  for (std::string_view ours : {"Content-Length", "Transfer-Encoding", "Connection", "Date", "X-Request-Id"}) {
    if (equals_ignoring_case(name, ours)) return true;
  }
  return false;
}

std::optional<std::uint64_t> length_of(const Response& response) {
  if (response.content_length) return response.content_length;
  if (const auto* text = std::get_if<std::string>(&response.body)) return text->size();
  if (const auto* file = std::get_if<FileBody>(&response.body)) return file->length;
  return std::nullopt;
}

// The length of a body that is sent is what is sent, whatever the handler noted for HEAD.
std::optional<std::uint64_t> sent_length(const Response& response, const AnswerOptions& options) {
  if (options.head_only) return length_of(response);
  if (const auto* text = std::get_if<std::string>(&response.body)) return text->size();
  if (const auto* file = std::get_if<FileBody>(&response.body)) return file->length;
  return std::nullopt;
}

Result<std::uint64_t> send_stream(Channel& channel, const StreamBody& next, bool is_chunked, Patience& patience) {
  std::uint64_t total = 0;
  for (;;) {
    auto piece = TRY(next());
    if (piece.empty()) break;
    total += piece.size();
    if (is_chunked) {
      auto size_line = format("{:x}\r\n", piece.size());
      piece += "\r\n";
      TRY(channel.write(as_bytes(size_line), as_bytes(piece), patience));
    } else {
      TRY(channel.write(as_bytes(piece), {}, patience));
    }
  }
  if (is_chunked) TRY(channel.write(as_bytes("0\r\n\r\n"), {}, patience));
  return total;
}

}  // namespace

std::string render_head(const Response& response, const AnswerOptions& options) {
  std::string head;
  head.reserve(512);
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\nDate: {}\r\nX-Request-Id: {}\r\n", response.status,
                 reason_phrase(response.status), date_now(), options.request_id);
  for (const auto& [name, value] : response.headers.lines()) {
    if (is_framing(name)) continue;
    append_safely(head, name);
    head += ": ";
    append_safely(head, value);
    head += "\r\n";
  }
  if (!has_no_body(response.status)) {
    if (auto length = sent_length(response, options))
      fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", *length);
    else if (options.may_chunk)
      head += "Transfer-Encoding: chunked\r\n";
  }
  head += options.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

Sent send_response(Channel& channel, const Response& response, const AnswerOptions& options,
                   const ServerLimits& limits) {
  Patience patience(limits);
  Sent sent;
  AnswerOptions chosen = options;
  const auto* stream = std::get_if<StreamBody>(&response.body);
  bool is_empty = options.head_only || has_no_body(response.status);
  // Without chunks only the end of the connection ends a stream.
  if (stream != nullptr && !options.may_chunk && !is_empty) chosen.keep_alive = false;
  sent.must_close = !chosen.keep_alive;
  auto head = render_head(response, chosen);
  if (is_empty) {
    sent.status = channel.write(as_bytes(head), {}, patience);
  } else if (const auto* text = std::get_if<std::string>(&response.body)) {
    sent.status = channel.write(as_bytes(head), as_bytes(*text), patience);
    sent.bytes = text->size();
  } else if (const auto* file = std::get_if<FileBody>(&response.body)) {
    sent.status = channel.send_file(as_bytes(head), *file, patience);
    sent.bytes = file->length;
  } else if (sent.status = channel.write(as_bytes(head), {}, patience); sent.status.ok()) {
    auto total = send_stream(channel, *stream, options.may_chunk, patience);
    if (total.ok())
      sent.bytes = *total;
    else
      sent.status = total.error();
  }
  return sent;
}

std::string render_refusal(const Refusal& refusal, std::string_view request_id) {
  Request nobody;
  nobody.id = request_id;
  auto kind = refusal.status == 503 || refusal.status == 408 ? unavailable(refusal.message) : invalid(refusal.message);
  auto response = Response::problem(nobody, refusal.status == 431 ? over_limit(refusal.message) : kind, refusal.status);
  if (refusal.status == 503) response.headers.add("Retry-After", std::to_string(kRetryAfterSeconds));
  return render_head(response, {.request_id = request_id}) + std::get<std::string>(response.body);
}

std::string make_request_id() {
  // A counter run through an invertible mix (splitmix64): distinct within the process, and neither the start nor the
  // step shows how many requests there were.
  static const std::uint64_t start = [] {
    auto seed = random_bytes(sizeof(std::uint64_t));
    std::uint64_t value = 0;
    std::memcpy(&value, seed.data(), sizeof value);
    return value;
  }();
  static std::atomic<std::uint64_t> counter = 0;
  std::uint64_t z = start + counter.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return format("{:016x}", z ^ (z >> 31));
}

}  // namespace pratique::http
