// Names of states, windows and shells.
#include <array>

#include "base/text.h"
#include "grants/grants.h"

namespace pratique::grants {

namespace {

template <typename T>
struct Word {
  T value;
  std::string_view text;
};
constexpr std::array<Word<State>, 7> kStates = {{{State::Requested, "requested"},
                                                 {State::Granted, "granted"},
                                                 {State::Used, "used"},
                                                 {State::Unused, "unused"},
                                                 {State::Expired, "expired"},
                                                 {State::Denied, "denied"},
                                                 {State::Revoked, "revoked"}}};
// The first spelling of each is ours, the others are the e-mail template's and what people make of it.
constexpr std::array<Word<Window>, 5> kWindows = {{{Window::Asap, "as-soon-as-possible"},
                                                   {Window::TomorrowMorning, "tomorrow-morning"},
                                                   {Window::Afternoon, "afternoon"},
                                                   {Window::Asap, "asap"},
                                                   {Window::Afternoon, "this-afternoon"}}};
constexpr std::array<Word<Shell>, 3> kShells = {
    {{Shell::Posix, "sh"}, {Shell::Cmd, "cmd"}, {Shell::PowerShell, "powershell"}}};

template <typename Words, typename T>
std::string_view text_of(const Words& words, T value) {
  for (const auto& word : words)
    if (word.value == value) return word.text;
  return "unknown";
}

}  // namespace

std::string_view to_string(State state) {
  return text_of(kStates, state);
}

std::optional<State> parse_state(std::string_view text) {
  for (const auto& word : kStates)
    if (word.text == text) return word.value;
  return std::nullopt;
}

std::string_view to_string(Window window) {
  return text_of(kWindows, window);
}

std::optional<Window> parse_window(std::string_view text) {
  std::string plain = to_lower(trim(text));
  for (char& c : plain)
    if (c == ' ' || c == '_') c = '-';
  for (const auto& word : kWindows)
    if (word.text == plain) return word.value;
  return std::nullopt;
}

std::string_view to_string(Shell shell) {
  return text_of(kShells, shell);
}

std::optional<Shell> parse_shell(std::string_view text) {
  for (const auto& word : kShells)
    if (word.text == text) return word.value;
  return std::nullopt;
}

}  // namespace pratique::grants
