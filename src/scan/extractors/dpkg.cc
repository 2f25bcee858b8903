// dpkg's database: deb-control(5) stanzas in var/lib/dpkg/status, or one a file in status.d (distroless images).
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/path.h"

namespace pratique::scan {

namespace {

struct Stanza {
  std::size_t line = 0;  // of its first field
  std::string_view package, version, architecture, source, status, maintainer;
  bool has_status = false;
};

std::string_view* field_of(Stanza& stanza, std::string_view name) {
  const std::pair<std::string_view, std::string_view*> fields[] = {
      {"Package", &stanza.package}, {"Version", &stanza.version}, {"Architecture", &stanza.architecture},
      {"Source", &stanza.source},   {"Status", &stanza.status},   {"Maintainer", &stanza.maintainer},
  };
  for (const auto& [known, value] : fields)
    if (equals_ignoring_case(known, name)) return value;
  return nullptr;
}

// dpkg(1) "Package states". These two leave nothing of the package's programs behind; every other state does.
bool is_gone(std::string_view state) {
  return state == "config-files" || state == "not-installed";
}

// "name (version)": a source package whose version differs from the binary's.
void read_source(std::string_view source, vuln::Package& package) {
  package.source_name = package.name;
  package.source_version = package.version;
  if (source.empty()) return;
  auto parts = cut(source, "(");
  package.source_name = clean_field(parts ? parts->first : source);
  if (!parts) return;
  auto version = trim(parts->second);
  if (version.ends_with(')')) version.remove_suffix(1);
  package.source_version = clean_field(version);
}

class StatusReader {
 public:
  StatusReader(std::string_view path, Extract& out)
      : path_(path), is_single_(contains(path, "status.d/")), out_(out), broken_(path, out) {}

  void read(std::string_view content) {
    Lines lines(content);
    std::string_view line;
    while (lines.next(line)) {
      if (trim(line).empty()) {
        end_stanza();
      } else if (line[0] == ' ' || line[0] == '\t') {
        if (stanza_.line == 0) broken_.add(lines.number(), "a continuation line without a field");
      } else {
        read_field(line, lines.number());
      }
    }
    end_stanza();
  }

 private:
  void read_field(std::string_view line, std::size_t number) {
    if (stanza_.line == 0) stanza_.line = number;
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      broken_.add(number, format("\"{}\" is no field", printable(line, 60)));
      return;
    }
    auto* value = field_of(stanza_, line.substr(0, colon));
    if (!value) return;
    if (!value->empty()) broken_.add(number, format("a second field \"{}\"", printable(line.substr(0, colon))));
    *value = trim(line.substr(colon + 1));
  }

  void end_stanza() {
    auto stanza = std::exchange(stanza_, Stanza());
    if (stanza.line == 0) return;
    auto words = split(stanza.status, ' ');
    if (words.size() == 3 && is_gone(words[2])) return;
    if (!is_usable(stanza)) return;
    // status.d holds the control file of a package as it was shipped, which has no such field.
    bool has_state = words.size() == 3 || (is_single_ && stanza.status.empty());
    if (!has_state)
      broken_.add(stanza.line, "the Status field is missing or malformed; the package is taken as installed");
    add_package(stanza);
  }

  bool is_usable(const Stanza& stanza) {
    if (!is_plain_word(stanza.package)) {
      broken_.add(stanza.line, "a stanza without a usable Package field");
    } else if (!is_plain_word(stanza.version)) {
      broken_.add(stanza.line, format("package \"{}\" has no usable Version field", stanza.package));
    } else if (out_.packages.size() == kPackagesPerFileMax) {
      broken_.add(stanza.line, format("more than {} packages", kPackagesPerFileMax));
    } else {
      return true;
    }
    return false;
  }

  void add_package(const Stanza& stanza) {
    if (!vuln::is_version(vuln::VersionScheme::Dpkg, stanza.version))
      broken_.add(stanza.line, format("package \"{}\": \"{}\" is no dpkg version", stanza.package, stanza.version));
    vuln::Package package{.kind = vuln::PackageKind::Deb};
    package.name = clean_field(stanza.package);
    package.version = clean_field(stanza.version);
    package.architecture = clean_field(stanza.architecture);
    package.maintainer = clean_field(stanza.maintainer);
    package.location = printable(path_, path_.size() * 4);
    read_source(stanza.source, package);
    out_.packages.push_back(std::move(package));
  }

  std::string_view path_;
  bool is_single_;
  Extract& out_;
  BrokenPlaces broken_;
  Stanza stanza_;
};

}  // namespace

bool wants_dpkg(std::string_view path) {
  if (ends_with_components(path, "dpkg/status")) return true;
  // The ".md5sums" beside each stanza of a distroless image lists files, not fields.
  return ends_with_components(split_last(path).first, "dpkg/status.d") && !path.ends_with(".md5sums");
}

void extract_dpkg(std::string_view path, std::string_view content, Extract& out) {
  StatusReader(path, out).read(content);
}

}  // namespace pratique::scan
