// Who is about to give a digest a row, and who is about to take its bytes away. Private to the module; thread-safe.
//
// A push renames a blob's bytes into the store and then commits the row that names them; the collector asks whether a
// row names the bytes and then unlinks them. Interleaved, the second could take what the first is about to name. So
// both say which digest they are at: a collector never starts on a digest that a push is at (it comes back another
// day), and a push waits for a collector only on the very digest that is being unlinked, for one look-up and one
// unlink.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "oci/oci.h"

namespace pratique::registry {

class Claims {
 public:
  class Naming {
   public:
    Naming(Claims& claims, const oci::Digest& digest) : claims_(claims), digest_(digest.to_string()) {
      std::unique_lock lock(claims_.mutex_);
      claims_.removed_.wait(lock, [&] { return !claims_.removing_.contains(digest_); });
      ++claims_.naming_[digest_];
    }
    ~Naming() {
      std::lock_guard lock(claims_.mutex_);
      auto found = claims_.naming_.find(digest_);
      if (--found->second == 0) claims_.naming_.erase(found);
    }
    Naming(const Naming&) = delete;
    Naming& operator=(const Naming&) = delete;

   private:
    Claims& claims_;
    const std::string digest_;
  };

  class Removal {
   public:
    Removal(Claims& claims, const oci::Digest& digest) : claims_(claims), digest_(digest.to_string()) {
      std::lock_guard lock(claims_.mutex_);
      is_granted_ = !claims_.naming_.contains(digest_) && claims_.removing_.insert(digest_).second;
    }
    ~Removal() {
      if (!is_granted_) return;
      {
        std::lock_guard lock(claims_.mutex_);
        claims_.removing_.erase(digest_);
      }
      claims_.removed_.notify_all();
    }
    Removal(const Removal&) = delete;
    Removal& operator=(const Removal&) = delete;
    bool is_granted() const { return is_granted_; }

   private:
    Claims& claims_;
    const std::string digest_;
    bool is_granted_ = false;
  };

 private:
  std::mutex mutex_;
  std::condition_variable removed_;
  // Guarded by mutex_; at most one entry a request in work.
  std::map<std::string, int> naming_;
  std::set<std::string> removing_;
};

}  // namespace pratique::registry
