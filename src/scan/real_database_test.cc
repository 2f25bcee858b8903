// Real databases against independent readers of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "os/file.h"
#include "os/process.h"
#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;

std::string shared(const std::string& name) {
  const char* directory = std::getenv("PRATIQUE_SHARED");
  return (directory ? std::string(directory) : std::string(PRATIQUE_SOURCE_DIR) + "/../shared") + "/" + name;
}
std::string output_of(const std::string& program, std::vector<std::string> args) {
  auto output = os::run({.program = program, .args = std::move(args)}, {}, std::chrono::minutes(1), 64 << 20);
  return output.ok() && output->exit.ok() ? output->out : "";
}
std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  for (auto line : split(text, '\n'))
    if (!line.empty()) all.emplace_back(line);
  std::sort(all.begin(), all.end());
  return all;
}

// The database of the machine that runs the test, and dpkg's own word on it.
TEST(RealDatabase, OfThisMachineReadsAsDpkgQueryDoes) {
  if (!os::find_program("dpkg-query") || !os::exists("/var/lib/dpkg/status"))
    GTEST_SKIP() << "this machine has no dpkg";
  auto archive = Archive()
                     .file("var/lib/dpkg/status", os::read_file("/var/lib/dpkg/status", 64 << 20).value())
                     .file("etc/os-release", os::read_file("/etc/os-release", 1 << 20).value());
  auto image = merge({read(gzip(archive.tar()))});
  EXPECT_EQ(codes(image.gaps), "");
  std::vector<std::string> ours;
  for (const auto& p : image.packages)
    ours.push_back(format("{} {} {} {} {}", p.name, p.version, p.architecture, p.source_name, p.source_version));
  std::sort(ours.begin(), ours.end());
  std::vector<std::string> theirs;
  constexpr auto kFields =
      "-f=${db:Status-Status}|${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n";
  for (const auto& line : lines(output_of("dpkg-query", {"-W", kFields}))) {
    auto parts = cut(line, "|");
    if (parts->first != "config-files" && parts->first != "not-installed") theirs.emplace_back(parts->second);
  }
  std::sort(theirs.begin(), theirs.end());
  ASSERT_FALSE(theirs.empty());
  EXPECT_EQ(ours, theirs);
}

// tar and a line filter are the independent readers here.
TEST(RealDatabase, OfAnAlpineImageReadsAsItsText) {
  auto file = shared("images/alpine-3.10.docker-archive.tar.gz");
  if (!os::exists(file)) GTEST_SKIP() << file << " is not here (set PRATIQUE_SHARED)";
  std::string name(trim(output_of("sh", {"-c", "tar -tzf \"$0\" | grep -m1 '/layer.tar$'", file})));
  ASSERT_FALSE(name.empty());
  auto layer = output_of("tar", {"-xzOf", file, name});
  auto text = output_of("sh", {"-c", "tar -xzOf \"$0\" \"$1\" | tar -xO lib/apk/db/installed", file, name});
  ASSERT_FALSE(text.empty());
  std::vector<std::string> theirs;
  std::string package;
  for (auto line : split(text, '\n')) {
    if (line.starts_with("P:")) package = line.substr(2);
    if (line.starts_with("V:")) theirs.push_back(package + " " + std::string(line.substr(2)));
  }
  std::sort(theirs.begin(), theirs.end());

  auto image = merge({read(layer)});
  EXPECT_EQ(codes(image.gaps), "");
  ASSERT_TRUE(image.distribution);
  EXPECT_EQ(image.distribution->stream(), "alpine:3.10");
  std::vector<std::string> ours;
  for (const auto& p : image.packages) ours.push_back(p.name + " " + p.version);
  std::sort(ours.begin(), ours.end());
  EXPECT_EQ(ours, theirs);
  EXPECT_EQ(ours.size(), 14u);
}

}  // namespace
}  // namespace pratique::scan
