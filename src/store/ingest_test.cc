#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "base/text.h"
#include "os/file.h"
#include "store/store.h"

namespace pratique::store {
namespace {

// Writes down what taps are told: "[abc]+" for bytes and a commit, one bracket a tap.
class RecordingTap final : public Tap {
 public:
  explicit RecordingTap(std::string& log) : log_(log) { log_ += "["; }
  ~RecordingTap() override { log_ += "]"; }
  void on_bytes(Bytes bytes) override { log_ += as_text(bytes); }
  void on_commit(const oci::Digest& digest) override { log_ += "+" + digest.encoded().substr(0, 4); }

 private:
  std::string& log_;
};

oci::Digest sha256_of(std::string_view text) {
  return oci::Digest::of(as_bytes(text));
}
oci::Digest sha512_of(std::string_view text) {
  Sha512 hasher;
  hasher.update(as_bytes(text));
  return oci::Digest::from(hasher.sum());
}

class IngestTest : public testing::Test {
 protected:
  Store& store() {
    if (!store_) store_ = open();
    return *store_;
  }
  std::unique_ptr<Store> open() {
    auto make_tap = [this] { return std::make_unique<RecordingTap>(taps_); };
    return Store::open({.directory = directory_.path(), .blob_bytes_max = limit_, .make_tap = make_tap}).value();
  }
  Ingest start(std::string_view text = "") {
    Ingest ingest = store().start_ingest().value();
    EXPECT_TRUE(ingest.append(as_bytes(text)).ok());
    return ingest;
  }
  // An upload that was checkpointed at `text` when the process died.
  std::string interrupted_at(std::string_view text, std::string_view lost = "") {
    Ingest ingest = start(text);
    EXPECT_TRUE(ingest.checkpoint().ok());
    std::string id = ingest.id();
    {
      Ingest parked = std::move(ingest);
    }
    store_.reset();
    append_to_file(id, lost);
    taps_.clear();
    return id;
  }
  void append_to_file(const std::string& id, std::string_view text) {
    os::Fd fd(::open(data_of(id).c_str(), O_WRONLY | O_APPEND));
    ASSERT_TRUE(os::write_all(fd, as_bytes(text)).ok());
  }
  std::string upload(const std::string& id) const { return directory_.path() + "/uploads/" + id; }
  std::string data_of(const std::string& id) const { return upload(id) + "/data"; }

