// Pairs of version texts for the oracles: mostly near misses of each other, because distant versions prove nothing.
#pragma once

#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "os/file.h"

namespace pratique::oracle {

inline constexpr int kPairs = 100'000;

class PairGenerator {
 public:
  // `real`: versions as they stand in the wild; `pieces`: what the generator builds and mutates with.
  PairGenerator(std::uint32_t seed, std::vector<std::string> real, std::vector<std::string> pieces)
      : random_(seed), real_(std::move(real)), pieces_(std::move(pieces)) {}

  std::pair<std::string, std::string> next() {
    std::string a = below(2) == 0 && !real_.empty() ? real_[below(real_.size())] : invent();
    if (below(8) == 0) return {a, invent()};
    std::string b = a;
    for (std::size_t i = 1 + below(3); i > 0; --i) b = mutate(std::move(b));
    return {std::move(a), std::move(b)};
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  const std::string& piece() { return pieces_[below(pieces_.size())]; }

  std::string invent() {
    std::string text = std::to_string(below(12));
    for (std::size_t i = below(9); i > 0; --i) text += piece();
    return text;
  }

  std::string mutate(std::string text) {
    std::size_t place = text.empty() ? 0 : below(text.size());
    switch (below(4)) {
      case 0:
        return text.insert(place, piece());
      case 1:
        return text + piece();
      case 2:
        return text.empty() ? piece() : text.erase(place, 1 + below(2));
      default:
        return text.empty() ? piece() : text.replace(place, 1, piece());
    }
  }

  std::mt19937 random_;
  std::vector<std::string> real_;
  std::vector<std::string> pieces_;
};

// The directory of real data, where there is one; "" otherwise.
inline std::string shared_data() {
  const char* named = std::getenv("PRATIQUE_SHARED");
  std::string path = named != nullptr ? named : PRATIQUE_SOURCE_DIR "/../shared";
  return os::exists(path) ? path : "";
}

// What follows `prefix` on each line of a text file; nothing when it cannot be read.
inline std::vector<std::string> values_after(std::string_view prefix, const std::string& path) {
  std::vector<std::string> values;
  auto text = os::read_file(path, 256 << 20);
  if (!text.ok()) return values;
  for (auto line : split(*text, '\n'))
    if (line.starts_with(prefix)) values.emplace_back(trim(line.substr(prefix.size())));
  return values;
}

}  // namespace pratique::oracle
