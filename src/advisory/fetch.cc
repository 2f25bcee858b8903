#include "advisory/fetch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "advisory/feed_file.h"
#include "base/format.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::advisory {

namespace {

constexpr std::size_t kMetaBytesMax = 64 << 10;

// How a server names a version of a file. The ETag if there is a strong one, since dates are coarse.
struct Validator {
  std::string etag;
  std::string last_modified;

  bool is_empty() const { return etag.empty() && last_modified.empty(); }
  // What If-Range may carry: RFC 9110 section 13.1.5 wants a strong one.
  std::string for_range() const { return !etag.empty() && !etag.starts_with("W/") ? etag : last_modified; }
  bool operator==(const Validator&) const = default;
};

Validator validator_of(const http::Headers& headers) {
  return {headers.find("ETag").value_or(""), headers.find("Last-Modified").value_or("")};
}

struct Meta {
  Validator validator;
  std::uint64_t bytes = 0;
  std::string sha256;
  Time confirmed;  // when this was last known to be what the publisher has
};

std::optional<Meta> read_meta(const std::string& path) {
  auto text = os::read_file(path, kMetaBytesMax);
  if (!text.ok()) return std::nullopt;
  auto json = parse_json(*text);
  if (!json.ok()) return std::nullopt;
  return Meta{{std::string((*json)["etag"].text()), std::string((*json)["last_modified"].text())},
              static_cast<std::uint64_t>((*json)["bytes"].as_int().value_or(0)),
              std::string((*json)["sha256"].text()),
              Time::from_unix_seconds((*json)["confirmed"].as_int().value_or(0))};
}

Status write_meta(const std::string& path, const Meta& meta, std::string_view url) {
  Json json = Json::object();
  json.set("url", url).set("etag", meta.validator.etag).set("last_modified", meta.validator.last_modified);
  json.set("bytes", meta.bytes).set("sha256", meta.sha256).set("confirmed", meta.confirmed.unix_seconds());
  return os::write_file(path, json.dump_pretty());
}

std::optional<std::uint64_t> size_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::string> sha256_of(const std::string& path) {
  os::Fd file = TRY(os::open_for_reading(path));
  Sha256 sum;
  std::array<std::byte, 1 << 16> buffer;
  while (std::size_t count = TRY(os::read_some(file, buffer))) sum.update(std::span(buffer).first(count));
  return to_hex(sum.sum());
}

// "bytes 200-999/1000": where the part starts and how long the whole is.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  auto range_and_total = cut(text.substr(6), "/");
  if (!range_and_total) return std::nullopt;
  auto first_and_last = cut(range_and_total->first, "-");
  auto total = parse_decimal(range_and_total->second);
  auto first = first_and_last ? parse_decimal(first_and_last->first) : std::nullopt;
  if (!first || !total) return std::nullopt;
  return std::pair(*first, *total);
}

// An answer that is no file. Unavailable is kept for servers that give none.
Error refusal(int status) {
  std::string message = format("the server answered {}", status);
  if (status == 404 || status == 410) return not_found(message);
  if (status == 401 || status == 403) return denied(message);
  return conflict(message);
}

class Transfer {
 public:
  Transfer(const FetchRequest& request, http::Client& client) : request_(request), client_(client) {}

  Result<FetchOutcome> run() {
    cached_ = read_meta(meta_path());
    // A copy of another length than was noted is damaged; asking whether it is current would keep it.
    if (cached_ && size_of(request_.path) != cached_->bytes) cached_.reset();
    bool is_current = TRY(ask());
    if (is_current) return confirm();
    auto continued = TRY(continue_part());
    if (!continued) {
      discard_part();
      TRY(get_all());
      if (is_unchanged_) return confirm();
    }
    return finish();
  }

 private:
  std::string meta_path() const { return request_.path + ".json"; }
  std::string part_path() const { return request_.path + ".part"; }
  std::string part_meta_path() const { return part_path() + ".json"; }
  std::string incoming_path() const { return request_.path + ".incoming"; }

  Result<FetchOutcome> confirm() {
    cached_->confirmed = request_.now;
    TRY(write_meta(meta_path(), *cached_, request_.url));
    return FetchOutcome::Unchanged;
  }

  // What the server has now. A server that does not answer HEAD is asked with GET alone.
  Result<bool> ask() {
    auto answer = TRY(client_.send({.method = "HEAD", .url = request_.url}));
    if (answer.status != 200) return false;
    note_offer(answer.headers);
    if (!cached_ || offered_.is_empty() || offered_ != cached_->validator) return false;
    return !offered_bytes_ || *offered_bytes_ == cached_->bytes;
  }

