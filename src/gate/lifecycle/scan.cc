// staged → scanned: what the image holds and what is known about it, with what could not be known.
#include <algorithm>
#include <array>
#include <set>

#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

namespace {

// BuildKit's mark for a manifest that holds statements about an image instead of one.
constexpr std::string_view kReferenceType = "vnd.docker.reference.type";
constexpr std::string_view kAttestation = "attestation-manifest";

// The widest official images have a dozen platforms; an index of more is judged in part and goes to a reviewer.
constexpr std::size_t kPlatformsMax = 64;
// image-spec config.md: real configurations are below 200 KB; the parser's own limits bound what is in it.
constexpr std::size_t kConfigBytesMax = 16 << 20;
constexpr std::size_t kFeedBytes = 1 << 20;

std::string name_of(const Submission& submission) {
  return format("{}:{}", submission.repository.text(), submission.tag.text());
}

// A report that knows nothing but what went wrong.
PartReport unread(const Context& context, const Submission& submission, const oci::Digest& digest, scan::Gap gap) {
  scan::ScanReport report;
  report.image = name_of(submission);
  report.digest = digest;
  report.gaps.push_back(std::move(gap));
  if (auto advisories = context.advisories()) report.database = advisories->info();
  report.scanned = context.now();
  return {digest, std::move(report)};
}

// A failure that lasts is a fact about the image; one that may pass must not become one.
bool may_pass(const Error& error) {
  return error.kind() == ErrorKind::Unavailable;
}

scan::LayerInventory unread_layer(const oci::Digest& blob, std::string code, std::string reason) {
  scan::LayerInventory inventory{.blob = blob};
  inventory.gaps.push_back({std::move(code), format("layer {}", blob.to_string()), std::move(reason)});
  return inventory;
}

Result<scan::LayerInventory> catalogue(const Context& context, const store::Blob& blob, const oci::Digest& digest) {
  auto scan = TRY(context.cataloguer.start());
  std::vector<std::byte> buffer(kFeedBytes);
  for (std::uint64_t offset = 0; offset < blob.size();) {
    auto count = TRY(os::read_at(blob.fd(), buffer, offset));
    if (count == 0) return corrupt("the blob is shorter than its recorded size");
    scan.feed(Bytes(buffer).first(count));
    offset += count;
  }
  return scan.finish(digest);
}

// The inventory made while the layer arrived; made again from the blob where it is missing (another scanner version, a
// damaged file, a blob that was mounted).
Result<scan::LayerInventory> inventory_of(const Context& context, const oci::RepositoryName& repository,
                                          const oci::Descriptor& layer) {
  auto format_known = oci::layer_format(layer.media_type);
  if (format_known && format_known->is_foreign && !layer.urls.empty()) {
    // The one blob a manifest may name without having been pushed. Looked for in this repository alone: were it taken
    // from anywhere in the store, its name would be enough to read in the report what somebody else has pushed.
    auto pushed = context.registry.blob_size(repository, layer.digest);
    if (!pushed.ok() && may_pass(pushed.error())) return pushed.error();
    if (!pushed.ok()) return unread_layer(layer.digest, "foreign-layer", "its bytes are kept elsewhere");
  }
  auto kept = context.inventories.get(layer.digest);
  if (kept.ok() || kept.error().kind() != ErrorKind::NotFound) return kept;
  auto blob = context.store.open_blob(layer.digest);
  if (!blob.ok() && !may_pass(blob.error())) return unread_layer(layer.digest, "missing-blob", blob.error().message());
  if (!blob.ok()) return blob.error();
  auto made = catalogue(context, *blob, layer.digest);
  if (!made.ok() && !may_pass(made.error()))
    return unread_layer(layer.digest, "unreadable-blob", made.error().message());
  if (!made.ok()) return made.error();
  TRY(context.inventories.put(*made));
  return made;
}

Result<oci::ImageConfig> read_config(const Context& context, const oci::Descriptor& config) {
  auto blob = TRY(context.store.open_blob(config.digest));
  return oci::parse_image_config(TRY(blob.read_all(kConfigBytesMax)));
}

// From the approved repository once it is there: a submitter may have deleted it from staging.
Result<registry::StoredManifest> read_manifest(const Context& context, const Submission& submission,
                                               const oci::Digest& digest) {
  if (submission.approved_repository) {
    auto approved = context.registry.get_manifest(*submission.approved_repository, digest);
    if (approved.ok() || approved.error().kind() != ErrorKind::NotFound) return approved;
  }
  return context.registry.get_manifest(submission.repository, digest);
}

Result<PartReport> judge_image(const Context& context, const Submission& submission, const oci::Digest& digest,
                               const oci::Manifest& manifest) {
  auto problem = [&](std::string code, std::string reason) {
    return unread(context, submission, digest,
                  {std::move(code), format("manifest {}", digest.to_string()), std::move(reason)});
  };
  if (!manifest.is_image()) return problem("not-an-image", "it is an artifact of a kind that cannot be judged");
  auto config = read_config(context, manifest.config);
  if (!config.ok() && may_pass(config.error())) return config.error();
  if (!config.ok())
    return problem("bad-config", "its configuration cannot be read: " + printable(config.error().message()));
  auto advisories = context.advisories();
  if (!advisories) return problem("no-advisory-data", "there is no advisory database");

  scan::ImageFacts facts{
      .image = name_of(submission), .digest = digest, .manifest = manifest, .config = std::move(*config)};
  for (const auto& layer : manifest.layers)
    facts.layers.push_back(TRY(inventory_of(context, submission.repository, layer)));
  auto base = TRY(note_base(context, facts));
  PartReport part{digest, scan::judge(facts, *advisories, context.now(), base)};
  TRY(compare_with_rebuild(context, part.report));
  return part;
}

bool is_attestation(const oci::Descriptor& child) {
  auto type = child.annotations.find(std::string(kReferenceType));
  return type != child.annotations.end() && type->second == kAttestation;
}

Result<PartReport> judge_child(const Context& context, const Submission& submission, const oci::Descriptor& child) {
  auto problem = [&](std::string code, std::string reason) {
    return unread(context, submission, child.digest,
                  {std::move(code), format("child {}", child.digest.to_string()), std::move(reason)});
  };
  if (oci::is_index_type(child.media_type)) return problem("nested-index", "an index inside an index is not followed");
  auto stored = read_manifest(context, submission, child.digest);
  if (!stored.ok() && may_pass(stored.error())) return stored.error();
  if (!stored.ok()) return problem("missing-manifest", stored.error().message());
  auto parsed = oci::parse_manifest(stored->bytes, stored->media_type);
  if (!parsed.ok()) return problem("bad-manifest", printable(parsed.error().message()));
  const auto* manifest = std::get_if<oci::Manifest>(&*parsed);
  if (!manifest) return problem("nested-index", "an index inside an index is not followed");
  return judge_image(context, submission, child.digest, *manifest);
}

// Every child that claims to be an image is judged. What says of itself that it only speaks about an image is left out
// and, not being judged, is not admitted either: the mark may lie, and then nobody can read what hides behind it.
Result<std::vector<PartReport>> judge_index(const Context& context, const Submission& submission,
                                            const oci::Index& index) {
  std::vector<PartReport> parts;
  std::vector<scan::Gap> notes;
  std::set<oci::Digest> seen;
  for (const auto& child : index.manifests) {
    if (!seen.insert(child.digest).second) continue;
    auto what = format("child {}", child.digest.to_string());
    if (is_attestation(child)) {
      notes.push_back(
          {std::string(kSkippedAttestation), what, "a statement about an image; not judged and not admitted"});
    } else if (parts.size() == kPlatformsMax) {
      notes.push_back({"limit", what, format("an index of more than {} images is judged in part", kPlatformsMax)});
    } else {
      parts.push_back(TRY(judge_child(context, submission, child)));
    }
  }
  if (parts.empty())
    parts.push_back(unread(context, submission, submission.digest, {"empty-index", "index", "it names no image"}));
  auto& gaps = parts.front().report.gaps;
  gaps.insert(gaps.end(), notes.begin(), notes.end());
  return parts;
}

}  // namespace

