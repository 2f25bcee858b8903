#include "advisory/changelog_list.h"

#include <algorithm>

#include "advisory/ids.h"
#include "base/format.h"
#include "base/text.h"
#include "vuln/vuln.h"

namespace pratique::advisory {

namespace {

constexpr std::string_view kMagic = "pratique-debian-changelogs 1 ";
// The first words of a line; a line with a CVE begins with its name.
constexpr std::string_view kPackage = "package ";
constexpr std::string_view kWithout = "without ";

bool is_version(std::string_view text) {
  return vuln::is_version(vuln::VersionScheme::Dpkg, text);
}

// The next word, taken off the line.
std::string_view take_word(std::string_view& line) {
  auto word_and_rest = cut(line, " ");
  std::string_view word = word_and_rest ? word_and_rest->first : line;
  line = word_and_rest ? word_and_rest->second : std::string_view();
  return word;
}

class Reader {
 public:
  Reader(ChangelogList& list, const ListSkip& skip) : list_(list), skip_(skip) {}

  void line(std::string_view text) {
    std::string_view rest = text;
    bool is_understood = false;
    if (text.starts_with(kPackage)) {
      take_word(rest);
      is_understood = is_open_ = package(rest) && rest.empty();
    } else if (text.starts_with(kWithout)) {
      take_word(rest);
      is_open_ = false;
      is_understood = without(rest);
    } else {
      is_understood = is_open_ && fix(rest);
    }
    if (!is_understood) skip_(text, "a line of no known form");
  }

 private:
  bool package(std::string_view& rest) {
    ListedPackage package;
    package.name = take_word(rest);
    package.version = take_word(rest);
    package.sha256 = take_word(rest);
    if (package.name.empty() || !is_version(package.version) || package.sha256.size() != 64) return false;
    list_.packages.push_back(std::move(package));
    return true;
  }

  bool without(std::string_view rest) {
    if (!package(rest)) return false;
    auto seconds = parse_decimal(take_word(rest));
    auto& added = list_.packages.back();
    added.without = rest;
    // A day in the year 9999 bounds what Time can hold.
    bool is_good = seconds && *seconds < 253'402'300'800 && !rest.empty();
    if (is_good) added.asked = Time::from_unix_seconds(static_cast<std::int64_t>(*seconds));
    if (!is_good) list_.packages.pop_back();
    return is_good;
  }

  bool fix(std::string_view rest) {
    NamedFix fix;
    fix.cve = take_word(rest);
    fix.version = take_word(rest);
    fix.summary = rest;
    if (!is_cve(fix.cve) || !is_version(fix.version)) return false;
    list_.packages.back().fixes.push_back(std::move(fix));
    return true;
  }

  ChangelogList& list_;
  const ListSkip& skip_;
  bool is_open_ = false;  // lines with CVEs belong to the last package
};

}  // namespace

bool is_changelog_list(std::string_view text) {
  return text.starts_with(kMagic);
}

std::string encode_changelog_list(const ChangelogList& list) {
  std::string text = format("{}{}\n", kMagic, list.stream);
  for (const auto& package : list.packages) {
    text += package.without.empty() ? kPackage : kWithout;
    text += format("{} {} {}", package.name, package.version, package.sha256);
    if (!package.without.empty()) text += format(" {} {}", package.asked.unix_seconds(), package.without);
    text += '\n';
    for (const auto& fix : package.fixes) {
      text += format("{} {}", fix.cve, fix.version);
      if (!fix.summary.empty()) text += " " + fix.summary;
      text += '\n';
    }
  }
  return text;
}

Result<ChangelogList> parse_changelog_list(std::string_view text, const ListSkip& skip) {
  if (!is_changelog_list(text)) return corrupt("it is no list of changelogs of this version");
  auto head_and_rest = cut(text.substr(kMagic.size()), "\n");
  if (!head_and_rest) return corrupt("the list of changelogs ends in its first line");
  ChangelogList list;
  list.stream = head_and_rest->first;
  Reader reader(list, skip);
  for (auto line : split(head_and_rest->second, '\n'))
    if (!line.empty()) reader.line(line);
  return list;
}

}  // namespace pratique::advisory
