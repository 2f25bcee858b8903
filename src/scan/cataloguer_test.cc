// Through the real worker: this test program is started again inside the sandbox.
#include <gtest/gtest.h>

#include <fstream>

#include "os/file.h"
#include "os/process.h"
#include "scan/test_archive.h"
#include "scan/worker.h"

namespace pratique::scan {
namespace {

using namespace testing;

LayerInventory catalogued(std::string_view bytes, const Limits& limits = {}) {
  Cataloguer cataloguer(limits);
  auto scan = cataloguer.start();
  CHECK(scan.ok(), scan.ok() ? "" : scan.error().message());
  for (std::string_view rest = bytes; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(rest.size(), 100'000)))
    scan->feed(as_bytes(rest.substr(0, 100'000)));
  return scan->finish(digest_of(bytes));
}
Archive sample() {
  return Archive()
      .file("etc/os-release", kDebian12)
      .file("var/lib/dpkg/status", dpkg_status({{"bash", "5.2.15-2"}, {"zlib1g", "1.2.13"}}));
}

TEST(Cataloguer, ReadsALayerInTheSandboxAsWeWould) {
  auto tar = sample().tar();
  for (const auto& bytes : {tar, gzip(tar), zstd(tar)}) {
    auto inventory = catalogued(bytes);
    EXPECT_EQ(codes(inventory.gaps), "");
    EXPECT_TRUE(inventory.is_layer);
    EXPECT_EQ(inventory.diff_id, digest_of(tar));
    EXPECT_EQ(encode_records(inventory), encode_records(read(bytes)));
  }
}
TEST(Cataloguer, EndsCheaplyForABlobThatIsNoLayer) {
  std::string config = "{\"architecture\":\"amd64\"}" + std::string(3 << 20, ' ');
  for (const auto& bytes : {config, gzip(config), std::string("x"), std::string()}) {
    auto inventory = catalogued(bytes);
    EXPECT_FALSE(inventory.is_layer) << (inventory.gaps.empty() ? "" : inventory.gaps[0].reason);
    EXPECT_EQ(codes(inventory.gaps), "");
  }
}
TEST(Cataloguer, ManagesInventoriesLargerThanEveryPipe) {
  Archive archive;
  for (int i = 0; i < 30'000; ++i) archive.file(format("directory/with/a/long/name/{:0>100}", i), "");
  EXPECT_EQ(catalogued(gzip(archive.tar())).files.size(), 30'000u);
}
TEST(Cataloguer, RemembersDamageAsAGap) {
  auto bytes = gzip(sample().tar());
  EXPECT_EQ(codes(catalogued(bytes.substr(0, bytes.size() - 9)).gaps), "truncated");
  EXPECT_EQ(codes(catalogued(bytes + "!").gaps), "trailing-garbage");
  EXPECT_FALSE(catalogued(bytes + "!").diff_id);
}
TEST(Cataloguer, RefusesAnInventoryBeyondItsLimit) {
  Limits limits;
  limits.index_bytes_max = 1000;
  Archive archive;
  for (int i = 0; i < 1000; ++i) archive.file(std::to_string(i), "");
  auto inventory = catalogued(archive.tar(), limits);
  EXPECT_EQ(codes(inventory.gaps), "limit");
  EXPECT_TRUE(inventory.files.empty());
}
#ifndef PRATIQUE_SANITIZED
TEST(Cataloguer, TurnsADeadWorkerIntoAGap) {
  Limits limits;
  limits.worker_memory_bytes_max = 120 << 20;
  auto inventory = catalogued(Archive().file("var/lib/dpkg/status", std::string(60 << 20, 'x')).tar(), limits);
  EXPECT_EQ(codes(inventory.gaps), "worker-died");
}
#endif
TEST(Cataloguer, GivesUpAWorkerThatMakesNoProgress) {
  Limits limits;
  limits.worker_stall_max = std::chrono::seconds(0);
  auto inventory = catalogued(gzip(sample().tar()), limits);
  EXPECT_EQ(codes(inventory.gaps), "timed-out");
}
TEST(Cataloguer, ManagesALayerThatWasNeverFedToItsEnd) {
  Cataloguer cataloguer;
  auto scan = cataloguer.start();
  ASSERT_TRUE(scan.ok());
  scan->feed(as_bytes("\x1f\x8b\x08"));
}
TEST(Cataloguer, RefusesToBeAWorkerWithOddArguments) {
  for (std::vector<std::string> arguments :
       {std::vector<std::string>{}, {"1"}, {"a", "b", "c", "d", "e", "f", "g", "h", "i"}}) {
    os::Command command{.program = "/proc/self/exe", .args = {std::string(kWorkerArgument)}};
    command.args.insert(command.args.end(), arguments.begin(), arguments.end());
    auto output = os::run(command);
    ASSERT_TRUE(output.ok());
    EXPECT_EQ(output->exit.code, 2);
  }
}

}  // namespace
}  // namespace pratique::scan
