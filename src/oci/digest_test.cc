#include <gtest/gtest.h>

#include <unordered_set>

#include "oci/oci.h"

namespace pratique::oci {
namespace {

const std::string kA64(64, 'a');
const std::string kA128(128, 'a');
constexpr std::string_view kEmptySum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, ReadsBothAlgorithms) {
  for (const auto& text : {"sha256:" + kA64, "sha512:" + kA128}) EXPECT_EQ(Digest::parse(text)->to_string(), text);
}
TEST(Digest, RefusesWhatIsNone) {
  const std::string rows[] = {"",
                              "sha256",
                              "sha256:",
                              kA64,
                              "sha256:" + kA64.substr(1),
                              "sha256:" + kA64 + "a",
                              "sha256:" + std::string(64, 'A'),
                              "sha256:" + std::string(64, 'g'),
                              "SHA256:" + kA64,
                              "sha512:" + kA64,
                              "sha256:" + kA128,
                              "md5:" + std::string(32, 'a'),
                              "sha256:" + kA64.substr(2) + "/.",
                              " sha256:" + kA64,
                              "blake3:" + kA64};
  for (const auto& row : rows) EXPECT_EQ(Digest::parse(row).error().kind(), ErrorKind::Invalid) << row;
}
TEST(Digest, IsTheHashOfItsBytes) {
  EXPECT_EQ(Digest::of({}).to_string(), kEmptySum);
}
TEST(Digest, TakesASumOfSha512) {
  EXPECT_EQ(Digest::from(Sha512().sum()).to_string().substr(0, 23), "sha512:cf83e1357eefb8bd");
}
TEST(Digest, IsShortForPeople) {
  EXPECT_EQ(Digest::of({}).short_text(), "sha256:e3b0c44298fc");
}
TEST(Digest, IsAKey) {
  std::unordered_set<Digest> set{Digest::of({}), Digest::of({}), Digest::of(as_bytes("x"))};
  EXPECT_EQ(set.size(), 2U);
}
TEST(Digest, DiffersByAlgorithmAndValue) {
  EXPECT_NE(Digest::of({}), Digest::from(Sha512().sum()));
  EXPECT_EQ(*Digest::parse(kEmptySum), Digest::of({}));
}

TEST(ChainId, OfOneLayerIsItsDiffId) {
  EXPECT_EQ(chain_id({Digest::of(as_bytes("a"))}), Digest::of(as_bytes("a")));
}
TEST(ChainId, OfNoLayerIsTheDigestOfNothing) {
  EXPECT_EQ(chain_id({}), Digest::of({}));
}
TEST(ChainId, FoldsFromTheLowestLayer) {
  auto a = Digest::of(as_bytes("a")), b = Digest::of(as_bytes("b")), c = Digest::of(as_bytes("c"));
  auto ab = Digest::of(as_bytes(a.to_string() + " " + b.to_string()));
  EXPECT_EQ(chain_id({a, b}), ab);
  EXPECT_EQ(chain_id({a, b, c}), Digest::of(as_bytes(ab.to_string() + " " + c.to_string())));
  EXPECT_NE(chain_id({a, b}), chain_id({b, a}));
}

}  // namespace
}  // namespace pratique::oci
