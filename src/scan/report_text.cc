#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "os/terminal.h"
#include "scan/report_view.h"

namespace pratique::scan {

namespace {

using os::Style;

// Fits a terminal that is a little wider than the default, and a page of paper.
constexpr std::size_t kColumns = 100;
// A package with more is shown with its worst; the JSON form has all.
constexpr std::size_t kIdsMax = 12;
// A hopeless image has thousands of gaps of one kind.
constexpr std::size_t kGapsMax = 60;
// Verdict sentences beyond this are in the decision itself.
constexpr std::size_t kReasonsMax = 10;
// Where a check failed: enough to find the rest.
constexpr std::size_t kPlacesMax = 5;

Style style_of(vuln::Severity severity) {
  switch (severity) {
    case vuln::Severity::Critical:
    case vuln::Severity::High:
      return Style::Red;
    case vuln::Severity::Medium:
    case vuln::Severity::Unknown:
      return Style::Yellow;
    case vuln::Severity::Low:
      return Style::Cyan;
    case vuln::Severity::Negligible:
      return Style::Dim;
  }
  return Style::Plain;
}

Style style_of_verdict(std::string_view verdict) {
  if (verdict == "approved") return Style::Green;
  return verdict == "rejected" ? Style::Red : Style::Yellow;
}

// How many columns a UTF-8 text takes, taking every character as one wide.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

class TextReport {
 public:
  TextReport(const ScanReport& report, const ReportContext& context, bool colour)
      : report_(report), context_(context), view_(view_of(report, context)), colour_(colour) {}

  std::string render() && {
    for (const auto& [label, value] : view_.facts) fact(label, value);
    verdict();
    line("");
    line(bold("Findings") + "     " + view_.counts + summary_of_fixes());
    for (const auto& layer : view_.layers) layer_section(layer);
    gaps();
    checklist();
    heading("What to do next");
    for (const auto& step : view_.next_steps) bullet("-", step);
    line("");
    paragraph(view_.coverage, 0, 0, Style::Dim);
    return std::move(out_);
  }

 private:
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }
  std::string bold(std::string_view text) const { return os::styled(Style::Bold, text, colour_); }
  void heading(std::string_view text) {
    line("");
    line(bold(text));
  }
  void fact(std::string_view label, std::string_view value) {
    line(format("{}{}", os::styled(Style::Dim, format("{:<13}", label), colour_), printable(value, 1000)));
  }
  // Words wrapped at the width; a longer word stays whole, because people copy it.
  void paragraph(std::string_view text, std::size_t first_indent, std::size_t indent, Style style = Style::Plain) {
    std::string current(first_indent, ' ');
    std::size_t used = first_indent;
    bool is_empty = true;
    for (auto word : split(text, ' ')) {
      auto width = columns(word);
      if (!is_empty && used + 1 + width > kColumns) {
        line(os::styled(style, current, colour_));
        current = std::string(indent, ' ');
        used = indent;
        is_empty = true;
      }
      current += is_empty ? "" : " ";
      used += width + (is_empty ? 0 : 1);
      current += word;
      is_empty = false;
    }
    line(os::styled(style, current, colour_));
  }
  void bullet(std::string_view mark, std::string_view text) {
    paragraph(format("{} {}", mark, printable(text, 2000)), 2, 4);
  }

  void verdict() {
    if (context_.verdict.empty()) return;
    line("");
    auto word = context_.verdict;
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    line(bold(os::styled(style_of_verdict(context_.verdict), printable(word), colour_)));
    auto shown = std::min(context_.reasons.size(), kReasonsMax);
    for (std::size_t i = 0; i < shown; ++i) bullet("-", context_.reasons[i]);
    if (shown < context_.reasons.size())
      bullet("-", format("and {} more; all of them are among the findings", context_.reasons.size() - shown));
  }

  std::string summary_of_fixes() const {
    if (report_.findings.empty()) return "";
    return format("; {} of {} can be fixed by upgrading", view_.fixable, report_.findings.size());
  }

