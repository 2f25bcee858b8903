#include "http/head.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/text.h"
#include "http/target.h"

namespace pratique::http {

namespace {

namespace beast = boost::beast::http;

constexpr std::size_t kFieldsMax = 256;           // real clients send under 30
constexpr std::size_t kContentLengthDigits = 18;  // below 2^63 whatever the digits

// Every line ends in CRLF and no line starts with a blank. Beast would join folded lines.
std::optional<Refusal> check_lines(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    char c = head[i];
    if (c == '\0') return Refusal{400, "the request head holds a NUL"};
    if (c == '\n' && (i == 0 || head[i - 1] != '\r'))
      return Refusal{400, "a line of the request head ends in a bare LF"};
    if (c == '\r' && (i + 1 == head.size() || head[i + 1] != '\n'))
      return Refusal{400, "the request head holds a bare CR"};
    bool starts_line = i > 0 && head[i - 1] == '\n';
    if (starts_line && (c == ' ' || c == '\t')) return Refusal{400, "a header field is folded over two lines"};
  }
  return std::nullopt;
}

// A well-formed request line of another protocol version.
bool is_other_version(std::string_view head) {
  auto line = head.substr(0, head.find('\r'));
  auto pieces = split(line, ' ');
  return pieces.size() == 3 && pieces[2].size() == 8 && pieces[2].starts_with("HTTP/") && pieces[2][6] == '.';
}

Refusal refusal_of(const boost::system::error_code& error, std::string_view head) {
  if (error == beast::error::bad_version && is_other_version(head))
    return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  return {400, "the request head is malformed: " + error.message()};
}

// "a, b" over several lines as one list.
std::vector<std::string> list_of(const Headers& headers, std::string_view name) {
  std::vector<std::string> items;
  for (const auto& line : headers.all(name)) {
    for (auto item : split(line, ',')) items.push_back(to_lower(trim(item)));
  }
  return items;
}

bool has_item(const std::vector<std::string>& items, std::string_view wanted) {
  return std::find(items.begin(), items.end(), wanted) != items.end();
}

// RFC 9112 section 6: how long the body is.
std::optional<Refusal> read_framing(Head& head) {
  auto codings = head.headers.all("Transfer-Encoding");
  auto lengths = head.headers.all("Content-Length");
  if (!codings.empty()) {
    if (!lengths.empty()) return Refusal{400, "Transfer-Encoding and Content-Length exclude each other"};
    if (head.minor_version == 0) return Refusal{400, "HTTP/1.0 has no Transfer-Encoding"};
    if (codings.size() != 1) return Refusal{400, "Transfer-Encoding is given more than once"};
    if (!equals_ignoring_case(codings.front(), "chunked"))
      return Refusal{501, "the only transfer coding known here is chunked"};
    head.is_chunked = true;
    return std::nullopt;
  }
  if (lengths.empty()) return std::nullopt;
  if (lengths.size() != 1) return Refusal{400, "Content-Length is given more than once"};
  auto length = parse_decimal(lengths.front());
  if (!length || lengths.front().size() > kContentLengthDigits) return Refusal{400, "Content-Length is not a number"};
  head.content_length = *length;
  return std::nullopt;
}

std::optional<Refusal> read_host(const Head& head) {
  auto hosts = head.headers.all("Host");
  if (hosts.size() > 1) return Refusal{400, "Host is given more than once"};
  if (hosts.empty() && head.minor_version == 0) return std::nullopt;
  if (hosts.empty()) return Refusal{400, "Host is missing"};
  if (!is_authority(hosts.front())) return Refusal{400, "Host is not a host name with an optional port"};
  return std::nullopt;
}

std::optional<Refusal> read_connection(Head& head) {
  auto options = list_of(head.headers, "Connection");
  head.keep_alive = head.minor_version == 0 ? has_item(options, "keep-alive") : !has_item(options, "close");
  auto expectations = list_of(head.headers, "Expect");
  if (expectations.empty() || head.minor_version == 0) return std::nullopt;
  if (expectations != std::vector<std::string>{"100-continue"})
    return Refusal{417, "the only expectation met here is 100-continue"};
  head.expects_continue = true;
  return std::nullopt;
}

}  // namespace

HeadEnd find_head_end(std::string_view input, std::size_t& scanned) {
  for (;;) {
    auto newline = input.find('\n', scanned);
    if (newline == std::string_view::npos) {
      scanned = input.size();
      return {HeadEnd::State::Incomplete};
    }
    if (newline == 0 || input[newline - 1] != '\r') return {HeadEnd::State::Malformed};
    if (newline >= 3 && input[newline - 2] == '\n') return {HeadEnd::State::Complete, newline + 1};
    scanned = newline + 1;
  }
}

std::variant<Head, Refusal> parse_head(std::string_view head) {
  if (auto refusal = check_lines(head)) return *refusal;
  beast::request_parser<beast::empty_body> parser;
  parser.eager(false);
  parser.header_limit(static_cast<std::uint32_t>(head.size() + 1));
  parser.body_limit(boost::none);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error) return refusal_of(error, head);
  if (!parser.is_header_done()) return Refusal{400, "the request head is incomplete"};
  const auto& message = parser.get();
  Head parsed{.method = std::string(message.method_string()), .target = std::string(message.target())};
  parsed.minor_version = static_cast<int>(message.version() % 10);
  std::size_t count = 0;
  for (const auto& field : message) {
    if (++count > kFieldsMax) return Refusal{431, "the request head has too many fields"};
    parsed.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  if (auto refusal = read_framing(parsed)) return *refusal;
  if (auto refusal = read_host(parsed)) return *refusal;
  if (auto refusal = read_connection(parsed)) return *refusal;
  return parsed;
}

}  // namespace pratique::http
