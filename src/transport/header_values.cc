#include "transport/header_values.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/json.h"
#include "base/text.h"

namespace pratique::transport {

namespace {

constexpr std::size_t kChallengeBytesMax = 16 << 10;  // a Bearer challenge with many scopes stays below 4 KiB
constexpr std::size_t kParametersMax = 32;
constexpr std::size_t kErrorsShown = 8;
constexpr std::size_t kErrorTextMax = 2'000;  // reasons of a refusal are worth several lines

bool is_token_char(char c) {
  constexpr std::string_view kSpecial = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || contains(kSpecial, {&c, 1});
}

// Reads a header value from the front.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool is_done() const { return text_.empty(); }
  char peek() const { return text_.empty() ? '\0' : text_.front(); }
  void skip(std::string_view any_of) {
    auto keep = text_.find_first_not_of(any_of);
    text_.remove_prefix(keep == std::string_view::npos ? text_.size() : keep);
  }
  bool take(char wanted) {
    if (peek() != wanted || text_.empty()) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    std::size_t length = 0;
    while (length < text_.size() && is_token_char(text_[length])) ++length;
    auto token = text_.substr(0, length);
    text_.remove_prefix(length);
    return token;
  }
  // "…" with \-escapes; nullopt when it is not closed.
  std::optional<std::string> quoted() {
    if (!take('"')) return std::nullopt;
    std::string value;
    while (!text_.empty()) {
      char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"') return value;
      if (c == '\\') {
        if (text_.empty()) return std::nullopt;
        c = text_.front();
        text_.remove_prefix(1);
      }
      value += c;
    }
    return std::nullopt;
  }

 private:
  std::string_view text_;
};

// name=value; false when it is malformed or given twice, for then nobody knows which counts.
bool read_parameter(Cursor& cursor, std::string_view name, Challenge& challenge) {
  cursor.skip(" \t");
  std::optional<std::string> value;
  if (cursor.peek() == '"')
    value = cursor.quoted();
  else
    value = std::string(cursor.token());
  if (!value || challenge.parameters.size() >= kParametersMax) return false;
  return challenge.parameters.emplace(to_lower(name), *value).second;
}

struct UrlParts {
  std::string scheme, authority, rest;  // rest begins with "/" or is empty
};

Result<UrlParts> split_url(std::string_view url) {
  auto parts = cut(url, "://");
  if (!parts) return invalid(format("\"{}\" is no URL", printable(url)));
  std::string scheme = to_lower(parts->first);
  if (scheme != "http" && scheme != "https") return invalid(format("\"{}\" is no http URL", printable(url)));
  auto slash = parts->second.find_first_of("/?#");
  auto authority = parts->second.substr(0, slash);
  bool is_clean = !authority.empty() && authority.find_first_of("@\\ \t\r\n") == std::string_view::npos;
  if (!is_clean) return invalid(format("\"{}\" is no URL of a registry", printable(url)));
  UrlParts whole{std::move(scheme), to_lower(authority), ""};
  if (slash != std::string_view::npos) whole.rest = parts->second.substr(slash);
  return whole;
}

std::string one_error(const Json& error) {
  auto code = error["code"].text(), message = error["message"].text();
  // Some registries put the sentence people need into "detail".
  auto detail = error["detail"].text();
  std::string text(code);
  if (!message.empty()) text += format("{}{}", text.empty() ? "" : ": ", message);
  if (!detail.empty() && detail != message) text += format(" ({})", detail);
  return text;
}

}  // namespace

