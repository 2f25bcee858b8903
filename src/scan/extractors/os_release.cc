// Which operating system: os-release(5), else the one-line files of Alpine and Debian.
#include "base/format.h"
#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/path.h"

namespace pratique::scan {

namespace {

// os-release files are below 1 KiB; a larger one is not read as one.
constexpr std::size_t kOsReleaseBytesMax = 64 << 10;

// "3.10.9", or "3.21_alpha20240807" on edge, whose stream has no number.
void read_alpine_release(std::string_view text, Extract& out) {
  out.distribution = vuln::Distribution{
      .id = "alpine", .version_id = clean_field(text), .pretty_name = "Alpine Linux " + clean_field(text)};
}

// "12.5" on a release, "trixie/sid" before one: then there is no number and the codename is what it will become.
void read_debian_version(std::string_view text, Extract& out) {
  auto version = clean_field(text);
  vuln::Distribution debian{.id = "debian", .pretty_name = "Debian GNU/Linux " + version};
  auto slash = version.find('/');
  if (slash != std::string::npos) {
    debian.codename = version.substr(0, slash);
  } else {
    debian.version_id = version.substr(0, version.find('.'));
  }
  out.distribution = std::move(debian);
}

}  // namespace

bool wants_os_release(std::string_view path) {
  auto name = split_last(path).second;
  return name == "os-release" || name == "alpine-release" || name == "debian_version";
}

void extract_os_release(std::string_view path, std::string_view content, Extract& out) {
  BrokenPlaces broken(path, out);
  if (content.size() > kOsReleaseBytesMax) return broken.add(1, "the file is too large to be what its name says");
  auto name = split_last(path).second;
  if (name != "os-release" && !is_plain_word(trim(content))) return broken.add(1, "this is no version");
  if (name == "alpine-release") return read_alpine_release(content, out);
  if (name == "debian_version") return read_debian_version(content, out);
  auto distribution = vuln::parse_os_release(content);
  if (!distribution.ok()) return broken.add(1, distribution.error().message());
  for (auto* field :
       {&distribution->id, &distribution->version_id, &distribution->codename, &distribution->pretty_name})
    *field = clean_field(*field);
  for (auto& like : distribution->id_like) like = clean_field(like);
  out.distribution = std::move(*distribution);
}

}  // namespace pratique::scan
