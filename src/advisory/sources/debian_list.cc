// Debian's lists of announcements (data/DSA/list, data/DLA/list): an announcement, its CVEs, and per release the
// version that fixes them.
//
//   [01 Apr 2023] DLA-3377-1 systemd - security update
//   	{CVE-2023-26604}
//   	[buster] - systemd 241-7~deb10u9
//
// An announcement is an alias of each of its CVEs. Without CVEs it stands for itself.
#include <array>

#include "advisory/debian_releases.h"
#include "advisory/feed_file.h"
#include "advisory/ids.h"
#include "advisory/sources/source.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::advisory {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// "01 Apr 2023".
std::optional<Time> parse_date(std::string_view text) {
  auto words = split(text, ' ');
  if (words.size() != 3 || words[0].empty() || words[0].size() > 2) return std::nullopt;
  for (std::size_t month = 0; month < kMonths.size(); ++month) {
    if (kMonths[month] != words[1]) continue;
    auto time = Time::parse(format("{}-{:02}-{:0>2}", words[2], month + 1, words[0]));
    return time.ok() ? std::optional(*time) : std::nullopt;
  }
  return std::nullopt;
}

struct Announcement {
  std::string id;
  std::string title;
  std::vector<std::string> cves;
};

class Reader {
 public:
  explicit Reader(Collector& collector) : collector_(collector) {}

  Status line(std::string_view raw) {
    std::string_view text = trim(raw);
    if (text.empty()) return {};
    bool is_head = raw.front() == '[';
    if (is_head) return head(text);
    if (!current_) return {};
    if (text.starts_with('{')) return cves(text);
    if (text.starts_with('[')) return release(text);
    return {};  // notes
  }

 private:
  Status head(std::string_view text) {
    current_.reset();
    auto date_and_rest = cut(text.substr(1), "]");
    auto date = date_and_rest ? parse_date(date_and_rest->first) : std::nullopt;
    auto rest = date_and_rest ? trim(date_and_rest->second) : std::string_view();
    auto id_and_title = cut(rest, " ");
    std::string_view id = id_and_title ? id_and_title->first : rest;
    if (!date || !is_bundle(id) || !is_id(id)) {
      collector_.skip(text, "no announcement");
      return {};
    }
    collector_.record(date);
    current_ = Announcement{std::string(id), id_and_title ? std::string(id_and_title->second) : "", {}};
    return {};
  }

  Status cves(std::string_view text) {
    for (auto word : split(text.substr(1, text.find('}') - 1), ' '))
      if (is_cve(word)) current_->cves.emplace_back(word);
    return {};
  }

  // "[buster] - systemd 241-7~deb10u9", or "<not-affected>", "<end-of-life>", "<unfixed>" for the version.
  Status release(std::string_view text) {
    auto codename_and_rest = cut(text.substr(1), "] - ");
    if (!codename_and_rest) {
      collector_.skip(current_->id, "a line of no known form: " + printable(text, 60));
      return {};
    }
    vuln::Advisory advisory;
    advisory.stream = debian_stream(codename_and_rest->first);
    if (advisory.stream.empty()) return {};  // a release before Debian 8
    auto words = split(codename_and_rest->second, ' ');
    if (words.size() < 2) {
      collector_.skip(current_->id, "a release line without a version: " + printable(text, 60));
      return {};
    }
    advisory.package = words[0];
    if (!state(advisory, words[1])) {
      collector_.skip(current_->id, "an unknown state: " + printable(words[1], 60));
      return {};
    }
    advisory.source = "debian-security-list";
    advisory.summary = current_->title;
    advisory.url = "https://security-tracker.debian.org/tracker/" + current_->id;
    if (current_->cves.empty()) {
      advisory.id = current_->id;
      return collector_.add(std::move(advisory));
    }
    advisory.aliases = {current_->id};
    for (const auto& cve : current_->cves) {
      advisory.id = cve;
      TRY(collector_.add(advisory));
    }
    return {};
  }

  static bool state(vuln::Advisory& advisory, std::string_view word) {
    if (word == "<not-affected>") {
      advisory.status = vuln::AdvisoryStatus::NotAffected;
    } else if (word == "<end-of-life>") {
      advisory.status = vuln::AdvisoryStatus::EndOfLife;
    } else if (word == "<unfixed>") {
      advisory.status = vuln::AdvisoryStatus::Affected;
    } else if (vuln::is_version(vuln::VersionScheme::Dpkg, word)) {
      advisory.status = vuln::AdvisoryStatus::Fixed;
      advisory.ranges.push_back({.fixed = std::string(word)});
    } else {
      return false;
    }
    return true;
  }

  Collector& collector_;
  std::optional<Announcement> current_;
};

}  // namespace

Status import_debian_list(const BuildInput& input, Collector& collector) {
  std::string text = TRY(read_feed(input.path, collector));
  Reader reader(collector);
  for (auto line : split(text, '\n')) TRY(reader.line(line));
  return {};
}

bool recognises_debian_list(std::string_view, std::string_view head) {
  std::string_view first = head.substr(0, head.find('\n'));
  return first.starts_with('[') && (contains(first, "] DSA-") || contains(first, "] DLA-"));
}

}  // namespace pratique::advisory
