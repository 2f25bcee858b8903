#include <algorithm>
#include <map>
#include <tuple>

#include "base/format.h"
#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/path.h"
#include "scan/sights.h"
#include "scan/tree.h"

namespace pratique::scan {

namespace {

// Databases of package managers that no extractor reads yet. Finding one means that packages are not known.
struct UnreadDatabase {
  std::string_view path;
  std::string_view manager;
};
constexpr UnreadDatabase kUnreadDatabases[] = {
    {"var/lib/rpm/Packages", "rpm"},
    {"var/lib/rpm/Packages.db", "rpm"},
    {"var/lib/rpm/rpmdb.sqlite", "rpm"},
    {"usr/lib/sysimage/rpm/Packages", "rpm"},
    {"usr/lib/sysimage/rpm/Packages.db", "rpm"},
    {"usr/lib/sysimage/rpm/rpmdb.sqlite", "rpm"},
    {"usr/share/rpm/Packages", "rpm"},
    {"usr/share/rpm/Packages.db", "rpm"},
    {"usr/share/rpm/rpmdb.sqlite", "rpm"},
    {"var/lib/rpmmanifest/container-manifest-2", "rpm"},
    {"var/lib/pacman/local", "pacman"},
    {"usr/lib/opkg/status", "opkg"},
    {"var/lib/opkg/status", "opkg"},
    {"nix/var/nix/db/db.sqlite", "nix"},
    {"var/db/pkg", "portage"},
    {"usr/lib/dpkg/status", "dpkg"},
};

// A file in the merged image that an extractor reads.
struct Source {
  const Extractor* extractor = nullptr;
  std::string path;
  EntryRef ref;
  const Extract* extract = nullptr;  // nullptr: it is there and was not read
  bool operator==(const Source&) const = default;
};

using PackageKey = std::tuple<std::string, std::string, std::string, vuln::PackageKind>;
PackageKey key_of(const vuln::Package& package) {
  return {package.name, package.version, package.architecture, package.kind};
}

class Merger {
 public:
  ImageInventory merge(const std::vector<LayerInventory>& layers) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      tree_.apply(layers[i]);
      for (const auto& extract : layers[i].extracts) extracts_[{static_cast<int>(i), extract.entry}] = &extract;
      trace_origins(static_cast<int>(i));
    }
    ImageInventory image{.gaps = tree_.gaps(), .files = tree_.files(), .bytes = tree_.bytes()};
    take_distribution(image);
    take_packages(image);
    report_contradictions(image);
    report_unread_databases(image);
    image.sights = sights_of(tree_, extracts_);
    return image;
  }

 private:
  // A package's origin is the lowest layer from which on it was never absent. Only a layer that changes what the
  // databases are can change that.
  void trace_origins(int layer) {
    auto sources = find_sources();
    if (sources == sources_) return;
    sources_ = std::move(sources);
    std::map<PackageKey, int> origins;
    for (const auto& source : sources_) {
      if (!source.extract) continue;
      for (const auto& package : source.extract->packages) {
        auto key = key_of(package);
        auto before = origins_.find(key);
        origins.emplace(std::move(key), before == origins_.end() ? layer : before->second);
      }
    }
    origins_ = std::move(origins);
  }

  std::vector<Source> find_sources() {
    std::vector<Source> sources;
    for (const auto& extractor : extractors()) {
      for (auto location : extractor.locations) {
        if (!location.ends_with('/')) {
          add_source(sources, extractor, location);
          continue;
        }
        location.remove_suffix(1);
        auto directory = tree_.resolve(location, ImageTree::Last::Follow);
        if (!directory) continue;
        for (const auto& name : tree_.children(directory->path)) {
          auto path = join_path(location, name);
          if (extractor.wants(path)) add_source(sources, extractor, path);
        }
      }
    }
    return sources;
  }

