// scan: inspects an image here and reports. With --policy it also judges.
#include "base/format.h"
#include "base/text.h"
#include "cli/advisories.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/scanning.h"
#include "cli/targets.h"
#include "gate/gate.h"
#include "os/file.h"

#include <algorithm>
#include <cstdlib>

namespace pratique::cli {

namespace {

struct Wishes {
  std::string form;
  std::optional<vuln::Severity> fail_on;
  std::optional<policy::Policy> policy;
};

Result<Wishes> read_wishes(const Arguments& arguments) {
  Wishes wishes{.form = arguments.value("--format"), .fail_on = {}, .policy = {}};
  if (wishes.form != "table" && wishes.form != "json" && wishes.form != "html")
    return invalid(format("--format is table, json or html, not \"{}\"", printable(wishes.form)));
  if (arguments.has("--fail-on")) {
    wishes.fail_on = vuln::parse_severity(arguments.value("--fail-on"));
    if (!wishes.fail_on) return invalid("--fail-on is critical, high, medium, low, negligible or unknown");
  }
  if (arguments.has("--policy")) wishes.policy = TRY(load_policy(arguments.value("--policy")));
  return wishes;
}

// "" where the user has no directory of their own: in a shared one, others would say what is in a layer.
std::string inventory_directory() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache && *cache) return std::string(cache) + "/pratique/inventories";
  return home && *home ? std::string(home) + "/.cache/pratique/inventories" : std::string();
}

// Layers seen before; none where the cache cannot be used.
std::unique_ptr<scan::InventoryStore> open_inventories(const Arguments& arguments) {
  auto directory = inventory_directory();
  if (arguments.has("--no-cache") || directory.empty()) return nullptr;
  auto opened = scan::InventoryStore::open(directory);
  return opened.ok() ? std::move(*opened) : nullptr;
}

std::string verdict_in_words(policy::Verdict verdict) {
  switch (verdict) {
    case policy::Verdict::Approve:
      return "would be approved";
    case policy::Verdict::Review:
      return "would wait for a reviewer";
    case policy::Verdict::Reject:
      return "would be rejected";
  }
  return "would be rejected";
}

std::string render(const scan::ScanReport& report, const std::optional<policy::Decision>& decision,
                   const std::string& form, bool colour) {
  if (form == "json") {
    Json json = report.to_json();
    if (decision) json.set("decision", decision->to_json());
    return json.dump_pretty();
  }
  scan::ReportContext context;
  if (decision) {
    context.verdict = verdict_in_words(decision->verdict) + " by policy " + decision->policy_name;
    for (const auto& reason : decision->reasons) context.reasons.push_back(reason.fact);
  }
  return form == "html" ? scan::render_html(report, context) : scan::render_text(report, context, colour);
}

int exit_code(const scan::ScanReport& report, const Wishes& wishes, const std::optional<policy::Decision>& decision) {
  if (decision && decision->verdict == policy::Verdict::Reject) return kVerdictNegative;
  if (!wishes.fail_on) return kDone;
  // What nobody has judged, or nobody has rated, may be as bad as anything.
  if (!report.gaps.empty()) return kVerdictNegative;
  auto is_too_bad = [&](const vuln::Finding& finding) {
    return finding.severity == vuln::Severity::Unknown || finding.severity >= *wishes.fail_on;
  };
  return std::any_of(report.findings.begin(), report.findings.end(), is_too_bad) ? kVerdictNegative : kDone;
}

}  // namespace

Result<int> scan_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  Wishes wishes = TRY(read_wishes(arguments));
  auto advisories = TRY(open_advisories(arguments));
  const std::string& target = arguments.operands()[0];
  auto image = TRY(transport::open(target, TRY(open_options(arguments))));
  auto inventories = open_inventories(arguments);
  auto facts = TRY(gather_facts(*image, target, inventories.get()));
  Time now = context.clock.now();
  auto report = scan::judge(facts, *advisories, now);
  // The decision sees everything; leaving out what has no fix is for the reader only.
  std::optional<policy::Decision> decision;
  if (wishes.policy) decision = policy::evaluate(*wishes.policy, gate::facts_of(report, now));
  if (arguments.has("--ignore-unfixed"))
    std::erase_if(report.findings, [](const vuln::Finding& finding) { return !finding.is_fixable(); });
  bool to_file = arguments.has("--output");
  std::string text = render(report, decision, wishes.form, context.colour && !to_file);
  if (to_file)
    TRY(os::write_file(arguments.value("--output"), text, 0644));
  else
    print(text);
  return exit_code(report, wishes, decision);
}

}  // namespace pratique::cli
