#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "scan/scan.h"

namespace pratique::scan {

namespace {

class Judge {
 public:
  Judge(const ImageFacts& facts, const advisory::Database& database, Time now, const std::optional<BaseNote>& base)
      : facts_(facts), database_(database) {
    report_.base = base;
    report_.image = printable(facts.image, 1000);
    report_.digest = facts.digest;
    report_.platform = facts.config.platform;
    report_.database = database.info();
    // Reports carry whole seconds; anything finer would not survive being written down.
    report_.scanned = Time::from_unix_seconds(now.unix_seconds());
  }

  ScanReport run() && {
    if (!facts_.manifest.is_image())
      add("not-an-image", "manifest",
          "its configuration is no image configuration: this is an artifact, not something that runs");
    check_counts();
    for (std::size_t i = 0; i < facts_.manifest.layers.size(); ++i) judge_layer(i);
    auto image = merge(facts_.layers);
    take(image.gaps);
    report_.distribution = image.distribution;
    report_.packages = std::move(image.packages);
    check_content();
    match();
    report_.checks = check_image(facts_, image.sights, report_.base ? report_.base->layers : 0);
    return std::move(report_);
  }

 private:
  void add(std::string code, std::string what, std::string reason) {
    report_.gaps.push_back({std::move(code), std::move(what), std::move(reason)});
  }
  void take(const std::vector<Gap>& gaps) { report_.gaps.insert(report_.gaps.end(), gaps.begin(), gaps.end()); }

  void check_counts() {
    auto layers = facts_.manifest.layers.size();
    if (facts_.config.diff_ids.size() != layers)
      add("diff-id-mismatch", "configuration",
          format("it names {} layers, the manifest {}: engines will not build this image",
                 facts_.config.diff_ids.size(), layers));
    if (facts_.layers.size() > layers) add("layer-mismatch", "manifest", "there are more inventories than layers");
  }

  void judge_layer(std::size_t index) {
    const auto& descriptor = facts_.manifest.layers[index];
    auto instructions = facts_.config.layer_instructions();
    LayerSummary summary{
        .digest = descriptor.digest, .size = descriptor.size, .media_type = printable(descriptor.media_type)};
    if (index < instructions.size()) summary.instruction = printable(trim(instructions[index]), 4000);
    report_.layers.push_back(std::move(summary));

    auto what = "layer " + descriptor.digest.to_string();
    auto before = report_.gaps.size();
    if (index >= facts_.layers.size()) return add("layer-not-catalogued", what, "its content was not read");
    for (const auto& gap : facts_.layers[index].gaps)
      add(gap.code, gap.what.empty() ? what : what + ", " + gap.what, gap.reason);
    auto is_said = [&](std::string_view code) {
      return std::any_of(report_.gaps.begin() + static_cast<std::ptrdiff_t>(before), report_.gaps.end(),
                         [&](const Gap& gap) { return gap.code == code; });
    };
    check_media_type(descriptor, what, is_said);
    check_bytes(facts_.layers[index], index, what, report_.gaps.size() > before);
  }

  template <typename IsSaid>
  void check_media_type(const oci::Descriptor& descriptor, const std::string& what, IsSaid is_said) {
    auto layer = oci::layer_format(descriptor.media_type);
    if (!layer && !is_said("unknown-media-type"))
      add("unknown-media-type", what,
          format("its media type \"{}\" is no layer we know", printable(descriptor.media_type)));
    if (layer && layer->is_encrypted && !is_said("encrypted-layer")) add("encrypted-layer", what, "it is encrypted");
    if (layer && layer->is_foreign && !is_said("foreign-layer")) add("foreign-layer", what, "its bytes lie elsewhere");
  }

  void check_bytes(const LayerInventory& layer, std::size_t index, const std::string& what, bool has_gaps) {
    const auto& descriptor = facts_.manifest.layers[index];
    if (layer.blob != descriptor.digest)
      return add("layer-mismatch", what, format("the inventory is of {}", layer.blob.to_string()));
    if (!layer.is_layer) {
      if (!has_gaps) add("not-a-layer", what, "its bytes are no archive");
      return;
    }
    if (!layer.diff_id) {
      if (!has_gaps) add("truncated", what, "it could not be read to its end");
      return;
    }
    if (index < facts_.config.diff_ids.size() && *layer.diff_id != facts_.config.diff_ids[index])
      add("diff-id-mismatch", what,
          format("its content hashes to {}, the configuration promises {}", layer.diff_id->to_string(),
                 facts_.config.diff_ids[index].to_string()));
  }

  // An image in which nothing was recognised is unknown, not clean.
  void check_content() {
    if (!report_.distribution)
      add("no-os-release", "image", "no operating system was recognised (os-release, alpine-release, debian_version)");
    if (report_.packages.empty())
      add("no-packages", "image", "no installed package was found: there is nothing to judge it by");
  }

  void match() {
    if (!report_.distribution) return;
    auto matches = advisory::match(database_, *report_.distribution, report_.packages);
    if (!matches.is_covered) {
      auto stream = report_.distribution->stream();
      add("no-advisory-data", stream.empty() ? printable(report_.distribution->pretty_name) : stream,
          "the advisory database has no data for this distribution");
    }
    check_kinds();
    for (const auto& unjudged : matches.unjudged) {
      const auto& package = unjudged.package;
      add("version-unparsable", format("package {} {}", printable(package.name), printable(package.version)),
          unjudged.reason);
    }
    report_.findings = std::move(matches.findings);
    std::sort(report_.findings.begin(), report_.findings.end(), vuln::ranks_before);
  }

  // No advisory of Alpine will ever name a package of dpkg: finding none there means nothing.
  void check_kinds() {
    auto kind = report_.distribution->package_kind();
    if (!kind) return;
    std::map<std::string_view, std::size_t> others;
    for (const auto& package : report_.packages)
      if (package.kind != *kind) ++others[vuln::purl_type(package.kind)];
    for (const auto& [type, count] : others)
      add("wrong-packages", format("{} {} packages", count, type),
          format("the advisories of {} speak of {} packages only", printable(report_.distribution->id),
                 vuln::purl_type(*kind)));
  }

  const ImageFacts& facts_;
  const advisory::Database& database_;
  ScanReport report_;
};

}  // namespace

ScanReport judge(const ImageFacts& facts, const advisory::Database& database, Time now,
                 const std::optional<BaseNote>& base) {
  return Judge(facts, database, now, base).run();
}

std::map<vuln::Severity, std::size_t> ScanReport::counts() const {
  std::map<vuln::Severity, std::size_t> counts;
  for (const auto& finding : findings) ++counts[finding.severity];
  return counts;
}

}  // namespace pratique::scan
