// A database file from hostile bytes: reading all of it must end, in advisories or in an error, and never outside it.
// The hashes are set right where they can be, so that damage behind them is reached.
#include <cstddef>
#include <cstdint>

#include "advisory/image.h"
#include "advisory/writer.h"
#include "base/check.h"
#include "base/hash.h"

using namespace pratique;
using namespace pratique::advisory;

namespace {

std::string sample() {
  Writer writer;
  for (int i = 0; i < 3; ++i) {
    vuln::Advisory advisory{
        .id = "CVE-2024-000" + std::to_string(i), .aliases = {"DSA-1-1"}, .stream = "debian:12", .package = "a"};
    advisory.ranges.push_back({.introduced = "1", .fixed = "2"});
    advisory.versions = {"1.5"};
    CHECK(writer.add(advisory).ok());
  }
  DatabaseInfo info;
  return *writer.finish(info);
}

}  // namespace

// The input is a list of changes to a good file: two bytes of offset, one of value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string good = sample();
  std::string file = good;
  for (std::size_t i = 0; i + 2 < size; i += 3)
    file[(data[i] | data[i + 1] << 8) % file.size()] = static_cast<char>(data[i + 2]);
  if (size % 3 == 1) file.resize(file.size() - data[0] % file.size());
  if (file.size() >= kHeaderBytes) {
    auto sum = sha256(as_bytes(std::string_view(file).substr(0, kHeaderSumOffset)));
    file.replace(kHeaderSumOffset, sum.size(), as_text(sum));
  }
  auto image = Image::parse(file, Database::Verify::HeaderOnly);
  if (!image.ok()) {
    CHECK(image.error().kind() == ErrorKind::Corrupt);
    return 0;
  }
  (void)image->lookup("debian:12", "a");
  Status walked = image->for_each([](const vuln::Advisory&) { return Status(); });
  CHECK(walked.ok() || walked.error().kind() == ErrorKind::Corrupt);
  return 0;
}
