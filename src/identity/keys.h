// The keys that secrets are sealed with at rest, and their file. Format: docs/formats/key-file.md. Private to
// `identity`. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pratique::identity {

// AES-256-GCM. A sealed text opens only under the label it was sealed for, so that rows cannot be exchanged.
class KeyRing {
 public:
  // Reads the file, or creates it with mode 0600. "": a key that lives as long as this object. Denied for a file that
  // others may read, Corrupt for one that holds something else.
  static Result<KeyRing> open(const std::string& path);

  std::string seal(std::string_view secret, std::string_view label) const;  // with the present key
  // Corrupt for anything that seal() did not give for that label under one of the keys.
  Result<std::string> unseal(std::string_view sealed, std::string_view label) const;

  // A new present key; the old ones stay for reading, in the file too.
  Status add_key();
  // Takes the old keys out of the file. In memory they stay: a reader may hold a row from before.
  Status drop_old_keys_from_file() const;

 private:
  struct Key {
    std::string id;  // 8 bytes
    std::string bytes;
  };
  static Key make_key();
  static Result<std::vector<Key>> parse(std::string_view text);
  static Status write(const std::string& path, const std::vector<Key>& keys);

  std::string path_;
  std::vector<Key> keys_;  // the present one first
};

}  // namespace pratique::identity
