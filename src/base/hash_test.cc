#include "base/hash.h"

#include <gtest/gtest.h>

namespace pratique {
namespace {

TEST(Sha256, MatchesTheFips180Vector) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
TEST(Sha512, MatchesTheFips180Vector) {
  Sha512 hasher;
  hasher.update(as_bytes("abc"));
  EXPECT_TRUE(to_hex(hasher.sum()).starts_with("ddaf35a193617abacc417349ae204131"));
}
TEST(HmacSha256, MatchesRfc4231Case2) {
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
TEST(Sha256, GoesOnAfterSaveAndRestoreAtEveryOffset) {
  std::string text(200, 'x');
  for (std::size_t at = 0; at <= text.size(); at += 7) {
    Sha256 first;
    first.update(as_bytes(text.substr(0, at)));
    auto second = Sha256::restore(first.save());
    ASSERT_TRUE(second.ok());
    second->update(as_bytes(text.substr(at)));
    EXPECT_EQ(to_hex(second->sum()), sha256_hex(text));
  }
}
TEST(Sha256, RefusesADamagedSavedState) {
  std::string saved = Sha256().save();
  EXPECT_FALSE(Sha256::restore("").ok());
  EXPECT_FALSE(Sha256::restore(saved.substr(1)).ok());
  for (std::size_t i = saved.size() - 8; i < saved.size(); ++i) saved[i] = '\xff';
  EXPECT_FALSE(Sha256::restore(saved).ok());
}
TEST(Sha256, LeavesTheOriginalOfACopyAlone) {
  Sha256 first;
  first.update(as_bytes("ab"));
  Sha256 fork = first;
  fork.update(as_bytes("zzz"));
  first.update(as_bytes("c"));
  EXPECT_EQ(to_hex(first.sum()), sha256_hex("abc"));
}

}  // namespace
}  // namespace pratique