  os::TemporaryDirectory directory_ = os::TemporaryDirectory::create().value();
  std::uint64_t limit_ = 1 << 20;
  std::string taps_;
  std::unique_ptr<Store> store_;
};

TEST_F(IngestTest, BecomesABlobAtCommitAndNotBefore) {
  Ingest ingest = start("hello ");
  ASSERT_TRUE(ingest.append(as_bytes("world")).ok());
  EXPECT_EQ(ingest.size(), 11u);
  EXPECT_FALSE(store().has(sha256_of("hello world")));
  EXPECT_EQ(ingest.commit(sha256_of("hello world")).value().size, 11u);
  EXPECT_TRUE(store().verify(sha256_of("hello world")).ok());
  EXPECT_TRUE(store().unfinished_ingests().empty());
}

TEST_F(IngestTest, CommitsUnderSha512WhenTheCloseSaysSo) {
  ASSERT_TRUE(start("hello").commit(sha512_of("hello")).ok());
  EXPECT_TRUE(store().verify(sha512_of("hello")).ok());
  EXPECT_FALSE(store().has(sha256_of("hello")));
}

TEST_F(IngestTest, CommitsNoBytes) {
  ASSERT_TRUE(start().commit(sha256_of("")).ok());
  EXPECT_EQ(store().size_of(sha256_of("")), 0u);
}

// Beyond 16 MiB a second thread hashes: across requests, checkpoints and a restart it must come to the same.
TEST_F(IngestTest, HashesALargeUploadWithASecondThreadToTheSame) {
  limit_ = 64 << 20;
  std::string bytes(24'000'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 12U));
  Ingest first = start();
  const std::string id = first.id();
  const auto append = [&](Ingest& ingest, std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; at += 300'000)
      ASSERT_TRUE(
          ingest.append(as_bytes(std::string_view(bytes).substr(at, std::min<std::size_t>(300'000, to - at)))).ok());
  };
  append(first, 0, 18'000'000);
  ASSERT_TRUE(first.checkpoint().ok());
  append(first, 18'000'000, 21'000'000);
  {
    Ingest parked = std::move(first);
  }
  Ingest second = store().resume_ingest(id).value();
  ASSERT_EQ(second.size(), 21'000'000U);
  append(second, 21'000'000, bytes.size());
  EXPECT_TRUE(second.commit(sha256_of(bytes)).ok());
}

TEST_F(IngestTest, RefusesBytesThatHashToSomethingElse) {
  for (const auto& wrong : {sha256_of("other"), sha512_of("other")}) {
    auto outcome = start("hello").commit(wrong);
    EXPECT_EQ(outcome.error().kind(), ErrorKind::Invalid);
    EXPECT_TRUE(outcome.error().message().starts_with("digest ")) << outcome.error().message();
    EXPECT_FALSE(store().has(wrong));
    EXPECT_TRUE(store().unfinished_ingests().empty());
  }
}

TEST_F(IngestTest, KeepsTheBlobThatIsThere) {
  ASSERT_TRUE(start("hello").commit(sha256_of("hello")).ok());
  Blob first = store().open_blob(sha256_of("hello")).value();
  ASSERT_TRUE(start("hello").commit(sha256_of("hello")).ok());
  struct stat before, after;
  ASSERT_EQ(::fstat(first.fd().get(), &before), 0);
  ASSERT_EQ(::fstat(store().open_blob(sha256_of("hello")).value().fd().get(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(IngestTest, TakesNoMoreThanTheLimit) {
  limit_ = 10;
  Ingest ingest = start("0123456789");
  EXPECT_EQ(ingest.append(as_bytes("x")).error().kind(), ErrorKind::Limit);
  EXPECT_EQ(ingest.append(as_bytes(std::string(11, 'x'))).error().kind(), ErrorKind::Limit);
  EXPECT_EQ(ingest.size(), 10u);
  EXPECT_TRUE(ingest.commit(sha256_of("0123456789")).ok());
}

TEST_F(IngestTest, LeavesNothingWhenAbandoned) {
  Ingest ingest = start("hello");
  std::string id = ingest.id();
  ingest.abandon();
  ingest.abandon();
  EXPECT_FALSE(os::exists(upload(id)));
  EXPECT_EQ(store().resume_ingest(id).error().kind(), ErrorKind::NotFound);
}

TEST_F(IngestTest, GoesOnInTheSameProcessWithTheSameTap) {
  std::string id;
  {
    id = start("hel").id();
  }
  Ingest ingest = store().resume_ingest(id).value();
  EXPECT_EQ(ingest.size(), 3u);
  ASSERT_TRUE(ingest.append(as_bytes("lo")).ok());
  ASSERT_TRUE(ingest.commit(sha256_of("hello")).ok());
  EXPECT_EQ(taps_, "[hello+2cf2]");
}

TEST_F(IngestTest, GivesAnUploadToOneRequestAtATime) {
  Ingest ingest = start("hel");
  EXPECT_EQ(store().resume_ingest(ingest.id()).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(store().discard_ingest(ingest.id()).error().kind(), ErrorKind::Conflict);
  auto second = open();
  EXPECT_EQ(second->resume_ingest(ingest.id()).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(second->discard_ingest(ingest.id()).error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(os::exists(data_of(ingest.id())));
}

TEST_F(IngestTest, GoesOnAfterARestartAndReplaysTheTap) {
  std::string id = interrupted_at("hel");
  Ingest ingest = store().resume_ingest(id).value();
  EXPECT_EQ(ingest.size(), 3u);
  ASSERT_TRUE(ingest.append(as_bytes("lo")).ok());
  ASSERT_TRUE(ingest.commit(sha256_of("hello")).ok());
  EXPECT_EQ(taps_, "[hello+2cf2]");
}

TEST_F(IngestTest, ForgetsBytesThatWereNotCheckpointed) {
  std::string id = interrupted_at("hel", "not acknowledged");
  Ingest ingest = store().resume_ingest(id).value();
  EXPECT_EQ(ingest.size(), 3u);
  EXPECT_EQ(taps_, "[hel");
  ASSERT_TRUE(ingest.append(as_bytes("lo")).ok());
  EXPECT_TRUE(ingest.commit(sha256_of("hello")).ok());
}

TEST_F(IngestTest, MakesAnInterruptedRequestsBytesDurable) {
  std::string id;
  {
    id = start("hello").id();
  }  // no checkpoint: the connection broke
  store_.reset();
  EXPECT_EQ(store().resume_ingest(id).value().size(), 5u);
}

TEST_F(IngestTest, StartsOverWhenTheBytesDoNotMatchTheState) {
  std::string flipped = interrupted_at("hello");
  ASSERT_TRUE(os::write_file(data_of(flipped), "hallo").ok());
  std::string shorter = interrupted_at("hello");
  ASSERT_EQ(::truncate(data_of(shorter).c_str(), 4), 0);
  std::string stateless = interrupted_at("hello");
  ASSERT_TRUE(os::remove_file(upload(stateless) + "/state").ok());
  std::string damaged = interrupted_at("hello");
  ASSERT_TRUE(os::write_file(upload(damaged) + "/state", "pratique-upload 1\nsize 5\n").ok());
  for (const auto& id : {flipped, shorter, stateless, damaged}) {
    Ingest ingest = store().resume_ingest(id).value();
    EXPECT_EQ(ingest.size(), 0u);
    ASSERT_TRUE(ingest.append(as_bytes("fresh")).ok());
    EXPECT_TRUE(ingest.commit(sha256_of("fresh")).ok());
  }
}

TEST_F(IngestTest, RefusesIdsThatAreNoIds) {
  store();
  for (const char* id :
       {"", ".", "..", "../blobs", "0123456789abcdef0123456789abcdeX", "0123456789abcdef0123456789abcdef"}) {
    EXPECT_EQ(store().resume_ingest(id).error().kind(), ErrorKind::NotFound) << id;
    EXPECT_TRUE(store().discard_ingest(id).ok()) << id;
  }
  EXPECT_TRUE(os::exists(directory_.path() + "/blobs"));
}

TEST_F(IngestTest, ListsAndDiscardsWhatIsUnfinished) {
  std::string gone = interrupted_at("a");
  std::string here;
  {
    here = start("b").id();
  }
  auto ids = store().unfinished_ingests();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()), (std::set<std::string>{gone, here}));
  for (const auto& id : ids) EXPECT_TRUE(store().discard_ingest(id).ok());
  EXPECT_TRUE(store().unfinished_ingests().empty());
  EXPECT_EQ(taps_, "[b]");
}

TEST_F(IngestTest, ParksManyUploadsAndLosesNone) {
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(start(std::to_string(i)).id());
  for (int i = 0; i < 100; ++i) {
    Ingest ingest = store().resume_ingest(ids[i]).value();
    EXPECT_TRUE(ingest.commit(sha256_of(std::to_string(i))).ok()) << i;
  }
}

TEST_F(IngestTest, AssignmentParksTheUploadThatWasThere) {
  Ingest first = start("a");
  std::string id = first.id();
  first = start("b");
  EXPECT_EQ(store().resume_ingest(id).value().size(), 1u);
}

TEST_F(IngestTest, SurvivesWithoutATap) {
  store_ = Store::open({.directory = directory_.path()}).value();
  EXPECT_TRUE(start("hello").commit(sha256_of("hello")).ok());
}

TEST_F(IngestTest, PutIsNotTapped) {
  ASSERT_TRUE(store().put(as_bytes("manifest"), "x").ok());
  EXPECT_EQ(taps_, "");
}

TEST_F(IngestTest, RemovesHalfWrittenStateFilesAtOpen) {
  std::string id = interrupted_at("hello");
  ASSERT_TRUE(os::write_file(upload(id) + "/state.tmp-0123", "x").ok());
  store();
  EXPECT_EQ(os::list_directory(upload(id)), (std::vector<std::string>{"data", "state"}));
}

// The kernel itself refuses to let files grow: what a full disk looks like to the store.
class FullDiskTest : public IngestTest {
 protected:
  FullDiskTest() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
  }
  ~FullDiskTest() override { set(before_.rlim_cur); }
  void set(rlim_t bytes) {
    rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  rlimit before_;
};

TEST_F(FullDiskTest, IsALimitAndKeepsWhatWasAcknowledged) {
  Ingest ingest = start("hello");
  ASSERT_TRUE(ingest.checkpoint().ok());
  std::string id = ingest.id();
  set(100);
  Status status = ingest.append(as_bytes(std::string(200, 'x')));
  EXPECT_EQ(status.error().kind(), ErrorKind::Limit);
  EXPECT_TRUE(contains(status.error().message(), "disk is full")) << status.error().message();
  EXPECT_FALSE(ingest.append(as_bytes("more")).ok());
  EXPECT_FALSE(ingest.checkpoint().ok());
  EXPECT_FALSE(ingest.commit(sha256_of("hello")).ok());
  {
    Ingest dropped = std::move(ingest);
  }
  set(before_.rlim_cur);
  Ingest again = store().resume_ingest(id).value();
  EXPECT_EQ(again.size(), 5u);
  EXPECT_TRUE(again.commit(sha256_of("hello")).ok());
}

TEST_F(FullDiskTest, RefusesAPutWithoutATrace) {
  store();
  set(100);
  EXPECT_EQ(store().put(as_bytes(std::string(200, 'x')), "x").error().kind(), ErrorKind::Limit);
  EXPECT_FALSE(store().has(sha256_of(std::string(200, 'x'))));
  EXPECT_TRUE(os::list_directory(directory_.path() + "/uploads").empty());
}

using IngestDeathTest = IngestTest;

TEST_F(IngestDeathTest, AbortsWhenUsedAfterItsEnd) {
  Ingest ingest = start("hello");
  ASSERT_TRUE(ingest.commit(sha256_of("hello")).ok());
  EXPECT_DEATH((void)ingest.append(as_bytes("x")).ok(), "after the end");
  EXPECT_DEATH((void)ingest.checkpoint().ok(), "after the end");
  EXPECT_DEATH((void)ingest.commit(sha256_of("hello")).ok(), "after the end");
}

}  // namespace
}  // namespace pratique::store
