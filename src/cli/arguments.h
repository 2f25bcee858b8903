// Options and operands of one command, parsed by CLI11 behind this header.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pratique::cli {

struct Option {
  std::string_view names;  // "-o,--output"; the last one is the key
  std::string_view value;  // what to show for its value; "" makes it a flag
  std::string_view help;
  std::string_view fallback = {};  // value when it is not given
};

class Arguments {
 public:
  // Invalid with a sentence that names the wrong word. Everything after "--" is passed through.
  static Result<Arguments> parse(const std::vector<Option>& options, const std::vector<std::string>& words);

  // No options: every word is an operand.
  static Arguments of_words(const std::vector<std::string>& words);

  bool has(std::string_view key) const { return given_.contains(std::string(key)); }
  // The last value given, else the option's fallback, else "".
  std::string value(std::string_view key) const;
  std::vector<std::string> values(std::string_view key) const;
  const std::vector<std::string>& operands() const { return operands_; }
  const std::vector<std::string>& passthrough() const { return passthrough_; }

 private:
  std::map<std::string, std::vector<std::string>> given_;
  std::map<std::string, std::string> fallbacks_;
  std::vector<std::string> operands_;
  std::vector<std::string> passthrough_;
};

}  // namespace pratique::cli
