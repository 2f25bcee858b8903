// Program sources: what in them reaches for a network that is not there. Reads Python, R and Julia far enough to tell a
// call from a comment and an address from prose; the rest of a file is not understood and need not be.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/path.h"

namespace pratique::scan {

namespace {

constexpr std::array<std::string_view, 6> kEndings = {".py", ".R", ".r", ".Rmd", ".qmd", ".jl"};

constexpr std::array<std::string_view, 10> kPackagePlaces = {
    "usr/lib/",   "usr/share/",    "usr/include/", "usr/local/lib/", "usr/local/share/",
    "opt/conda/", "opt/miniconda", "opt/R/",       "opt/julia",      "proc/"};
constexpr std::array<std::string_view, 12> kPackageDirectories = {
    "site-packages", "dist-packages", "node_modules", ".git", ".julia",  "venv",
    ".venv",         "miniconda3",    "anaconda3",    "renv", "packrat", "__pycache__"};

struct Call {
  std::string_view name;  // the last of the words, or all of them
  NoteKind kind;
};
constexpr std::array<Call, 30> kCalls = {{
    {"from_pretrained", NoteKind::HubCall},
    {"hf_hub_download", NoteKind::HubCall},
    {"snapshot_download", NoteKind::HubCall},
    {"load_dataset", NoteKind::HubCall},
    {"hub.load", NoteKind::HubCall},
    {"nltk.download", NoteKind::HubCall},
    {"cli.download", NoteKind::HubCall},
    {"fetch_openml", NoteKind::HubCall},
    {"load_state_dict_from_url", NoteKind::HubCall},
    {"urlretrieve", NoteKind::Url},
    {"urlopen", NoteKind::Url},
    {"requests.get", NoteKind::Url},
    {"requests.post", NoteKind::Url},
    {"httpx.get", NoteKind::Url},
    {"wget.download", NoteKind::Url},
    {"pooch.retrieve", NoteKind::Url},
    {"get_file", NoteKind::Url},
    {"download.file", NoteKind::Url},
    {"curl_download", NoteKind::Url},
    {"httr.GET", NoteKind::Url},
    {"Downloads.download", NoteKind::Url},
    {"install.packages", NoteKind::InstallCall},
    {"install_github", NoteKind::InstallCall},
    {"BiocManager.install", NoteKind::InstallCall},
    {"pak.pkg_install", NoteKind::InstallCall},
    {"renv.restore", NoteKind::InstallCall},
    {"pip.main", NoteKind::InstallCall},
    {"Pkg.add", NoteKind::InstallCall},
    {"Pkg.instantiate", NoteKind::InstallCall},
    {"Pkg.update", NoteKind::InstallCall},
}};
constexpr std::array<std::string_view, 6> kSchemes = {"http://", "https://", "ftp://", "s3://", "gs://", "hf://"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

struct Token {
  enum class Kind { Word, Text, Sign, End } kind = Kind::End;
  std::string_view text;  // of a Text: its content
  std::uint32_t line = 0;
};

// Words (with the dots and colons between them), literals and single signs; comments and blanks are gone.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Token next() {
    skip();
    if (at_ >= text_.size()) return {Token::Kind::End, {}, line_};
    char c = text_[at_];
    if (c == '"' || c == '\'') return literal(c);
    auto begin = at_;
    if (!is_word(c)) return {Token::Kind::Sign, text_.substr(at_++, 1), line_};
    while (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '.' || text_[at_] == ':')) ++at_;
    return {Token::Kind::Word, text_.substr(begin, at_ - begin), line_};
  }

 private:
  void skip() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == '\n') {
        ++line_, ++at_;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }

  // A literal of one quote ends with its line, closed or not: an apostrophe in prose must not swallow the file.
  Token literal(char quote) {
    auto line = line_;
    bool is_long = text_.substr(at_, 3) == std::string(3, quote);
    at_ += is_long ? 3 : 1;
    auto begin = at_;
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '\n') {
        if (!is_long) break;
        ++line_;
      }
      if (c == quote && (!is_long || text_.substr(at_, 3) == std::string(3, quote))) {
        Token token{Token::Kind::Text, text_.substr(begin, at_ - begin), line};
        at_ += is_long ? 3 : 1;
        return token;
      }
      at_ += c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n' ? 2 : 1;
    }
    at_ = std::min(at_, text_.size());
    return {Token::Kind::Text, text_.substr(begin, at_ - begin), line};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

// "torch.hub.load" and "httr::GET" name what they call by their last words.
const Call* call_named(std::string_view word) {
  auto dotted = replace_all(replace_all(word, ":::", "."), "::", ".");
  for (const auto& call : kCalls) {
    if (dotted == call.name) return &call;
    if (dotted.ends_with(call.name) && dotted[dotted.size() - call.name.size() - 1] == '.') return &call;
  }
  return nullptr;
}

