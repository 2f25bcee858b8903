#include "advisory/mapping.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "base/format.h"
#include "os/file.h"

namespace pratique::advisory {

Result<Mapping> Mapping::open(const std::string& path, std::uint64_t bytes_max) {
  os::Fd fd = TRY(os::open_for_reading(path));
  std::uint64_t size = TRY(os::file_size(fd));
  if (size > bytes_max) return over_limit(format("{} is larger than {} bytes", path, bytes_max));
  if (size == 0) return Mapping("", 0);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return from_errno("mapping " + path, errno);
  return Mapping(static_cast<const char*>(data), size);
}

Mapping::~Mapping() {
  if (size_ > 0) ::munmap(const_cast<char*>(data_), size_);
}

Mapping::Mapping(Mapping&& other) noexcept : data_(other.data_), size_(std::exchange(other.size_, 0)) {}

}  // namespace pratique::advisory
