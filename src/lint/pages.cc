// docs/rules: one page a rule, made from the table.
#include "base/format.h"
#include "base/text.h"
#include "lint/lint.h"

namespace pratique::lint {

namespace {

std::string level(const std::optional<Severity>& severity) {
  return severity ? std::string(to_string(*severity)) : "off";
}

std::string code_list(std::string_view aliases) {
  std::string out;
  for (auto alias : split(aliases, ' '))
    if (!alias.empty()) out += format("{}`{}`", out.empty() ? "" : ", ", alias);
  return out;
}

}  // namespace

std::string rule_page(const Rule& rule) {
  std::string out = format("# {} — {}\n\n", rule.id, rule.title);
  if (!rule.aliases.empty()) out += format("Also known as {}.\n\n", code_list(rule.aliases));
  out += format("| profile | general | gen3 | tre |\n|---|---|---|---|\n| severity | {} | {} | {} |\n\n",
                level(rule.severity[0]), level(rule.severity[1]), level(rule.severity[2]));
  out += format("**What happens if ignored.** {}\n\n**How to fix.** {}\n", rule.harm, rule.fix);
  return out;
}

std::string rule_index() {
  std::string out =
      "# Rules of `pratique lint`\n\n"
      "Made from the table in `src/lint/rules/`. A severity of *off* runs only when `--enable ID` or `--block ID` "
      "asks\n"
      "for it; `--block ID` makes any rule an error. `DL…` are the names hadolint uses, `DS-…` those of Trivy, `D…`,\n"
      "`T…` and `B…` the points of the trusted research environments' checklist. Their points that no Dockerfile "
      "shows:\n"
      "B3 (a unique tag and the full registry name) is the gate's to see, B4 (a test without network) is\n"
      "`pratique run`. D2 and D7 are aliases of the rules that look for their parts.\n\n"
      "| rule | also | general | gen3 | tre | |\n|---|---|---|---|---|---|\n";
  for (const auto& rule : rules())
    out += format("| [{0}]({0}.md) | {1} | {2} | {3} | {4} | {5} |\n", rule.id, rule.aliases, level(rule.severity[0]),
                  level(rule.severity[1]), level(rule.severity[2]), rule.title);
  return out;
}

}  // namespace pratique::lint
