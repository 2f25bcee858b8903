// OSV records (https://ossf.github.io/osv-schema/): a zip of them, a directory, or one file.
//
// One advisory a vulnerability, ecosystem and package. An announcement that names several CVEs (DSA, ALSA, …) becomes
// one advisory for each. Ranges over commits are of no use for packages and are passed over; withdrawn records are
// dropped.
#include "advisory/feed_file.h"
#include "advisory/ids.h"
#include "advisory/sources/simd.h"
#include "advisory/sources/source.h"
#include "advisory/zip.h"
#include "base/format.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::advisory {

namespace {

using simd::Element;

// The largest record in OSV has 3 MB.
constexpr std::size_t kRecordBytesMax = 64 << 20;

struct Judgement {
  vuln::Severity severity = vuln::Severity::Unknown;
  std::string source;
};

// The CVSS v3 score of a list of severities, of which the worst counts.
Judgement judge_scores(Element owner) {
  Judgement worst;
  simd::for_each_item(owner, "severity", [&](Element item) {
    auto score = vuln::cvss3_base_score(simd::text(item, "score"));
    if (!score.ok()) return;
    auto severity = vuln::severity_of_cvss_score(*score);
    if (severity <= worst.severity) return;
    std::string_view source = simd::text(item, "source");
    worst = {severity, source.empty() ? "osv" : one_line(to_lower(source))};
  });
  return worst;
}

// A word in database_specific or ecosystem_specific; Debian's urgency among them.
Judgement judge_words(Element owner, std::string_view member) {
  Element specific;
  if (!simd::find(owner, member, specific)) return {};
  if (auto severity = vuln::parse_severity(simd::text(specific, "severity"))) return {*severity, "osv"};
  auto severity = severity_of_debian_urgency(simd::text(specific, "urgency"));
  if (severity != vuln::Severity::Unknown) return {severity, "debian"};
  return {};
}

// "Important: xz security update": how AlmaLinux and Rocky Linux state a severity.
Judgement judge_summary(std::string_view summary) {
  auto parts = cut(summary, ": ");
  if (!parts) return {};
  auto severity = vuln::parse_severity(parts->first);
  return severity ? Judgement{*severity, "vendor"} : Judgement{};
}

Judgement judge(Element record, Element affected) {
  for (const auto& judgement : {judge_scores(affected), judge_scores(record),
                                judge_words(affected, "ecosystem_specific"), judge_words(affected, "database_specific"),
                                judge_words(record, "database_specific"), judge_summary(simd::text(record, "summary"))})
    if (judgement.severity != vuln::Severity::Unknown) return judgement;
  return {};
}

// The vulnerabilities a record is about.
std::vector<Names> names_of(Element record) {
  std::string own(simd::text(record, "id"));
  std::vector<std::string> same{own};
  simd::for_each_item(record, "aliases", [&](Element alias) { same.emplace_back(simd::as_text(alias)); });
  std::vector<std::string> announced;
  auto announce = [&](Element item) {
    if (is_cve(simd::as_text(item))) announced.emplace_back(simd::as_text(item));
  };
  simd::for_each_item(record, "upstream", announce);
  if (is_bundle(own)) {
    simd::for_each_item(record, "related", announce);
    simd::for_each_item(record, "aliases", announce);
    same = {own};
  }
  bool has_cve = std::any_of(same.begin(), same.end(), [](const auto& name) { return is_cve(name); });
  if (has_cve || announced.empty()) return {lead_with_cve(std::move(same))};
  std::vector<Names> all;
  std::sort(announced.begin(), announced.end());
  announced.erase(std::unique(announced.begin(), announced.end()), announced.end());
  for (auto& cve : announced) {
    all.push_back({std::move(cve), same});
    std::sort(all.back().aliases.begin(), all.back().aliases.end());
  }
  return all;
}

std::string url_of(Element record) {
  std::string url;
  simd::for_each_item(record, "references", [&](Element reference) {
    if (url.empty() && simd::text(reference, "type") == "ADVISORY") url = simd::text(reference, "url");
  });
  return url.empty() ? format("https://osv.dev/vulnerability/{}", simd::text(record, "id")) : url;
}

// "0" stands for "from the first version on", which no version order has to know.
std::string introduced_at(std::string_view version) {
  return version == "0" ? "" : std::string(version);
}

// Events come in version order: each `introduced` opens a range that the next `fixed` or `last_affected` closes.
void add_events(Element range, std::vector<vuln::VersionRange>& ranges) {
  std::optional<vuln::VersionRange> open;
  auto close = [&] {
    if (open) ranges.push_back(*std::exchange(open, std::nullopt));
  };
  simd::for_each_item(range, "events", [&](Element event) {
    if (auto introduced = simd::text(event, "introduced"); !introduced.empty()) {
      close();
      open = vuln::VersionRange{.introduced = introduced_at(introduced)};
    }
    auto fixed = simd::text(event, "fixed");
    auto last = simd::text(event, "last_affected");
    if (fixed.empty() && last.empty()) return;
    if (!open) open = vuln::VersionRange{};
    open->fixed = fixed;
    open->last_affected = last;
    close();
  });
  close();
}

// GitHub states some bounds beside the range: "<= 1.2.3" or "< 1.2.3".
void apply_known_bound(Element affected, std::vector<vuln::VersionRange>& ranges) {
  Element specific;
  if (!simd::find(affected, "database_specific", specific) || ranges.size() != 1) return;
  auto& range = ranges.front();
  if (!range.fixed.empty() || !range.last_affected.empty()) return;
  std::string_view bound = simd::text(specific, "last_known_affected_version_range");
  if (bound.starts_with("<=")) {
    range.last_affected = trim(bound.substr(2));
  } else if (bound.starts_with("<")) {
    range.fixed = trim(bound.substr(1));
  }
}

// Whether the stream's versions have an order here, so that listing every affected one adds nothing to its ranges.
bool has_ordered_versions(std::string_view stream) {
  for (std::string_view prefix : {"debian:", "ubuntu:", "alpine:", "almalinux:", "rocky:"})
    if (stream.starts_with(prefix)) return true;
  return false;
}

Status add_affected(Element record, Element affected, const std::vector<Names>& all_names, Collector& collector) {
  Element package;
  if (!simd::find(affected, "package", package)) return {};
  vuln::Advisory advisory;
  advisory.stream = stream_of_osv_ecosystem(simd::text(package, "ecosystem"));
  advisory.package = simd::text(package, "name");
  simd::for_each_item(affected, "ranges", [&](Element range) {
    if (simd::text(range, "type") != "GIT") add_events(range, advisory.ranges);
  });
  apply_known_bound(affected, advisory.ranges);
  if (advisory.ranges.empty() || !has_ordered_versions(advisory.stream)) {
    simd::for_each_item(affected, "versions",
                        [&](Element version) { advisory.versions.emplace_back(simd::as_text(version)); });
  }
  bool is_fixed =
      std::any_of(advisory.ranges.begin(), advisory.ranges.end(), [](const auto& r) { return !r.fixed.empty(); });
  advisory.status = is_fixed ? vuln::AdvisoryStatus::Fixed : vuln::AdvisoryStatus::Affected;
  Judgement judgement = judge(record, affected);
  advisory.severity = judgement.severity;
  advisory.severity_source = judgement.source;
  std::string_view summary = simd::text(record, "summary");
  advisory.summary = summary.empty() ? simd::text(record, "details") : summary;
  advisory.url = url_of(record);
  advisory.source = "osv";
  for (const auto& names : all_names) {
    advisory.id = names.id;
    advisory.aliases = names.aliases;
    TRY(collector.add(advisory));
  }
  return {};
}

class Reader {
 public:
  explicit Reader(Collector& collector) : collector_(collector) {}

