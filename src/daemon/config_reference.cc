// The reference of the configuration, made from its table.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "daemon/config.h"

namespace pratique::daemon {

namespace {

constexpr std::string_view kTop = R"(# Configuration of the server

`pratique serve --config FILE` reads one YAML file. Every setting has a default; an unknown setting or a bad value is an
error that names the line and, for a slip of the finger, the setting that was meant. Relative paths are taken from the
file's directory. `--data` and `--listen` override the file.

    pratique serve --check-config --config FILE    reads all a start would read, and starts nothing
    pratique admin config show --config FILE       prints what holds, and where each value comes from

SIGHUP reads the file again: settings marked *reloads* take effect at once, a change of any other is named in the log and
waits for a restart, and a file with an error changes nothing. This page is made by `pratique admin config reference`.

```yaml
)";

constexpr std::string_view kExample = R"(listen: 0.0.0.0:5000
public_url: https://gate.example.org
policy: tre
tls: {certificate: gate.pem, key: gate.key}
namespaces:
  - {name: nextflow-staging, mode: staging, promotes_to: nextflow-approved, at_push: refuse}
  - {name: nextflow-approved, mode: approved}
  - {name: library, mode: open}
)";

struct Row {
  const SettingPage& page;
  std::string fallback;  // "" : none
};

// A pipe would end the cell of a Markdown table.
std::string cell(std::string_view text) {
  return replace_all(text, "|", "\\|");
}

std::string form_of(const SettingPage& page) {
  return page.form + (page.range.empty() ? "" : ", " + page.range) + (page.is_required ? "; required" : "");
}

std::string fallback_of(const Row& row) {
  if (!row.page.items.empty()) return "below";
  if (!row.fallback.empty()) return format("`{}`", row.fallback);
  return row.page.unset.empty() ? "none" : row.page.unset;
}

std::vector<Row> rows_of(const Config& defaults) {
  std::vector<Row> rows;
  for (const auto& setting : config_table()) {
    std::string fallback = setting.show(defaults);
    if (fallback == "[]") fallback = "";
    rows.push_back({setting.page, setting.page.items.empty() ? fallback : ""});
  }
  return rows;
}

std::string markdown_row(const Row& row) {
  return format("| `{}` | {} | {} | {}{} |\n", row.page.key, cell(form_of(row.page)), cell(fallback_of(row)),
                cell(row.page.meaning), row.page.reloads ? "; *reloads*" : "");
}

std::string markdown_notes(const std::vector<SettingPage>& pages) {
  std::string notes;
  for (const auto& page : pages)
    if (!page.notes.empty()) notes += format("\n`{}`: {}\n", page.key, page.notes);
  return notes;
}

std::string markdown(const Config& defaults) {
  std::string page = std::string(kTop) + std::string(kExample) + "```\n\n";
  page += "| setting | takes | default | meaning |\n|---|---|---|---|\n";
  auto rows = rows_of(defaults);
  for (const auto& row : rows) page += markdown_row(row);
  page += "\nA key with a dot lies in a group: `limits.connections` is `connections:` below `limits:`.\n";
  std::vector<SettingPage> pages;
  for (const auto& row : rows) pages.push_back(row.page);
  page += markdown_notes(pages);
  for (const auto& setting : config_table()) {
    if (setting.page.items.empty()) continue;
    page += format("\n## Items of `{}`\n\n| key | takes | meaning |\n|---|---|---|\n", setting.page.key);
    for (const auto& item : setting.page.items)
      page += format("| `{}` | {} | {} |\n", item.key, cell(form_of(item)), cell(item.meaning));
    page += markdown_notes(setting.page.items);
    if (auto shown = setting.show(defaults); shown != "[]") page += format("\nWithout the setting: `{}`\n", shown);
  }
  return page;
}

// Settings as comments that hold the defaults: "#key: value", below a group "#  key: value"; "# text" explains.
std::string yaml(const Config& defaults) {
  std::string page =
      "# Configuration of `pratique serve`. Every setting is here with its default as a comment; see "
      "pratique.yaml(5).\n"
      "# After a change: pratique serve --check-config --config THIS-FILE, then reload or restart the server.\n";
  std::string group;
  for (const auto& setting : config_table()) {
    auto parts = cut(setting.page.key, ".");
    std::string value = setting.show(defaults);
    page += format("\n# {}.\n# {}.\n", setting.page.meaning, form_of(setting.page));
    if (!setting.page.unset.empty()) page += format("# Default: {}.\n", setting.page.unset);
    for (const auto& item : setting.page.items)
      page += format("# - {}: {}. {}.\n", item.key, item.meaning, form_of(item));
    if (parts && group != parts->first) page += format("#{}:\n", parts->first);
    group = parts ? parts->first : "";
    page += format("#{}{}: {}\n", parts ? "  " : "", parts ? parts->second : std::string_view(setting.page.key),
                   value.empty() ? "\"\"" : value);
  }
  return page;
}

using cli::roff;

std::string man_entry(const Row& row) {
  std::string fallback = row.fallback.empty() ? row.page.unset : row.fallback;
  return format(".TP\n.B {}\n{}.\nTakes {}.{}{}{}\n", roff(row.page.key), roff(row.page.meaning),
                roff(form_of(row.page)), fallback.empty() ? "" : format("\nDefault: {}.", roff(fallback)),
                row.page.reloads ? "\nReloads on SIGHUP." : "",
                row.page.notes.empty() ? "" : "\n" + roff(row.page.notes));
}

std::string man(const Config& defaults) {
  std::string page = format(
      ".TH PRATIQUE.YAML 5 {} \"pratique {}\" \"File formats\"\n.SH NAME\npratique.yaml \\- configuration of the "
      "gate\n.SH DESCRIPTION\n.B pratique serve \\-\\-config\n.I FILE\nreads one YAML file.\nEvery setting has a "
      "default; an unknown setting or a bad value is an error that names the line.\nRelative paths are taken from the "
      "file's directory.\nA key with a dot lies in a group: limits.connections is connections below limits.\nSIGHUP "
      "reads the file again; settings that do not reload wait for a restart.\n.SH SETTINGS\n",
      cli::kVersionDate, cli::kVersion);
  for (const auto& row : rows_of(defaults)) {
    page += man_entry(row);
    for (const auto& item : row.page.items)
      page += format(".RS\n.TP\n.B {}\n{}.\nTakes {}.\n.RE\n", roff(item.key), roff(item.meaning), roff(form_of(item)));
  }
  page +=
      ".SH FILES\n.I /etc/pratique/pratique.yaml\nis what the service of the Debian package reads.\n.SH EXAMPLE\n.nf\n";
  for (auto line : split(trim(kExample), '\n')) page += roff(line) + "\n";
  return page + ".fi\n.SH SEE ALSO\n.BR pratique (1),\n.BR pratique\\-serve (1)\n";
}

}  // namespace

Result<std::string> config_reference(std::string_view form) {
  Config defaults = TRY(default_config());
  if (form == "markdown") return markdown(defaults);
  if (form == "man") return man(defaults);
  if (form == "yaml") return yaml(defaults);
  return invalid(format("there is no reference as \"{}\"; markdown, man and yaml are known", printable(form)));
}

}  // namespace pratique::daemon