  // Fetches the rest of an interrupted transfer; false when there is none that may be continued.
  Result<bool> continue_part() {
    auto have = size_of(part_path());
    auto part = read_meta(part_meta_path());
    if (!have || *have == 0 || !part || offered_.is_empty() || part->validator != offered_) return false;
    if (!offered_bytes_ || *have > *offered_bytes_ || offered_.for_range().empty()) return false;
    if (*have == *offered_bytes_) return true;
    http::ClientRequest get{.url = request_.url};
    get.headers.set("Range", format("bytes={}-", *have));
    get.headers.set("If-Range", offered_.for_range());
    // The status is known only at the end, so the bytes go to a file of their own until it says what they are.
    auto answer = TRY(receive(std::move(get), incoming_path(), *have));
    if (answer.status == 200) {
      note_offer(answer.headers);
      return TRY(replace_part());
    }
    auto range = parse_content_range(answer.headers.find("Content-Range").value_or(""));
    if (answer.status != 206 || !range || range->first != *have || range->second != *offered_bytes_) {
      TRY(os::remove_file(incoming_path()));
      return false;
    }
    return TRY(append_incoming());
  }

  Result<bool> replace_part() {
    if (::rename(incoming_path().c_str(), part_path().c_str()) != 0) return from_errno("renaming a transfer", errno);
    return true;
  }

  Result<bool> append_incoming() {
    os::Fd from = TRY(os::open_for_reading(incoming_path()));
    os::Fd to(::open(part_path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!to.is_open()) return from_errno("opening " + part_path(), errno);
    std::array<std::byte, 1 << 16> buffer;
    while (std::size_t count = TRY(os::read_some(from, buffer))) TRY(os::write_all(to, std::span(buffer).first(count)));
    TRY(os::remove_file(incoming_path()));
    return true;
  }

  Status get_all() {
    http::ClientRequest get{.url = request_.url};
    if (cached_ && !cached_->validator.etag.empty()) get.headers.set("If-None-Match", cached_->validator.etag);
    if (cached_ && !cached_->validator.last_modified.empty()) {
      get.headers.set("If-Modified-Since", cached_->validator.last_modified);
    }
    if (!offered_.is_empty()) TRY(write_meta(part_meta_path(), {.validator = offered_}, request_.url));
    auto answer = TRY(receive(std::move(get), part_path(), 0));
    if (answer.status == 304 && cached_) {
      is_unchanged_ = true;
      discard_part();
      return {};
    }
    if (answer.status != 200) {
      discard_part();
      return refusal(answer.status);
    }
    note_offer(answer.headers);
    return {};
  }

  void note_offer(const http::Headers& headers) {
    offered_ = validator_of(headers);
    auto length = headers.find("Content-Length");
    offered_bytes_ = length ? parse_decimal(*length) : std::nullopt;
  }

  // Writes a successful body to `path`; on an error what has come stays there.
  Result<http::ClientResponse> receive(http::ClientRequest get, const std::string& path, std::uint64_t before) {
    os::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.is_open()) return from_errno("opening " + path, errno);
    std::uint64_t done = before;
    get.sink = [&](Bytes bytes) -> Status {
      done += bytes.size();
      if (done > kFeedBytesMax) return over_limit(format("the feed is larger than {} bytes", kFeedBytesMax));
      TRY(os::write_all(file, bytes));
      if (request_.progress) request_.progress(done, offered_bytes_.value_or(0));
      return {};
    };
    return client_.send(get);
  }

  Result<FetchOutcome> finish() {
    auto bytes = size_of(part_path()).value_or(0);
    if (offered_bytes_ && bytes != *offered_bytes_) {
      discard_part();
      return corrupt(format("{} bytes came and {} were announced", bytes, *offered_bytes_));
    }
    std::string sum = TRY(sha256_of(part_path()));
    if (cached_ && cached_->sha256 == sum) {
      discard_part();
      TRY(write_meta(meta_path(), {offered_, bytes, sum, request_.now}, request_.url));
      return FetchOutcome::Unchanged;
    }
    if (Status good = request_.check(part_path()); !good.ok()) {
      discard_part();
      return good.error();
    }
    if (::rename(part_path().c_str(), request_.path.c_str()) != 0) return from_errno("renaming a feed", errno);
    TRY(write_meta(meta_path(), {offered_, bytes, sum, request_.now}, request_.url));
    discard_part();
    return FetchOutcome::Fetched;
  }

  void discard_part() {
    // A part that cannot be removed is overwritten or refused by the next transfer.
    (void)os::remove_file(part_path());
    (void)os::remove_file(part_meta_path());
    (void)os::remove_file(incoming_path());
  }

  const FetchRequest& request_;
  http::Client& client_;
  std::optional<Meta> cached_;
  Validator offered_;
  std::optional<std::uint64_t> offered_bytes_;
  bool is_unchanged_ = false;
};

}  // namespace

Result<FetchOutcome> fetch(const FetchRequest& request, http::Client& client) {
  return Transfer(request, client).run();
}

std::optional<Time> cached_as_of(const std::string& path) {
  auto meta = read_meta(path + ".json");
  if (!meta) return std::nullopt;
  auto changed = parse_http_date(meta->validator.last_modified);
  return changed ? changed : meta->confirmed;
}

std::optional<Time> parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  auto words = split(text, ' ');
  if (words.size() != 6 || words[5] != "GMT" || words[2].size() != 3) return std::nullopt;
  auto month = kMonths.find(words[2]);
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  auto time = Time::parse(format("{}-{:02}-{:0>2}T{}Z", words[3], month / 3 + 1, words[1], words[4]));
  return time.ok() ? std::optional(*time) : std::nullopt;
}

}  // namespace pratique::advisory
