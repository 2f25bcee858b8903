// Findings for people at a terminal and for GitHub's pages.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/lint.h"

namespace pratique::lint {

namespace {

constexpr std::size_t kSourceColumnsMax = 160;  // a line of a megabyte is not shown whole

std::string coloured(std::string_view code, std::string_view text, bool colour) {
  return colour ? format("\033[{}m{}\033[0m", code, text) : std::string(text);
}

std::string_view colour_of(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "31";
    case Severity::Warning:
      return "33";
    case Severity::Info:
    case Severity::Style:
      return "36";
  }
  return "36";
}

// The line, and carets below what the finding is about. Tabs become one blank so that the carets stand right.
std::string source_lines(const Dockerfile& file, const Finding& finding, bool colour) {
  std::string_view line = file.line(finding.from.line);
  std::size_t first = finding.from.column - 1;
  std::size_t skipped = first > kSourceColumnsMax / 2 ? first - kSourceColumnsMax / 2 : 0;
  std::string shown = printable(replace_all(line.substr(std::min(skipped, line.size()), kSourceColumnsMax), "\t", " "),
                                kSourceColumnsMax * 4);
  std::size_t end = finding.to.line == finding.from.line ? finding.to.column - 1 : line.size();
  std::size_t width = std::max<std::size_t>(1, std::min(end, skipped + kSourceColumnsMax) - std::min(first, end));
  width = std::min(width, kSourceColumnsMax);
  std::string margin = format("{:>5} | ", finding.from.line);
  return format("{}{}\n{}| {}{}\n", margin, shown, std::string(6, ' '), std::string(first - skipped, ' '),
                coloured(colour_of(finding.severity), std::string(width, '^'), colour));
}

std::string counted(std::size_t count, std::string_view what) {
  return format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// The characters GitHub's workflow commands give a meaning to.
std::string github_escaped(std::string_view text, bool is_property) {
  std::string out = replace_all(text, "%", "%25");
  out = replace_all(replace_all(out, "\r", "%0D"), "\n", "%0A");
  return is_property ? replace_all(replace_all(out, ":", "%3A"), ",", "%2C") : out;
}

}  // namespace

std::string render_text(const Checked& checked, bool colour) {
  const Report& report = checked.report;
  std::string out;
  std::size_t counts[4] = {};
  for (const auto& finding : report.findings) {
    ++counts[static_cast<std::size_t>(finding.severity)];
    out += format("{}:{}:{}: {} {}: {}\n", printable(report.file), finding.from.line, finding.from.column,
                  coloured(colour_of(finding.severity), to_string(finding.severity), colour),
                  coloured("1", finding.rule->id, colour), finding.message);
    out += source_lines(*checked.file, finding, colour);
    out += format("      = {}\n      = {}\n\n", finding.rule->harm, finding.rule->fix);
  }
  for (const auto& one : report.suppressed)
    if (one.reason.empty())
      out += format("{}:{}: note: {} is ignored on {} without a reason\n", printable(report.file),
                    one.finding.from.line, one.finding.rule->id, one.where);
  if (report.is_cut)
    out += format("{}: there are more than {} findings; the rest is not shown\n", report.file, kFindingsMax);
  out += format("{}: {}, {}, {}", printable(report.file), counted(counts[3], "error"), counted(counts[2], "warning"),
                counted(counts[1] + counts[0], "hint"));
  if (!report.suppressed.empty()) out += format(", {} ignored", report.suppressed.size());
  return out + "\n";
}

std::string render_github(const Checked& checked) {
  std::string out;
  for (const auto& finding : checked.report.findings) {
    std::string_view kind = finding.severity == Severity::Error     ? "error"
                            : finding.severity == Severity::Warning ? "warning"
                                                                    : "notice";
    bool one_line = finding.from.line == finding.to.line;
    std::string end = one_line ? format(",endColumn={}", std::max(finding.to.column, finding.from.column)) : "";
    out += format("::{} file={},line={},endLine={},col={}{},title={}::{}\n", kind,
                  github_escaped(printable(checked.report.file), true), finding.from.line, finding.to.line,
                  finding.from.column, end, github_escaped(finding.rule->id, true),
                  github_escaped(printable(finding.message, 1000) + ". " + std::string(finding.rule->fix), false));
  }
  return out;
}

}  // namespace pratique::lint
