// Runs the table of rules over a file: severities of the profile, suppressions, order.
#include <algorithm>
#include <tuple>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"

namespace pratique::lint {

namespace {

constexpr std::string_view kSeverities[] = {"style", "info", "warning", "error"};

std::vector<Rule> make_table() {
  std::vector<Rule> all;
  for (auto part : {structure_rules(), stage_rules(), package_rules(), command_rules(), label_rules(), secret_rules(),
                    environment_rules()})
    all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end(), [](const Rule& a, const Rule& b) { return a.id < b.id; });
  return all;
}

// "AVD-DS-0005", "ds005" and "DS-0005" are one check; other ids only differ in case.
std::string canonical(std::string_view id) {
  std::string text = to_lower(trim(id));
  if (text.starts_with("avd-")) text.erase(0, 4);
  if (text.starts_with("tre-")) text.erase(0, 4);
  if (!text.starts_with("ds")) return text;
  auto number = parse_decimal(std::string_view(text).substr(text.starts_with("ds-") ? 3 : 2));
  return number ? format("ds-{:04}", *number) : text;
}

bool is_named(const Rule& rule, const std::string& wanted) {
  if (canonical(rule.id) == wanted) return true;
  for (auto alias : split(rule.aliases, ' '))
    if (!alias.empty() && canonical(alias) == wanted) return true;
  return false;
}

std::set<const Rule*> named(const std::set<std::string>& ids) {
  std::set<const Rule*> found;
  for (const auto& id : ids)
    for (const Rule* rule : find_rules(id)) found.insert(rule);
  return found;
}

// "# pratique ignore=A,B reason", "# hadolint ignore=A,B", "# trivy:ignore:A": for the instruction below, or on its
// lines.
struct Inline {
  std::size_t line = 0;
  bool is_global = false;
  std::vector<std::string> ids;
  std::string reason;
};

std::optional<Inline> parse_comment(const Comment& comment) {
  Inline out;
  out.line = comment.line;
  std::string_view text = comment.text;
  if (text.starts_with("trivy:ignore:")) {
    auto words = split(text.substr(13), ' ');
    out.ids.emplace_back(words[0]);
    out.reason = trim(text.substr(13 + words[0].size()));
    return out;
  }
  auto tool = text.starts_with("pratique ") ? 9 : text.starts_with("hadolint ") ? 9 : 0;
  if (!tool) return std::nullopt;
  text = trim(text.substr(static_cast<std::size_t>(tool)));
  out.is_global = text.starts_with("global ");
  if (out.is_global) text = trim(text.substr(7));
  if (!text.starts_with("ignore")) return std::nullopt;
  text = trim(text.substr(6));
  if (!text.starts_with('=')) return std::nullopt;
  text = trim(text.substr(1));
  // Ids are separated by commas, with or without blanks; what follows them is the reason.
  while (!text.empty()) {
    std::size_t end = text.find_first_of(", \t");
    out.ids.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end);
    bool more = trim(text).starts_with(',');
    text = trim(text);
    if (!more) break;
    text = trim(text.substr(1));
  }
  if (text.starts_with('#') || text.starts_with(':')) text = trim(text.substr(1));
  out.reason = text;
  return out;
}

class Suppressions {
 public:
  Suppressions(const Dockerfile& file, const Options& options) : file_(file), options_(options) {
    for (const auto& comment : file.comments)
      if (auto parsed = parse_comment(comment)) inline_.push_back(std::move(*parsed));
  }

  // Why the finding is not shown; nullopt where it is.
  std::optional<Suppressed> find(const Finding& finding) const {
    for (const auto& ignore : options_.ignores)
      if (is_named(*finding.rule, canonical(ignore.id))) return Suppressed{finding, ignore.reason, "ignore file"};
    auto [first, last] = lines_of(finding);
    for (const auto& one : inline_) {
      bool applies = one.is_global || (one.line >= first && one.line <= last);
      if (!applies) continue;
      for (const auto& id : one.ids)
        if (is_named(*finding.rule, canonical(id))) return Suppressed{finding, one.reason, format("line {}", one.line)};
    }
    return std::nullopt;
  }

