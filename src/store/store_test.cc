#include "store/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "base/text.h"
#include "os/file.h"

namespace pratique::store {
namespace {

class StoreTest : public testing::Test {
 protected:
  Store& store() {
    if (!store_) store_ = Store::open({.directory = path()}).value();
    return *store_;
  }
  oci::Digest put(std::string_view text, oci::Algorithm algorithm = oci::Algorithm::Sha256) {
    return store().put(as_bytes(text), "text/plain", algorithm).value().digest;
  }
  std::string file_of(const oci::Digest& digest) const {
    std::string algorithm = digest.algorithm() == oci::Algorithm::Sha256 ? "sha256" : "sha512";
    return path() + "/blobs/" + algorithm + "/" + digest.encoded().substr(0, 2) + "/" + digest.encoded();
  }
  std::string text_of(const oci::Digest& digest) { return store().open_blob(digest).value().read_all(1 << 20).value(); }
  std::string path() const { return directory_.path() + "/store"; }

  os::TemporaryDirectory directory_ = os::TemporaryDirectory::create().value();
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, GivesBackWhatWasPut) {
  auto put_ = store().put(as_bytes("hello"), "text/plain").value();
  EXPECT_EQ(put_.digest, oci::Digest::of(as_bytes("hello")));
  EXPECT_EQ(put_.size, 5u);
  EXPECT_EQ(put_.media_type, "text/plain");
  EXPECT_EQ(text_of(put_.digest), "hello");
  EXPECT_EQ(text_of(put("", oci::Algorithm::Sha512)), "");
}

TEST_F(StoreTest, KeepsBlobsAcrossAReopen) {
  oci::Digest digest = put("hello", oci::Algorithm::Sha512);
  store_.reset();
  EXPECT_EQ(text_of(digest), "hello");
  EXPECT_TRUE(store().verify(digest).ok());
}

TEST_F(StoreTest, PutsTheSameTwice) {
  EXPECT_EQ(put("hello"), put("hello"));
  EXPECT_TRUE(os::list_directory(path() + "/uploads").empty());
}

TEST_F(StoreTest, SaysWhatIsNotThere) {
  oci::Digest absent = oci::Digest::of(as_bytes("absent"));
  EXPECT_FALSE(store().has(absent));
  EXPECT_EQ(store().size_of(absent), std::nullopt);
  EXPECT_EQ(store().open_blob(absent).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(store().verify(absent).error().kind(), ErrorKind::NotFound);
  EXPECT_TRUE(store().remove(absent).ok());
}

TEST_F(StoreTest, RemovesABlobThatReadersStillHold) {
  oci::Digest digest = put("hello");
  Blob blob = store().open_blob(digest).value();
  EXPECT_EQ(store().size_of(digest), 5u);
  ASSERT_TRUE(store().remove(digest).ok());
  EXPECT_FALSE(store().has(digest));
  EXPECT_EQ(blob.read_all(5).value(), "hello");
}

TEST_F(StoreTest, ReadsNoMoreThanAskedFor) {
  oci::Digest digest = put("hello");
  EXPECT_EQ(store().open_blob(digest).value().read_all(4).error().kind(), ErrorKind::Limit);
}

TEST_F(StoreTest, FindsADamagedBlob) {
  oci::Digest digest = put("hello");
  ASSERT_TRUE(os::write_file(file_of(digest), "hallo").ok());
  Status status = store().verify(digest);
  EXPECT_EQ(status.error().kind(), ErrorKind::Corrupt);
  EXPECT_TRUE(contains(status.error().message(), digest.to_string()));
}

TEST_F(StoreTest, ReplacesABlobWhoseSizeIsWrong) {
  oci::Digest digest = put("hello");
  ASSERT_EQ(::truncate(file_of(digest).c_str(), 2), 0);
  EXPECT_EQ(store().open_blob(digest).value().size(), 2u);
  put("hello");
  EXPECT_TRUE(store().verify(digest).ok());
}

TEST_F(StoreTest, NoticesAFileThatShrinksWhileItIsRead) {
  oci::Digest digest = put("hello");
  Blob blob = store().open_blob(digest).value();
  ASSERT_EQ(::truncate(file_of(digest).c_str(), 2), 0);
  EXPECT_EQ(blob.read_all(100).error().kind(), ErrorKind::Corrupt);
}

TEST_F(StoreTest, VisitsEveryBlobAndNothingElse) {
  std::set<std::string> expected = {put("a").to_string(), put("b").to_string(),
                                    put("c", oci::Algorithm::Sha512).to_string()};
  ASSERT_TRUE(os::make_directories(path() + "/blobs/sha256/00").ok());
  ASSERT_TRUE(os::write_file(path() + "/blobs/sha256/00/stray", "x").ok());
  std::set<std::string> seen;
  Status status = store().for_each([&](const oci::Digest& digest, std::uint64_t size) -> Status {
    EXPECT_EQ(size, 1u);
    seen.insert(digest.to_string());
    return {};
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(seen, expected);
}

TEST_F(StoreTest, StopsVisitingAtTheFirstError) {
  put("a");
  put("b");
  int calls = 0;
  Status status = store().for_each([&](const oci::Digest&, std::uint64_t) -> Status {
    ++calls;
    return refused("enough");
  });
  EXPECT_EQ(status.error().kind(), ErrorKind::Refused);
  EXPECT_EQ(calls, 1);
}

TEST_F(StoreTest, DoesNotTakeAnUnreadableTreeForAnEmptyOne) {
  put("a");
  ASSERT_TRUE(os::remove_tree(path() + "/blobs/sha512").ok());
  EXPECT_EQ(store().for_each([](const oci::Digest&, std::uint64_t) { return Status(); }).error().kind(),
            ErrorKind::NotFound);
}

TEST_F(StoreTest, DoesNotFollowASymlinkInPlaceOfABlob) {
  oci::Digest digest = put("secret");
  ASSERT_TRUE(store().remove(digest).ok());
  ASSERT_TRUE(os::write_file(directory_.path() + "/secret", "secret").ok());
  ASSERT_EQ(::symlink((directory_.path() + "/secret").c_str(), file_of(digest).c_str()), 0);
  EXPECT_FALSE(store().open_blob(digest).ok());
  EXPECT_FALSE(store().has(digest));
}

TEST_F(StoreTest, RemovesWhatAPutOfADeadProcessLeft) {
  store();
  ASSERT_TRUE(os::write_file(path() + "/uploads/put-0123", "x").ok());
  store_.reset();
  store();
  EXPECT_TRUE(os::list_directory(path() + "/uploads").empty());
}

TEST_F(StoreTest, CannotOpenWhereAFileIsInTheWay) {
  ASSERT_TRUE(os::write_file(path(), "x").ok());
  EXPECT_FALSE(Store::open({.directory = path()}).ok());
}

TEST_F(StoreTest, KeepsFilesFromOtherUsers) {
  struct stat info;
  ASSERT_EQ(::stat(file_of(put("hello")).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(StoreTest, LetsManyThreadsPutTheSameBlobs) {
  store();
  auto work = [&] {
    for (int i = 0; i < 20; ++i) put(std::to_string(i));
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(store().verify(oci::Digest::of(as_bytes(std::to_string(i)))).ok());
}

}  // namespace
}  // namespace pratique::store
