#include "http/certificates.h"

#include <sys/stat.h>

#include "base/log.h"

namespace pratique::http {

Certificates::Stamp Certificates::stamp_of(const TlsFiles& files) {
  Stamp stamp{};
  std::size_t at = 0;
  for (const auto* path : {&files.certificate, &files.key}) {
    struct stat status{};
    if (::stat(path->c_str(), &status) == 0) {
      // The inode too: a renewal that renames may keep size and, on coarse clocks, even the time.
      stamp[at] = static_cast<std::int64_t>(status.st_ino);
      stamp[at + 1] = status.st_mtim.tv_sec;
      stamp[at + 2] = status.st_mtim.tv_nsec;
      stamp[at + 3] = status.st_size;
    }
    at += 4;
  }
  return stamp;
}

Result<Certificates> Certificates::load(const TlsFiles& files) {
  // The stamp first: a change between the two is then seen at the next look.
  const Stamp stamp = stamp_of(files);
  auto context = TRY(TlsContext::load(files));
  return Certificates(files, std::move(context), stamp);
}

void Certificates::refresh() {
  if (stamp_of(files_) == stamp_) return;
  auto fresh = load(files_);
  if (fresh.ok()) {
    *this = std::move(*fresh);
    log::info("certificate read again", {{"file", files_.certificate}});
    return;
  }
  stamp_ = stamp_of(files_);
  log::warn("certificate not taken, the old one stays", {{"error", fresh.error().message()}});
}

}  // namespace pratique::http