 private:
  // The lines on which a comment speaks for this finding: its instruction, and the comments directly above.
  std::pair<std::size_t, std::size_t> lines_of(const Finding& finding) const {
    std::size_t first = finding.from.line, last = finding.to.line;
    for (const auto& instruction : file_.instructions) {
      if (finding.span.begin < instruction.span.begin || finding.span.begin > instruction.span.end) continue;
      first = file_.position(instruction.span.begin).line;
      last = file_.position(instruction.span.end).line;
      break;
    }
    while (first > 1 && trim(file_.line(first - 1)).starts_with('#')) --first;
    return {first, last};
  }

  const Dockerfile& file_;
  const Options& options_;
  std::vector<Inline> inline_;
};

}  // namespace

std::string_view to_string(Severity severity) {
  return kSeverities[static_cast<std::size_t>(severity)];
}

std::optional<Severity> parse_severity(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kSeverities); ++i)
    if (kSeverities[i] == text) return static_cast<Severity>(i);
  return std::nullopt;
}

std::optional<Profile> parse_profile(std::string_view text) {
  if (text == "general") return Profile::General;
  if (text == "gen3") return Profile::Gen3;
  if (text == "tre") return Profile::Tre;
  return std::nullopt;
}

std::span<const Rule> rules() {
  static const std::vector<Rule> kTable = make_table();
  return kTable;
}

std::vector<const Rule*> find_rules(std::string_view id) {
  std::vector<const Rule*> found;
  std::string wanted = canonical(id);
  for (const auto& rule : rules())
    if (is_named(rule, wanted)) found.push_back(&rule);
  return found;
}

Result<std::vector<Ignore>> parse_ignore_file(std::string_view text) {
  std::vector<Ignore> ignores;
  std::size_t number = 0;
  for (auto line : split(text, '\n')) {
    ++number;
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    auto end = line.find_first_of(" \t");
    std::string id(line.substr(0, end));
    if (find_rules(id).empty()) return invalid(format("line {}: there is no rule \"{}\"", number, printable(id, 40)));
    std::string_view reason = end == std::string_view::npos ? std::string_view() : trim(line.substr(end));
    if (reason.starts_with('#')) reason = trim(reason.substr(1));
    if (reason.empty()) return invalid(format("line {}: {} is ignored without a reason", number, id));
    ignores.push_back({id, std::string(reason)});
  }
  return ignores;
}

void Sink::add(Span span, std::string message) {
  if (report_.findings.size() >= kFindingsMax) {
    report_.is_cut = true;
    return;
  }
  span.end = std::min(std::max(span.begin, span.end), file_.text.size());
  span.begin = std::min(span.begin, span.end);
  report_.findings.push_back(
      {rule_, severity_, span, file_.position(span.begin), file_.position(span.end), std::move(message)});
}

bool Report::has(Severity at_least) const {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.severity >= at_least; });
}

Report check(const Dockerfile& file, const Options& options, std::string_view name) {
  Report report;
  report.file = name;
  Subject subject(file, options);
  Sink sink(file, report);
  auto blocking = named(options.blocking), enabled = named(options.enabled);
  for (const auto& rule : rules()) {
    auto severity = rule.severity[static_cast<std::size_t>(options.profile)];
    if (!severity && enabled.contains(&rule)) severity = Severity::Warning;
    if (blocking.contains(&rule)) severity = Severity::Error;
    if (!severity) continue;
    sink.begin(rule, *severity);
    rule.check(subject, sink);
    ++report.rules_run;
  }
  Suppressions suppressions(file, options);
  std::vector<Finding> kept;
  for (auto& finding : report.findings) {
    if (auto suppressed = suppressions.find(finding))
      report.suppressed.push_back(std::move(*suppressed));
    else
      kept.push_back(std::move(finding));
  }
  std::sort(kept.begin(), kept.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.span.begin, a.rule->id, a.message) < std::tie(b.span.begin, b.rule->id, b.message);
  });
  report.findings = std::move(kept);
  return report;
}

}  // namespace pratique::lint
