#include "base/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "base/format.h"
#include "base/text.h"

namespace pratique {

namespace {

struct Converter {
  const YamlLimits& limits;
  std::size_t nodes = 0;

  Result<Yaml> convert(const YAML::Node& node, std::size_t depth) {
    if (++nodes > limits.nodes_max) return over_limit(format("YAML with more than {} nodes", limits.nodes_max));
    if (depth > limits.depth_max) return over_limit(format("YAML nested deeper than {}", limits.depth_max));
    Yaml yaml;
    yaml.line = node.Mark().line + 1;
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        yaml.kind = Yaml::Kind::Scalar;
        yaml.scalar = node.Scalar();
        yaml.quoted = node.Tag() == "!";
        return yaml;
      case YAML::NodeType::Sequence:
        yaml.kind = Yaml::Kind::Sequence;
        for (const auto& item : node) yaml.items.push_back(TRY(convert(item, depth + 1)));
        return yaml;
      case YAML::NodeType::Map:
        return convert_mapping(node, std::move(yaml), depth);
      default:
        return yaml;
    }
  }

  Result<Yaml> convert_mapping(const YAML::Node& node, Yaml yaml, std::size_t depth) {
    yaml.kind = Yaml::Kind::Mapping;
    std::unordered_set<std::string> seen;
    for (const auto& member : node) {
      Yaml key = TRY(convert(member.first, depth + 1));
      if (key.kind != Yaml::Kind::Scalar) return invalid(format("line {}: a key must be plain text", key.line));
      if (!seen.insert(key.scalar).second)
        return invalid(format("line {}: \"{}\" is given twice", key.line, printable(key.scalar)));
      Yaml value = TRY(convert(member.second, depth + 1));
      yaml.members.push_back({std::move(key), std::move(value)});
    }
    return yaml;
  }
};

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  for (const auto& member : members)
    if (member.key.scalar == key) return &member.value;
  return nullptr;
}

std::optional<bool> Yaml::as_bool() const {
  if (kind != Kind::Scalar || quoted) return std::nullopt;
  for (auto word : {"true", "yes", "on"})
    if (equals_ignoring_case(scalar, word)) return true;
  for (auto word : {"false", "no", "off"})
    if (equals_ignoring_case(scalar, word)) return false;
  return std::nullopt;
}

std::optional<long long> Yaml::as_int() const {
  long long number = 0;
  auto [end, problem] = std::from_chars(scalar.data(), scalar.data() + scalar.size(), number);
  if (kind != Kind::Scalar || quoted || scalar.empty() || problem != std::errc() ||
      end != scalar.data() + scalar.size())
    return std::nullopt;
  return number;
}

Result<Yaml> parse_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes_max)
    return over_limit(format("YAML of {} bytes; at most {} are read", text.size(), limits.bytes_max));
  // yaml-cpp recurses while it parses; a cheap bound on nesting of flow brackets keeps it off the end of the stack.
  std::size_t depth = 0, deepest = 0;
  for (char c : text) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (deepest > 1000) return over_limit("YAML with more than 1000 open brackets");
  }
  try {
    return Converter{limits}.convert(YAML::Load(std::string(text)), 0);
  } catch (const YAML::Exception& problem) {
    return invalid(format("line {}: {}", problem.mark.line + 1, problem.msg));
  }
}

}  // namespace pratique
