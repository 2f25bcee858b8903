// The report as one page that can be mailed, archived and printed: no script, no font, no image, nothing fetched. Every
// text in it may come from a hostile image, so every text goes through safe(); the policy in the head is the second
// lock.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "scan/report_view.h"

namespace pratique::scan {

namespace {

// Enough to read; the JSON form has all.
constexpr std::size_t kIdsMax = 40;
constexpr std::size_t kGapsMax = 500;
constexpr std::size_t kPackagesMax = 5'000;
constexpr std::size_t kTextBytesMax = 4'000;

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#fbfbf9;--card:#fff;--ink:#1c2024;--soft:#5b6470;--line:#e2e4e0;--accent:#0b5d7a;
--critical:#8e1024;--high:#c2410c;--medium:#a16207;--low:#2563a8;--negligible:#6b7280;--unknown:#6d28d9;
--good:#166534;--bad:#9f1239;--wait:#92400e}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1c2024;--ink:#e6e8ea;--soft:#9aa4ae;--line:#31373d;--accent:#6cc1de;
--critical:#ff7b8f;--high:#fb9a5c;--medium:#e9c05a;--low:#7db5f0;--negligible:#9aa4ae;--unknown:#c4a5f7;
--good:#7ddc9a;--bad:#ff8fa3;--wait:#f0b862}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:62rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:.1rem 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .7rem}
.kicker{color:var(--soft);letter-spacing:.06em;text-transform:uppercase;font-size:.75rem;margin:0}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.88em;overflow-wrap:anywhere}
a{color:var(--accent)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem 1.2rem;margin:0 0 1rem}
.verdict{border-left:6px solid var(--wait)}.verdict strong{font-size:1.15rem;text-transform:uppercase;letter-spacing:.03em;color:var(--wait)}
.verdict.approved{border-left-color:var(--good)}.verdict.approved strong{color:var(--good)}
.verdict.rejected{border-left-color:var(--bad)}.verdict.rejected strong{color:var(--bad)}
.verdict ul{margin:.5rem 0 0;padding-left:1.2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;unicode-bidi:isolate}
.counts{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0;padding:0;list-style:none}
.counts li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.5rem .9rem;min-width:6.2rem}
.counts b{display:block;font-size:1.5rem;line-height:1.2}.counts span{color:var(--soft);font-size:.85rem}
.critical{color:var(--critical)}.high{color:var(--high)}.medium{color:var(--medium)}.low{color:var(--low)}
.negligible{color:var(--negligible)}.unknown{color:var(--unknown)}
.layer header{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline}
.layer h3{font-size:1rem;margin:0}
.layer pre{margin:.5rem 0 .2rem;padding:.5rem .7rem;background:var(--bg);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;
overflow-wrap:anywhere;font-size:.8rem;color:var(--soft);max-height:9rem;overflow:auto;unicode-bidi:isolate}
table{border-collapse:collapse;table-layout:fixed;width:100%;margin:.6rem 0 .2rem}
th:first-child{width:6.5rem}th:nth-child(2){width:27%}th:nth-child(3){width:24%}
th{text-align:left;font-weight:600;font-size:.78rem;color:var(--soft);border-bottom:1px solid var(--line);padding:.3rem .6rem .3rem 0}
td{vertical-align:top;border-bottom:1px solid var(--line);padding:.45rem .6rem .45rem 0;overflow-wrap:anywhere;unicode-bidi:isolate}
tr:last-child td{border-bottom:0}
td:first-child{font-weight:600}
td.ids{font-size:.88rem}td.ids a,td.ids span{display:inline-block;max-width:100%}
.tag{display:inline-block;border:1px solid currentColor;border-radius:4px;padding:0 .35rem;font-size:.72rem;font-weight:600;color:var(--bad)}
.soft{color:var(--soft)}.small{font-size:.85rem}
ul.gaps{padding-left:1.2rem;margin:.2rem 0}ul.gaps li{margin:.25rem 0;overflow-wrap:anywhere}
summary{cursor:pointer}
footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem;border-top:1px solid var(--line);padding-top:1rem}
@media (max-width:40rem){dl{grid-template-columns:1fr}dt{margin-top:.4rem}th:first-child{width:5.2rem}}
@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb}main{max-width:none;padding:0}
body{font-size:10.5pt}.card,tr{break-inside:avoid}.layer.card{break-inside:auto}.layer pre{max-height:none}h2{break-after:avoid}}
)";

std::string safe(std::string_view text, std::size_t bytes_max = kTextBytesMax) {
  return html_escape(printable(text, bytes_max));
}

// Only what a browser fetches as a page: never javascript:, data: or a path.
bool is_web_address(std::string_view url) {
  return (url.starts_with("https://") || url.starts_with("http://")) && url.size() < 2'000 && is_utf8(url);
}