bool is_address(std::string_view text) {
  return std::ranges::any_of(kSchemes, [&](auto s) { return text.starts_with(s) && text.size() > s.size(); });
}

bool is_here(std::string_view path) {
  return path.starts_with('/') || path.starts_with("./") || path.starts_with("../");
}

class Reader {
 public:
  Reader(std::string_view content, Extract& out) : lexer_(content), out_(out) {}

  void read() {
    for (auto token = lexer_.next(); token.kind != Token::Kind::End; token = lexer_.next()) {
      if (token.kind == Token::Kind::Word && depth_ == 0) note_library(token);
      if (token.kind == Token::Kind::Sign) read_sign(token);
      if (token.kind == Token::Kind::Text) read_text(token);
      if (token.kind == Token::Kind::Word && open_) read_keyword(token);
      before_ = token;
    }
    close();
  }

 private:
  struct Open {
    const Call* call = nullptr;
    std::uint32_t line = 0;
    std::size_t depth = 0;
    std::string argument;
    bool has_argument = false;
    bool is_local = false;
  };

  void note(NoteKind kind, std::uint32_t line, std::string_view text) {
    if (out_.notes.size() < kNotesPerFileMax) out_.notes.push_back({kind, line, printable(trim(text), kNoteBytesMax)});
  }

  void note_library(const Token& token) {
    if (before_.text != "import" && before_.text != "from") return;
    auto library = token.text.substr(0, token.text.find('.'));
    if (library == "transformers" || library == "huggingface_hub" || library == "datasets")
      note(NoteKind::HubUse, token.line, library);
  }

  void read_sign(const Token& token) {
    char sign = token.text[0];
    if (sign == '(') {
      ++depth_;
      const auto* call = before_.kind == Token::Kind::Word ? call_named(before_.text) : nullptr;
      if (call && !open_) open_ = Open{.call = call, .line = before_.line, .depth = depth_, .argument = ""};
    }
    if (sign == ')' && depth_ > 0) {
      if (open_ && open_->depth == depth_) close();
      --depth_;
    }
  }

  void read_text(const Token& token) {
    // A literal that stands alone is a docstring.
    bool is_used = before_.kind == Token::Kind::Sign && contains("([{,=+<-:", before_.text);
    bool is_formatted = before_.kind == Token::Kind::Word && before_.text.size() <= 2;  // f"…", rb'…'
    if (open_ && !open_->has_argument && depth_ == open_->depth) {
      open_->argument = std::string(token.text.substr(0, kNoteBytesMax));
      open_->has_argument = true;
      return;
    }
    if ((is_used || is_formatted) && is_address(token.text)) note(NoteKind::Url, token.line, token.text);
    if (is_used && contains(token.text, "pip install ")) note(NoteKind::InstallCall, token.line, token.text);
  }

  void read_keyword(const Token& token) {
    if (token.text == "local_files_only" || token.text == "cache_dir") open_->is_local = true;
  }

  void close() {
    if (!open_) return;
    auto open = *std::exchange(open_, std::nullopt);
    // A name that comes from elsewhere may be a path; only what is written out is known to be none.
    if (open.call->kind == NoteKind::HubCall && (open.is_local || !open.has_argument || is_here(open.argument))) return;
    if (open.call->kind == NoteKind::Url && open.has_argument && !is_address(open.argument)) return;
    auto argument = open.has_argument ? "\"" + open.argument + "\"" : std::string();
    note(open.call->kind, open.line, std::string(open.call->name) + "(" + argument + ")");
  }

  Lexer lexer_;
  Extract& out_;
  Token before_;
  std::size_t depth_ = 0;
  std::optional<Open> open_;
};

// Of a document, the code between its fences; other lines are left empty, so that line numbers stay.
std::string code_of(std::string_view document) {
  std::string code;
  bool is_inside = false;
  Lines lines(document);
  for (std::string_view line; lines.next(line);) {
    bool is_fence = trim(line).starts_with("```");
    if (is_fence) is_inside = !is_inside && contains(line, "{");
    if (is_inside && !is_fence) code += line;
    code += '\n';
  }
  return code;
}

}  // namespace

bool is_of_packages(std::string_view path) {
  for (auto place : kPackagePlaces)
    if (path.starts_with(place)) return true;
  for (auto component : split(path, '/'))
    if (std::ranges::find(kPackageDirectories, component) != kPackageDirectories.end()) return true;
  return false;
}

bool wants_sources(std::string_view path) {
  return std::ranges::any_of(kEndings, [&](auto ending) { return path.ends_with(ending); }) && !is_of_packages(path);
}

void extract_sources(std::string_view path, std::string_view content, Extract& out) {
  bool is_document = path.ends_with("md");
  auto code = is_document ? code_of(content) : std::string();
  Reader(is_document ? std::string_view(code) : content, out).read();
}

}  // namespace pratique::scan
