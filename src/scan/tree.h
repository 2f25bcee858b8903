// The file tree of an image while its layers are laid on each other: which entry of which layer is visible where.
//
// Borrows the inventories it is given; they must outlive it. Names and metadata only, no contents.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scan/scan.h"

namespace pratique::scan {

// Which entry of which layer. A hard link has the reference of what it links to.
struct EntryRef {
  int layer = -1;  // -1: a directory nobody wrote down, or a hard link to nothing
  std::size_t entry = 0;
  bool operator==(const EntryRef&) const = default;
};

struct TreeNode {
  FileType type = FileType::Directory;
  EntryRef ref;
};

class ImageTree {
 public:
  // Applies the next layer: first its whiteouts, to lower layers only, then its entries in order.
  void apply(const LayerInventory& layer);

  enum class Last { Follow, Keep };
  struct Resolved {
    std::string path;
    bool through_lower_link = false;  // a symlink that an earlier layer brought
  };
  // The path without symlinks, as a process in the image would arrive at it: ".." stops at the root. What does not
  // exist stays as it is. nullopt: too many symlinks, or the image has asked for more walking than any honest one.
  std::optional<Resolved> resolve(std::string_view path, Last last) const;
  const TreeNode* find(std::string_view path) const;                    // exact, follows nothing
  std::vector<std::string> children(std::string_view directory) const;  // names
  // Everything that is visible, in byte order of the paths.
  void each(const std::function<void(std::string_view path, const TreeNode& node)>& seen) const;
  const FileEntry* entry(const EntryRef& ref) const;  // nullptr for layer -1

  std::size_t files() const;
  std::uint64_t bytes() const;
  const std::vector<Gap>& gaps() const { return gaps_; }

 private:
  void hide(const FileEntry& entry);
  void place(const FileEntry& entry, std::size_t index);
  TreeNode node_of(const FileEntry& entry, std::size_t index);
  // Where the entry's own name ends up: its directory resolved, the last component kept.
  std::optional<Resolved> place_of(const FileEntry& entry);
  void ensure_directory(std::string_view path);
  void erase_below(std::string_view path);
  void note(std::string code, std::string_view path, std::string reason);

  bool is_exhausted() const;

  std::vector<const LayerInventory*> layers_;
  std::map<std::string, TreeNode, std::less<>> nodes_;
  std::vector<Gap> gaps_;
  // Entries come directory by directory; resolving each name anew would cost a lookup a component.
  std::string cached_directory_;
  std::optional<Resolved> cached_;
  mutable std::uint64_t walked_ = 0;  // bytes of path looked up, component by component
};

}  // namespace pratique::scan
