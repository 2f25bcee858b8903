// apk's installed database (apk-tools, "APKINDEX format"): stanzas of one-letter fields, "P:name", "V:version", …
#include "base/format.h"
#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/path.h"

namespace pratique::scan {

namespace {

struct Stanza {
  std::size_t line = 0;
  std::string_view name, version, architecture, origin, maintainer, licence;
};

class InstalledReader {
 public:
  InstalledReader(std::string_view path, Extract& out) : path_(path), out_(out), broken_(path, out) {}

  void read(std::string_view content) {
    Lines lines(content);
    std::string_view line;
    while (lines.next(line)) {
      if (trim(line).empty()) {
        end_stanza();
      } else {
        read_field(line, lines.number());
      }
    }
    end_stanza();
  }

 private:
  void read_field(std::string_view line, std::size_t number) {
    if (stanza_.line == 0) stanza_.line = number;
    if (line.size() < 2 || line[1] != ':') {
      broken_.add(number, format("\"{}\" is no field", printable(line, 60)));
      return;
    }
    auto* value = field_of(line[0]);
    if (!value) return;
    if (!value->empty()) broken_.add(number, format("a second field \"{}\"", line[0]));
    *value = trim(line.substr(2));
  }

  // The others (checksum, size, dependencies, files and their owners) are of no use here.
  std::string_view* field_of(char letter) {
    switch (letter) {
      case 'P':
        return &stanza_.name;
      case 'V':
        return &stanza_.version;
      case 'A':
        return &stanza_.architecture;
      case 'o':
        return &stanza_.origin;
      case 'm':
        return &stanza_.maintainer;
      case 'L':
        return &stanza_.licence;
      default:
        return nullptr;
    }
  }

  void end_stanza() {
    auto stanza = std::exchange(stanza_, Stanza());
    if (stanza.line == 0) return;
    if (!is_plain_word(stanza.name)) return broken_.add(stanza.line, "a stanza without a usable P field");
    if (!is_plain_word(stanza.version))
      return broken_.add(stanza.line, format("package \"{}\" has no usable V field", stanza.name));
    if (out_.packages.size() == kPackagesPerFileMax)
      return broken_.add(stanza.line, format("more than {} packages", kPackagesPerFileMax));
    if (!vuln::is_version(vuln::VersionScheme::Apk, stanza.version))
      broken_.add(stanza.line, format("package \"{}\": \"{}\" is no apk version", stanza.name, stanza.version));
    vuln::Package package{.kind = vuln::PackageKind::Apk};
    package.name = clean_field(stanza.name);
    package.version = clean_field(stanza.version);
    package.architecture = clean_field(stanza.architecture);
    // Advisories name the origin: the aport that busybox, ssl_client and busybox-extras come from.
    package.source_name = stanza.origin.empty() ? package.name : clean_field(stanza.origin);
    package.source_version = package.version;
    package.maintainer = clean_field(stanza.maintainer);
    package.licence = clean_field(stanza.licence);
    package.location = printable(path_, path_.size() * 4);
    out_.packages.push_back(std::move(package));
  }

  std::string_view path_;
  Extract& out_;
  BrokenPlaces broken_;
  Stanza stanza_;
};

}  // namespace

bool wants_apk(std::string_view path) {
  return ends_with_components(path, "apk/db/installed");
}

void extract_apk(std::string_view path, std::string_view content, Extract& out) {
  InstalledReader(path, out).read(content);
}

}  // namespace pratique::scan
