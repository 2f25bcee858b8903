#include "scan/sights.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/path.h"

namespace pratique::scan {

namespace {

// Where trusted research environments mount what a job reads, writes and scribbles on.
constexpr std::array<std::string_view, 3> kDirectories = {"safe_data", "safe_outputs", "scratch"};

// Endings of files that hold observations rather than program. Small ones are test fixtures and configuration.
constexpr std::array<std::string_view, 28> kDataEndings = {
    ".csv", ".tsv",   ".parquet", ".feather", ".arrow", ".h5",  ".hdf5",   ".sav",    ".dta", ".sas7bdat",
    ".rds", ".rdata", ".sqlite",  ".sqlite3", ".fastq", ".fq",  ".bam",    ".cram",   ".vcf", ".bed",
    ".nii", ".dcm",   ".npy",     ".npz",     ".xlsx",  ".xls", ".nii.gz", ".vcf.gz",
};
constexpr std::uint64_t kDataBytesMin = 4 << 10;

constexpr std::array<std::string_view, 12> kSecretNames = {
    "id_rsa",     "id_ed25519",       "id_ecdsa", ".netrc",  ".git-credentials",     ".pgpass",
    ".dockercfg", "credentials.json", ".npmrc",   ".pypirc", "service-account.json", ".Renviron",
};
constexpr std::array<std::string_view, 6> kSecretPlaces = {
    ".aws/credentials",         ".docker/config.json", ".kube/config", ".config/gcloud/credentials.db",
    ".cache/huggingface/token", "run/secrets"};

constexpr std::array<std::string_view, 9> kCaches = {
    "var/lib/apt/lists/", "var/cache/apt/archives/", "var/cache/dnf/", "var/cache/yum/", "var/cache/zypp/",
    "root/.cache/pip/",   "opt/conda/pkgs/",         "root/.npm/",     "var/cache/apk/"};

bool ends_with_any(std::string_view text, std::span<const std::string_view> endings) {
  return std::ranges::any_of(endings, [&](auto ending) { return text.ends_with(ending); });
}

bool is_licence(std::string_view name) {
  auto lower = to_lower(name);
  return lower.starts_with("license") || lower.starts_with("licence") || lower.starts_with("copying");
}

// apt's own bookkeeping, and the files a package manager leaves in an empty cache.
bool is_bookkeeping(std::string_view name, std::uint64_t size) {
  return size == 0 || name == "lock" || name == "urls" || name == "urls.txt";
}

// "usr/local/cuda-11.8" → "11.8".
std::string cuda_of(std::string_view path) {
  constexpr std::string_view kPlace = "usr/local/cuda-";
  if (!path.starts_with(kPlace) || path.find('/', kPlace.size()) != std::string_view::npos) return "";
  return std::string(path.substr(kPlace.size()));
}

class Looker {
 public:
  explicit Looker(const ImageTree& tree) : tree_(tree) {}

  Sights look() {
    for (auto name : kDirectories) {
      auto resolved = tree_.resolve(name, ImageTree::Last::Follow);
      const auto* node = resolved ? tree_.find(resolved->path) : nullptr;
      if (node && node->type == FileType::Directory) sights_.directories.emplace_back(name);
    }
    tree_.each([this](std::string_view path, const TreeNode& node) { see(path, node); });
    return std::move(sights_);
  }

 private:
  static void keep(std::vector<Sight>& list, std::string_view path, const TreeNode& node) {
    if (list.size() < kSightsMax) list.push_back({printable(path, 300), node.ref.layer});
  }

  void see(std::string_view path, const TreeNode& node) {
    if (node.type == FileType::Directory) return see_directory(path, node);
    const auto* entry = tree_.entry(node.ref);
    if (node.type != FileType::Regular || !entry) return;
    auto name = split_last(path).second;
    see_cache(path, node, *entry);
    if (is_secret(path, name)) keep(sights_.secret_files, path, node);
    if (is_of_packages(path)) return;
    if (is_licence(name)) keep(sights_.licences, path, node);
    if (entry->size >= kDataBytesMin && ends_with_any(to_lower(name), kDataEndings) && ++sights_.data_file_count)
      keep(sights_.data_files, path, node);
    bool is_open = (entry->mode & 0022) != 0 || (entry->uid != 0 && (entry->mode & 0200) != 0);
    if ((entry->mode & 0111) != 0 && is_open && ++sights_.open_program_count) keep(sights_.open_programs, path, node);
  }

  void see_directory(std::string_view path, const TreeNode& node) {
    auto name = split_last(path).second;
    if (name.starts_with("models--")) keep(sights_.model_caches, path, node);
    if (name == "huggingface_hub" || name == "transformers") keep(sights_.hub_libraries, path, node);
    if (auto version = cuda_of(path); !version.empty() && sights_.cuda_versions.size() < kSightsMax)
      sights_.cuda_versions.push_back(printable(version, 40));
  }

  void see_cache(std::string_view path, const TreeNode& node, const FileEntry& entry) {
    bool is_in_cache = std::ranges::any_of(kCaches, [&](auto place) { return path.starts_with(place); });
    if (!is_in_cache || is_bookkeeping(split_last(path).second, entry.size)) return;
    ++sights_.package_cache_count;
    keep(sights_.package_caches, path, node);
  }

  static bool is_secret(std::string_view path, std::string_view name) {
    if (std::ranges::find(kSecretNames, name) != kSecretNames.end()) return !is_of_packages(path);
    return std::ranges::any_of(kSecretPlaces, [&](auto place) { return ends_with_components(path, place); });
  }

  const ImageTree& tree_;
  Sights sights_;
};

}  // namespace

Sights sights_of(const ImageTree& tree, const ExtractsByEntry& extracts) {
  auto sights = Looker(tree).look();
  for (const auto& [where, extract] : extracts) {
    if (extract->notes.empty()) continue;
    EntryRef ref{where.first, where.second};
    const auto* entry = tree.entry(ref);
    auto resolved = entry ? tree.resolve(entry->path, ImageTree::Last::Keep) : std::nullopt;
    const auto* node = resolved ? tree.find(resolved->path) : nullptr;
    if (!node || node->ref != ref) continue;  // a later layer took it away
    for (const auto& note : extract->notes) sights.notes.push_back({{printable(entry->path, 300), where.first}, note});
  }
  return sights;
}

}  // namespace pratique::scan
