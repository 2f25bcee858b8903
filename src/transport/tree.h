// A tree of files that is read by name: a directory, or the inside of a tar archive.
#pragma once

#include <memory>
#include <string>

#include "transport/tar_index.h"
#include "transport/transport.h"

namespace pratique::transport {

// Used from several threads.
class Tree {
 public:
  virtual ~Tree() = default;
  // NotFound when there is no such file. Names cannot leave the tree.
  virtual Result<std::unique_ptr<BlobStream>> open(const std::string& name) const = 0;
};

Result<std::unique_ptr<Tree>> directory_tree(const std::string& path);
std::unique_ptr<Tree> archive_tree(os::Fd file, TarIndex index);
Result<std::string> read_document(const Tree& tree, const std::string& name, std::size_t bytes_max);
bool has_file(const Tree& tree, const std::string& name);

}  // namespace pratique::transport
