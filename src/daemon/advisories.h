// The advisory database in use: opened once, replaced when its file is replaced. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "advisory/advisory.h"
#include "base/guarded.h"
#include "base/result.h"

namespace pratique::daemon {

class Advisories {
 public:
  // The file at `path`, or the starter set when there is none. Corrupt when it is damaged: a gate does not start blind.
  static Result<std::unique_ptr<Advisories>> open(const std::string& path);

  std::shared_ptr<const advisory::Database> current();
  // Opens the file again when it was replaced since. True when another database is in use now; a damaged replacement is
  // an error and the old one stays.
  Result<bool> refresh();

 private:
  // What tells one file from its replacement: inode, size and time of change.
  struct Version {
    unsigned long long inode = 0, bytes = 0, changed_nanos = 0;
    bool operator==(const Version&) const = default;
  };
  struct State {
    std::shared_ptr<const advisory::Database> database;
    Version version;
  };
  explicit Advisories(std::string path) : path_(std::move(path)) {}
  static Version version_of(const std::string& path);
  std::string path_;
  Guarded<State> state_;
};

}  // namespace pratique::daemon
