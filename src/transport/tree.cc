#include "transport/tree.h"

#include "os/file.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

class DirectoryTree final : public Tree {
 public:
  explicit DirectoryTree(os::Dir directory) : directory_(std::move(directory)) {}

  Result<std::unique_ptr<BlobStream>> open(const std::string& name) const override {
    os::Fd file = TRY(directory_.open_file(name));
    auto size = TRY(os::file_size(file));
    return file_stream(file, 0, size);
  }

 private:
  os::Dir directory_;
};

class ArchiveTree final : public Tree {
 public:
  ArchiveTree(os::Fd file, TarIndex index) : file_(std::move(file)), index_(std::move(index)) {}

  Result<std::unique_ptr<BlobStream>> open(const std::string& name) const override {
    auto member = TRY(index_.find(name));
    return file_stream(file_, member.offset, member.size);
  }

 private:
  os::Fd file_;
  TarIndex index_;
};

}  // namespace

Result<std::unique_ptr<Tree>> directory_tree(const std::string& path) {
  auto directory = TRY(os::Dir::open(path));
  return std::unique_ptr<Tree>(std::make_unique<DirectoryTree>(std::move(directory)));
}

std::unique_ptr<Tree> archive_tree(os::Fd file, TarIndex index) {
  return std::make_unique<ArchiveTree>(std::move(file), std::move(index));
}

Result<std::string> read_document(const Tree& tree, const std::string& name, std::size_t bytes_max) {
  auto stream = TRY(tree.open(name));
  return read_all(*stream, bytes_max).with_context("reading " + name);
}

bool has_file(const Tree& tree, const std::string& name) {
  return tree.open(name).ok();
}

}  // namespace pratique::transport
