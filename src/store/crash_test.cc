// What is on the disk after a power cut or a kill: everything acknowledged, and nothing under a blob's name that is not
// that blob. The power cut forgets every byte and every directory entry that was not synced.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <random>
#include <vector>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"
#include "store/store.h"

namespace pratique::store {
namespace {

// While one lives, fsync and fdatasync of this program also copy what they make durable.
class DurableDisk {
 public:
  using Identity = std::pair<unsigned long long, long long>;  // inode and birth: inode numbers are used again
  struct Entry {
    Identity identity;
    bool is_directory;
  };
  struct Image {
    std::map<Identity, std::string> files;
    std::map<Identity, std::map<std::string, Entry>> directories;
  };

  explicit DurableDisk(const std::string& root) : root_(entry_of(AT_FDCWD, root.c_str()).identity) { active = this; }
  ~DurableDisk() { active = nullptr; }
  DurableDisk(const DurableDisk&) = delete;
  DurableDisk& operator=(const DurableDisk&) = delete;

  // What fsync() and fdatasync() do in this program.
  static int sync(int fd, long system_call) {
    if (active && active->failure != 0) {
      errno = active->failure;
      return -1;
    }
    if (::syscall(system_call, fd) != 0) return -1;
    if (active) active->remember(fd);
    return 0;
  }

  // Builds the directory as the power cut leaves it.
  void restore(const Image& from, const std::string& path) const { restore(from, root_, path); }

  Image image;
  int failure = 0;  // errno of the next syncs; 0: they work
  std::function<void()> on_sync = [] {};

