// What one logical line says: flags, exec form, words, pairs, heredocs.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/syntax.h"

namespace pratique::lint {

namespace {

// How the builder reads what follows the flags.
enum class Shape { Command, Paths, Words, Pairs, Line, From, Healthcheck, Onbuild, ExecOnly };

struct Grammar {
  Keyword keyword;
  std::string_view name;
  Shape shape;
  std::size_t words_min;
  std::string_view flags;  // separated by blanks
};

constexpr Grammar kGrammar[] = {
    {Keyword::Add, "ADD", Shape::Paths, 2, "chown chmod link keep-git-dir checksum exclude unpack"},
    {Keyword::Arg, "ARG", Shape::Pairs, 1, ""},
    {Keyword::Cmd, "CMD", Shape::Command, 0, ""},
    {Keyword::Copy, "COPY", Shape::Paths, 2, "from chown chmod link parents exclude"},
    {Keyword::Entrypoint, "ENTRYPOINT", Shape::Command, 0, ""},
    {Keyword::Env, "ENV", Shape::Pairs, 1, ""},
    {Keyword::Expose, "EXPOSE", Shape::Words, 1, ""},
    {Keyword::From, "FROM", Shape::From, 1, "platform"},
    {Keyword::Healthcheck, "HEALTHCHECK", Shape::Healthcheck, 1,
     "interval timeout start-period start-interval retries"},
    {Keyword::Label, "LABEL", Shape::Pairs, 1, ""},
    {Keyword::Maintainer, "MAINTAINER", Shape::Line, 1, ""},
    {Keyword::Onbuild, "ONBUILD", Shape::Onbuild, 1, ""},
    {Keyword::Run, "RUN", Shape::Command, 0, "mount network security device"},
    {Keyword::Shell, "SHELL", Shape::ExecOnly, 1, ""},
    {Keyword::Stopsignal, "STOPSIGNAL", Shape::Line, 1, ""},
    {Keyword::User, "USER", Shape::Line, 1, ""},
    {Keyword::Volume, "VOLUME", Shape::Paths, 1, ""},
    {Keyword::Workdir, "WORKDIR", Shape::Line, 1, ""},
};

const Grammar* find_grammar(std::string_view name) {
  for (const auto& grammar : kGrammar)
    if (equals_ignoring_case(grammar.name, name)) return &grammar;
  return nullptr;
}

// Go's time.ParseDuration, as far as healthchecks take it: "1m30s", "500ms", "1.5h", "0".
bool is_duration(std::string_view text) {
  if (text == "0") return true;
  constexpr std::string_view kUnits[] = {"ns", "us", "ms", "s", "m", "h"};
  bool is_whole = !text.empty();
  while (is_whole && !text.empty()) {
    auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
    auto number = text.substr(0, digits);
    text.remove_prefix(digits);
    auto unit = text.substr(0, std::min(text.find_first_of("0123456789."), text.size()));
    text.remove_prefix(unit.size());
    is_whole = !number.empty() && number != "." && std::count(number.begin(), number.end(), '.') <= 1 &&
               std::find(std::begin(kUnits), std::end(kUnits), unit) != std::end(kUnits);
  }
  return is_whole;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

// The end of the word that begins at `at`.
std::size_t word_end(std::string_view text, std::size_t at, char escape) {
  char quote = 0;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == escape && quote != '\'')
      ++at;
    else if (quote)
      quote = c == quote ? 0 : quote;
    else if (c == '\'' || c == '"')
      quote = c;
    else if (is_blank(c))
      return at;
  }
  return text.size();
}

// The builder looks for heredocs only where it can split the whole line into words.
bool has_open_quote(std::string_view text, char escape) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == escape && quote != '\'')
      ++i;
    else if (quote)
      quote = text[i] == quote ? 0 : quote;
    else if (text[i] == '\'' || text[i] == '"')
      quote = text[i];
  }
  return quote != 0;
}

