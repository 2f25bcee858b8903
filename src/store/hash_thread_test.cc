#include "store/hash_thread.h"

#include <gtest/gtest.h>

#include <string>

namespace pratique::store {

namespace {

TEST(HashThread, GivesWhatOneThreadWouldPieceByPiece) {
  std::string bytes(3'000'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 8U));
  Sha256 hasher;
  auto thread = HashThread::make();
  ASSERT_NE(thread, nullptr);
  for (std::size_t at = 0; at < bytes.size(); at += 100'000) {
    thread->start(hasher, as_bytes(std::string_view(bytes).substr(at, 100'000)));
    thread->wait();
  }
  EXPECT_EQ(hasher.sum(), sha256(as_bytes(bytes)));
}

TEST(HashThread, EndsWithoutWork) {
  EXPECT_NE(HashThread::make(), nullptr);
}

}  // namespace

}  // namespace pratique::store
