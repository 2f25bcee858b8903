// The rules (image-spec layer.md, and what engines do where it is silent):
//   - whiteouts and opaque marks hide what lower layers brought, never what their own layer brings;
//   - a directory over a directory merges; anything else replaces what was there, with all below it;
//   - names go through symlinks that exist by then, in this layer or below. Engines that extract each layer by itself
//     (overlay2) instead hide a lower symlink behind a new directory: where that would change what we judge, it is a
//     gap.
#include "scan/tree.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/path.h"

namespace pratique::scan {

namespace {

// As Linux (MAXSYMLINKS).
constexpr int kSymlinksMax = 40;
// Looking a name up costs the sum of the lengths of its fronts. Real images have some hundred thousand directories of a
// few dozen bytes. Names 2,000 components deep, or links to such names, would cost the gate hours, and a node a
// component.
constexpr std::uint64_t kWalkedBytesMax = 512 << 20;
// A layer full of loops is one problem.
constexpr std::size_t kTreeGapsMax = 50;

// Components still to be walked, the next one at the back.
void push_components(std::vector<std::string>& todo, std::string_view path) {
  auto pieces = split(path, '/');
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece)
    if (!piece->empty() && *piece != ".") todo.emplace_back(*piece);
}

}  // namespace

const TreeNode* ImageTree::find(std::string_view path) const {
  auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

const FileEntry* ImageTree::entry(const EntryRef& ref) const {
  return ref.layer < 0 ? nullptr : &layers_[static_cast<std::size_t>(ref.layer)]->files[ref.entry];
}

std::optional<ImageTree::Resolved> ImageTree::resolve(std::string_view path, Last last) const {
  Resolved resolved;
  std::vector<std::string> todo;
  push_components(todo, path);
  int symlinks = 0;
  while (!todo.empty()) {
    if (is_exhausted()) return std::nullopt;
    auto component = std::move(todo.back());
    todo.pop_back();
    if (component == "..") {
      resolved.path = std::string(split_last(resolved.path).first);
      continue;
    }
    auto next = join_path(resolved.path, component);
    walked_ += next.size();
    const auto* node = find(next);
    bool follow = node && node->type == FileType::Symlink && (!todo.empty() || last == Last::Follow);
    if (!follow) {
      resolved.path = std::move(next);
      continue;
    }
    if (++symlinks > kSymlinksMax) return std::nullopt;
    const auto& target = entry(node->ref)->link;
    if (target.starts_with('/')) resolved.path.clear();
    if (node->ref.layer + 1 < static_cast<int>(layers_.size())) resolved.through_lower_link = true;
    push_components(todo, target);
  }
  return resolved;
}

bool ImageTree::is_exhausted() const {
  return walked_ > kWalkedBytesMax;
}

std::vector<std::string> ImageTree::children(std::string_view directory) const {
  std::vector<std::string> names;
  std::string prefix = directory.empty() ? std::string() : std::string(directory) + "/";
  for (auto at = nodes_.lower_bound(prefix); at != nodes_.end() && at->first.starts_with(prefix);) {
    auto name = at->first.substr(prefix.size());
    auto slash = name.find('/');
    if (slash == std::string::npos) {
      names.push_back(std::move(name));
      ++at;
    } else {
      // Everything below that child at once: '0' follows '/'.
      at = nodes_.lower_bound(prefix + name.substr(0, slash) + "0");
    }
  }
  return names;
}

void ImageTree::apply(const LayerInventory& layer) {
  layers_.push_back(&layer);
  cached_.reset();
  for (const auto& entry : layer.files)
    if (!is_exhausted() && (entry.type == FileType::Whiteout || entry.type == FileType::OpaqueMark)) hide(entry);
  cached_.reset();
  for (std::size_t i = 0; i < layer.files.size(); ++i) {
    const auto& entry = layer.files[i];
    if (entry.type != FileType::Whiteout && entry.type != FileType::OpaqueMark) place(entry, i);
    if (is_exhausted()) break;
  }
  if (is_exhausted()) note("limit", "", "its names take more work to follow than those of any honest image");
}

void ImageTree::hide(const FileEntry& entry) {
  auto last = entry.type == FileType::OpaqueMark ? Last::Follow : Last::Keep;
  auto at = resolve(entry.path, last);
  if (!at) return note("symlink-loop", entry.path, "the whiteout's directory cannot be reached");
  if (at->through_lower_link)
    note("ambiguous-path", entry.path,
         "engines disagree whether this whiteout goes through a symlink of a lower layer");
  erase_below(at->path);
  if (entry.type == FileType::Whiteout) nodes_.erase(at->path);
}

std::optional<ImageTree::Resolved> ImageTree::place_of(const FileEntry& entry) {
  auto [directory, name] = split_last(entry.path);
  if (!cached_ || cached_directory_ != directory) {
    cached_ = resolve(directory, Last::Follow);
    cached_directory_ = directory;
  }
  if (!cached_) return std::nullopt;
  return Resolved{join_path(cached_->path, name), cached_->through_lower_link};
}

void ImageTree::place(const FileEntry& entry, std::size_t index) {
  auto at = place_of(entry);
  if (!at) return note("symlink-loop", entry.path, "the entry's directory cannot be reached");
  if (at->through_lower_link && (extractor_for(entry.path) || extractor_for(at->path)))
    note("ambiguous-path", entry.path, "engines disagree whether this file goes through a symlink of a lower layer");
  auto node = node_of(entry, index);
  ensure_directory(split_last(at->path).first);
  auto existing = nodes_.find(at->path);
  if (existing == nodes_.end()) {
    nodes_.emplace(std::move(at->path), node);
    if (node.type == FileType::Symlink) cached_.reset();
    return;
  }
  bool was_directory = existing->second.type == FileType::Directory;
  if (existing->second.type == FileType::Symlink || node.type == FileType::Symlink) cached_.reset();
  existing->second = node;
  if (was_directory && node.type != FileType::Directory) erase_below(at->path);
}

TreeNode ImageTree::node_of(const FileEntry& entry, std::size_t index) {
  TreeNode own{entry.type, {static_cast<int>(layers_.size()) - 1, index}};
  if (entry.type != FileType::Hardlink) return own;
  // link(2) follows the directories of its target, not the target itself.
  auto target = resolve(entry.link, Last::Keep);
  const auto* node = target ? find(target->path) : nullptr;
  if (!node || node->type == FileType::Directory) return {FileType::Regular, {}};
  return *node;
}

void ImageTree::ensure_directory(std::string_view path) {
  if (path.empty()) return;
  const auto* node = find(path);
  if (node && node->type == FileType::Directory) return;
  ensure_directory(split_last(path).first);
  nodes_.insert_or_assign(std::string(path), TreeNode());
}

void ImageTree::erase_below(std::string_view path) {
  cached_.reset();
  if (path.empty()) return nodes_.clear();
  auto begin = nodes_.lower_bound(std::string(path) + "/");
  auto end = nodes_.lower_bound(std::string(path) + "0");
  nodes_.erase(begin, end);
}

void ImageTree::note(std::string code, std::string_view path, std::string reason) {
  if (gaps_.size() > kTreeGapsMax) return;
  auto what = format("layer {}: {}", layers_.size(), printable(path));
  if (gaps_.size() == kTreeGapsMax) {
    gaps_.push_back({"limit", "", "there are more problems in the file tree than are listed"});
    return;
  }
  gaps_.push_back({std::move(code), std::move(what), std::move(reason)});
}

void ImageTree::each(const std::function<void(std::string_view, const TreeNode&)>& seen) const {
  for (const auto& [path, node] : nodes_) seen(path, node);
}

std::size_t ImageTree::files() const {
  return static_cast<std::size_t>(std::count_if(
      nodes_.begin(), nodes_.end(), [](const auto& item) { return item.second.type == FileType::Regular; }));
}

std::uint64_t ImageTree::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [path, node] : nodes_)
    if (const auto* file = node.type == FileType::Regular ? entry(node.ref) : nullptr) sum += file->size;
  return sum;
}

}  // namespace pratique::scan
