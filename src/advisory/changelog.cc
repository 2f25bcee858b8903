#include "advisory/changelog.h"

#include <algorithm>
#include <map>

#include "advisory/collector.h"
#include "advisory/ids.h"
#include "base/format.h"
#include "base/text.h"
#include "vuln/vuln.h"

namespace pratique::advisory {

namespace {

// The kernel, whose changelog names the most, has about 10,000.
constexpr std::size_t kFixesMax = 100'000;
// Enough to recognise the flaw; one_line() cuts it to what a report shows.
constexpr std::size_t kItemBytesMax = 600;
// An item with fewer letters beside its CVEs ("Fixes:", "See") tells nothing.
constexpr std::size_t kTellingLettersMin = 8;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The name that begins at `at`, where "CVE-" stands; "" when it is none.
std::string_view cve_at(std::string_view text, std::size_t at) {
  std::size_t end = at + 4;
  while (end < text.size() && (is_digit(text[end]) || (end == at + 8 && text[end] == '-'))) ++end;
  std::string_view name = text.substr(at, end - at);
  return is_cve(name) ? name : std::string_view();
}

std::vector<std::string_view> cves_in(std::string_view text) {
  std::vector<std::string_view> names;
  for (std::size_t at = text.find("CVE-"); at != text.npos; at = text.find("CVE-", at + 4)) {
    auto name = cve_at(text, at);
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

// "openssl (1.1.1w-0+deb11u8) bullseye-security; urgency=medium".
struct Head {
  std::string_view package;
  std::string_view version;
};
std::optional<Head> parse_head(std::string_view line) {
  if (line.empty() || !(is_digit(line.front()) || (line.front() >= 'a' && line.front() <= 'z'))) return std::nullopt;
  auto name_and_rest = cut(line, " (");
  auto version_and_rest = name_and_rest ? cut(name_and_rest->second, ")") : std::nullopt;
  if (!version_and_rest || contains(name_and_rest->first, " ")) return std::nullopt;
  return Head{name_and_rest->first, version_and_rest->first};
}

bool is_below(std::string_view version, std::string_view bound) {
  auto order = vuln::compare_versions(vuln::VersionScheme::Dpkg, version, bound);
  return order.ok() && *order < 0;
}

class Reader {
 public:
  Reader(std::string_view package, std::string_view version) : package_(package), version_(version) {}

  Status line(std::string_view text) {
    bool is_body = text.starts_with(' ') || text.starts_with('\t');
    std::string_view content = trim(text);
    if (content.empty()) {
      end_item();
    } else if (!is_body) {
      end_item();
      is_in_body_ = false;  // an editor's settings, or the next entry
      if (auto head = parse_head(text)) return begin_entry(*head);
    } else if (text.starts_with(" -- ")) {
      end_item();
      is_in_body_ = false;
    } else if (is_in_body_) {
      body(content);
    }
    return fixes_.size() <= kFixesMax ? Status() : over_limit(format("the changelog names over {} CVEs", kFixesMax));
  }

  Result<std::vector<NamedFix>> finish() {
    end_item();
    if (bound_.empty()) return corrupt("the changelog has no entry");
    std::vector<NamedFix> fixes;
    for (auto& [cve, found] : fixes_) fixes.push_back(std::move(found.fix));
    return fixes;
  }

 private:
  struct Found {
    NamedFix fix;
    std::size_t entry = 0;
  };

  Status begin_entry(const Head& head) {
    ++entry_;
    bool is_ours = head.package == package_ && vuln::is_version(vuln::VersionScheme::Dpkg, head.version);
    if (bound_.empty()) {
      if (!is_ours || is_below(head.version, version_) || is_below(version_, head.version)) {
        return corrupt(format("the changelog is of {} {}", printable(head.package, 60), printable(head.version, 60)));
      }
      bound_ = version_;
    }
    // A package that changed its name counted its versions anew.
    is_in_body_ = is_ours;
    // 25.1-1~deb12u1 is built from 25.1-1 and sorts below it: it has all that stands below it in the file, so an entry
    // reaches down to the lowest version above it.
    if (is_ours && is_below(head.version, bound_)) bound_ = head.version;
    return {};
  }

  void body(std::string_view content) {
    bool is_bullet = content.front() == '*' || content.front() == '-' || content.front() == '+';
    if (is_bullet || content.front() == '[') end_item();
    if (is_bullet) content = trim(content.substr(1));
    for (auto name : cves_in(content)) names_.push_back(name);
    if (item_.size() >= kItemBytesMax) return;
    if (!item_.empty()) item_ += ' ';
    item_ += content.substr(0, kItemBytesMax);
  }

  void end_item() {
    if (!names_.empty()) {
      std::string summary = telling(item_) ? one_line(item_) : "";
      for (auto name : names_) {
        auto [found, is_new] = fixes_.try_emplace(std::string(name));
        // Entries come newest first, so a later one in the file is the earlier fix. Within an entry the first counts.
        if (!is_new && found->second.entry == entry_) continue;
        found->second = {{std::string(name), std::string(bound_), summary}, entry_};
      }
    }
    names_.clear();
    item_.clear();
  }

  static bool telling(std::string_view item) {
    auto letters = static_cast<std::size_t>(std::count_if(item.begin(), item.end(), is_letter));
    return letters >= 3 * cves_in(item).size() + kTellingLettersMin;
  }

  std::string_view package_;
  std::string_view version_;
  std::string_view bound_;  // "" before the first entry
  std::size_t entry_ = 0;
  bool is_in_body_ = false;
  std::string item_;
  std::vector<std::string_view> names_;
  std::map<std::string, Found> fixes_;
};

}  // namespace

Result<std::vector<NamedFix>> parse_changelog(std::string_view text, std::string_view package,
                                              std::string_view version) {
  Reader reader(package, version);
  while (!text.empty()) {
    auto line_and_rest = cut(text, "\n");
    TRY(reader.line(line_and_rest ? line_and_rest->first : text));
    text = line_and_rest ? line_and_rest->second : std::string_view();
  }
  return reader.finish();
}

}  // namespace pratique::advisory
