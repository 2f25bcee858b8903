// CVSS v3.0 and v3.1 base scores, by the formula of FIRST's specification, section 7.1.
//
// Temporal and environmental metrics may stand in the vector; they do not change the base score.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/format.h"
#include "base/text.h"
#include "vuln/vuln.h"

namespace pratique::vuln {

namespace {

struct Metric {
  std::string_view name;
  std::string_view letters;  // permitted values, one letter each
};
constexpr Metric kBase[] = {
    {"AV", "NALP"}, {"AC", "LH"}, {"PR", "NLH"}, {"UI", "NR"}, {"S", "UC"}, {"C", "HLN"}, {"I", "HLN"}, {"A", "HLN"},
};
constexpr std::size_t kBaseCount = std::size(kBase);
enum Index { AV, AC, PR, UI, S, C, I, A };

constexpr Metric kOther[] = {
    {"E", "XUPFH"}, {"RL", "XOTWU"}, {"RC", "XURC"}, {"CR", "XLMH"}, {"IR", "XLMH"}, {"AR", "XLMH"}, {"MAV", "XNALP"},
    {"MAC", "XLH"}, {"MPR", "XNLH"}, {"MUI", "XNR"}, {"MS", "XUC"},  {"MC", "XHLN"}, {"MI", "XHLN"}, {"MA", "XHLN"},
};

using Values = std::array<char, kBaseCount>;  // the letter of each base metric

Result<Values> parse_vector(std::string_view vector) {
  auto rest = vector;
  if (!rest.starts_with("CVSS:3.0/") && !rest.starts_with("CVSS:3.1/")) {
    return invalid(format("\"{}\" is no CVSS v3 vector", printable(vector, 80)));
  }
  rest.remove_prefix(std::string_view("CVSS:3.0/").size());
  Values values{};
  std::array<bool, std::size(kOther)> seen{};
  for (auto piece : split(rest, '/')) {
    auto bad = [&] { return invalid(format("CVSS metric \"{}\" is unknown or given twice", printable(piece, 40))); };
    auto parts = cut(piece, ":");
    if (!parts || parts->second.size() != 1) return bad();
    auto has_name = [&](const Metric& metric) { return metric.name == parts->first; };
    char letter = parts->second.front();
    if (const auto* base = std::find_if(std::begin(kBase), std::end(kBase), has_name); base != std::end(kBase)) {
      char& value = values[static_cast<std::size_t>(base - kBase)];
      if (value != 0 || !contains(base->letters, {&letter, 1})) return bad();
      value = letter;
    } else {
      const auto* other = std::find_if(std::begin(kOther), std::end(kOther), has_name);
      if (other == std::end(kOther) || !contains(other->letters, {&letter, 1})) return bad();
      if (std::exchange(seen[static_cast<std::size_t>(other - kOther)], true)) return bad();
    }
  }
  for (std::size_t i = 0; i < kBaseCount; ++i)
    if (values[i] == 0) return invalid(format("the CVSS vector lacks {}", kBase[i].name));
  return values;
}

double impact_weight(char letter) {
  return letter == 'H' ? 0.56 : letter == 'L' ? 0.22 : 0.0;
}

double exploitability(const Values& v) {
  double attack_vector = v[AV] == 'N' ? 0.85 : v[AV] == 'A' ? 0.62 : v[AV] == 'L' ? 0.55 : 0.2;
  double complexity = v[AC] == 'L' ? 0.77 : 0.44;
  bool changed = v[S] == 'C';
  double privileges = v[PR] == 'N' ? 0.85 : v[PR] == 'L' ? (changed ? 0.68 : 0.62) : (changed ? 0.5 : 0.27);
  double interaction = v[UI] == 'N' ? 0.85 : 0.62;
  return 8.22 * attack_vector * complexity * privileges * interaction;
}

// The smallest number with one decimal place that is not below the input, in whole numbers as v3.1 appendix A asks,
// because 4.000000000000001 must not become 4.1.
double round_up(double value) {
  auto scaled = static_cast<long>(std::lround(value * 100'000));
  if (scaled % 10'000 == 0) return static_cast<double>(scaled) / 100'000.0;
  return static_cast<double>(scaled / 10'000 + 1) / 10.0;
}

}  // namespace

Result<double> cvss3_base_score(std::string_view vector) {
  Values v = TRY(parse_vector(vector));
  double base = 1.0 - (1.0 - impact_weight(v[C])) * (1.0 - impact_weight(v[I])) * (1.0 - impact_weight(v[A]));
  bool changed = v[S] == 'C';
  double impact = changed ? 7.52 * (base - 0.029) - 3.25 * std::pow(base - 0.02, 15) : 6.42 * base;
  if (impact <= 0) return 0.0;
  double sum = impact + exploitability(v);
  return round_up(std::min(changed ? 1.08 * sum : sum, 10.0));
}

}  // namespace pratique::vuln