  // One record. A record that is none is skipped; the error is the writer's.
  Status record(std::string_view name, std::string_view json) {
    Element record;
    auto code = parser_.parse(json.data(), json.size(), true).get(record);
    if (code != simdjson::SUCCESS) {
      collector_.skip(name, simdjson::error_message(code));
      return {};
    }
    if (simd::text(record, "id").empty()) {
      collector_.skip(name, "no OSV record");
      return {};
    }
    auto modified = Time::parse(simd::text(record, "modified"));
    collector_.record(modified.ok() ? std::optional(*modified) : std::nullopt);
    if (!simd::text(record, "withdrawn").empty()) return {};
    auto names = names_of(record);
    Status status;
    simd::for_each_item(record, "affected", [&](Element affected) {
      if (status.ok()) status = add_affected(record, affected, names, collector_);
    });
    return status;
  }

 private:
  Collector& collector_;
  simdjson::dom::parser parser_{kRecordBytesMax};
};

Status import_directory(const std::string& path, Collector& collector) {
  Reader reader(collector);
  auto names = os::list_directory(path);
  std::uint64_t done = 0;
  for (const auto& name : names) {
    collector.progress(++done, names.size());
    if (!name.ends_with(".json")) continue;
    std::string file = path + "/" + name;
    auto json = os::read_file(file, kRecordBytesMax);
    if (!json.ok()) {
      collector.skip(name, json.error().message());
      continue;
    }
    collector.hash(*json);
    TRY(reader.record(name, *json));
  }
  return {};
}

}  // namespace

Status import_osv(const BuildInput& input, Collector& collector) {
  if (auto directory = os::Dir::open(input.path); directory.ok()) return import_directory(input.path, collector);
  std::string bytes = TRY(read_feed(input.path, collector));
  Reader reader(collector);
  if (packing_of(bytes) != Packing::Zip) return reader.record(input.path, bytes);
  return for_each_zip_entry(bytes, {}, [&](std::string_view name, std::string_view content) -> Status {
    if (!name.ends_with(".json")) {
      collector.skip(name, "no JSON file");
      return {};
    }
    return reader.record(name, content);
  });
}

bool recognises_osv(std::string_view path, std::string_view head) {
  // The first entry's name stands 30 bytes into a zip.
  if (packing_of(head) == Packing::Zip) return path.ends_with("all.zip") || contains(head.substr(0, 300), ".json");
  return trim(head.substr(0, 100)).starts_with('{') && contains(head, "\"id\"") && contains(head, "\"modified\"") &&
         (contains(head, "\"affected\"") || contains(head, "\"schema_version\""));
}

std::string stream_of_osv_ecosystem(std::string_view ecosystem) {
  struct Row {
    std::string_view prefix;  // as OSV writes it
    std::string_view id;      // as os-release does
  };
  constexpr Row kRows[] = {{"Debian:", "debian:"},
                           {"Alpine:v", "alpine:"},
                           {"Alpine:", "alpine:"},
                           {"AlmaLinux:", "almalinux:"},
                           {"Rocky Linux:", "rocky:"}};
  for (const auto& row : kRows)
    if (ecosystem.starts_with(row.prefix)) return std::string(row.id) + to_lower(ecosystem.substr(row.prefix.size()));
  std::string lower = replace_all(to_lower(ecosystem), " ", "-");
  // "Ubuntu:22.04:LTS"; "Ubuntu:Pro:18.04:LTS" is a stream of its own, because its fixes need a subscription.
  if (lower.starts_with("ubuntu:") && lower.ends_with(":lts")) lower.resize(lower.size() - 4);
  return lower;
}

}  // namespace pratique::advisory
