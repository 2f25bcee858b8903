#include "lint/shell.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"

namespace pratique::lint::shell {

namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kWordEnds = " \t\r\n;&|<>()";

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

struct Pending {  // a here-document whose text begins on the next line
  std::string name;
  bool strips_tabs;
};

class Parser {
 public:
  Parser(std::string_view text, int depth) : text_(text), depth_(depth) {}

  Parsed run() {
    Parsed out;
    parse_list(out.script, {});
    if (!failure_ && at_ < text_.size()) fail(format("unexpected \"{}\"", printable(text_.substr(at_, 1))));
    out.failure = failure_;
    return out;
  }

 private:
  using Stops = std::vector<std::string_view>;

  bool fail(std::string message) {
    if (!failure_) failure_ = {std::min(at_, text_.size()), std::move(message)};
    return false;
  }

  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool is_end() const { return at_ >= text_.size(); }
  bool looking_at(std::string_view piece) const { return text_.substr(at_).starts_with(piece); }

  // Blanks, escaped line ends and comments; not line ends.
  void skip_blanks() {
    while (!is_end()) {
      if (kBlanks.find(peek()) != std::string_view::npos)
        ++at_;
      else if (looking_at("\\\n"))
        at_ += 2;
      else if (peek() == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else
        return;
    }
  }

  void skip_lines() {
    for (skip_blanks(); peek() == '\n' && !is_end(); skip_blanks()) end_line();
  }

  void end_line() {
    ++at_;
    for (const auto& pending : std::exchange(pending_, {})) skip_heredoc(pending);
  }

  void skip_heredoc(const Pending& pending) {
    while (!is_end()) {
      std::size_t end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = text_.substr(at_, end - at_);
      if (pending.strips_tabs)
        while (line.starts_with('\t')) line.remove_prefix(1);
      at_ = std::min(end + 1, text_.size());
      if (line == pending.name) return;
    }
  }

  // The reserved word here, "" for any other word: only whole, unquoted words in command position count.
  std::string_view reserved() const {
    std::size_t end = at_;
    while (end < text_.size() && kWordEnds.find(text_[end]) == std::string_view::npos) ++end;
    std::string_view word = text_.substr(at_, end - at_);
    constexpr std::string_view kReserved[] = {"if",    "then",  "elif", "else", "fi",      "for",  "select",
                                              "while", "until", "do",   "done", "case",    "esac", "{",
                                              "}",     "!",     "[[",   "time", "function"};
    for (auto known : kReserved)
      if (word == known) return known;
    return {};
  }

  bool take(std::string_view word) {
    skip_lines();
    if (reserved() != word) return fail(format("expected \"{}\"", word));
    at_ += word.size();
    return true;
  }

  bool at_stop(const Stops& stops) const {
    if (is_end()) return true;
    std::string_view word = reserved();
    for (auto stop : stops)
      if (stop == ")" || stop == ";;" || stop == ";&" ? looking_at(stop) : word == stop) return true;
    return false;
  }

  bool parse_list(Script& into, const Stops& stops) {
    for (skip_lines(); !at_stop(stops) && !failure_; skip_lines()) {
      if (!parse_and_or(into.emplace_back())) return false;
      skip_blanks();
      if (at_stop(stops)) return true;
      if (looking_at(";;")) return fail("unexpected \";;\"");
      if (peek() == ';' || peek() == '&')
        ++at_;
      else if (peek() != '\n')
        return fail(format("unexpected \"{}\"", printable(text_.substr(at_, 1))));
    }
    return !failure_;
  }

  // A node of one child becomes that child.
  static void collapse(Node& node) {
    if (node.children.size() != 1) return;
    Node only = std::move(node.children[0]);
    node = std::move(only);
  }

  bool parse_and_or(Node& node) {
    node.kind = Kind::AndOr;
    node.begin = at_;
    while (parse_pipeline(node.children.emplace_back())) {
      skip_blanks();
      if (!looking_at("&&") && !looking_at("||")) break;
      node.connectors.emplace_back(text_.substr(at_, 2));
      at_ += 2;
      skip_lines();
    }
    node.end = at_;
    collapse(node);
    return !failure_;
  }

  bool parse_pipeline(Node& node) {
    node.kind = Kind::Pipeline;
    skip_blanks();
    for (auto word = reserved(); word == "!" || word == "time"; word = reserved()) {
      at_ += word.size();
      skip_blanks();
    }
    node.begin = at_;
    while (parse_command(node.children.emplace_back())) {
      skip_blanks();
      if (peek() != '|' || peek(1) == '|') break;
      at_ += peek(1) == '&' ? 2 : 1;
      skip_lines();
    }
    node.end = at_;
    collapse(node);
    return !failure_;
  }

  bool parse_command(Node& node) {
    if (depth_ >= kDepthMax) return fail(format("commands nest deeper than {}", kDepthMax));
    ++depth_;
    node.begin = at_;
    bool done = dispatch(node);
    node.end = at_;
    --depth_;
    return done && !failure_;
  }

  bool dispatch(Node& node) {
    if (looking_at("((")) return parse_arithmetic(node) && parse_redirections(node);
    if (peek() == '(') return parse_subshell(node) && parse_redirections(node);
    std::string_view word = reserved();
    if (word.empty()) return parse_simple(node);
    if (word == "[[") return parse_condition(node);
    if (word == "function") return parse_function_keyword(node);
    at_ += word.size();
    bool done = word == "{"                          ? parse_group(node)
                : word == "if"                       ? parse_if(node)
                : word == "while" || word == "until" ? parse_while(node)
                : word == "for" || word == "select"  ? parse_for(node)
                : word == "case"                     ? parse_case(node)
                                                     : (at_ -= word.size(), fail(format("unexpected \"{}\"", word)));
    return done && parse_redirections(node);
  }

  bool parse_subshell(Node& node) {
    node.kind = Kind::Subshell;
    ++at_;
    if (!parse_list(node.children, {")"})) return false;
    return close(")");
  }

  bool close(std::string_view end) {
    if (!looking_at(end)) return fail(format("expected \"{}\"", end));
    at_ += end.size();
    return true;
  }

  bool parse_arithmetic(Node& node) {
    node.kind = Kind::Condition;
    std::size_t end = text_.find("))", at_);
    if (end == std::string_view::npos) return fail("expected \"))\"");
    at_ = end + 2;
    return true;
  }

  bool parse_group(Node& node) {
    node.kind = Kind::Group;
    return parse_list(node.children, {"}"}) && take("}");
  }

  bool parse_if(Node& node) {
    node.kind = Kind::If;
    if (!parse_list(node.children, {"then"}) || !take("then")) return false;
    if (!parse_list(node.children, {"elif", "else", "fi"})) return false;
    while (reserved() == "elif") {
      at_ += 4;
      if (!parse_list(node.children, {"then"}) || !take("then")) return false;
      if (!parse_list(node.children, {"elif", "else", "fi"})) return false;
    }
    if (reserved() == "else") {
      at_ += 4;
      if (!parse_list(node.children, {"fi"})) return false;
    }
    return take("fi");
  }

  bool parse_body(Node& node) { return take("do") && parse_list(node.children, {"done"}) && take("done"); }

  bool parse_while(Node& node) {
    node.kind = Kind::Loop;
    return parse_list(node.children, {"do"}) && parse_body(node);
  }

  bool parse_for(Node& node) {
    node.kind = Kind::Loop;
    skip_blanks();
    if (looking_at("((")) {
      Node header;
      if (!parse_arithmetic(header)) return false;
    } else {
      Word name;
      if (!parse_word(name)) return fail("expected a variable's name");
      skip_lines();
      Word in;
      if (looking_at("in") && kWordEnds.find(peek(2)) != std::string_view::npos && parse_word(in)) {
        for (skip_blanks(); !is_end() && peek() != ';' && peek() != '\n'; skip_blanks())
          if (!parse_word(node.words.emplace_back())) return fail("expected a word");
      }
    }
    skip_blanks();
    if (peek() == ';') ++at_;
    return parse_body(node);
  }

  bool parse_case(Node& node) {
    node.kind = Kind::Case;
    skip_blanks();
    if (!parse_word(node.words.emplace_back())) return fail("expected a word");
    skip_lines();
    Word in;
    if (!looking_at("in") || !parse_word(in)) return fail("expected \"in\"");
    for (skip_lines(); reserved() != "esac"; skip_lines()) {
      if (is_end()) return fail("expected \"esac\"");
      if (peek() == '(') ++at_;
      if (!parse_patterns() || !parse_list(node.children, {";;", ";&", "esac"})) return false;
      if (looking_at(";;&"))
        at_ += 3;
      else if (looking_at(";;") || looking_at(";&"))
        at_ += 2;
    }
    return take("esac");
  }

  bool parse_patterns() {
    for (;;) {
      Word pattern;
      skip_blanks();
      if (!parse_word(pattern)) return fail("expected a pattern");
      skip_blanks();
      if (peek() == ')') return ++at_, true;
      if (peek() != '|') return fail("expected \")\"");
      ++at_;
    }
  }

  bool parse_function_keyword(Node& node) {
    at_ += std::string_view("function").size();
    skip_blanks();
    Word name;
    if (!parse_word(name)) return fail("expected a function's name");
    skip_blanks();
    if (looking_at("()")) at_ += 2;
    return parse_function_body(node);
  }

  bool parse_function_body(Node& node) {
    node.kind = Kind::Function;
    skip_lines();
    return parse_command(node.children.emplace_back());
  }

  // [[ … ]]: its operators are no redirections and no pipes, so it is read word by word to its end.
  bool parse_condition(Node& node) {
    node.kind = Kind::Condition;
    at_ += 2;
    for (;;) {
      skip_lines();
      if (is_end()) return fail("expected \"]]\"");
      if (looking_at("]]")) break;
      if (std::string_view("<>()&|;").find(peek()) != std::string_view::npos)
        ++at_;
      else if (!parse_word(node.words.emplace_back()))
        return false;
    }
    at_ += 2;
    return parse_redirections(node);
  }

  bool parse_redirections(Node& node) {
    for (skip_blanks(); at_redirection(); skip_blanks())
      if (!parse_redirection(node)) return false;
    return !failure_;
  }

  // [n]< [n]> &> and their longer forms; <( and >( are words.
  bool at_redirection() const {
    std::size_t i = at_;
    while (i < text_.size() && text_[i] >= '0' && text_[i] <= '9') ++i;
    if (i == at_ && text_.substr(i).starts_with("&>")) return true;
    if (i >= text_.size() || (text_[i] != '<' && text_[i] != '>')) return false;
    return i != at_ || i + 1 >= text_.size() || text_[i + 1] != '(';
  }

  bool parse_redirection(Node& node) {
    std::size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    constexpr std::string_view kOperators[] = {"<<<", "<<-", "&>>", "<<", ">>", "<&", ">&", "<>", ">|", "&>", "<", ">"};
    for (auto one : kOperators)
      if (looking_at(one)) {
        at_ += one.size();
        Redirection redirection;
        redirection.operation = text_.substr(begin, at_ - begin);
        skip_blanks();
        if (!parse_word(redirection.target)) return fail("expected a word behind the redirection");
        if (one == "<<" || one == "<<-") pending_.push_back({redirection.target.text, one == "<<-"});
        node.redirections.push_back(std::move(redirection));
        return true;
      }
    return fail("expected a redirection");
  }

  static bool is_assignment(const Word& word) {
    std::size_t i = 0;
    while (i < word.raw.size() && is_name_byte(word.raw[i])) ++i;
    if (i == 0 || (word.raw[0] >= '0' && word.raw[0] <= '9')) return false;
    if (i < word.raw.size() && word.raw[i] == '[') i = std::min(word.raw.find(']', i), word.raw.size() - 1) + 1;
    std::string_view rest = std::string_view(word.raw).substr(i);
    return rest.starts_with('=') || rest.starts_with("+=");
  }

  bool parse_simple(Node& node) {
    node.kind = Kind::Simple;
    for (skip_blanks(); !is_end() && !failure_; skip_blanks()) {
      if (at_redirection()) {
        if (!parse_redirection(node)) return false;
        continue;
      }
      bool process = looking_at("<(") || looking_at(">(");
      if (!process && std::string_view(";&|\n)").find(peek()) != std::string_view::npos) break;
      if (peek() == '(') {
        bool is_definition = node.words.size() == 1 && node.assignments.empty();
        if (!is_definition) return fail("unexpected \"(\"");
        ++at_;
        skip_blanks();
        return close(")") && parse_function_body(node);
      }
      Word word;
      if (!parse_word(word)) return false;
      if (node.words.empty() && is_assignment(word)) {
        if (word.raw.ends_with('=') && peek() == '(' && !skip_array()) return false;
        node.assignments.push_back(std::move(word));
      } else {
        node.words.push_back(std::move(word));
      }
    }
    if (node.words.empty() && node.assignments.empty() && node.redirections.empty() && !failure_)
      return fail(is_end() ? "the command ends too early"
                           : format("unexpected \"{}\"", printable(text_.substr(at_, 1))));
    return !failure_;
  }

  bool skip_array() {
    ++at_;
    for (skip_lines(); !is_end() && peek() != ')'; skip_lines()) {
      Word element;
      if (!parse_word(element)) return false;
    }
    return close(")");
  }

  bool parse_word(Word& word) {
    if (++words_ > kWordsMax) return fail(format("more than {} words", kWordsMax));
    word.begin = at_;
    while (!is_end() && !failure_) {
      char c = peek();
      if ((looking_at("<(") || looking_at(">(")) && at_ == word.begin) {
        word.text += c;
        at_ += 1;
        if (!command_substitution(word)) return false;
        continue;
      }
      if (kWordEnds.find(c) != std::string_view::npos) break;
      if (!word_piece(word, c)) return false;
    }
    word.end = at_;
    word.raw = text_.substr(word.begin, at_ - word.begin);
    if (word.raw.empty() && !failure_)
      return fail(is_end() ? "the command ends too early"
                           : format("unexpected \"{}\"", printable(text_.substr(at_, 1))));
    return !failure_;
  }

  bool word_piece(Word& word, char c) {
    switch (c) {
      case '\\':
        if (peek(1) != '\n' && at_ + 1 < text_.size()) word.text += peek(1);
        at_ = std::min(at_ + 2, text_.size());
        return true;
      case '\'':
        return single_quoted(word);
      case '"':
        return double_quoted(word);
      case '`':
        return backquoted(word);
      case '$':
        return dollar(word);
      default:
        word.text += c;
        ++at_;
        return true;
    }
  }

  bool single_quoted(Word& word) {
    std::size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return fail("the quote ' is not closed");
    word.text += text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }

  bool double_quoted(Word& word) {
    std::size_t begin = at_++;
    while (!is_end() && peek() != '"') {
      char c = peek();
      if (c == '\\') {
        if (std::string_view("$`\"\\\n").find(peek(1)) == std::string_view::npos) word.text += c;
        if (peek(1) != '\n' && at_ + 1 < text_.size()) word.text += peek(1);
        at_ = std::min(at_ + 2, text_.size());
      } else if (c == '$' ? !dollar(word) : c == '`' ? !backquoted(word) : (word.text += c, ++at_, false)) {
        return false;
      }
    }
    if (is_end()) return at_ = begin, fail("the quote \" is not closed");
    ++at_;
    return true;
  }

  bool backquoted(Word& word) {
    std::size_t begin = at_, end = at_ + 1;
    while (end < text_.size() && text_[end] != '`') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return fail("the quote ` is not closed");
    at_ = end + 1;
    word.is_literal = false;
    word.text += text_.substr(begin, at_ - begin);
    return nested(word, begin + 1, end);
  }

  // Reads text_[begin, end) as a script of its own, with offsets of ours.
  bool nested(Word& word, std::size_t begin, std::size_t end) {
    if (depth_ >= kDepthMax) return fail(format("commands nest deeper than {}", kDepthMax));
    Parser inner(text_.substr(0, end), depth_ + 1);
    inner.at_ = begin;
    auto parsed = inner.run();
    words_ += inner.words_;
    if (parsed.failure) return failure_ = parsed.failure, false;
    word.inner.push_back(std::move(parsed.script));
    return true;
  }

  bool dollar(Word& word) {
    std::size_t begin = at_;
    char next = peek(1);
    if (next == '\'') return ++at_, ansi_quoted(word);
    if (looking_at("$((")) {
      std::size_t close = balanced(at_ + 1, '(', ')');
      if (close != std::string_view::npos && text_[close - 1] == ')') return expansion_to(word, close + 1);
    }
    if (next == '(') {
      ++at_;
      word.is_literal = false;
      word.text += '$';
      return command_substitution(word);
    }
    if (next == '{') {
      std::size_t close = balanced(at_ + 1, '{', '}');
      if (close == std::string_view::npos) return fail("\"${\" is not closed");
      return expansion_to(word, close + 1);
    }
    std::size_t end = begin + 1;
    if (is_name_byte(next) && !(next >= '0' && next <= '9'))
      while (end < text_.size() && is_name_byte(text_[end])) ++end;
    else if (end < text_.size() &&
             (std::string_view("@*#?-$!").find(next) != std::string_view::npos || is_name_byte(next)))
      ++end;
    if (end == begin + 1) return word.text += '$', ++at_, true;
    return expansion_to(word, end);
  }

  bool expansion_to(Word& word, std::size_t end) {
    word.is_literal = false;
    word.text += text_.substr(at_, end - at_);
    at_ = end;
    return true;
  }

  bool ansi_quoted(Word& word) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != '\'') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return fail("the quote $' is not closed");
    word.text += text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }

