#include "advisory/debian_releases.h"

namespace pratique::advisory {

namespace {

struct Release {
  std::string_view codename;
  std::string_view stream;
};
constexpr Release kReleases[] = {
    {"jessie", "debian:8"},    {"stretch", "debian:9"}, {"buster", "debian:10"}, {"bullseye", "debian:11"},
    {"bookworm", "debian:12"}, {"trixie", "debian:13"}, {"forky", "debian:14"},
};

}  // namespace

std::string debian_stream(std::string_view codename) {
  for (const auto& release : kReleases)
    if (release.codename == codename) return std::string(release.stream);
  return "";
}

std::string_view debian_codename(std::string_view stream) {
  for (const auto& release : kReleases)
    if (release.stream == stream) return release.codename;
  return "";
}

}  // namespace pratique::advisory
