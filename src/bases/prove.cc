#include <algorithm>
#include <array>
#include <tuple>

#include "base/format.h"
#include "bases/bases.h"

namespace pratique::bases {

namespace {

struct Match {
  const Base* base = nullptr;
  std::size_t generation = 0;
  std::size_t layers = 0;
  bool is_chain = false;

  // A whole chain says more than one layer; more layers of the base more than fewer; a newer build more than an older.
  auto rank() const { return std::tuple(is_chain, layers, base ? base->generations[generation].built : Time()); }
};

std::optional<Match> match(const Base& base, std::size_t index, std::span<const oci::Digest> diff_ids,
                           std::span<const oci::Digest> layers) {
  const auto& generation = base.generations[index];
  const auto& chain = generation.diff_ids;
  if (!chain.empty()) {
    if (chain.size() > diff_ids.size() || !std::equal(chain.begin(), chain.end(), diff_ids.begin()))
      return std::nullopt;
    return Match{&base, index, chain.size(), true};
  }
  auto found = std::ranges::find(layers, generation.last_layer);
  if (found == layers.end()) return std::nullopt;
  return Match{&base, index, static_cast<std::size_t>(found - layers.begin()) + 1, false};
}

}  // namespace

std::string_view to_string(Standing standing) {
  constexpr std::array<std::string_view, 4> kWords = {"none", "outdated", "kept", "current"};
  return kWords.at(static_cast<std::size_t>(standing));
}

std::string finding_key(std::string_view id, std::string_view package) {
  return format("{} {}", id, package);
}

Proof prove(std::span<const Base> bases, std::span<const oci::Digest> diff_ids, std::span<const oci::Digest> layers) {
  Match best;
  for (const auto& base : bases)
    for (std::size_t i = 0; i < base.generations.size(); ++i)
      if (auto found = match(base, i, diff_ids, layers); found && (!best.base || found->rank() > best.rank()))
        best = *found;
  if (!best.base) return {};
  const auto& base = *best.base;
  auto standing = best.generation == 0          ? Standing::Current
                  : best.generation < base.keep ? Standing::Kept
                                                : Standing::Outdated;
  return {.standing = standing,
          .reference = base.reference,
          .layers = best.layers,
          .built = base.generations[best.generation].built,
          .current = base.generations.front().built,
          .behind = best.generation,
          .keep = base.keep,
          .is_chain = best.is_chain,
          .is_starred = !base.is_available,
          .starred_why = base.starred_why};
}

}  // namespace pratique::bases
