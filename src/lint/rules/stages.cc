// Base images, stages and users.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"
#include "oci/oci.h"

namespace pratique::lint {

namespace {

struct Base {
  const Stage& stage;
  const Instruction& from;
  std::string tag;
  bool has_digest;
  bool is_judged;  // an image by name, all of it known
};

std::vector<Base> bases(const Subject& subject) {
  std::vector<Base> all;
  for (const auto& stage : subject.file.stages) {
    Base base{stage, subject.file.instructions[stage.from], "", false, false};
    std::string_view image = stage.image;
    base.is_judged = stage.image_is_known && !stage.parent && image != "scratch" && !image.empty();
    auto at = image.find('@');
    base.has_digest = at != std::string_view::npos;
    image = image.substr(0, at);
    auto slash = image.rfind('/');
    auto colon = image.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon != std::string_view::npos) base.tag = image.substr(colon + 1);
    all.push_back(std::move(base));
  }
  return all;
}

void untagged(const Subject& subject, Sink& sink) {
  for (const auto& base : bases(subject))
    if (base.is_judged && base.tag.empty() && !base.has_digest)
      sink.add(base.stage.base.span,
               format("{} has no tag: what it is changes without notice", printable(base.stage.image, 100)));
}

void latest(const Subject& subject, Sink& sink) {
  for (const auto& base : bases(subject))
    if (base.is_judged && base.tag == "latest" && !base.has_digest)
      sink.add(base.stage.base.span, "latest is another image tomorrow; name a release");
}

void trusted_registry(const Subject& subject, Sink& sink) {
  const auto& trusted = subject.options.trusted_registries;
  if (trusted.empty()) return;
  for (const auto& base : bases(subject)) {
    if (base.stage.parent || base.stage.image == "scratch" || base.stage.image.empty()) continue;
    auto reference = oci::Reference::parse(base.stage.image);
    // A registry behind a variable nobody can see is not a trusted one.
    std::string registry = reference.ok() && base.stage.image_is_known ? reference->registry : "";
    auto is_same = [&](const std::string& one) {
      return one == registry || (one.starts_with("*.") && registry.ends_with(one.substr(1)));
    };
    if (std::none_of(trusted.begin(), trusted.end(), is_same))
      sink.add(base.stage.base.span, registry.empty()
                                         ? "the registry of the base image is not known"
                                         : format("{} is not an allowed registry", printable(registry, 80)));
  }
}

void fixed_platform(const Subject& subject, Sink& sink) {
  for (const auto& base : bases(subject)) {
    const Flag* platform = base.from.flag("platform");
    if (platform && !contains(platform->value, "BUILDPLATFORM") && !contains(platform->value, "TARGETPLATFORM"))
      sink.add(platform->span, "the platform belongs to the build command, not into the file");
  }
}

void redundant_platform(const Subject& subject, Sink& sink) {
  for (const auto& base : bases(subject)) {
    const Flag* platform = base.from.flag("platform");
    if (platform && (platform->value == "$TARGETPLATFORM" || platform->value == "${TARGETPLATFORM}"))
      sink.add(platform->span, "this is what the builder does anyway");
  }
}

// The stage COPY --from names: an index, a name, or nothing of this file.
std::optional<std::size_t> source_stage(const Subject& subject, const Flag& from, std::size_t behind) {
  if (auto number = parse_decimal(from.value)) {
    return *number < behind ? std::optional<std::size_t>(*number) : std::nullopt;
  }
  auto name = to_lower(from.value);
  for (std::size_t i = 0; i < std::min(behind, subject.file.stages.size()); ++i)
    if (!subject.file.stages[i].name.empty() && subject.file.stages[i].name == name) return i;
  return std::nullopt;
}

void unknown_source(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Copy, [&](const Instruction& copy) {
    const Flag* from = copy.flag("from");
    if (!from || copy.stage == SIZE_MAX || source_stage(subject, *from, copy.stage)) return;
    bool is_image = from->value.find_first_of(":/@") != std::string::npos;  // an image by name is fine
    bool is_own = to_lower(from->value) == subject.file.stages[copy.stage].name;
    if (!is_image && !is_own && !contains(from->value, "$"))
      sink.add(from->span, format("no earlier stage is called \"{}\"", printable(from->value, 60)));
  });
}

