#include "daemon/settings.h"

#include <algorithm>
#include <filesystem>

#include "cli/cli.h"

namespace pratique::daemon {

namespace {

constexpr std::string_view kSizeUnits = "KMGT";

}  // namespace

SettingPage page_of(std::string_view key, std::string_view form, std::string_view meaning, std::string range) {
  return {.key = std::string(key),
          .form = std::string(form),
          .range = std::move(range),
          .unset = {},
          .meaning = std::string(meaning),
          .notes = {},
          .items = {}};
}

std::string beside(const std::string& file, const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  return (std::filesystem::absolute(file).parent_path() / path).lexically_normal().string();
}

Result<std::string> scalar_of(const Yaml& given) {
  if (given.kind != Yaml::Kind::Scalar) return invalid("takes text");
  return given.scalar;
}

Result<long long> number_of(const Yaml& given, Range range) {
  auto number = given.as_int();
  if (!number || *number < range.lowest || *number > range.highest)
    return invalid(format("takes a whole number from {} to {}", range.lowest, range.highest));
  return *number;
}

Result<long long> size_of(const Yaml& given, Range range) {
  auto wrong = [&] {
    return invalid(
        format("takes a size from {} to {}, such as 500M or 10G", size_text(range.lowest), size_text(range.highest)));
  };
  std::string_view digits = given.scalar;
  auto unit = digits.empty() ? std::string_view::npos : kSizeUnits.find(digits.back());
  if (unit != std::string_view::npos) digits.remove_suffix(1);
  auto count = parse_decimal(digits);
  unsigned shift = unit == std::string_view::npos ? 0 : 10 * static_cast<unsigned>(unit + 1);
  // Compared before the shift, which could carry the number past its type.
  if (given.kind != Yaml::Kind::Scalar || !count || *count > static_cast<std::uint64_t>(range.highest) >> shift)
    return wrong();
  auto bytes = static_cast<long long>(*count << shift);
  if (bytes < range.lowest) return wrong();
  return bytes;
}

std::string size_text(long long bytes) {
  std::size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit < kSizeUnits.size()) bytes /= 1024, ++unit;
  return unit == 0 ? format("{}", bytes) : format("{}{}", bytes, kSizeUnits[unit - 1]);
}

Result<std::vector<std::string>> list_of_text(const Yaml& given) {
  std::vector<std::string> texts;
  if (given.kind != Yaml::Kind::Sequence) return invalid("takes a list, such as [a, b]");
  for (const auto& item : given.items) {
    if (item.kind != Yaml::Kind::Scalar) return invalid("takes a list of text");
    texts.push_back(item.scalar);
  }
  return texts;
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

Error no_such_setting(std::string_view given, const std::vector<std::string>& known) {
  std::string near = cli::nearest(given, known);
  // The right word in the wrong group is as common a slip as a wrong letter.
  for (const auto& key : known)
    if (near.empty() && key.substr(key.rfind('.') + 1) == given.substr(given.rfind('.') + 1)) near = key;
  std::string hint = near.empty() ? "known are " + join(known, ", ") : format("did you mean \"{}\"?", near);
  return invalid(format("there is no setting \"{}\"; {}", printable(given), hint));
}

}  // namespace pratique::daemon
