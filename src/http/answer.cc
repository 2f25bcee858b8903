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

struct Phrase {
  int status;
  std::string_view text;
};
constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

std::string_view reason_phrase(int status) {
  for (const auto& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Status";
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
  auto kind = refusal.status == 503 || refusal.status == 429 || refusal.status == 408 ? unavailable(refusal.message)
                                                                                      : invalid(refusal.message);
  auto response = Response::problem(nobody, refusal.status == 431 ? over_limit(refusal.message) : kind, refusal.status);
  if (refusal.status == 503 || refusal.status == 429)
    response.headers.add("Retry-After", std::to_string(kRetryAfterSeconds));
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
