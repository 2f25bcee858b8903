#include "cli/arguments.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace pratique::cli {

namespace {

std::string key_of(std::string_view names) {
  auto comma = names.rfind(',');
  return std::string(comma == std::string_view::npos ? names : names.substr(comma + 1));
}

}  // namespace

Result<Arguments> Arguments::parse(const std::vector<Option>& options, const std::vector<std::string>& words) {
  Arguments arguments;
  auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes != words.end()) arguments.passthrough_.assign(dashes + 1, words.end());

  CLI::App app;
  app.set_help_flag();
  std::map<std::string, bool> flags;
  std::map<std::string, std::vector<std::string>> values;
  for (const auto& option : options) {
    std::string key = key_of(option.names);
    if (!option.fallback.empty()) arguments.fallbacks_[key] = option.fallback;
    // One value a mention: `--env A=1 operand` must not swallow the operand.
    if (option.value.empty())
      app.add_flag(std::string(option.names), flags[key]);
    else
      app.add_option(std::string(option.names), values[key])
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  app.add_option("operands", arguments.operands_);
  std::vector<std::string> ours(words.begin(), dashes);
  std::reverse(ours.begin(), ours.end());  // CLI11 takes them from the back
  try {
    app.parse(ours);
  } catch (const CLI::ParseError& problem) {
    return invalid(problem.what());
  }
  for (auto& [key, given] : flags)
    if (given) arguments.given_[key] = {};
  for (auto& [key, given] : values)
    if (!given.empty()) arguments.given_[key] = given;
  return arguments;
}

Arguments Arguments::of_words(const std::vector<std::string>& words) {
  Arguments arguments;
  arguments.operands_ = words;
  return arguments;
}

std::string Arguments::value(std::string_view key) const {
  auto given = given_.find(std::string(key));
  if (given != given_.end() && !given->second.empty()) return given->second.back();
  auto fallback = fallbacks_.find(std::string(key));
  return fallback == fallbacks_.end() ? "" : fallback->second;
}

std::vector<std::string> Arguments::values(std::string_view key) const {
  auto given = given_.find(std::string(key));
  return given == given_.end() ? std::vector<std::string>() : given->second;
}

}  // namespace pratique::cli
