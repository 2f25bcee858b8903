// A feed of any kind, whole and unpacked, from hostile bytes: whatever an importer accepts must lay out and read back.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "advisory/collector.h"
#include "advisory/image.h"
#include "advisory/sources/source.h"
#include "base/check.h"
#include "base/format.h"

using namespace pratique;
using namespace pratique::advisory;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr SourceKind kKinds[] = {SourceKind::Osv,
                                   SourceKind::DebianTracker,
                                   SourceKind::DebianSecurityList,
                                   SourceKind::AlpineSecdb,
                                   SourceKind::DebianSecurityArchive,
                                   SourceKind::KnownExploited,
                                   SourceKind::DebianChangelog};
  if (size == 0) return 0;
  SourceKind kind = kKinds[data[0] % std::size(kKinds)];
  static const int file = ::memfd_create("feed", 0);
  static const std::string path = format("/proc/self/fd/{}", file);
  CHECK(::ftruncate(file, 0) == 0 && ::pwrite(file, data + 1, size - 1, 0) == static_cast<ssize_t>(size - 1));

  Writer writer;
  const Time now = Time::from_unix_seconds(1'800'000'000);
  Collector collector(&writer, kind, "fuzz", now);
  Status status = source_of(kind)->import({.kind = kind, .path = path, .stream = "debian:12"}, collector);
  if (!status.ok()) return 0;
  DatabaseInfo info;
  info.sources.push_back(collector.info());
  CHECK(info.sources[0].newest <= now + hours(24));
  auto bytes = writer.finish(info);
  CHECK(bytes.ok());
  auto image = Image::parse(*bytes, Database::Verify::Checksum);
  CHECK(image.ok());
  std::uint64_t seen = 0;
  Status walked = image->for_each([&](const vuln::Advisory& advisory) {
    CHECK(!advisory.id.empty() && !advisory.stream.empty() && !advisory.package.empty());
    CHECK(advisory.summary.size() < 400);
    ++seen;
    return Status();
  });
  CHECK(walked.ok() && seen == info.advisories);
  return 0;
}
