// What the files of the Dockerfile parser share. Private to lint.
#pragma once

#include "lint/lint.h"

namespace pratique::lint {

// Collects problems up to kProblemsMax.
class Problems {
 public:
  explicit Problems(std::vector<Problem>& to) : to_(to) {}
  void add(Span span, std::string message) {
    if (to_.size() < kProblemsMax) to_.push_back({span, std::move(message)});
  }

 private:
  std::vector<Problem>& to_;
};

std::optional<Keyword> parse_keyword(std::string_view name);
// Reads one logical line. Heredocs are found, their contents not yet read.
Instruction parse_instruction(const Text& line, char escape, Problems& problems);
// Words between blanks; quotes hold them together. `escape` removes the meaning of what follows it.
std::vector<Word> split_words(const Text& text, std::size_t begin, char escape);
// Quotes and escapes removed as the builder does it; variables stay.
std::string unquote(std::string_view raw, char escape);

inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

}  // namespace pratique::lint
