// Alpine's security database, YAML (older branches) or JSON: per source package, the ids fixed in each version.
//
// A package is named by its origin. Version "0" states that the package was never affected. Unfixed vulnerabilities are
// not in the database at all.
#include "advisory/feed_file.h"
#include "advisory/ids.h"
#include "advisory/sources/source.h"
#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"

namespace pratique::advisory {

namespace {

constexpr JsonLimits kJsonLimits{.bytes_max = 256 << 20, .depth_max = 16, .values_max = 5'000'000};

// "alpine:3.19" for "v3.19", "alpine:edge" for "edge"; "" for anything else.
std::string stream_of(std::string_view distroversion) {
  if (distroversion == "edge") return "alpine:edge";
  auto version = distroversion.starts_with('v') ? distroversion.substr(1) : std::string_view();
  auto parts = cut(version, ".");
  if (!parts || !parse_decimal(parts->first) || !parse_decimal(parts->second)) return "";
  return "alpine:" + std::string(version);
}

// One branch and repository while it is read.
struct Reader {
  Collector& collector;
  std::string stream;
  std::optional<Time> as_of;  // the database holds no dates

  // `line`: what stands under a version: an id, or several of one vulnerability, perhaps with a remark.
  Status add(std::string_view package, std::string_view version, std::string_view line) {
    std::vector<std::string> names;
    for (auto word : split(line, ' '))
      if (is_id(word) && contains(word, "-")) names.emplace_back(word);
    if (names.empty()) {
      collector.skip(package, "a line without an id: " + printable(line, 60));
      return {};
    }
    collector.record(as_of);
    std::vector<std::string> others;
    std::vector<std::string> cves;
    for (auto& name : names) (is_cve(name) ? cves : others).push_back(std::move(name));
    // Several CVEs on a line are several vulnerabilities; other ids beside a CVE are its aliases.
    if (cves.empty()) cves = {others.front()};
    for (const auto& id : cves) {
      vuln::Advisory advisory{.id = id, .aliases = others, .stream = stream, .package = std::string(package)};
      std::erase(advisory.aliases, id);
      advisory.source = "alpine-secdb";
      advisory.url = "https://security.alpinelinux.org/vuln/" + id;
      if (version == "0") {
        advisory.status = vuln::AdvisoryStatus::NotAffected;
      } else {
        advisory.status = vuln::AdvisoryStatus::Fixed;
        advisory.ranges.push_back({.fixed = std::string(version)});
      }
      TRY(collector.add(std::move(advisory)));
    }
    return {};
  }
};

Status import_json(std::string_view text, const BuildInput& input, Collector& collector) {
  Json secdb = TRY(parse_json(text, kJsonLimits));
  Reader reader{collector, stream_of(secdb["distroversion"].text()), input.as_of};
  if (reader.stream.empty()) reader.stream = input.stream;
  if (reader.stream.empty()) return invalid("the secdb does not name its branch");
  if (!secdb["packages"].is_array()) return invalid("the secdb has no list of packages");
  for (const auto& item : secdb["packages"].items()) {
    const Json& package = item["pkg"];
    for (const auto& [version, lines] : package["secfixes"].members())
      for (const auto& line : lines.items()) TRY(reader.add(package["name"].text(), version, line.text()));
  }
  return {};
}

Status import_yaml(std::string_view text, const BuildInput& input, Collector& collector) {
  Yaml secdb = TRY(parse_yaml(text));
  const Yaml* branch = secdb.find("distroversion");
  Reader reader{collector, branch != nullptr ? stream_of(branch->scalar) : "", input.as_of};
  if (reader.stream.empty()) reader.stream = input.stream;
  if (reader.stream.empty()) return invalid("the secdb does not name its branch");
  const Yaml* packages = secdb.find("packages");
  if (packages == nullptr) return invalid("the secdb has no list of packages");
  for (const auto& item : packages->items) {
    const Yaml* package = item.find("pkg");
    const Yaml* name = package != nullptr ? package->find("name") : nullptr;
    const Yaml* fixes = package != nullptr ? package->find("secfixes") : nullptr;
    if (name == nullptr || fixes == nullptr) {
      collector.skip("package", "an entry without name or secfixes");
      continue;
    }
    for (const auto& fix : fixes->members)
      for (const auto& line : fix.value.items) TRY(reader.add(name->scalar, fix.key.scalar, line.scalar));
  }
  return {};
}

}  // namespace

Status import_alpine_secdb(const BuildInput& input, Collector& collector) {
  std::string text = TRY(read_feed(input.path, collector));
  if (trim(std::string_view(text).substr(0, 100)).starts_with('{')) return import_json(text, input, collector);
  return import_yaml(text, input, collector);
}

bool recognises_alpine_secdb(std::string_view, std::string_view head) {
  return contains(head, "distroversion") && contains(head, "reponame");
}

}  // namespace pratique::advisory