 private:
  static Entry entry_of(int directory, const char* name) {
    struct statx info;
    CHECK(::statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_INO | STATX_BTIME | STATX_TYPE, &info) ==
          0);
    return {{info.stx_ino, info.stx_btime.tv_sec * 1'000'000'000 + info.stx_btime.tv_nsec}, S_ISDIR(info.stx_mode)};
  }
  void remember(int fd) {
    Entry self = entry_of(fd, "");
    std::string path = format("/proc/self/fd/{}", fd);
    if (self.is_directory) {
      auto& entries = image.directories[self.identity];
      entries.clear();
      for (const std::string& name : os::list_directory(path)) entries.emplace(name, entry_of(fd, name.c_str()));
    } else {
      image.files[self.identity] = os::read_file(path, 64 << 20).value();
    }
    on_sync();
  }
  void restore(const Image& from, const Identity& directory, const std::string& path) const {
    CHECK(::mkdir(path.c_str(), 0700) == 0);
    auto entries = from.directories.find(directory);
    if (entries == from.directories.end()) return;
    for (const auto& [name, entry] : entries->second) {
      std::string below = format("{}/{}", path, name);
      if (entry.is_directory) {
        restore(from, entry.identity, below);
      } else {
        auto file = from.files.find(entry.identity);
        std::string content = file == from.files.end() ? "" : file->second;
        os::Fd fd(::open(below.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        CHECK(os::write_all(fd, as_bytes(content)).ok());
      }
    }
  }

  static DurableDisk* active;
  const Identity root_;
};
DurableDisk* DurableDisk::active = nullptr;

// What clients have been told.
struct Acknowledged {
  std::vector<oci::Digest> blobs;
  std::map<std::string, std::uint64_t> uploads;  // id → size at the last checkpoint
};

void expect_nothing_lost(const std::string& directory, const Acknowledged& told) {
  auto store = Store::open({.directory = directory}).value();
  for (const auto& digest : told.blobs) EXPECT_TRUE(store->verify(digest).ok()) << digest.to_string();
  auto whole = [&](const oci::Digest& digest, std::uint64_t) { return store->verify(digest); };
  EXPECT_TRUE(store->for_each(whole).ok());
  for (const auto& [id, size] : told.uploads) {
    auto ingest = store->resume_ingest(id);
    ASSERT_TRUE(ingest.ok()) << ingest.error().message();
    EXPECT_GE(ingest->size(), size);
  }
}

class PowerCutTest : public testing::Test {
 protected:
  // Remembers what a power cut now would leave, and what was told until now.
  void might_be_cut() { cuts_.push_back({disk_.image, told_}); }
  void put(const std::string& text) {
    told_.blobs.push_back(store_->put(as_bytes(text), "x").value().digest);
    might_be_cut();
  }
  void checkpoint(Ingest& ingest) {
    ASSERT_TRUE(ingest.checkpoint().ok());
    told_.uploads[ingest.id()] = ingest.size();
    might_be_cut();
  }
  void commit(Ingest ingest, const oci::Digest& digest) {
    told_.uploads.erase(ingest.id());  // from here on either the upload or the blob is there
    ASSERT_TRUE(ingest.commit(digest).ok());
    told_.blobs.push_back(digest);
    might_be_cut();
  }
  void check_every_cut() {
    for (std::size_t i = 0; i < cuts_.size(); ++i) {
      SCOPED_TRACE(format("cut {} of {}", i, cuts_.size()));
      std::string directory = format("{}/cut-{}", directory_.path(), i);
      disk_.restore(cuts_[i].first, directory);
      expect_nothing_lost(directory, cuts_[i].second);
    }
  }

  os::TemporaryDirectory directory_ = os::TemporaryDirectory::create().value();
  std::string root_ = [this] {
    CHECK(::mkdir((directory_.path() + "/live").c_str(), 0700) == 0);
    return directory_.path() + "/live";
  }();
  DurableDisk disk_{root_};
  std::unique_ptr<Store> store_ = Store::open({.directory = root_}).value();
  Acknowledged told_;
  std::vector<std::pair<DurableDisk::Image, Acknowledged>> cuts_;
};

TEST_F(PowerCutTest, LosesNothingThatWasAcknowledgedAtAnyMoment) {
  disk_.on_sync = [this] { might_be_cut(); };
  put("manifest");
  put("");
  std::string text(300'000, 'a');
  for (int round = 0; round < 2; ++round) {  // the second time the blob is there
    Ingest ingest = store_->start_ingest().value();
    ASSERT_TRUE(ingest.append(as_bytes(text.substr(0, 100'000))).ok());
    checkpoint(ingest);
    ASSERT_TRUE(ingest.append(as_bytes(text.substr(100'000))).ok());
    checkpoint(ingest);
    commit(std::move(ingest), oci::Digest::of(as_bytes(text)));
  }
  Ingest parked = store_->start_ingest().value();
  ASSERT_TRUE(parked.append(as_bytes("parked")).ok());
  checkpoint(parked);
  put("manifest");
  check_every_cut();
  EXPECT_GT(cuts_.size(), 15u);
}

TEST_F(PowerCutTest, LosesNoBlobOfAnyDirectoryEver) {
  for (int i = 0; i < 64; ++i) {
    Ingest ingest = store_->start_ingest().value();
    ASSERT_TRUE(ingest.append(as_bytes(std::to_string(i))).ok());
    commit(std::move(ingest), oci::Digest::of(as_bytes(std::to_string(i))));
  }
  cuts_.erase(cuts_.begin(), cuts_.end() - 1);
  check_every_cut();
}

TEST_F(PowerCutTest, ShowsNoBlobWhoseSyncFailed) {
  for (int error_number : {EIO, ENOSPC}) {
    Ingest ingest = store_->start_ingest().value();
    ASSERT_TRUE(ingest.append(as_bytes("hello")).ok());
    ASSERT_TRUE(ingest.checkpoint().ok());
    std::string id = ingest.id();
    ASSERT_TRUE(ingest.append(as_bytes(" world")).ok());
    disk_.failure = error_number;
    auto outcome = ingest.commit(oci::Digest::of(as_bytes("hello world")));
    EXPECT_EQ(outcome.error().kind(), error_number == EIO ? ErrorKind::Unavailable : ErrorKind::Limit);
    {
      Ingest dropped = std::move(ingest);
    }
    disk_.failure = 0;
    EXPECT_FALSE(store_->has(oci::Digest::of(as_bytes("hello world"))));
    EXPECT_EQ(store_->resume_ingest(id).value().size(), 5u);
  }
}

TEST_F(PowerCutTest, FallsBackToTheCheckpointWhenADroppedUploadCannotBeSynced) {
  Ingest ingest = store_->start_ingest().value();
  ASSERT_TRUE(ingest.append(as_bytes("hello")).ok());
  ASSERT_TRUE(ingest.checkpoint().ok());
  std::string id = ingest.id();
  ASSERT_TRUE(ingest.append(as_bytes(" world")).ok());
  disk_.failure = EIO;
  EXPECT_EQ(ingest.checkpoint().error().kind(), ErrorKind::Unavailable);
  {
    Ingest dropped = std::move(ingest);
  }
  disk_.failure = 0;
  EXPECT_EQ(store_->resume_ingest(id).value().size(), 5u);
}

// Uploads blobs of random sizes without end, telling through the pipe what it acknowledges.
class Uploader {
 public:
  Uploader(const std::string& directory, os::Fd out, unsigned seed)
      : store_(Store::open({.directory = directory}).value()), out_(std::move(out)), random_(seed) {}
  [[noreturn]] void run() {
    for (;;) upload();
  }

 private:
  void upload() {
    Ingest ingest = store_->start_ingest().value();
    Sha256 hasher;
    for (unsigned pieces = random_() % 8; pieces > 0; --pieces) {
      std::string piece(random_() % 200'000, static_cast<char>(random_()));
      need(ingest.append(as_bytes(piece)));
      hasher.update(as_bytes(piece));
      if (random_() % 3 != 0) continue;
      need(ingest.checkpoint());
      tell(format("upload {} {}", ingest.id(), ingest.size()));
    }
    auto digest = oci::Digest::from(hasher.sum());
    tell(format("closing {} 0", ingest.id()));
    need(ingest.commit(digest).ok() ? Status() : Status(corrupt("commit")));
    tell(format("blob {} 0", digest.to_string()));
  }
  void tell(const std::string& line) { need(os::write_all(out_, as_bytes(line + "\n"))); }
  static void need(const Status& status) {
    if (!status.ok()) ::_exit(1);
  }

  std::unique_ptr<Store> store_;
  os::Fd out_;
  std::mt19937 random_;
};

Acknowledged read_reports(const std::string& text) {
  Acknowledged told;
  std::string whole = text.substr(0, text.rfind('\n') + 1);  // the kill may have cut the last line
  for (std::string_view line : split(whole, '\n')) {
    auto words = split(line, ' ');
    if (words.size() != 3) continue;
    if (words[0] == "upload") told.uploads[std::string(words[1])] = *parse_decimal(words[2]);
    if (words[0] == "closing") told.uploads.erase(std::string(words[1]));
    if (words[0] == "blob") told.blobs.push_back(oci::Digest::parse(words[1]).value());
  }
  return told;
}

TEST(KillTest, LosesNothingThatWasAcknowledgedBeforeAKill) {
  auto directory = os::TemporaryDirectory::create().value();
  std::mt19937 random(7);
  std::string reports;
  for (unsigned round = 0; round < 8; ++round) {
    os::Pipe pipe = os::make_pipe().value();
    pid_t child = ::fork();
    if (child == 0) Uploader(directory.path(), std::move(pipe.write_end), round).run();
    pipe.write_end.reset();
    std::string piece(2000, '\0');
    // The child goes on while we read, so the kill falls anywhere in its work.
    for (std::size_t until = reports.size() + random() % 3000; reports.size() <= until;)
      reports += piece.substr(0, os::read_some(pipe.read_end, std::as_writable_bytes(std::span(piece))).value());
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child could not write";
    reports += os::read_to_end(pipe.read_end, 1 << 20).value();
    expect_nothing_lost(directory.path(), read_reports(reports));
  }
  EXPECT_GT(read_reports(reports).blobs.size(), 20u);
}

}  // namespace

int sync_durably(int fd, long system_call) {
  return DurableDisk::sync(fd, system_call);
}

}  // namespace pratique::store

// These take the place of the C library's in this test program.
extern "C" int fsync(int fd) {
  return pratique::store::sync_durably(fd, SYS_fsync);
}
extern "C" int fdatasync(int fd) {
  return pratique::store::sync_durably(fd, SYS_fdatasync);
}
