// Variables of ARG and ENV: what the builder would put in their place, where the file says it. Private to lint.
#pragma once

#include <map>

#include "lint/lint.h"

namespace pratique::lint {

// nullopt: declared, but its value is not in the file (an ARG without default, a variable of the base image).
using Variables = std::map<std::string, std::optional<std::string>, std::less<>>;

// An ARG that doubles itself line by line must not fill the memory.
inline constexpr std::size_t kExpansionBytesMax = 64 << 10;
inline constexpr int kExpansionDepthMax = 32;

struct Expansion {
  std::string text;      // unknown variables stay as written
  bool is_known = true;  // every variable had a value
};

// Quotes removed; $x, ${x}, ${x:-y}, ${x-y}, ${x:+y}, ${x+y}, ${x:?y}, ${x#p}, ${x##p}, ${x%p}, ${x%%p}, ${x/p/y},
// ${x//p/y}. What is malformed or too long stays as written and is not known.
Expansion expand(std::string_view text, char escape, const Variables& variables);
// The names a text refers to, in order.
std::vector<std::string> references(std::string_view text, char escape);
void declare_arguments(const Instruction& arg, char escape, Variables& variables);
// ENV, seen by what follows it: the values of one instruction do not see each other.
void declare_environment(const Instruction& env, char escape, Variables& variables);
// What ARG and ENV of the stage, and of the stages of this file it builds on, have set behind its last instruction.
Variables variables_of(const Dockerfile& file, std::size_t stage);

}  // namespace pratique::lint