  void layer_section(const LayerGroup& group) {
    line("");
    if (group.summary) {
      bool is_of_base = report_.base && static_cast<std::size_t>(group.layer) < report_.base->layers;
      line(format("{}{}  {}  {}  {}", bold(format("Layer {} of {}", group.layer + 1, report_.layers.size())),
                  is_of_base ? " (base)" : "", group.summary->digest.short_text(), human_bytes(group.summary->size),
                  plural(group.findings(), "finding")));
      if (!group.summary->instruction.empty()) paragraph(printable(group.summary->instruction, 300), 2, 4, Style::Dim);
    } else {
      line(bold("Of no layer we know"));
    }
    for (const auto& one : group.fixable) package(one, "upgrade to " + printable(one.upgrade_to));
    std::size_t minor_findings = 0, minor_packages = 0;
    for (const auto& one : group.unfixable) {
      if (is_minor(one.worst())) {
        minor_findings += one.findings.size();
        ++minor_packages;
      } else {
        package(one, std::string(explain(one.findings.front()->status)));
      }
    }
    if (minor_findings > 0)
      bullet("·", format("and {} of low or negligible severity without a fix, in {}", plural(minor_findings, "finding"),
                         plural(minor_packages, "package")));
  }

  void package(const PackageGroup& group, const std::string& what) {
    auto severity = os::styled(style_of(group.worst()), format("{:<10}", vuln::to_string(group.worst())), colour_);
    auto exploited = group.has_known_exploited() ? os::styled(Style::Red, "  known to be exploited", colour_) : "";
    auto name = bold(printable(group.package->name)) + " " + printable(group.package->version);
    line(format("  {}  {}  {} {}{}", severity, name, group.upgrade_to.empty() ? "–" : "→", what, exploited));
    std::string ids;
    for (std::size_t i = 0; i < std::min(group.findings.size(), kIdsMax); ++i) {
      const auto& finding = *group.findings[i];
      ids += format("{}{}", ids.empty() ? "" : ", ", printable(finding.id));
      if (finding.severity != group.worst()) ids += format(" ({})", vuln::to_string(finding.severity));
    }
    if (group.findings.size() > kIdsMax) ids += format(" and {} more", group.findings.size() - kIdsMax);
    paragraph(ids, 14, 14, Style::Dim);
  }

  void gaps() {
    if (report_.gaps.empty()) return;
    heading(format("Not judged ({})", report_.gaps.size()));
    auto shown = std::min(report_.gaps.size(), kGapsMax);
    for (std::size_t i = 0; i < shown; ++i) {
      const auto& gap = report_.gaps[i];
      bullet("!", format("{}{}{}  [{}]", gap.what, gap.what.empty() ? "" : ": ", gap.reason, gap.code));
    }
    if (shown < report_.gaps.size()) bullet("!", format("and {} more", report_.gaps.size() - shown));
  }

  void checklist() {
    auto shown = std::ranges::count_if(report_.checks, [](const auto& c) { return c.state != CheckState::Passed; });
    if (shown == 0) return;
    heading(format("Checklist ({} of {} passed)", report_.checks.size() - static_cast<std::size_t>(shown),
                   report_.checks.size()));
    for (const auto& check : report_.checks) {
      if (check.state == CheckState::Passed) continue;
      bool is_failed = check.state == CheckState::Failed;
      bullet(is_failed ? "✗" : "?", format("{}: {}{}", check.id, check.message, is_failed ? "" : "  [not decided]"));
      for (std::size_t i = 0; i < std::min(check.places.size(), kPlacesMax); ++i)
        paragraph(printable(check.places[i], 300), 6, 8, Style::Dim);
      if (check.places.size() > kPlacesMax)
        paragraph(format("and {} more", check.places.size() - kPlacesMax), 6, 8, Style::Dim);
      if (!check.fix.empty()) paragraph(format("→ {}", check.fix), 4, 6);
    }
  }

  const ScanReport& report_;
  const ReportContext& context_;
  ReportView view_;
  bool colour_;
  std::string out_;
};

}  // namespace

std::string render_text(const ScanReport& report, const ReportContext& context, bool colour) {
  return TextReport(report, context, colour).render();
}

}  // namespace pratique::scan