Word make_word(const Text& text, std::size_t begin, std::size_t end, char escape) {
  std::string raw = text.str().substr(begin, end - begin);
  return {raw, unquote(raw, escape), text.span(begin, end)};
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

std::optional<unsigned> hex4(std::string_view digits) {
  if (digits.size() < 4) return std::nullopt;
  unsigned value = 0;
  for (char c : digits.substr(0, 4)) {
    unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                     : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                            : 16;
    if (digit == 16) return std::nullopt;
    value = value * 16 + digit;
  }
  return value;
}

// The text of a JSON string whose quote is at `at`; moves behind it. nullopt for what is no JSON string.
std::optional<std::string> json_string(std::string_view text, std::size_t& at) {
  std::string out;
  for (++at; at < text.size(); ++at) {
    char c = text[at];
    if (c == '"') {
      ++at;
      return out;
    }
    if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
    if (c != '\\') {
      out += c;
      continue;
    }
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (++at == text.size()) return std::nullopt;
    if (auto simple = kFrom.find(text[at]); simple != std::string_view::npos) {
      out += kTo[simple];
    } else if (auto code = text[at] == 'u' ? hex4(text.substr(at + 1)) : std::nullopt) {
      append_utf8(out, *code);
      at += 4;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// ["a", "b"]; anything else is the shell form, however much it looks like JSON.
std::optional<std::vector<Word>> exec_form(const Text& body) {
  std::string_view text = body.str();
  std::vector<Word> words;
  if (!text.starts_with('[')) return std::nullopt;
  std::size_t at = skip_blanks(text, 1);
  if (at < text.size() && text[at] == ']')
    return skip_blanks(text, at + 1) == text.size() ? std::optional(words) : std::nullopt;
  while (at < text.size() && text[at] == '"') {
    std::size_t begin = at;
    auto value = json_string(text, at);
    if (!value) return std::nullopt;
    words.push_back({std::string(text.substr(begin, at - begin)), *value, body.span(begin, at)});
    at = skip_blanks(text, at);
    if (at == text.size()) return std::nullopt;
    if (text[at] == ']') return skip_blanks(text, at + 1) == text.size() ? std::optional(words) : std::nullopt;
    if (text[at] != ',') return std::nullopt;
    at = skip_blanks(text, at + 1);
  }
  return std::nullopt;
}

// "<<EOF", "<<-'EOF'", "3<<EOF" as a word of its own.
std::optional<Heredoc> heredoc_of(const Word& word, char escape) {
  std::string_view text = word.text;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  text.remove_prefix(digits);
  if (!text.starts_with("<<")) return std::nullopt;
  text.remove_prefix(2);
  Heredoc heredoc;
  heredoc.strips_tabs = text.starts_with('-');
  if (heredoc.strips_tabs) text.remove_prefix(1);
  if (text.empty() || text.find('<') != std::string_view::npos) return std::nullopt;
  heredoc.name = unquote(text, escape);
  heredoc.expands = text.find_first_of("'\"") == std::string_view::npos;
  heredoc.redirection = word;
  if (heredoc.name.empty()) return std::nullopt;
  return heredoc;
}

Word trimmed_line(const Text& body, char escape) {
  std::size_t end = body.str().size();
  while (end > 0 && is_blank(body.str()[end - 1])) --end;
  return make_word(body, 0, end, escape);
}

class InstructionReader {
 public:
  InstructionReader(const Text& line, char escape, Problems& problems)
      : line_(line), escape_(escape), problems_(problems) {}

  Instruction read(bool may_nest) {
    const std::string& text = line_.str();
    std::size_t begin = skip_blanks(text, 0), end = begin;
    while (end < text.size() && !is_blank(text[end])) ++end;
    out_.name = text.substr(begin, end - begin);
    out_.name_span = line_.span(begin, end);
    std::size_t last = text.size();
    while (last > end && is_blank(text[last - 1])) --last;
    out_.span = line_.span(begin, last);
    const Grammar* grammar = find_grammar(out_.name);
    std::size_t at = skip_blanks(text, end);
    if (!grammar) {
      problems_.add(out_.name_span, format("unknown instruction: {}", printable(out_.name, 40)));
      out_.body = line_.part(at, last);
      return std::move(out_);
    }
    out_.keyword = grammar->keyword;
    at = read_flags(*grammar, at);
    out_.body = line_.part(std::min(at, last), last);
    read_body(*grammar, may_nest);
    return std::move(out_);
  }

 private:
  std::size_t read_flags(const Grammar& grammar, std::size_t at) {
    const std::string& text = line_.str();
    auto known = split(grammar.flags, ' ');
    while (!grammar.flags.empty() && std::string_view(text).substr(at).starts_with("--")) {
      std::size_t end = word_end(text, at, escape_);
      Word word = make_word(line_, at, end, escape_);
      at = skip_blanks(text, end);
      if (word.text == "--") return at;
      auto halves = cut(std::string_view(word.value).substr(2), "=");
      Flag flag{halves ? std::string(halves->first) : word.value.substr(2), halves ? std::string(halves->second) : "",
                word.span};
      if (std::find(known.begin(), known.end(), flag.name) == known.end())
        problems_.add(word.span, format("{} has no flag --{}", grammar.name, printable(flag.name, 40)));
      out_.flags.push_back(std::move(flag));
    }
    return at;
  }

  void read_body(const Grammar& grammar, bool may_nest) {
    switch (grammar.shape) {
      case Shape::Command:
      case Shape::Paths:
      case Shape::ExecOnly:
        read_list(grammar);
        break;
      case Shape::Words:
        out_.words = split_words(out_.body, 0, escape_);
        break;
      case Shape::Pairs:
        read_pairs();
        break;
      case Shape::Line:
        if (!out_.body.str().empty()) out_.words = {trimmed_line(out_.body, escape_)};
        break;
      case Shape::From:
        read_from();
        break;
      case Shape::Healthcheck:
        read_healthcheck();
        break;
      case Shape::Onbuild:
        read_onbuild(may_nest);
        break;
    }
    std::size_t count = grammar.shape == Shape::Onbuild ? out_.inner.size()
                        : grammar.shape == Shape::Pairs ? out_.pairs.size()
                                                        : out_.words.size();
    if (count < grammar.words_min)
      problems_.add(out_.span, format("{} needs at least {} argument{}", grammar.name, grammar.words_min,
                                      grammar.words_min == 1 ? "" : "s"));
  }

  void read_list(const Grammar& grammar) {
    if (auto exec = exec_form(out_.body)) {
      out_.is_exec = true;
      out_.words = std::move(*exec);
      return;
    }
    if (grammar.shape == Shape::ExecOnly)
      problems_.add(out_.span, "SHELL takes the JSON form: SHELL [\"/bin/bash\", \"-c\"]");
    out_.words = split_words(out_.body, 0, escape_);
    bool takes_heredocs = out_.keyword == Keyword::Run || out_.keyword == Keyword::Copy || out_.keyword == Keyword::Add;
    if (!takes_heredocs || has_open_quote(out_.body.str(), escape_)) return;
    for (const auto& word : out_.words) {
      auto heredoc = heredoc_of(word, escape_);
      if (!heredoc) continue;
      if (out_.heredocs.size() < kHeredocsMax)
        out_.heredocs.push_back(std::move(*heredoc));
      else
        problems_.add(word.span, format("more than {} heredocs in one instruction", kHeredocsMax));
    }
  }

  void read_pairs() {
    auto words = split_words(out_.body, 0, escape_);
    bool is_arg = out_.keyword == Keyword::Arg;
    if (!is_arg && !words.empty() && words[0].text.find('=') == std::string::npos) return read_old_pair(words);
    for (const auto& word : words) {
      std::size_t equal = separator(word.text);
      if (equal == std::string::npos) {
        if (!is_arg)
          problems_.add(word.span, format("\"{}\" must be name=value", printable(word.text, 60)));
        else
          out_.pairs.push_back({word, std::nullopt});
        continue;
      }
      out_.pairs.push_back(cut_pair(word, equal));
    }
  }

  static std::size_t separator(std::string_view text) {
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (quote)
        quote = text[i] == quote ? 0 : quote;
      else if (text[i] == '"' || text[i] == '\'')
        quote = text[i];
      else if (text[i] == '=')
        return i;
    }
    return std::string::npos;
  }

  // The word's bytes lie at a known place of the body; find it back there so that the halves have exact spans.
  Pair cut_pair(const Word& word, std::size_t equal) const {
    std::size_t begin = position_of(word);
    Word key = make_word(out_.body, begin, begin + equal, escape_);
    Word value = make_word(out_.body, begin + equal + 1, begin + word.text.size(), escape_);
    if (value.text.empty()) value.span = {word.span.end, word.span.end};
    return {std::move(key), std::move(value)};
  }

  std::size_t position_of(const Word& word) const {
    while (cursor_ < out_.body.str().size() && out_.body.source(cursor_) < word.span.begin) ++cursor_;
    return cursor_;
  }

  // `ENV key the rest of the line`
  void read_old_pair(const std::vector<Word>& words) {
    if (words.size() < 2) {
      problems_.add(out_.span, format("{} must have two arguments", to_string(out_.keyword)));
      return;
    }
    std::size_t begin = position_of(words[1]);
    std::size_t end = out_.body.str().size();
    out_.pairs.push_back({words[0], make_word(out_.body, begin, end, escape_)});
  }

  void read_from() {
    out_.words = split_words(out_.body, 0, escape_);
    bool is_named = out_.words.size() == 3 && equals_ignoring_case(out_.words[1].text, "as");
    if (out_.words.empty() || out_.words.size() == 1 || is_named) return;
    problems_.add(out_.span, "FROM takes an image, or an image AS a name");
    out_.words.resize(1);
  }

  void check_health_flags() {
    for (const auto& flag : out_.flags) {
      bool is_count = flag.name == "retries";
      bool is_sound = is_count ? parse_decimal(flag.value).has_value() : is_duration(flag.value);
      if (!is_sound)
        problems_.add(flag.span,
                      format("--{} takes a {}, not \"{}\"", printable(flag.name, 40),
                             is_count ? "number" : "duration such as 30s or 1m30s", printable(flag.value, 40)));
    }
  }

  void read_healthcheck() {
    out_.words = split_words(out_.body, 0, escape_);
    if (out_.words.empty()) return;
    if (equals_ignoring_case(out_.words[0].text, "none")) {
      if (out_.words.size() > 1) problems_.add(out_.words[1].span, "HEALTHCHECK NONE takes no arguments");
      return;
    }
    check_health_flags();
    if (!equals_ignoring_case(out_.words[0].text, "cmd")) {
      problems_.add(out_.words[0].span, "HEALTHCHECK takes CMD or NONE");
      return;
    }
    out_.inner.push_back(InstructionReader(out_.body, escape_, problems_).read(false));
  }

  void read_onbuild(bool may_nest) {
    if (out_.body.str().empty()) return;
    if (!may_nest) {
      out_.words = split_words(out_.body, 0, escape_);
      problems_.add(out_.span, "ONBUILD cannot stand inside ONBUILD");
      Instruction inner;  // ONBUILD ONBUILD …: DL3043 names it, reading on would only nest
      inner.keyword = Keyword::Onbuild;
      inner.name = "ONBUILD";
      inner.span = inner.name_span = out_.span;
      out_.inner.push_back(std::move(inner));
      return;
    }
    out_.inner.push_back(InstructionReader(out_.body, escape_, problems_).read(false));
    auto keyword = out_.inner.back().keyword;
    if (keyword == Keyword::From || keyword == Keyword::Maintainer)
      problems_.add(out_.inner.back().span, format("{} cannot stand inside ONBUILD", to_string(keyword)));
  }

  const Text& line_;
  char escape_;
  Problems& problems_;
  Instruction out_;
  mutable std::size_t cursor_ = 0;  // of position_of: pairs come in order
};

}  // namespace

std::string_view to_string(Keyword keyword) {
  for (const auto& grammar : kGrammar)
    if (grammar.keyword == keyword) return grammar.name;
  return {};
}

std::optional<Keyword> parse_keyword(std::string_view name) {
  const Grammar* grammar = find_grammar(name);
  return grammar ? std::optional(grammar->keyword) : std::nullopt;
}

std::string unquote(std::string_view raw, char escape) {
  std::string out;
  char quote = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == escape && quote != '\'' && i + 1 < raw.size()) {
      char next = raw[++i];
      if (quote == '"' && next != '"' && next != '$' && next != escape) out += c;
      out += next;
    } else if (quote ? c == quote : (c == '\'' || c == '"')) {
      quote = quote ? 0 : c;
    } else {
      out += c;
    }
  }
  return out;
}

std::vector<Word> split_words(const Text& text, std::size_t begin, char escape) {
  std::vector<Word> words;
  const std::string& all = text.str();
  for (std::size_t at = skip_blanks(all, begin); at < all.size();) {
    std::size_t end = std::min(word_end(all, at, escape), all.size());
    words.push_back(make_word(text, at, end, escape));
    at = skip_blanks(all, end);
  }
  return words;
}

Instruction parse_instruction(const Text& line, char escape, Problems& problems) {
  return InstructionReader(line, escape, problems).read(true);
}

}  // namespace pratique::lint