class HtmlReport {
 public:
  HtmlReport(const ScanReport& report, const ReportContext& context)
      : report_(report), context_(context), view_(view_of(report, context)) {}

  std::string render() && {
    head();
    verdict();
    facts();
    counts();
    for (const auto& layer : view_.layers) layer_section(layer);
    gaps();
    checklist();
    list_section("What to do next", view_.next_steps);
    packages();
    out_ += format("<footer><p>{}</p></footer>\n</main>\n</body>\n</html>\n", safe(view_.coverage));
    return std::move(out_);
  }

 private:
  void head() {
    out_ += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    out_ +=
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; "
        "form-action 'none'\">\n";
    out_ +=
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" "
        "content=\"no-referrer\">\n";
    out_ += format("<title>{} – image report</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
                   safe(report_.image, 300), kStyle);
    out_ += format("<p class=\"kicker\">Image report</p>\n<h1>{}</h1>\n", safe(report_.image, 1'000));
  }

  void verdict() {
    if (context_.verdict.empty()) return;
    bool is_final = context_.verdict == "approved" || context_.verdict == "rejected";
    out_ += format("<section class=\"card verdict {}\">\n<strong>{}</strong>\n",
                   is_final ? context_.verdict : "waiting", safe(context_.verdict));
    constexpr std::size_t kReasonsMax = 10;  // the decisive ones come first; the findings repeat the rest
    auto shown = context_.reasons;
    if (shown.size() > kReasonsMax) {
      shown.resize(kReasonsMax);
      shown.push_back(format("and {} more; all of them are among the findings", context_.reasons.size() - kReasonsMax));
    }
    if (!shown.empty()) list(shown);
    out_ += "</section>\n";
  }

  void list(const std::vector<std::string>& items) {
    out_ += "<ul>\n";
    for (const auto& item : items) out_ += format("<li>{}</li>\n", safe(item));
    out_ += "</ul>\n";
  }

  void list_section(std::string_view title, const std::vector<std::string>& items) {
    out_ += format("<section>\n<h2>{}</h2>\n", title);
    list(items);
    out_ += "</section>\n";
  }

  void facts() {
    out_ += "<section class=\"card\">\n<dl>\n";
    for (const auto& [label, value] : view_.facts)
      if (label != "Image") out_ += format("<dt>{}</dt><dd>{}</dd>\n", safe(label), safe(value));
    out_ += "</dl>\n</section>\n";
  }

  void counts() {
    out_ += "<section>\n<h2>Findings</h2>\n";
    auto counts = report_.counts();
    if (counts.empty()) {
      out_ += format("<p>No known vulnerability was found{}.</p>\n</section>\n",
                     report_.gaps.empty() ? "" : " in what could be judged; see below what could not");
      return;
    }
    out_ += "<ul class=\"counts\">\n";
    for (auto at = counts.rbegin(); at != counts.rend(); ++at)
      out_ += format("<li><b class=\"{0}\">{1}</b><span>{0}</span></li>\n", vuln::to_string(at->first),
                     with_thousands(at->second));
    out_ += format("<li><b>{}</b><span>fixable</span></li>\n</ul>\n</section>\n", with_thousands(view_.fixable));
  }

  void layer_section(const LayerGroup& group) {
    out_ += "<section class=\"card layer\">\n<header>";
    if (group.summary) {
      out_ += format("<h3>Layer {} of {}{}</h3><span class=\"soft small\"><code>{}</code> · {} · {}</span></header>\n",
                     group.layer + 1, report_.layers.size(),
                     report_.base && static_cast<std::size_t>(group.layer) < report_.base->layers ? " (base)" : "",
                     safe(group.summary->digest.short_text()), human_bytes(group.summary->size),
                     plural(group.findings(), "finding"));
      if (!group.summary->instruction.empty()) out_ += format("<pre>{}</pre>\n", safe(group.summary->instruction));
    } else {
      out_ += "<h3>Of no layer we know</h3></header>\n";
    }
    table(group.fixable, "Upgrade to");
    std::vector<PackageGroup> major, minor;
    for (const auto& one : group.unfixable) (is_minor(one.worst()) ? minor : major).push_back(one);
    table(major, "Without a fix");
    if (!minor.empty()) {
      out_ += format(
          "<details><summary class=\"soft small\">{} with findings of low or negligible severity without a "
          "fix</summary>\n",
          plural(minor.size(), "package"));
      table(minor, "Without a fix");
      out_ += "</details>\n";
    }
    out_ += "</section>\n";
  }

  void table(const std::vector<PackageGroup>& groups, std::string_view what) {
    if (groups.empty()) return;
    out_ += format("<table>\n<tr><th>Severity</th><th>Package</th><th>{}</th><th>Vulnerabilities</th></tr>\n", what);
    for (const auto& group : groups) row(group);
    out_ += "</table>\n";
  }

  void row(const PackageGroup& group) {
    auto severity = vuln::to_string(group.worst());
    out_ += format("<tr><td class=\"{0}\">{0}</td><td>{1}<br><code class=\"soft\">{2}</code></td>", severity,
                   safe(group.package->name), safe(group.package->version));
    if (group.upgrade_to.empty()) {
      out_ += format("<td class=\"soft\">{}</td>", explain(group.findings.front()->status));
    } else {
      out_ += format("<td><code>{}</code></td>", safe(group.upgrade_to));
    }
    out_ += "<td class=\"ids\">";
    if (group.has_known_exploited()) out_ += "<span class=\"tag\">known to be exploited</span> ";
    auto shown = std::min(group.findings.size(), kIdsMax);
    for (std::size_t i = 0; i < shown; ++i)
      out_ += (i == 0 ? "" : ", ") + vulnerability(*group.findings[i], group.worst());
    if (shown < group.findings.size()) out_ += format(" and {} more", group.findings.size() - shown);
    out_ += "</td></tr>\n";
  }

  static std::string vulnerability(const vuln::Finding& finding, vuln::Severity worst) {
    auto id = safe(finding.id, 200);
    auto title = safe(finding.summary, 300);
    std::string text =
        is_web_address(finding.url)
            ? format("<a href=\"{}\" rel=\"noopener noreferrer\" title=\"{}\">{}</a>", safe(finding.url), title, id)
            : format("<span title=\"{}\">{}</span>", title, id);
    if (finding.severity != worst)
      text += format(" <span class=\"soft\">({})</span>", vuln::to_string(finding.severity));
    return text;
  }

  void gaps() {
    if (report_.gaps.empty()) return;
    out_ += format(
        "<section>\n<h2>Not judged</h2>\n<div class=\"card\">\n<p class=\"soft small\">{} could not be read or known. "
        "That is "
        "unknown, not clean.</p>\n<ul class=\"gaps\">\n",
        plural(report_.gaps.size(), "thing"));
    auto shown = std::min(report_.gaps.size(), kGapsMax);
    for (std::size_t i = 0; i < shown; ++i) {
      const auto& gap = report_.gaps[i];
      out_ += format("<li><span class=\"mono\">{}</span>{}{} <span class=\"soft small\">[{}]</span></li>\n",
                     safe(gap.what), gap.what.empty() ? "" : ": ", safe(gap.reason), safe(gap.code, 100));
    }
    if (shown < report_.gaps.size()) out_ += format("<li>and {} more</li>\n", report_.gaps.size() - shown);
    out_ += "</ul>\n</div>\n</section>\n";
  }

  void checklist() {
    auto shown = std::ranges::count_if(report_.checks, [](const auto& c) { return c.state != CheckState::Passed; });
    if (shown == 0) return;
    out_ +=
        format("<section>\n<h2>Checklist</h2>\n<div class=\"card\">\n<p class=\"soft small\">{} of {} passed.</p>\n",
               report_.checks.size() - static_cast<std::size_t>(shown), report_.checks.size());
    out_ += "<ul class=\"gaps\">\n";
    for (const auto& check : report_.checks) {
      if (check.state == CheckState::Passed) continue;
      out_ += format("<li><b>{}</b> {}{}", safe(check.id, 40), safe(check.message),
                     check.state == CheckState::Failed ? "" : " <span class=\"soft small\">[not decided]</span>");
      for (const auto& place : check.places) out_ += format("<br><code class=\"soft\">{}</code>", safe(place, 300));
      if (!check.fix.empty()) out_ += format("<br>→ {}", safe(check.fix));
      out_ += "</li>\n";
    }
    out_ += "</ul>\n</div>\n</section>\n";
  }

  void packages() {
    if (report_.packages.empty()) return;
    auto shown = std::min(report_.packages.size(), kPackagesMax);
    out_ += format("<section>\n<h2>Contents</h2>\n<details class=\"card\"><summary>{}</summary>\n",
                   plural(report_.packages.size(), "package"));
    out_ += "<table>\n<tr><th>Layer</th><th>Package</th><th>Version</th><th>From source</th></tr>\n";
    for (std::size_t i = 0; i < shown; ++i) {
      const auto& package = report_.packages[i];
      out_ += format("<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td class=\"soft\">{}</td></tr>\n",
                     package.layer < 0 ? "–" : std::to_string(package.layer + 1), safe(package.name),
                     safe(package.version), safe(package.source_name));
    }
    if (shown < report_.packages.size())
      out_ += format("<tr><td></td><td>and {} more</td></tr>\n", report_.packages.size() - shown);
    out_ += "</table>\n</details>\n</section>\n";
  }

  const ScanReport& report_;
  const ReportContext& context_;
  ReportView view_;
  std::string out_;
};

}  // namespace

std::string render_html(const ScanReport& report, const ReportContext& context) {
  return HtmlReport(report, context).render();
}

}  // namespace pratique::scan
