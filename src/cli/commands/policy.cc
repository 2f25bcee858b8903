// policy show, check, schema, test, explain.
#include "policy/policy.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "base/yaml.h"
#include "cli/advisories.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/scanning.h"
#include "cli/targets.h"
#include "gate/gate.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

constexpr std::size_t kPolicyBytesMax = 1 << 20;
constexpr std::size_t kFactsShown = 8;

bool is_submission(const std::string& word) {
  return word.size() == 12 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The files that `text` builds on, by the names they are called in it.
Status collect(const std::string& beside_file, const std::string& text, std::size_t depth, Json& files) {
  if (depth > policy::kExtendsDepthMax) return {};  // the gate says what is wrong with it
  auto yaml = parse_yaml(text, {.bytes_max = kPolicyBytesMax});
  const Yaml* extends = yaml.ok() ? yaml->find("extends") : nullptr;
  if (!extends || !(extends->scalar.ends_with(".yaml") || extends->scalar.ends_with(".yml"))) return {};
  if (files.has(extends->scalar)) return {};
  auto more = TRY(policy_loader(beside_file)(extends->scalar));
  files.set(extends->scalar, more);
  return collect(beside_file, more, depth + 1, files);
}

std::string explained_in_words(const Json& answer) {
  std::string text;
  for (const auto& rule : answer["rules"].items()) {
    const auto& reasons = rule["reasons"].items();
    auto setting = rule["setting"].text();
    auto origin = rule["origin"].text();
    text += format("{:<17}{}{}\n", rule["rule"].text(), printable(setting, 400),
                   setting.empty() ? std::string() : format("   ({})", printable(origin, 300)));
    for (std::size_t i = 0; i < std::min(reasons.size(), kFactsShown); ++i)
      text += format("    {:<8} {}\n", reasons[i]["verdict"].text(), printable(reasons[i]["fact"].text(), 2000));
    if (reasons.size() > kFactsShown) text += format("    and {} more\n", reasons.size() - kFactsShown);
    if (reasons.empty() && !setting.empty()) text += "    saw nothing\n";
  }
  return text;
}

Json explained_to_json(const std::vector<policy::Explained>& explained, const policy::Decision& decision) {
  Json rules = Json::array();
  for (const auto& one : explained) {
    Json reasons = Json::array();
    for (const auto& reason : one.reasons)
      reasons.push(Json::object({{"verdict", policy::to_string(reason.verdict)},
                                 {"rule", reason.rule},
                                 {"fact", reason.fact},
                                 {"finding", reason.finding}}));
    Json json = Json::object({{"rule", one.rule}, {"setting", one.setting}, {"origin", one.origin}});
    rules.push(json.set("reasons", std::move(reasons)));
  }
  Json json = Json::object({{"verdict", policy::to_string(decision.verdict)}, {"policy", decision.policy_name}});
  return json.set("rules", std::move(rules));
}

int show_explained(const Context& context, const Json& answer, std::string_view outcome) {
  if (context.arguments.value("--format") == "json")
    print(answer.dump_pretty());
  else
    print(explained_in_words(answer) + format("\n=> {} by policy {}\n", outcome, printable(answer["policy"].text())));
  return kDone;
}

Result<int> explain_here(const Context& context, const std::string& target) {
  auto policy = TRY(load_policy(context.arguments.value("--policy")));
  auto advisories = TRY(open_advisories(context.arguments));
  auto image = TRY(transport::open(target, TRY(open_options(context.arguments))));
  auto facts = TRY(gather_facts(*image, target, nullptr));
  Time now = context.clock.now();
  auto decision = policy::evaluate(policy, gate::facts_of(scan::judge(facts, *advisories, now), now));
  auto answer = explained_to_json(policy::explain(policy, decision), decision);
  return show_explained(context, answer, policy::to_string(decision.verdict));
}

}  // namespace

Result<int> policy_show_command(const Context& context) {
  const auto& operands = context.arguments.operands();
  auto policy = TRY(load_policy(operands.empty() ? "gen3" : operands[0]));
  print(policy.source_text);
  return kDone;
}

Result<int> policy_check_command(const Context& context) {
  auto policy = TRY(load_policy(context.arguments.operands()[0]));
  print(format("{}: {} is a policy{}\n", printable(context.arguments.operands()[0]), policy.name,
               policy.projects.empty() ? "" : format(" with {} projects", policy.projects.size())));
  return kDone;
}

Result<int> policy_schema_command(const Context&) {
  print(policy::Policy::json_schema());
  return kDone;
}

Result<int> policy_test_command(const Context& context) {
  const auto& file = context.arguments.operands()[0];
  bool is_profile = policy::Policy::profile(file).ok();
  auto text = is_profile ? format("extends: {}\n", file) : TRY(os::read_file(file, kPolicyBytesMax));
  TRY(load_policy(file));  // what is wrong with it is said here, with its line
  Json files = Json::object();
  TRY(collect(file, text, 0, files));
  Remote remote = TRY(Remote::connect(context.arguments));
  Json body = Json::object({{"name", file}, {"text", text}, {"files", std::move(files)}});
  Json answer = TRY(remote.send("POST", "/policy/test", body));
  if (context.arguments.value("--format") == "json") return print(answer.dump_pretty()), kDone;
  std::vector<std::vector<std::string>> rows;
  for (const auto& change : answer["changes"].items()) {
    const auto& reasons = change["reasons"].items();
    rows.push_back({std::string(change["id"].text()),
                    format("{}:{}", change["repository"].text(), change["tag"].text()),
                    std::string(change["state"].text()), std::string(change["now"].text()),
                    std::string(change["then"].text()), reasons.empty() ? "" : std::string(reasons[0]["fact"].text())});
  }
  print(format("{} images judged by {} instead of {}: {} would be decided otherwise. Nothing was changed.\n",
               answer["judged"].as_int().value_or(0), printable(answer["policy"].text()),
               printable(answer["instead_of"].text()), rows.size()));
  if (!rows.empty()) print(render_table({"ID", "IMAGE", "STATE", "NOW", "THEN", "WHY"}, rows, context.colour));
  return kDone;
}

Result<int> policy_explain_command(const Context& context) {
  const auto& word = context.arguments.operands()[0];
  if (!is_submission(word)) return explain_here(context, word);
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.get("/submissions/" + word + "/explain"));
  return show_explained(context, answer, answer["state"].text());
}

}  // namespace pratique::cli
