// YAML as a tree that knows its lines, for the files people write: policy, configuration, secdb.
//
// The reader underneath is yaml-cpp. Aliases are expanded and counted against the limit, so the "billion laughs" file
// is a Limit, not a hang. A value type.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pratique {

struct YamlMember;

class Yaml {
 public:
  enum class Kind { Null, Scalar, Sequence, Mapping };

  Kind kind = Kind::Null;
  int line = 0;        // 1-based line in the file
  std::string scalar;  // as written, quotes removed
  bool quoted = false;
  std::vector<Yaml> items;
  std::vector<YamlMember> members;  // in file order

  // The member, or nullptr.
  const Yaml* find(std::string_view key) const;
  std::optional<bool> as_bool() const;  // true/false/yes/no/on/off, unquoted
  std::optional<long long> as_int() const;
};

struct YamlMember {
  Yaml key;  // always a scalar
  Yaml value;
};

struct YamlLimits {
  std::size_t bytes_max = 64 << 20;  // a secdb is 10 MB
  std::size_t nodes_max = 5'000'000;
  std::size_t depth_max = 32;
};

// The first document. Invalid messages read "line 12: …"; a duplicate key is Invalid.
Result<Yaml> parse_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace pratique
