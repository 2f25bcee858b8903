// Debian's releases by codename. Private to advisory.
#pragma once

#include <string>
#include <string_view>

namespace pratique::advisory {

// "debian:12" for "bookworm"; "" for a release this program does not know (sid, sarge, …).
std::string debian_stream(std::string_view codename);
// "bookworm" for "debian:12"; "" likewise.
std::string_view debian_codename(std::string_view stream);

}  // namespace pratique::advisory