  void add_source(std::vector<Source>& sources, const Extractor& extractor, std::string_view location) {
    auto resolved = tree_.resolve(location, ImageTree::Last::Follow);
    if (!resolved) {
      // A loop of symlinks where a database should be: there, and unreadable.
      sources.push_back({&extractor, std::string(location), {}, nullptr});
      return;
    }
    const auto* node = tree_.find(resolved->path);
    if (!node || node->type == FileType::Directory) return;
    // Two names of one file: lib is a link to usr/lib, or etc/os-release is one.
    bool is_known = std::any_of(sources.begin(), sources.end(), [&](const Source& source) {
      return source.extractor == &extractor &&
             (source.path == resolved->path || (source.ref.layer >= 0 && source.ref == node->ref));
    });
    if (is_known) return;
    auto found = extracts_.find({node->ref.layer, node->ref.entry});
    bool is_read =
        node->type == FileType::Regular && found != extracts_.end() && found->second->extractor == extractor.name;
    sources.push_back({&extractor, resolved->path, node->ref, is_read ? found->second : nullptr});
  }

  static Gap unread(const Source& source) {
    return {"unread-database", printable(source.path),
            format("the {} database is here, but as a link, device, sparse or oversize file that was not read",
                   source.extractor->name)};
  }

  void take_distribution(ImageInventory& image) {
    for (const auto& source : sources_) {
      if (source.extractor->name != "os-release" || image.distribution) continue;
      if (!source.extract) {
        image.gaps.push_back(unread(source));
        continue;
      }
      image.gaps.insert(image.gaps.end(), source.extract->gaps.begin(), source.extract->gaps.end());
      image.distribution = source.extract->distribution;
    }
  }

  void take_packages(ImageInventory& image) {
    for (const auto& source : sources_) {
      if (source.extractor->name == "os-release") continue;
      if (!source.extract) {
        image.gaps.push_back(unread(source));
        continue;
      }
      image.gaps.insert(image.gaps.end(), source.extract->gaps.begin(), source.extract->gaps.end());
      for (auto package : source.extract->packages) {
        package.layer = origins_.at(key_of(package));
        image.packages.push_back(std::move(package));
      }
    }
    auto order = [](const vuln::Package& package) {
      return std::tie(package.name, package.version, package.architecture, package.kind, package.location);
    };
    std::sort(image.packages.begin(), image.packages.end(),
              [&](const auto& a, const auto& b) { return order(a) < order(b); });
  }

  // One system has one database a manager, and one manager. More is a stitched image of which half would be judged by
  // the wrong distribution's advisories.
  void report_contradictions(ImageInventory& image) {
    std::map<std::string_view, std::vector<std::string>> places;
    for (const auto& source : sources_) {
      if (!source.extract || source.extract->packages.empty()) continue;
      bool is_single = contains(source.path, "status.d/");
      auto place = is_single ? std::string(split_last(source.path).first) : source.path;
      auto& known = places[source.extractor->name];
      if (std::find(known.begin(), known.end(), place) == known.end()) known.push_back(place);
    }
    for (const auto& [manager, paths] : places)
      if (paths.size() > 1)
        image.gaps.push_back(
            {"two-databases", printable(join(paths, ", ")), format("there is more than one {} database", manager)});
    if (places.size() > 1)
      image.gaps.push_back({"mixed-databases", "",
                            "packages of different package managers: only one of them belongs to this distribution"});
  }

  void report_unread_databases(ImageInventory& image) {
    for (const auto& database : kUnreadDatabases) {
      auto resolved = tree_.resolve(database.path, ImageTree::Last::Follow);
      if (resolved && tree_.find(resolved->path))
        image.gaps.push_back({"unsupported-database", std::string(database.path),
                              format("a {} database is here, which this version does not read", database.manager)});
    }
  }

  ImageTree tree_;
  ExtractsByEntry extracts_;
  std::vector<Source> sources_;
  std::map<PackageKey, int> origins_;
};

}  // namespace

ImageInventory merge(const std::vector<LayerInventory>& layers) {
  return Merger().merge(layers);
}

}  // namespace pratique::scan