void own_source(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Copy, [&](const Instruction& copy) {
    const Flag* from = copy.flag("from");
    if (!from || copy.stage == SIZE_MAX) return;
    const auto& stage = subject.file.stages[copy.stage];
    bool by_number = parse_decimal(from->value) == copy.stage;
    if (by_number || (!stage.name.empty() && stage.name == to_lower(from->value)))
      sink.add(from->span, "the stage copies from itself");
  });
}

void duplicate_names(const Subject& subject, Sink& sink) {
  std::set<std::string> seen;
  for (const auto& stage : subject.file.stages)
    if (!stage.name.empty() && !seen.insert(stage.name).second)
      sink.add(subject.file.instructions[stage.from].words.back().span,
               format("an earlier stage is called \"{}\" already", printable(stage.name, 60)));
}

std::vector<const Instruction*> final_users(const Subject& subject) {
  return subject.of_lineage(subject.final_stage(), Keyword::User);
}

void last_user_root(const Subject& subject, Sink& sink) {
  if (subject.file.stages.empty()) return;
  auto users = final_users(subject);
  if (!users.empty() && !users.back()->words.empty() && is_root(users.back()->words[0].value))
    sink.add(users.back()->span, "the container runs as root");
}

void no_user(const Subject& subject, Sink& sink) {
  if (subject.file.stages.empty() || !final_users(subject).empty()) return;
  // rocker, jupyter and others set their own user; what the base says is not in this file.
  const auto& from = subject.file.instructions[subject.file.stages.back().from];
  sink.add(from.span, "no USER is set: the container runs as whoever the base image says, most often root");
}

void named_user(const Subject& subject, Sink& sink) {
  subject.each(Keyword::User, [&](const Instruction& user) {
    if (user.words.empty()) return;
    std::string_view id = std::string_view(user.words[0].value).substr(0, user.words[0].value.find(':'));
    if (!parse_decimal(id) && !contains(id, "$"))
      sink.add(user.words[0].span, "a name cannot be checked to be other than root without the image's /etc/passwd");
  });
}

constexpr std::string_view kMovingHarm =
    "The same Dockerfile builds another image tomorrow: results cannot be reproduced, and a base that was examined is "
    "silently replaced.";

const Rule kRules[] = {
    {"DL3002", "DS-0002 D4", kInfo, "The last USER should not be root",
     "A program that is broken into owns the whole container; engines that forbid root refuse the image.",
     "RUN useradd --create-home app, then USER app", "HIGH", last_user_root},
    {"DL3006", "DS-0001", kWarning, "Give the base image a tag", kMovingHarm, "FROM python:3.12-slim@sha256:…",
     "MEDIUM", untagged},
    {"DL3007", "DS-0001", kWarning, "Do not build on latest", kMovingHarm, "FROM python:3.12-slim@sha256:…", "MEDIUM",
     latest},
    {"DL3022", "", kWarning, "COPY --from should name an earlier stage",
     "The builder looks for an image of that name in a public registry, and whoever owns it fills your image.",
     "FROM … AS build, then COPY --from=build", "", unknown_source},
    {"DL3023", "DS-0006", kError, "COPY --from must not name its own stage", "The build fails.",
     "Name an earlier stage, or use RUN cp.", "CRITICAL", own_source},
    {"DL3024", "DS-0012", kError, "Stage names must be unique", "The build fails, or copies from the wrong stage.",
     "Rename one of them.", "CRITICAL", duplicate_names},
    {"DL3026", "", kError, "Use only allowed registries in FROM",
     "An image from elsewhere has passed nobody's examination.",
     "Use a base from a registry your environment allows (--trusted-registry).", "", trusted_registry},
    {"DL3029", "", kInfo, "Do not fix the platform in FROM", "The file builds for one architecture only.",
     "docker build --platform linux/amd64 …", "", fixed_platform},
    {"DL3063", "DS-0002 D4", kInfo, "Say which USER runs the container",
     "Most base images run as root; engines that forbid root refuse the image.",
     "RUN useradd --create-home app, then USER app", "HIGH", no_user},
    {"DL3065", "", kInfo, "--platform=$TARGETPLATFORM is the default", "None; the line says more than it does.",
     "Remove the flag.", "", redundant_platform},
    {"DL3066", "", kOff, "Use a numeric USER",
     "Kubernetes' runAsNonRoot cannot check a name, and refuses the container.", "USER 1000", "", named_user},
};

}  // namespace

std::span<const Rule> stage_rules() {
  return kRules;
}

}  // namespace pratique::lint