  // The bracket that closes the one at `open`; quotes and escapes are passed over.
  std::size_t balanced(std::size_t open, char opening, char closing) const {
    int level = 0;
    char quote = 0;
    for (std::size_t i = open; i < text_.size(); ++i) {
      char c = text_[i];
      if (c == '\\' && quote != '\'')
        ++i;
      else if (quote)
        quote = c == quote ? 0 : quote;
      else if (c == '\'' || c == '"')
        quote = c;
      else if (c == opening)
        ++level;
      else if (c == closing && --level == 0)
        return i;
    }
    return std::string_view::npos;
  }

  // At the "(" of $(…) or <(…).
  bool command_substitution(Word& word) {
    if (depth_ >= kDepthMax) return fail(format("commands nest deeper than {}", kDepthMax));
    std::size_t begin = at_++;
    word.is_literal = false;
    ++depth_;
    Script script;
    bool done = parse_list(script, {")"}) && close(")");
    --depth_;
    if (!done) return false;
    word.text += text_.substr(begin, at_ - begin);
    word.inner.push_back(std::move(script));
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_;
  std::size_t words_ = 0;
  std::vector<Pending> pending_;
  std::optional<Failure> failure_;
};

void visit_words(const std::vector<Word>& words, const std::function<void(const Node&)>& seen) {
  for (const auto& word : words)
    for (const auto& script : word.inner) visit(script, seen);
}

}  // namespace

Parsed parse(std::string_view text) {
  if (text.size() > kScriptBytesMax) return {{}, Failure{0, "the script is larger than 1 MiB"}};
  return Parser(text, 0).run();
}

void visit(const Script& script, const std::function<void(const Node&)>& seen) {
  for (const auto& node : script) {
    seen(node);
    visit_words(node.assignments, seen);
    visit_words(node.words, seen);
    for (const auto& redirection : node.redirections) visit_words({redirection.target}, seen);
    visit(node.children, seen);
  }
}

}  // namespace pratique::lint::shell
