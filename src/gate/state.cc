// The words of the states and the one table of arrows. Every change of state goes through may_follow().
//
//   from \ to     scanned approved waiting rejected expired revoked superseded
//   staged           x                                                  x
//   scanned                  x        x        x                        x
//   waiting                  x                 x                        x
//   rejected                 x        x                                 x
//   approved                                           x       x        x
//   expired, revoked, superseded: the end. A new push opens a new submission.
#include <array>
#include <utility>

#include "gate/gate.h"
#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

namespace {

constexpr std::array<std::string_view, 8> kWords = {"staged",   "scanned", "approved", "waiting",
                                                    "rejected", "expired", "revoked",  "superseded"};

constexpr std::pair<State, State> kArrows[] = {
    {State::Staged, State::Scanned},    {State::Staged, State::Superseded}, {State::Scanned, State::Approved},
    {State::Scanned, State::Waiting},   {State::Scanned, State::Rejected},  {State::Scanned, State::Superseded},
    {State::Waiting, State::Approved},  {State::Waiting, State::Rejected},  {State::Waiting, State::Superseded},
    {State::Rejected, State::Approved}, {State::Rejected, State::Waiting},  {State::Rejected, State::Superseded},
    {State::Approved, State::Expired},  {State::Approved, State::Revoked},  {State::Approved, State::Superseded},
};

}  // namespace

std::string_view to_string(State state) {
  return kWords.at(static_cast<std::size_t>(state));
}

std::optional<State> parse_state(std::string_view text) {
  for (std::size_t i = 0; i < kWords.size(); ++i)
    if (kWords[i] == text) return static_cast<State>(i);
  return std::nullopt;
}

bool may_follow(State from, State to) {
  for (const auto& arrow : kArrows)
    if (arrow == std::pair(from, to)) return true;
  return false;
}

}  // namespace pratique::gate
