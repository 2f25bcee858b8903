// Files the way a program that may lose power needs them.
//
// AtomicFile is the only way to write something durable: a temporary file beside the target, fsync, rename, fsync of
// the directory. Dir opens names that came from outside: nothing it is asked can leave it. Not thread-safe per object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"

namespace pratique::os {

// Reads a whole regular file. NotFound, or Limit when it is larger than `bytes_max`.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);
// Reads an open descriptor to its end with the same limit.
Result<std::string> read_to_end(const Fd& fd, std::size_t bytes_max);
Result<Fd> open_for_reading(const std::string& path);
Result<std::uint64_t> file_size(const Fd& fd);
// mkdir -p with 0700 for what is new; fsyncs the parents of new directories.
Status make_directories(const std::string& path);
Status remove_file(const std::string& path);  // absent is ok
// rm -rf; never follows a symlink, never leaves the tree's file system. Absent is ok.
Status remove_tree(const std::string& path);
Status sync_directory(const std::string& path);
std::vector<std::string> list_directory(const std::string& path);  // names, sorted; empty when unreadable
bool exists(const std::string& path);

class AtomicFile {
 public:
  // Creates a temporary file in the directory of `path`; nothing is visible at `path` until commit.
  static Result<AtomicFile> create(const std::string& path, unsigned mode = 0600);
  // Removes the temporary file unless committed.
  ~AtomicFile();
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) noexcept;

  const Fd& fd() const { return fd_; }
  Status write(Bytes bytes);
  // fsync, rename over `path`, fsync of the directory. After ok the content survives a power cut.
  Status commit();

 private:
  AtomicFile(Fd fd, std::string temporary, std::string path);
  Fd fd_;
  std::string temporary_;  // empty once committed
  std::string path_;
};

// create + write + commit.
Status write_file(const std::string& path, std::string_view content, unsigned mode = 0600);

// A directory as a capability: names below it, none outside (openat2 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS).
class Dir {
 public:
  static Result<Dir> open(const std::string& path);
  Result<Fd> open_file(const std::string& relative) const;  // read-only, regular files only
  const Fd& fd() const { return fd_; }

 private:
  explicit Dir(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// A fresh directory that is removed with its content when this goes.
class TemporaryDirectory {
 public:
  // Under `parent`, or $TMPDIR, or /tmp.
  static Result<TemporaryDirectory> create(const std::string& parent = "");
  ~TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace pratique::os
