// From bytes to instructions: directives, comments, continuation lines, heredocs, stages. What one instruction means
// is instruction.cc. The rules of line joining are those of BuildKit's frontend, whose files these are.
#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/text.h"
#include "lint/expand.h"
#include "lint/syntax.h"

namespace pratique::lint {

void Text::append(std::string_view piece, std::size_t source) {
  bool follows = !pieces_.empty() && pieces_.back().source + (text_.size() - pieces_.back().at) == source;
  if (!follows) pieces_.push_back({text_.size(), source});
  text_ += piece;
}

std::size_t Text::source(std::size_t at) const {
  if (pieces_.empty()) return 0;
  auto behind = std::upper_bound(pieces_.begin(), pieces_.end(), at,
                                 [](std::size_t wanted, const Piece& piece) { return wanted < piece.at; });
  const Piece& piece = *std::prev(behind);
  return piece.source + (at - piece.at);
}

Span Text::span(std::size_t begin, std::size_t end) const {
  if (begin >= end) return {source(begin), source(begin)};
  return {source(begin), source(end - 1) + 1};
}

Text Text::part(std::size_t begin, std::size_t end) const {
  Text out;
  if (begin >= end) {
    out.append("", source(begin));
    return out;
  }
  auto piece = std::prev(std::upper_bound(pieces_.begin(), pieces_.end(), begin,
                                          [](std::size_t wanted, const Piece& p) { return wanted < p.at; }));
  while (begin < end) {
    std::size_t stop = std::next(piece) == pieces_.end() ? text_.size() : std::next(piece)->at;
    stop = std::min(stop, end);
    out.append(std::string_view(text_).substr(begin, stop - begin), piece->source + (begin - piece->at));
    begin = stop;
    ++piece;
  }
  return out;
}

const Flag* Instruction::flag(std::string_view flag_name) const {
  for (const auto& candidate : flags)
    if (candidate.name == flag_name) return &candidate;
  return nullptr;
}

Position Dockerfile::position(std::size_t offset) const {
  auto behind = std::upper_bound(line_starts.begin(), line_starts.end(), offset);
  std::size_t line = static_cast<std::size_t>(behind - line_starts.begin());
  return {line, offset - line_starts[line - 1] + 1};
}

std::string_view Dockerfile::line(std::size_t number) const {
  if (number == 0 || number > line_starts.size()) return {};
  std::size_t begin = line_starts[number - 1];
  std::size_t end = number < line_starts.size() ? line_starts[number] : text.size();
  std::string_view line = std::string_view(text).substr(begin, end - begin);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view left_trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

class Reader {
 public:
  explicit Reader(Dockerfile& file) : file_(file), text_(file.text), problems_(file.problems) {}

  Status read() {
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
    read_directives();
    while (at_ < text_.size()) {
      auto line = next_logical_line();
      if (line.str().empty()) continue;
      if (file_.instructions.size() == kInstructionsMax)
        return over_limit(format("the file has more than {} instructions", kInstructionsMax));
      auto instruction = parse_instruction(line, file_.escape, problems_);
      read_heredocs(instruction);
      file_.instructions.push_back(std::move(instruction));
    }
    return {};
  }

 private:
  struct Line {
    std::string_view text;  // without its end
    std::size_t begin;
  };

  Line next_line() {
    std::size_t begin = at_, end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    std::string_view line = text_.substr(begin, std::min(end, text_.size()) - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return {line, begin};
  }

  void note_comment(const Line& line) {
    std::string_view comment = left_trimmed(line.text).substr(1);
    file_.comments.push_back({std::string(trim(comment)), file_.position(line.begin).line});
  }

  // "# name=value" lines at the very top. The first line that is anything else ends them.
  void read_directives() {
    std::set<std::string> seen;
    while (at_ < text_.size()) {
      std::size_t before = at_;
      Line line = next_line();
      std::string_view trimmed = left_trimmed(line.text);
      auto halves = trimmed.starts_with('#') ? cut(trimmed.substr(1), "=") : std::nullopt;
      std::string name = halves ? to_lower(trim(halves->first)) : "";
      if (name != "syntax" && name != "escape" && name != "check") {
        at_ = before;
        return;
      }
      note_comment(line);
      if (!seen.insert(name).second)
        problems_.add({line.begin, line.begin + line.text.size()}, format("the directive {} is given twice", name));
      set_directive(name, trim(halves->second), line);
    }
  }

  void set_directive(const std::string& name, std::string_view value, const Line& line) {
    if (name == "syntax") file_.syntax = value;
    if (name == "check") file_.checks = value;
    if (name != "escape") return;
    if (value == "\\" || value == "`")
      file_.escape = value[0];
    else
      problems_.add({line.begin, line.begin + line.text.size()},
                    format("the escape character is \\ or `, not \"{}\"", printable(value, 20)));
  }

  // The length of the line without its continuation; npos where it does not continue. Two escapes in a row are text.
  std::size_t continuation(std::string_view line) const {
    std::size_t end = line.size();
    while (end > 0 && is_blank(line[end - 1])) --end;
    if (end == 0 || line[end - 1] != file_.escape) return std::string_view::npos;
    if (end >= 2 && line[end - 2] == file_.escape) return std::string_view::npos;
    return end - 1;
  }

  // Comments and blank lines between continued lines vanish, as they do for the builder.
  Text next_logical_line() {
    Text joined;
    while (at_ < text_.size()) {
      Line line = next_line();
      std::string_view trimmed = left_trimmed(line.text);
      if (trimmed.starts_with('#')) {
        note_comment(line);
        continue;
      }
      if (trimmed.empty()) {
        if (joined.str().empty()) return joined;
        continue;
      }
      if (joined.str().empty()) line = {trimmed, line.begin + (line.text.size() - trimmed.size())};
      std::size_t kept = continuation(line.text);
      joined.append(line.text.substr(0, kept), line.begin);
      if (kept == std::string_view::npos) return joined;
      if (joined.str().empty()) joined.append(" ", line.begin);  // the line was the escape alone: still continued
    }
    return joined;
  }

  void read_heredocs(Instruction& instruction) {
    for (auto& inner : instruction.inner) {
      read_heredocs(inner);
      instruction.span.end = std::max(instruction.span.end, inner.span.end);
    }
    for (auto& heredoc : instruction.heredocs) {
      bool is_closed = false;
      std::size_t begin = at_;
      while (at_ < text_.size() && !is_closed) {
        Line line = next_line();
        std::string_view content = line.text;
        if (heredoc.strips_tabs)
          while (content.starts_with('\t')) content.remove_prefix(1);
        is_closed = content == heredoc.name;
        if (is_closed) instruction.span.end = line.begin + line.text.size();
        if (!is_closed)
          heredoc.content.append(text_.substr(line.begin + (line.text.size() - content.size()), content.size()),
                                 line.begin + (line.text.size() - content.size()));
        // The line's own end: a carriage return in a heredoc arrives in the script.
        auto end = line.begin + line.text.size();
        if (!is_closed) heredoc.content.append(at_ > end ? text_.substr(end, at_ - end) : "\n", end);
      }
      if (heredoc.content.str().empty()) heredoc.content.append("", begin);
      if (is_closed) continue;
      instruction.span.end = text_.size();
      problems_.add(heredoc.redirection.span, format("unterminated heredoc: no line \"{}\"", printable(heredoc.name)));
    }
  }

  Dockerfile& file_;
  std::string_view text_;
  std::size_t at_ = 0;
  Problems problems_;
};

bool is_stage_name(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  return kLetters.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string_view::npos;
}

// ARG before the first FROM is what FROM may use; inside stages its value must be asked for again.
void collect_stages(Dockerfile& file) {
  Problems problems(file.problems);
  Variables global;
  std::map<std::string, std::size_t, std::less<>> latest;  // of each name; a file may have thousands of stages
  for (std::size_t i = 0; i < file.instructions.size(); ++i) {
    Instruction& instruction = file.instructions[i];
    if (instruction.keyword == Keyword::From) {
      Stage stage;
      stage.from = i;
      if (!instruction.words.empty()) stage.base = instruction.words[0];
      if (const Flag* platform = instruction.flag("platform")) stage.platform = platform->value;
      auto expanded = expand(stage.base.text, file.escape, global);
      stage.image = expanded.text;
      stage.image_is_known = expanded.is_known;
      if (auto named = latest.find(to_lower(stage.image)); named != latest.end()) stage.parent = named->second;
      if (instruction.words.size() == 3) stage.name = to_lower(instruction.words[2].value);
      if (!stage.name.empty() && !is_stage_name(stage.name))
        problems.add(instruction.words[2].span, "a stage's name is a letter, then letters, digits, - _ and .");
      if (!stage.name.empty()) latest[stage.name] = file.stages.size();
      file.stages.push_back(std::move(stage));
    }
    if (!file.stages.empty()) {
      instruction.stage = file.stages.size() - 1;
      file.stages.back().end = i + 1;
      for (auto& inner : instruction.inner) inner.stage = instruction.stage;
    } else if (instruction.keyword == Keyword::Arg) {
      declare_arguments(instruction, file.escape, global);
    }
  }
  if (file.stages.empty()) problems.add({0, 0}, "the file has no FROM: nothing would be built");
}

void check_encoding(Dockerfile& file) {
  if (auto zero = file.text.find('\0'); zero != std::string::npos)
    Problems(file.problems).add({zero, zero + 1}, "the file holds a NUL byte: this is no text");
  else if (!is_utf8(file.text))
    for (std::size_t number = 1; number <= file.line_starts.size(); ++number)
      if (auto line = file.line(number); !is_utf8(line)) {
        std::size_t begin = file.line_starts[number - 1];
        Problems(file.problems).add({begin, begin + line.size()}, "the line is not UTF-8");
        return;
      }
}

}  // namespace

Result<Dockerfile> parse(std::string text) {
  if (text.size() > kFileBytesMax)
    return over_limit(
        format("the file has {}; at most {} are read", human_bytes(text.size()), human_bytes(kFileBytesMax)));
  Dockerfile file;
  file.text = std::move(text);
  file.line_starts = {0};
  for (std::size_t i = 0; i < file.text.size(); ++i)
    if (file.text[i] == '\n' && i + 1 < file.text.size()) file.line_starts.push_back(i + 1);
  check_encoding(file);
  TRY(Reader(file).read());
  collect_stages(file);
  return file;
}

}  // namespace pratique::lint
