// Names of vulnerabilities, and which of them name the same one. Private to advisory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pratique::advisory {

// "CVE-2024-3094".
bool is_cve(std::string_view id);
// A text that may stand as a name in a report: letters, digits and "-_.:+", at most 100 bytes.
bool is_id(std::string_view id);
// An advisory that announces several vulnerabilities at once (DSA, DLA, ALSA, …). It is an alias of each of them, but
// two that share it are not the same.
bool is_bundle(std::string_view id);
// A package older than what a security archive holds, without a word on why.
bool is_archive_floor(std::string_view id);

// One vulnerability: the CVE where there is one, and its other names, sorted.
struct Names {
  std::string id;
  std::vector<std::string> aliases;
};
// `names`: all ids of one vulnerability. The first CVE in order leads, else the first given.
Names lead_with_cve(std::vector<std::string> names);

}  // namespace pratique::advisory
