// The command language of RUN: POSIX shell and the parts of bash people write, as a tree. Private to lint.
//
// What is not understood is a failure with a place, never a guess: rules that need the commands then stay silent and a
// finding says so. Nothing is expanded; a word knows whether the shell would.
#pragma once

#include <functional>

#include "lint/lint.h"

namespace pratique::lint::shell {

inline constexpr int kDepthMax = 60;               // nested commands; real scripts reach 8, and the stack is ours
inline constexpr std::size_t kWordsMax = 200'000;  // of one script
inline constexpr std::size_t kScriptBytesMax = 1 << 20;

struct Node;
using Script = std::vector<Node>;  // and-or lists, in order

struct Word {
  std::string raw;
  std::string text;        // quotes removed; expansions as written
  bool is_literal = true;  // nothing in it is expanded, globs apart
  std::size_t begin = 0, end = 0;
  std::vector<Script> inner;  // of $(…), `…`, <(…)
};

struct Redirection {
  std::string operation;  // ">", ">>", "<", "<<", "2>" …
  Word target;
};

enum class Kind { Simple, Pipeline, AndOr, Subshell, Group, If, Loop, Case, Function, Condition };

struct Node {
  Kind kind = Kind::Simple;
  std::size_t begin = 0, end = 0;
  std::vector<Word> assignments;
  std::vector<Word> words;
  std::vector<Redirection> redirections;
  std::vector<Node> children;           // all commands inside, in order of writing
  std::vector<std::string> connectors;  // of AndOr: "&&" or "||" before each child but the first
};

struct Failure {
  std::size_t at = 0;
  std::string message;
};

struct Parsed {
  Script script;
  std::optional<Failure> failure;  // then the script holds what came before
};
Parsed parse(std::string_view text);

// Every node, outer before inner, command substitutions included.
void visit(const Script& script, const std::function<void(const Node&)>& seen);

}  // namespace pratique::lint::shell