Result<std::vector<PartReport>> judge_images(const Context& context, const Submission& submission) {
  auto problem = [&](std::string code, std::string reason) {
    return std::vector{
        unread(context, submission, submission.digest, {std::move(code), "manifest", std::move(reason)})};
  };
  auto stored = read_manifest(context, submission, submission.digest);
  if (!stored.ok() && may_pass(stored.error())) return stored.error();
  if (!stored.ok()) return problem("missing-manifest", stored.error().message());
  auto parsed = oci::parse_manifest(stored->bytes, stored->media_type);
  if (!parsed.ok()) return problem("bad-manifest", printable(parsed.error().message()));
  if (const auto* index = std::get_if<oci::Index>(&*parsed)) return judge_index(context, submission, *index);
  std::vector<PartReport> parts;
  parts.push_back(TRY(judge_image(context, submission, submission.digest, std::get<oci::Manifest>(*parsed))));
  return parts;
}

Status store_judgement(db::Transaction& tx, const Row& row, const std::vector<PartReport>& parts, Time now) {
  TRY(store_reports(tx, row.number, parts));
  std::map<vuln::Severity, std::size_t> counts;
  for (const auto& finding : facts_of(row.submission, parts, now).findings) ++counts[finding.severity];
  Json json = Json::object();
  for (const auto& [severity, count] : counts) json.set(vuln::to_string(severity), static_cast<std::uint64_t>(count));
  auto update = tx.prepare("UPDATE gate_submissions SET counts = ? WHERE number = ?");
  return update.bind(json.dump()).bind(row.number).run();
}

Json summary_of(const std::vector<PartReport>& parts) {
  std::size_t packages = 0, findings = 0, gaps = 0;
  for (const auto& part : parts) {
    packages += part.report.packages.size();
    findings += part.report.findings.size();
    gaps += part.report.gaps.size();
  }
  Json json = Json::object();
  json.set("images", static_cast<std::uint64_t>(parts.size())).set("packages", static_cast<std::uint64_t>(packages));
  json.set("findings", static_cast<std::uint64_t>(findings)).set("not_judged", static_cast<std::uint64_t>(gaps));
  json.set("database", parts.front().report.database.digest).set("scanner_version", scan::kScannerVersion);
  return json;
}

Status scan_submission(const Context& context, std::int64_t number) {
  auto row = TRY(context.database.read([&](db::Transaction& tx) { return load(tx, number); }));
  if (row.submission.state != State::Staged) return conflict("only a staged image is scanned");
  auto parts = TRY(judge_images(context, row.submission));
  TRY(context.database.write([&](db::Transaction& tx) -> Status {
    TRY(move(context, tx, row,
             {.to = State::Scanned, .actor = kSystem, .event = "image-scanned", .details = summary_of(parts)}));
    return store_judgement(tx, row, parts, context.now());
  }));
  log::info("image scanned", {{"submission", row.submission.id}, {"digest", row.submission.digest.to_string()}});
  return {};
}

}  // namespace pratique::gate
