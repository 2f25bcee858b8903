#include "cli/scanning.h"

#include "base/format.h"
#include "base/text.h"
#include "cli/output.h"
#include "os/file.h"
#include "os/terminal.h"

namespace pratique::cli {

namespace {

constexpr std::size_t kPolicyBytesMax = 1 << 20;
constexpr std::size_t kReadBytes = 256 << 10;  // smaller reads cost hashing speed

Result<scan::LayerInventory> catalogue(transport::Image& image, const oci::Descriptor& layer,
                                       scan::Cataloguer& cataloguer, os::Progress& progress) {
  auto stream = TRY(image.open_blob(layer));
  auto layer_scan = TRY(cataloguer.start());
  progress.begin("reading layer " + layer.digest.short_text(), layer.size);
  std::vector<std::byte> buffer(kReadBytes);
  for (;;) {
    std::size_t got = TRY(stream->read(buffer).with_context("reading layer " + layer.digest.to_string()));
    if (got == 0) break;
    layer_scan.feed(Bytes(buffer).first(got));
    progress.advance(got);
  }
  progress.end();
  return layer_scan.finish(layer.digest);
}

// Layers nobody can read here: their bytes are elsewhere, or encrypted, or of an unknown kind. scan::judge says so.
bool is_readable(const oci::Descriptor& layer) {
  auto form = oci::layer_format(layer.media_type);
  return form && !form->is_foreign && !form->is_encrypted;
}

}  // namespace

Result<scan::ImageFacts> gather_facts(transport::Image& image, const std::string& name,
                                      scan::InventoryStore* inventories) {
  std::string config_bytes = TRY(transport::read_blob(image, image.manifest().config, oci::kConfigBytesMax));
  auto config = TRY(oci::parse_image_config(config_bytes).with_context("reading the image's configuration"));
  scan::ImageFacts facts{
      .image = name, .digest = image.digest(), .manifest = image.manifest(), .config = std::move(config), .layers = {}};
  scan::Cataloguer cataloguer;
  os::Progress progress;
  for (const auto& layer : image.manifest().layers) {
    if (!is_readable(layer)) {
      facts.layers.push_back(scan::LayerInventory{.blob = layer.digest, .diff_id = {}, .is_layer = false});
      continue;
    }
    if (inventories && inventories->has(layer.digest)) {
      auto known = inventories->get(layer.digest);
      if (known.ok()) {
        facts.layers.push_back(std::move(*known));
        continue;
      }
    }
    facts.layers.push_back(TRY(catalogue(image, layer, cataloguer, progress)));
    if (inventories && !inventories->put(facts.layers.back()).ok())
      inventories = nullptr;  // a full cache is no failure
  }
  return facts;
}

policy::Policy::Loader policy_loader(const std::string& beside_file) {
  return [beside_file](const std::string& name) -> Result<std::string> {
    auto slash = beside_file.rfind('/');
    bool is_absolute = name.starts_with('/') || slash == std::string::npos;
    return os::read_file(is_absolute ? name : beside_file.substr(0, slash + 1) + name, kPolicyBytesMax);
  };
}

Result<policy::Policy> load_policy(const std::string& given) {
  auto profile = policy::Policy::profile(given);
  if (profile.ok()) return profile;
  if (!os::exists(given))
    return not_found(format("policy \"{}\" is neither gen3 nor tre nor a file", printable(given)));
  return policy::Policy::parse(TRY(os::read_file(given, kPolicyBytesMax)), given, policy_loader(given));
}

}  // namespace pratique::cli
