// An accepted index points inside the file, and its names can be looked up without harm.
#include "transport/tar_index.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/check.h"
#include "os/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  static os::Fd file(::memfd_create("fuzz", MFD_CLOEXEC));
  CHECK(::ftruncate(file.get(), static_cast<off_t>(size)) == 0);
  CHECK(::pwrite(file.get(), data, size, 0) == static_cast<ssize_t>(size));
  auto index = transport::TarIndex::read(file);
  if (!index.ok()) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 100));
  for (const auto& name : {std::string(text.substr(0, text.find('\0'))), std::string("manifest.json")}) {
    auto member = index->find(name);
    if (member.ok()) CHECK(member->offset <= size && member->size <= size - member->offset);
  }
  if (auto clean = transport::clean_member_name(text)) {
    CHECK(!clean->empty() && clean->front() != '/' && ("/" + *clean + "/").find("/../") == std::string::npos);
    CHECK(transport::clean_member_name(*clean) == clean);
  }
  return 0;
}