std::string_view Challenge::parameter(std::string_view name) const {
  auto found = parameters.find(std::string(name));
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<Challenge> parse_challenges(std::string_view line) {
  std::vector<Challenge> challenges;
  if (line.size() > kChallengeBytesMax) return challenges;
  Cursor cursor(line);
  for (;;) {
    cursor.skip(" \t,");
    if (cursor.is_done()) return challenges;
    auto token = cursor.token();
    cursor.skip(" \t");
    if (token.empty()) return challenges;
    if (!cursor.take('=')) {
      challenges.push_back({to_lower(token), {}});
      continue;
    }
    if (challenges.empty()) return challenges;
    if (!read_parameter(cursor, token, challenges.back())) {
      challenges.pop_back();
      return challenges;
    }
  }
}

std::optional<std::string> parse_warning(std::string_view line) {
  Cursor cursor(trim(line));
  if (cursor.token() != "299") return std::nullopt;
  cursor.skip(" ");
  if (cursor.token().empty()) return std::nullopt;  // the agent, "-"
  cursor.skip(" ");
  auto text = cursor.quoted();
  if (!text) return std::nullopt;
  return printable(*text, kErrorTextMax);
}

std::string error_text(std::string_view body) {
  auto json = parse_json(body, {.bytes_max = 1 << 20});
  if (!json.ok()) {
    // A proxy's HTML page is of no use on a terminal.
    bool is_markup = trim(body).starts_with('<');
    return is_markup ? std::string() : printable(trim(body));
  }
  std::vector<std::string> texts;
  for (const auto& error : (*json)["errors"].items()) {
    if (auto text = one_error(error); !text.empty() && texts.size() < kErrorsShown) texts.push_back(text);
  }
  if (texts.empty()) {
    for (auto name : {"message", "error", "detail", "title"}) {
      if (auto text = (*json)[name].text(); !text.empty()) return printable(text, kErrorTextMax);
    }
  }
  return printable(join(texts, "; "), kErrorTextMax);
}

Result<std::string> origin_of(std::string_view url) {
  auto parts = TRY(split_url(url));
  auto colon = parts.authority.find_last_of(":]");
  bool has_port = colon != std::string::npos && parts.authority[colon] == ':';
  std::string port = has_port ? "" : parts.scheme == "https" ? ":443" : ":80";
  return format("{}://{}{}", parts.scheme, parts.authority, port);
}

bool is_loopback_host(std::string_view host) {
  auto colon = host.find_last_of(":]");
  if (colon != std::string_view::npos && host[colon] == ':') host = host.substr(0, colon);
  if (host == "localhost" || host == "[::1]") return true;
  auto parts = split(host, '.');
  auto is_byte = [](std::string_view part) {
    auto value = parse_decimal(part);
    return value && *value <= 255;
  };
  return parts.size() == 4 && parts[0] == "127" && std::all_of(parts.begin(), parts.end(), is_byte);
}

Result<std::string> resolve_location(std::string_view asked, std::string_view location) {
  auto base = TRY(split_url(asked));
  std::string whole;
  if (contains(location.substr(0, location.find_first_of("/?#")), ":"))
    whole = location;
  else if (location.starts_with("//"))
    whole = format("{}:{}", base.scheme, location);
  else if (location.starts_with('/'))
    whole = format("{}://{}{}", base.scheme, base.authority, location);
  else {
    std::string_view path(base.rest);
    path = path.substr(0, path.find_first_of("?#"));
    auto slash = path.rfind('/');
    path = slash == std::string_view::npos ? std::string_view("/") : path.substr(0, slash + 1);
    whole = format("{}://{}{}{}", base.scheme, base.authority, path, location);
  }
  auto target = TRY(split_url(whole));
  if (base.scheme == "https" && target.scheme == "http") {
    return invalid(format("the registry sends the upload from https to \"{}\"", printable(whole)));
  }
  return whole;
}

std::string with_query(std::string_view url, std::string_view name, std::string_view value) {
  std::string fragment_free(url.substr(0, url.find('#')));
  return format("{}{}{}={}", fragment_free, contains(fragment_free, "?") ? "&" : "?", name, percent_encode(value));
}

std::optional<std::uint64_t> parse_retry_after(std::string_view value) {
  return parse_decimal(trim(value));
}

std::string media_type_of(std::string_view content_type) {
  return std::string(trim(content_type.substr(0, content_type.find(';'))));
}

}  // namespace pratique::transport
