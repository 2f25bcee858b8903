// Whatever gzip data is unpacked stays within its limit, and never crashes the decoder.
#include "transport/archive_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/format.h"
#include "os/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  constexpr std::uint64_t kBytesMax = 1 << 20;
  static os::Fd file(::memfd_create("fuzz", MFD_CLOEXEC));
  CHECK(::ftruncate(file.get(), static_cast<off_t>(size)) == 0);
  CHECK(::pwrite(file.get(), data, size, 0) == static_cast<ssize_t>(size));
  auto unpacked = transport::open_archive(format("/proc/self/fd/{}", file.get()), kBytesMax);
  bool is_gzip = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
  if (unpacked.ok() && is_gzip) CHECK(os::file_size(*unpacked).value() <= kBytesMax);
  if (!is_gzip) CHECK(unpacked.ok() && os::file_size(*unpacked).value() == size);
  return 0;
}
