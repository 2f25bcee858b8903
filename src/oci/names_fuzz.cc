// An accepted reference prints to text that reads back as the same reference, and its parts are valid by themselves.
#include "base/check.h"
#include "oci/oci.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto reference = oci::parse_manifest_reference(text); reference.ok()) CHECK(oci::to_string(*reference) == text);
  auto reference = oci::Reference::parse(text);
  if (!reference.ok()) return 0;
  auto whole = reference->to_string();
  auto again = oci::Reference::parse(whole);
  CHECK(again.ok(), whole);
  CHECK(again->to_string() == whole, whole);
  CHECK(oci::RepositoryName::parse(reference->repository.text()).ok());
  CHECK(reference->tag || reference->digest);
  CHECK(whole.find("..") == std::string::npos || reference->tag, "no path may climb");
  return 0;
}
