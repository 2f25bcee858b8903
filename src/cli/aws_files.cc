#include "cli/aws_files.h"

#include <algorithm>
#include <vector>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"

namespace pratique::cli {

namespace {

constexpr std::string_view kBegin = "# pratique aws-setup: begin (remove with `pratique aws-setup --remove`)";
constexpr std::string_view kBeginMark = "# pratique aws-setup: begin";
constexpr std::string_view kEnd = "# pratique aws-setup: end";
constexpr std::string_view kSection = "[toplevel]";
constexpr std::string_view kGeneratedBy = "pratique aws-setup";

std::vector<std::string> lines_of(std::string_view file) {
  std::vector<std::string> lines;
  for (auto line : split(file, '\n')) lines.emplace_back(line);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string text_of(const std::vector<std::string>& lines) {
  return lines.empty() ? "" : join(lines, "\n") + "\n";
}

// The command line takes an alias apart as a shell would.
Status check_word(std::string_view what, std::string_view text) {
  auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:/[]@+,=").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return {};
  return invalid(format("the {} \"{}\" holds characters that an alias cannot", what, printable(text)));
}

bool is_alias_of(std::string_view line, std::string_view name) {
  auto pair = cut(line, "=");
  return pair && trim(pair->first) == name;
}

// `name = value` or `name : value`, inside [toplevel].
Status check_free(const std::vector<std::string>& lines) {
  bool is_inside = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto line = trim(lines[i]);
    if (line.starts_with('[')) is_inside = line == kSection;
    if (!is_inside) continue;
    for (std::string_view name : {"sts", "ecr"})
      if (is_alias_of(line, name) || is_alias_of(replace_all(line, ":", "="), name))
        return conflict(format("line {} is an alias of yours for `{}`: \"{}\". Remove it, or take --method endpoints",
                               i + 1, name, printable(line)));
  }
  return {};
}

}  // namespace

Result<std::string> add_aws_aliases(std::string_view file, const AwsTarget& target) {
  TRY(check_word("address", target.url));
  TRY(check_word("region", target.region));
  if (!target.ca_file.empty()) TRY(check_word("path", target.ca_file));
  auto lines = lines_of(remove_aws_aliases(file));
  TRY(check_free(lines));
  const auto ca = target.ca_file.empty() ? "" : " --ca-bundle " + target.ca_file;
  // Without a region the command line refuses to use an endpoint. An alias's wins over one that is typed, which is as
  // well: a gate has one region.
  const auto common = format("--endpoint-url {} --region {}{}", target.url, target.region, ca);
  std::vector<std::string> block{std::string(kBegin), "sts = sts " + common, "ecr = ecr " + common, std::string(kEnd)};
  auto section = std::ranges::find_if(lines, [](const std::string& line) { return trim(line) == kSection; });
  if (section != lines.end()) {
    lines.insert(section + 1, block.begin(), block.end());
    return text_of(lines);
  }
  block.insert(block.begin() + 1, std::string(kSection));
  lines.insert(lines.end(), block.begin(), block.end());
  return text_of(lines);
}

std::string remove_aws_aliases(std::string_view file) {
  std::vector<std::string> kept;
  bool is_ours = false;
  for (auto& line : lines_of(file)) {
    if (line.starts_with(kBeginMark)) is_ours = true;
    if (!is_ours) kept.push_back(line);
    if (line == kEnd) is_ours = false;
  }
  // A block that never ends was edited by hand: what follows it is not ours to drop.
  return is_ours ? std::string(file) : text_of(kept);
}

std::string aws_endpoints(const AwsTarget& target) {
  auto pieces = cut(target.url, "://").value_or(std::pair(std::string_view("https"), std::string_view(target.url)));
  auto endpoint = [&](std::string_view region) {
    return Json::object({{"hostname", pieces.second},
                         {"protocols", Json::array({pieces.first})},
                         {"credentialScope", Json::object({{"region", region}})}});
  };
  Json sts = Json::object(
      {{"partitionEndpoint", "aws-global"}, {"endpoints", Json::object({{"aws-global", endpoint("us-east-1")}})}});
  Json sts_endpoints = sts["endpoints"];
  sts_endpoints.set(target.region, endpoint(target.region));
  sts.set("endpoints", std::move(sts_endpoints));
  Json ecr = Json::object({{"endpoints", Json::object({{target.region, endpoint(target.region)}})}});
  Json defaults = Json::object({{"hostname", "{service}.{region}.{dnsSuffix}"},
                                {"protocols", Json::array({"https"})},
                                {"signatureVersions", Json::array({"v4"})}});
  Json partition =
      Json::object({{"partition", "aws"},
                    {"partitionName", "AWS Standard"},
                    {"dnsSuffix", "amazonaws.com"},
                    {"regionRegex", "^(us|eu|ap|sa|ca|me|af|il|mx)\\-\\w+\\-\\d+$"},
                    {"defaults", std::move(defaults)},
                    {"regions", Json::object({{target.region, Json::object({{"description", "the gate"}})}})},
                    {"services", Json::object({{"sts", std::move(sts)}, {"api.ecr", std::move(ecr)}})}});
  return Json::object(
             {{"version", 3}, {"generatedBy", kGeneratedBy}, {"partitions", Json::array({std::move(partition)})}})
      .dump_pretty();
}

bool is_our_endpoints(std::string_view file) {
  auto json = parse_json(file);
  return json.ok() && (*json)["generatedBy"].text() == kGeneratedBy;
}

std::string aws_exports(const AwsTarget& target) {
  auto text =
      format("export AWS_ENDPOINT_URL_STS='{}'\nexport AWS_ENDPOINT_URL_ECR='{}'\nexport AWS_DEFAULT_REGION='{}'\n",
             target.url, target.url, target.region);
  if (!target.ca_file.empty()) text += format("export AWS_CA_BUNDLE='{}'\n", target.ca_file);
  return text;
}

}  // namespace pratique::cli
