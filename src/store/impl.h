// What Store and Ingest share. Private to `store`.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/guarded.h"
#include "base/hash.h"
#include "store/hash_thread.h"
#include "store/store.h"

namespace pratique::store {

// Reads and writes in pieces of this size: large enough for the disk, small enough for the cache.
inline constexpr std::size_t kPieceBytes = 1 << 20;

struct Ingest::Impl {
  Store::Impl& store;
  const std::string id;
  os::Fd data;                     // locked (flock): no other process resumes or removes this upload
  std::uint64_t size = 0;          // written, hashed and seen by the tap
  std::uint64_t checkpointed = 0;  // durable according to the state file
  std::uint64_t pushed_out = 0;    // given to the disk by write-behind
  Sha256 hasher;
  std::unique_ptr<HashThread> hash_thread;  // of a large upload while a request has it
  std::unique_ptr<Tap> tap;                 // made with the first byte
  std::optional<Error> broken;  // what the disk said: memory and disk may differ, only the last checkpoint counts
  bool is_finished = false;

  void feed(Bytes bytes);
  Tap* need_tap();
  Status write(Bytes bytes);
  Status write_and_hash(Bytes bytes);
  Status checkpoint();
  Status check_digest(const oci::Digest& expected);
  // Marks as broken and passes on.
  Error failed(const Error& error);
};

struct Store::Impl {
  // An upload that a living Ingest has (parked == nullptr) or that waits for its next request.
  struct Session {
    std::unique_ptr<Ingest::Impl> parked;
    std::uint64_t parked_at = 0;
  };
  struct Sessions {
    std::map<std::string, Session, std::less<>> by_id;
    std::uint64_t parkings = 0;
  };

  const Options options;
  const std::string blobs;
  const std::string uploads;
  Guarded<Sessions> sessions;
  // At most 512. One that merely exists is not enough: whoever made it may not have synced its parent yet.
  Guarded<std::set<std::string>> durable_directories;

  std::string upload_directory(const std::string& id) const { return uploads + "/" + id; }
  std::string data_path(const std::string& id) const { return upload_directory(id) + "/data"; }
  std::string state_path(const std::string& id) const { return upload_directory(id) + "/state"; }
  std::string blob_directory(const oci::Digest& digest) const;
  std::string blob_path(const oci::Digest& digest) const;

  // Makes the synced file `path` visible as the blob; durable on return.
  Status publish(const std::string& path, const oci::Digest& digest);
  Status need_blob_directory(const oci::Digest& digest);
  void park(std::unique_ptr<Ingest::Impl> ingest);
  void drop(std::unique_ptr<Ingest::Impl> ingest);
  std::unique_ptr<Ingest::Impl> take_oldest_over_limit(Sessions& locked);
  void forget(const std::string& id);
  // Reads an upload's files back after a restart.
  Status load(Ingest::Impl& ingest) const;
};

// Files in uploads/ that put() writes; no upload's id has this mark.
inline constexpr std::string_view kPutPrefix = "put-";

std::string_view directory_name(oci::Algorithm algorithm);
Result<os::Fd> open_for_writing(const std::string& path, int more_flags);
Result<oci::Digest> hash_file(const os::Fd& fd, oci::Algorithm algorithm,
                              const std::function<bool(std::size_t)>& pace = {});
// Takes the file's lock without waiting; false when another process or Ingest has it.
bool lock_file(const os::Fd& fd);
Status write_at(const os::Fd& fd, Bytes bytes, std::uint64_t offset);
Status sync_data(const os::Fd& fd);

}  // namespace pratique::store
