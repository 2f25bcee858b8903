// Bytes at rest, named by their digest. Files in a directory; nothing is visible before it is whole, hashed and synced.
//
// An Ingest is the only way in: temporary file, hash while writing, fsync, rename, fsync of the directory. A blob's
// name equals the hash of its bytes at the moment of rename. Not here: who may read, which names point where. Layout
// and the upload's state file: docs/formats/store.md. Several processes may open the same directory. Thread rule: Store
// is thread-safe and outlives its Ingests; an Ingest belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oci/oci.h"
#include "os/fd.h"

namespace pratique::store {

// Sees every byte of an ingest in order, as it is written: how a layer is catalogued while it arrives. It must not
// fail the upload, so it returns nothing; it may block (that is the backpressure).
class Tap {
 public:
  virtual ~Tap() = default;
  virtual void on_bytes(Bytes bytes) = 0;
  // All bytes have come, match `digest` and are durable under that name.
  virtual void on_commit(const oci::Digest& digest) = 0;
  // Abandoned; the destructor follows.
};

class Blob {
 public:
  const os::Fd& fd() const { return fd_; }
  std::uint64_t size() const { return size_; }
  Result<std::string> read_all(std::size_t bytes_max) const;

  Blob(os::Fd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}

 private:
  os::Fd fd_;
  std::uint64_t size_;
};

// An upload being written. Dropping it makes the bytes so far durable and keeps them, with the open file, the hash and
// the tap, for resume_ingest(); abandon() removes it. After an error of append(), checkpoint() or commit() that is not
// a Limit of blob_bytes_max it can only be dropped: resume_ingest() then goes on from the last checkpoint.
class Ingest {
 public:
  ~Ingest();
  Ingest(Ingest&&) noexcept;
  Ingest& operator=(Ingest&&) noexcept;

  const std::string& id() const;
  std::uint64_t size() const;  // bytes so far
  // Appends, hashes (sha256; sha512 is computed by commit() where asked for) and feeds the tap.
  // Limit when the store's blob limit is passed or the disk is full: what was acknowledged before stays.
  Status append(Bytes bytes);
  // Makes the bytes so far and their hash durable, so that a restart resumes here. Called at the end of a PATCH.
  Status checkpoint();
  // Verifies, syncs, renames; a blob that is there already is kept. Gives digest and size.
  // Invalid("digest …") when the bytes hash to something else: the upload is then removed.
  Result<oci::Descriptor> commit(const oci::Digest& expected);
  void abandon();

  struct Impl;
  explicit Ingest(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

inline constexpr std::size_t kShards = 512;  // 256 first bytes of a digest, two algorithms

struct Options {
  std::string directory;
  std::uint64_t blob_bytes_max = 64ull << 30;      // the largest layers seen in research images are 40 GB
  std::function<std::unique_ptr<Tap>()> make_tap;  // nullptr: none
};

class Store {
 public:
  // Creates the layout when absent; removes temporary files that no living process writes. Uploads stay.
  static Result<std::unique_ptr<Store>> open(Options options);
  ~Store();

  Result<Ingest> start_ingest();
  // The upload with that id where it stopped. Within this process it simply goes on. After a restart it is at its last
  // checkpoint, re-hashed and replayed into a fresh tap; bytes that do not verify are dropped: it starts at 0 again.
  // NotFound for an unknown or malformed id, Conflict while another Ingest has it.
  Result<Ingest> resume_ingest(const std::string& id);
  // Removes an upload without reading it. Conflict while an Ingest has it; absent is ok.
  Status discard_ingest(const std::string& id);
  // The ids of all uploads that can be resumed or are being written.
  std::vector<std::string> unfinished_ingests() const;

  // For bytes that are at hand: manifests, configs, tests. No tap sees them.
  Result<oci::Descriptor> put(Bytes bytes, std::string_view media_type,
                              oci::Algorithm algorithm = oci::Algorithm::Sha256);
  Result<Blob> open_blob(const oci::Digest& digest) const;  // NotFound
  bool has(const oci::Digest& digest) const;
  std::optional<std::uint64_t> size_of(const oci::Digest& digest) const;
  Status remove(const oci::Digest& digest);  // absent is ok
  // Re-reads a blob; Corrupt when its bytes no longer match its name. `pace` hears of bytes as they are read, may
  // take its time, and stops the reading (Unavailable) with false.
  Status verify(const oci::Digest& digest, const std::function<bool(std::size_t)>& pace = {}) const;
  // Moves a blob's file to quarantine/, out of every reader's way, for whoever wants to look at it. Absent is ok.
  Status quarantine(const oci::Digest& digest);
  // The blobs of one directory, `shard` of kShards: for walks that go in steps.
  Result<std::vector<std::pair<oci::Digest, std::uint64_t>>> blobs_in(std::size_t shard) const;
  // Removes files that a process was writing when it died; gives how many. open() does it, too.
  std::size_t clean_temporaries();
  // Calls for every blob, in no order; stops at the first error.
  Status for_each(const std::function<Status(const oci::Digest&, std::uint64_t size)>& visit) const;

  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::store
