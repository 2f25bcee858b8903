// review list, approve, reject, waive, waivers.
#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/submissions.h"

namespace pratique::cli {

namespace {

Status add_terms(const Arguments& arguments, Json& body) {
  Json conditions = Json::array();
  for (const auto& condition : arguments.values("--condition")) conditions.push(condition);
  if (conditions.size() > 0) body.set("conditions", std::move(conditions));
  if (!arguments.has("--days")) return {};
  auto given = parse_decimal(arguments.value("--days"));
  if (!given || *given == 0 || *given > 3'650) return invalid("--days is a number of days");
  body.set("days", *given);
  return {};
}

Result<int> decide(const Context& context, std::string_view what) {
  Remote remote = TRY(Remote::connect(context.arguments));
  std::string path = format("/submissions/{}/{}", percent_encode(context.arguments.operands()[0]), what);
  Json body = Json::object({{"note", context.arguments.value("--note")}});
  if (what == "approve") TRY(add_terms(context.arguments, body));
  auto submission = TRY(wire::Submission::from_json(TRY(remote.send("POST", path, body))));
  show_submission(context, submission);
  return kDone;
}

}  // namespace

Result<int> review_list_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.get("/submissions?state=waiting"));
  auto submissions = TRY(wire::submissions_from_json(answer));
  if (context.arguments.value("--format") == "json")
    print(answer.dump_pretty());
  else if (submissions.empty())
    print("Nothing waits for a reviewer.\n");
  else
    print(submissions_table(submissions, context.clock.now(), context.colour));
  return kDone;
}

Result<int> review_approve_command(const Context& context) {
  return decide(context, "approve");
}
Result<int> review_reject_command(const Context& context) {
  return decide(context, "reject");
}

Result<int> review_waive_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  auto days_given = parse_decimal(arguments.value("--days"));
  constexpr std::uint64_t kDaysMax = 365;  // a waiver is a loan, not a gift
  if (!days_given || *days_given == 0 || *days_given > kDaysMax)
    return invalid(format("--days is a number from 1 to {}", kDaysMax));
  if (arguments.value("--reason").empty()) return invalid("--reason is missing: those who read it later will ask");
  Remote remote = TRY(Remote::connect(arguments));
  wire::Waiver waiver{.id = "",
                      .finding = arguments.operands()[0],
                      .package = arguments.value("--package"),
                      .image = arguments.value("--image"),
                      .owner = "",
                      .reason = arguments.value("--reason"),
                      .expires = context.clock.now() + days(static_cast<int>(*days_given))};
  Json answer = TRY(remote.send("POST", "/waivers", waiver.to_json()));
  if (arguments.value("--format") == "json")
    print(answer.dump_pretty());
  else
    print(format("{} waives {} until {}; images it may concern are being judged again.\n",
                 printable(answer["id"].text()), waiver.finding, waiver.expires.to_date()));
  return kDone;
}

Result<int> review_waivers_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.get("/waivers"));
  if (context.arguments.value("--format") == "json") return print(answer.dump_pretty()), kDone;
  std::vector<std::vector<std::string>> rows;
  for (const auto& waiver : TRY(wire::waivers_from_json(answer)))
    rows.push_back({waiver.id, waiver.finding, waiver.package.empty() ? "any" : waiver.package,
                    waiver.image.empty() ? "any" : waiver.image, waiver.expires.to_date(), waiver.owner,
                    waiver.reason});
  if (rows.empty())
    print("There are no waivers.\n");
  else
    print(render_table({"ID", "FINDING", "PACKAGE", "IMAGE", "UNTIL", "BY", "REASON"}, rows, context.colour));
  return kDone;
}

}  // namespace pratique::cli
