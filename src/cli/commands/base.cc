// base list, register, star, unstar, remove, import, export.
#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

constexpr std::size_t kListBytesMax = 1 << 20;
constexpr std::size_t kRecordBytesMax = 16 << 20;

std::string newest_of(const Json& base) {
  const auto& generations = base["generations"].items();
  return generations.empty() ? "never built here" : std::string(generations[0]["built"].text().substr(0, 10));
}

std::string kept_of(const Json& base) {
  std::size_t kept = 0;
  for (const auto& generation : base["generations"].items()) kept += generation["kept"].as_bool().value_or(false);
  return std::to_string(kept);
}

std::vector<std::string> row_of(const Json& base) {
  bool is_available = base["available"].as_bool().value_or(false);
  auto why = base["starred_why"].text();
  return {std::string(base["reference"].text()),
          is_available ? "yes" : "no",
          newest_of(base),
          kept_of(base),
          base["judged"].is_null() ? "–" : std::to_string(base["findings"].as_int().value_or(0)),
          std::string(why)};
}

Result<int> show(const Context& context, const Json& base) {
  if (context.arguments.value("--format") == "json") return print(base.dump_pretty()), kDone;
  print(format("{}{} ({} kept, newest of {})\n", base["available"].as_bool().value_or(false) ? "" : "*",
               printable(base["reference"].text(), 600), kept_of(base), newest_of(base)));
  return kDone;
}

Result<int> change(const Context& context, const std::string& path, Json body) {
  Remote remote = TRY(Remote::connect(context.arguments));
  return show(context, TRY(remote.send("POST", path, body)));
}

}  // namespace

Result<int> base_list_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.get("/bases"));
  if (context.arguments.value("--format") == "json") return print(answer.dump_pretty()), kDone;
  std::vector<std::vector<std::string>> rows;
  for (const auto& base : answer["bases"].items()) rows.push_back(row_of(base));
  if (rows.empty())
    print("No base image is registered; every image is judged by what is in it alone.\n");
  else
    print(render_table({"BASE IMAGE", "AVAILABLE", "BUILT", "KEPT", "FINDINGS", "WHY NOT"}, rows, context.colour));
  return kDone;
}

Result<int> base_register_command(const Context& context) {
  const auto& arguments = context.arguments;
  auto keep = parse_decimal(arguments.value("--keep"));
  if (!keep) return invalid("--keep is a number of generations");
  Json body = Json::object({{"source", arguments.operands()[0]}, {"reference", arguments.value("--as")}});
  return change(context, "/bases", body.set("keep", *keep));
}

Result<int> base_star_command(const Context& context) {
  if (context.arguments.value("--why").empty()) return invalid("give --why TEXT: those who build on it read it");
  return change(
      context, "/bases/star",
      Json::object({{"reference", context.arguments.operands()[0]}, {"why", context.arguments.value("--why")}}));
}

Result<int> base_unstar_command(const Context& context) {
  return change(context, "/bases/star",
                Json::object({{"reference", context.arguments.operands()[0]}, {"available", true}}));
}

Result<int> base_remove_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  TRY(remote.send("POST", "/bases/remove", Json::object({{"reference", context.arguments.operands()[0]}})));
  print(format("{} is no base image any more.\n", printable(context.arguments.operands()[0])));
  return kDone;
}

Result<int> base_import_command(const Context& context) {
  const auto& operands = context.arguments.operands();
  Json body = Json::object({{"list", TRY(os::read_file(operands[0], kListBytesMax))}});
  if (operands.size() > 1) body.set("record", TRY(os::read_file(operands[1], kRecordBytesMax)));
  body.set("replace", context.arguments.has("--replace"));
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.send("POST", "/bases/import", body));
  if (context.arguments.value("--format") == "json") return print(answer.dump_pretty()), kDone;
  auto count = [&](std::string_view key) { return answer[key].as_int().value_or(0); };
  print(format("{} added, {} changed, {} removed; {} generations\n", count("added"), count("changed"), count("removed"),
               count("generations")));
  return kDone;
}

Result<int> base_export_command(const Context& context) {
  const auto& operands = context.arguments.operands();
  std::string directory = operands.empty() ? "." : operands[0];
  Remote remote = TRY(Remote::connect(context.arguments));
  TRY(os::make_directories(directory));
  for (std::string name : {"allowed_base_images.txt", "approved_img_layers.json"}) {
    auto text = TRY(remote.get_page("/bases/" + name));
    TRY(os::write_file(directory + "/" + name, text, 0644));
    print(format("{}/{}\n", directory, name));
  }
  return kDone;
}

}  // namespace pratique::cli
