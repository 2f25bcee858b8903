// Alpine's order as apk-tools 2 has it: number{.number}[letter[number]]{_suffix[number]}[~hash][-rN].
//
// A version is read as a list of marks; two lists compare mark by mark, first by kind, then by value. The order of the
// kinds is what makes 1_rc1 < 1 < 1-r0 < 1_p1 < 1a < 1.1. A later number with leading zeroes is a fraction: more zeroes
// are less, and any of them is less than a number without: 1.005 < 1.0 < 1.05 < 1.4.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "vuln/version.h"

namespace pratique::vuln {

namespace {

// What may stand at a place, in rising order.
enum class Mark { PreSuffix, End, Revision, Hash, SuffixNumber, PostSuffix, Letter, LetterNumber, Fraction, Number };

struct Suffix {
  std::string_view name;
  Mark mark;
  int rank;
};
constexpr Suffix kSuffixes[] = {
    {"alpha", Mark::PreSuffix, 0}, {"beta", Mark::PreSuffix, 1}, {"pre", Mark::PreSuffix, 2},
    {"rc", Mark::PreSuffix, 3},    {"cvs", Mark::PostSuffix, 0}, {"svn", Mark::PostSuffix, 1},
    {"git", Mark::PostSuffix, 2},  {"hg", Mark::PostSuffix, 3},  {"p", Mark::PostSuffix, 4},
};

struct Token {
  Mark mark = Mark::End;
  int rank = 0;           // of a suffix or a letter; the leading zeroes of a fraction, negated
  std::string_view text;  // digits, or the hash
};

// Reads one version front to back. After an error `error` says what is wrong and every further token is End.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Token next() {
    if (error_ != nullptr || rest_.empty()) return finish();
    if (previous_ == Mark::End) return first_number();
    char c = rest_.front();
    if (c == '.' && follows_number()) return later_number();
    if (is_lower(c) && follows_number()) return letter();
    if (is_digit(c) && previous_ == Mark::Letter) return make({Mark::LetterNumber, 0, take_digits(rest_)});
    if (is_digit(c) && follows_suffix()) return make({Mark::SuffixNumber, 0, take_digits(rest_)});
    if (c == '_' && previous_ != Mark::Hash && previous_ != Mark::Revision) return suffix();
    if (c == '~' && previous_ != Mark::Hash && previous_ != Mark::Revision) return hash();
    if (c == '-' && previous_ != Mark::Revision) return revision();
    return fail("a character stands where it may not");
  }

  const char* error() const { return error_; }

 private:
  Token make(Token token) {
    previous_ = token.mark;
    return token;
  }
  Token finish() {
    rest_ = {};
    return {};
  }
  Token fail(const char* why) {
    error_ = why;
    return finish();
  }
  bool follows_number() const {
    return previous_ == Mark::Number || previous_ == Mark::Fraction || previous_ == Mark::LetterNumber;
  }
  bool follows_suffix() const { return previous_ == Mark::PreSuffix || previous_ == Mark::PostSuffix; }

  Token first_number() {
    std::string_view digits = take_digits(rest_);
    if (digits.empty()) return fail("it does not begin with a digit");
    return make({Mark::Number, 0, digits});
  }

  Token later_number() {
    rest_.remove_prefix(1);
    std::string_view digits = take_digits(rest_);
    if (digits.empty()) return fail("a dot without a number");
    if (digits.front() != '0') return make({Mark::Number, 0, digits});
    auto zeroes = std::min(digits.find_first_not_of('0'), digits.size());
    return make({Mark::Fraction, -static_cast<int>(zeroes), digits.substr(zeroes)});
  }

  Token letter() {
    char c = rest_.front();
    rest_.remove_prefix(1);
    return make({Mark::Letter, c, {}});
  }

  Token suffix() {
    rest_.remove_prefix(1);
    std::size_t length = 0;
    while (length < rest_.size() && is_lower(rest_[length])) ++length;
    std::string_view name = rest_.substr(0, length);
    for (const auto& known : kSuffixes) {
      if (known.name != name) continue;
      rest_.remove_prefix(length);
      return make({known.mark, known.rank, {}});
    }
    return fail("an unknown suffix");
  }

  Token hash() {
    rest_.remove_prefix(1);
    std::size_t length = 0;
    auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    while (length < rest_.size() && is_hex(rest_[length])) ++length;
    if (length == 0) return fail("a \"~\" without a commit hash");
    Token token{Mark::Hash, 0, rest_.substr(0, length)};
    rest_.remove_prefix(length);
    return make(token);
  }

  Token revision() {
    rest_.remove_prefix(1);
    if (rest_.empty() || rest_.front() != 'r') return fail("a hyphen that begins no revision");
    rest_.remove_prefix(1);
    std::string_view digits = take_digits(rest_);
    if (digits.empty()) return fail("a revision without a number");
    return make({Mark::Revision, 0, digits});
  }

  std::string_view rest_;
  Mark previous_ = Mark::End;
  const char* error_ = nullptr;
};

std::strong_ordering compare_tokens(const Token& a, const Token& b) {
  if (a.mark != b.mark) return a.mark <=> b.mark;
  if (a.rank != b.rank) return a.rank <=> b.rank;
  return a.mark == Mark::Hash ? compare_bytes(a.text, b.text) : compare_numbers(a.text, b.text);
}

}  // namespace

Status validate_apk(std::string_view text) {
  Reader reader(text);
  while (reader.next().mark != Mark::End) {
  }
  if (reader.error() != nullptr) return invalid(reader.error());
  return {};
}

std::strong_ordering compare_apk(std::string_view a, std::string_view b) {
  Reader left(a);
  Reader right(b);
  for (;;) {
    Token x = left.next();
    Token y = right.next();
    if (auto order = compare_tokens(x, y); order != 0) return order;
    if (x.mark == Mark::End) return std::strong_ordering::equal;
  }
}

}  // namespace pratique::vuln
