// Writes a tar archive: ustar headers, PAX records for what does not fit.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "os/fd.h"
#include "transport/transport.h"

namespace pratique::transport {

struct TarEntry {
  std::string name;  // relative; a directory's without "/" at the end
  char type = '0';   // ustar's: '0' file, '1' hard link, '2' symlink, '3' '4' devices, '5' directory, '6' FIFO
  std::string link;  // target of a link
  std::uint32_t mode = 0644;
  std::uint64_t user = 0, group = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // seconds since 1970
  std::uint32_t device_major = 0, device_minor = 0;
  std::map<std::string, std::string> records;  // further PAX records
};

// Writes to an open file from its current position. finish() has to be called last.
class TarWriter {
 public:
  explicit TarWriter(const os::Fd& out) : out_(out) {}
  Status header(const TarEntry& entry);
  // Exactly `entry.size` bytes of content follow its header, in pieces; then end_content().
  Status content(Bytes bytes);
  Status end_content();
  Status add(const TarEntry& entry, std::string_view bytes);  // all three at once; size is taken from `bytes`
  Status finish();

 private:
  Status put(Bytes bytes);
  Status flush();
  const os::Fd& out_;
  std::string buffer_;
  std::uint64_t written_ = 0;
};

}  // namespace pratique::transport
