#include "lint/expand.h"

#include <algorithm>

namespace pratique::lint {

namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_byte(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

// "*" and "?" over whole texts, without recursion: hostile patterns cost length × length.
bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

constexpr std::size_t kPatternTextMax = 4096;  // trimming tries every length of the value: its square is the cost

std::string trimmed_by(std::string_view value, std::string_view pattern, bool at_front, bool longest) {
  if (value.size() > kPatternTextMax) return std::string(value);
  for (std::size_t i = 0; i <= value.size(); ++i) {
    std::size_t length = longest ? value.size() - i : i;
    if (at_front && glob_matches(pattern, value.substr(0, length))) return std::string(value.substr(length));
    if (!at_front && glob_matches(pattern, value.substr(value.size() - length)))
      return std::string(value.substr(0, value.size() - length));
  }
  return std::string(value);
}

std::string replaced(std::string_view value, std::string_view pattern, std::string_view by, bool all) {
  if (value.size() > kPatternTextMax || pattern.empty()) return std::string(value);
  std::string out;
  for (std::size_t i = 0; i < value.size();) {
    std::size_t length = 0;
    if (pattern.find_first_of("*?") == std::string_view::npos) {
      if (value.substr(i).starts_with(pattern)) length = pattern.size();
    } else {
      for (std::size_t l = value.size() - i; l > 0 && !length; --l)
        if (glob_matches(pattern, value.substr(i, l))) length = l;
    }
    if (!length) {
      out += value[i++];
      continue;
    }
    out += by;
    i += length;
    if (!all) return out += value.substr(i);
  }
  return out;
}

class Expander {
 public:
  Expander(char escape, const Variables& variables, std::vector<std::string>* names)
      : escape_(escape), variables_(variables), names_(names) {}

  Expansion run(std::string_view text, int depth) {
    Expansion out;
    std::size_t i = 0;
    char quote = 0;
    while (i < text.size()) {
      char c = text[i];
      if (out.text.size() > kExpansionBytesMax) return {std::string(text.substr(0, kExpansionBytesMax)), false};
      if (c == escape_ && quote != '\'' && i + 1 < text.size()) {
        if (quote == '"' && text[i + 1] != '"' && text[i + 1] != '$' && text[i + 1] != escape_) out.text += c;
        out.text += text[i + 1];
        i += 2;
      } else if ((c == '\'' || c == '"') && (!quote || quote == c)) {
        quote = quote ? 0 : c;
        ++i;
      } else if (c == '$' && quote != '\'') {
        variable(text, i, out, depth);
      } else {
        out.text += c;
        ++i;
      }
    }
    return out;
  }

 private:
  std::optional<std::string> value_of(std::string_view name) {
    if (names_) names_->emplace_back(name);
    auto found = variables_.find(name);
    return found == variables_.end() ? std::nullopt : found->second;
  }

  static void keep_raw(std::string_view text, std::size_t& i, std::size_t end, Expansion& out) {
    out.text += text.substr(i, end - i);
    out.is_known = false;
    i = end;
  }

  void variable(std::string_view text, std::size_t& i, Expansion& out, int depth) {
    std::size_t name = i + 1;
    if (name < text.size() && text[name] == '{') return braced(text, i, out, depth);
    std::size_t end = name;
    while (end < text.size() && is_name_byte(text[end])) ++end;
    if (end == name || !is_name_start(text[name])) {
      out.text += text[i++];
      return;
    }
    auto value = value_of(text.substr(name, end - name));
    if (!value) return keep_raw(text, i, end, out);
    out.text += *value;
    i = end;
  }

  void braced(std::string_view text, std::size_t& i, Expansion& out, int depth) {
    std::size_t close = closing_brace(text, i + 2);
    if (close == std::string_view::npos || depth >= kExpansionDepthMax) return keep_raw(text, i, text.size(), out);
    std::string_view inside = text.substr(i + 2, close - i - 2);
    std::size_t length = 0;
    while (length < inside.size() && is_name_byte(inside[length])) ++length;
    auto value = value_of(inside.substr(0, length));
    auto result = length == 0 ? std::nullopt : modified(value, inside.substr(length), depth);
    if (!result || !result->is_known) return keep_raw(text, i, close + 1, out);
    out.text += result->text;
    i = close + 1;
  }

  std::optional<Expansion> modified(const std::optional<std::string>& value, std::string_view rest, int depth) {
    if (rest.empty()) return value ? std::optional<Expansion>({*value, true}) : std::nullopt;
    bool empty_counts = rest[0] == ':';
    std::string_view operation = empty_counts ? rest.substr(1) : rest;
    if (operation.empty()) return std::nullopt;
    bool is_set = value && !(empty_counts && value->empty());
    std::string_view argument = operation.substr(1);
    switch (operation[0]) {
      case '-':
        return is_set ? Expansion{*value, true} : run(argument, depth + 1);
      case '+':
        return is_set ? run(argument, depth + 1) : Expansion{"", true};
      case '?':
        return is_set ? std::optional<Expansion>({*value, true}) : std::nullopt;
      default:
        return empty_counts || !value ? std::nullopt : patterned(*value, operation, depth);
    }
  }

  std::optional<Expansion> patterned(const std::string& value, std::string_view operation, int depth) {
    char kind = operation[0];
    if (kind != '#' && kind != '%' && kind != '/') return std::nullopt;
    bool doubled = operation.size() > 1 && operation[1] == kind;
    std::string_view argument = operation.substr(doubled ? 2 : 1);
    if (kind == '/') {
      auto slash = argument.find('/');
      if (slash == std::string_view::npos) return std::nullopt;
      auto by = run(argument.substr(slash + 1), depth + 1);
      return Expansion{replaced(value, argument.substr(0, slash), by.text, doubled), by.is_known};
    }
    auto pattern = run(argument, depth + 1);
    return Expansion{trimmed_by(value, pattern.text, kind == '#', doubled), pattern.is_known};
  }

  static std::size_t closing_brace(std::string_view text, std::size_t from) {
    int open = 1;
    for (std::size_t i = from; i < text.size(); ++i) {
      if (text[i] == '{') ++open;
      if (text[i] == '}' && --open == 0) return i;
    }
    return std::string_view::npos;
  }

  char escape_;
  const Variables& variables_;
  std::vector<std::string>* names_;
};

void apply_to(const Dockerfile& file, std::size_t stage, Variables& variables, std::size_t depth) {
  const Stage& here = file.stages[stage];
  // A stage continues only earlier ones, so this ends; the bound is for files of ten thousand stages in a chain.
  if (here.parent && depth < 200) apply_to(file, *here.parent, variables, depth + 1);
  for (std::size_t i = here.from; i < here.end; ++i) {
    const Instruction& instruction = file.instructions[i];
    if (instruction.keyword == Keyword::Arg) declare_arguments(instruction, file.escape, variables);
    if (instruction.keyword == Keyword::Env) declare_environment(instruction, file.escape, variables);
  }
}

}  // namespace

Expansion expand(std::string_view text, char escape, const Variables& variables) {
  return Expander(escape, variables, nullptr).run(text, 0);
}

std::vector<std::string> references(std::string_view text, char escape) {
  std::vector<std::string> names;
  static const Variables kNone;
  (void)Expander(escape, kNone, &names).run(text, 0);
  return names;
}

void declare_arguments(const Instruction& arg, char escape, Variables& variables) {
  for (const auto& pair : arg.pairs) {
    if (!pair.value) {
      variables.try_emplace(pair.key.value, std::nullopt);
      continue;
    }
    auto value = expand(pair.value->text, escape, variables);
    variables[pair.key.value] = value.is_known ? std::optional(value.text) : std::nullopt;
  }
}

void declare_environment(const Instruction& env, char escape, Variables& variables) {
  Variables before = variables;
  for (const auto& pair : env.pairs) {
    if (!pair.value) continue;
    auto value = expand(pair.value->text, escape, before);
    variables[pair.key.value] = value.is_known ? std::optional(value.text) : std::nullopt;
  }
}

Variables variables_of(const Dockerfile& file, std::size_t stage) {
  Variables global, variables;
  for (const auto& instruction : file.instructions) {
    if (instruction.keyword == Keyword::From) break;
    if (instruction.keyword == Keyword::Arg) declare_arguments(instruction, file.escape, global);
  }
  apply_to(file, stage, variables, 0);
  // `ARG name` inside a stage takes the value the file gave it before the first FROM.
  for (auto& [name, value] : variables)
    if (auto outer = global.find(name); !value && outer != global.end()) value = outer->second;
  return variables;
}

}  // namespace pratique::lint
