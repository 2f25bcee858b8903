// The environments' checklist, as far as a built image shows it: configuration, history, file tree, sources. What
// cannot be seen is Unknown, never Passed. docs/formats/image-checks.md says what each looks at.
#include <algorithm>
#include <array>
#include <functional>

#include "base/format.h"
#include "base/text.h"
#include "scan/scan.h"

namespace pratique::scan {

namespace {

// The oldest CUDA whose programs run on the environments' current cards.
constexpr std::array<std::uint64_t, 2> kCudaMin = {11, 1};

constexpr std::array<std::string_view, 14> kInteractive = {
    "sh", "bash", "dash", "ash", "zsh", "fish", "python", "R", "python3", "ipython", "irb", "node", "julia", "octave"};
constexpr std::array<std::string_view, 8> kFetchers = {
    "curl", "wget", "git clone", "pip install", "apt-get install", "conda install", "npm install", "nextflow pull"};
constexpr std::array<std::string_view, 9> kSecretWords = {
    "PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY", "ACCESS_KEY", "CREDENTIAL"};

std::optional<std::string> variable(const oci::ImageConfig& config, std::string_view name) {
  std::optional<std::string> value;
  for (const auto& entry : config.env)
    if (auto parts = cut(entry, "="); parts && parts->first == name) value = std::string(parts->second);
  return value;
}

std::vector<std::string> started(const oci::ImageConfig& config) {
  auto words = config.entrypoint;
  words.insert(words.end(), config.cmd.begin(), config.cmd.end());
  return words;
}

bool is_true(std::string_view value) {
  for (std::string_view word : {"1", "on", "yes", "true"})
    if (equals_ignoring_case(value, word)) return true;
  return false;
}

std::string_view base_name(std::string_view path) {
  auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// 11.10 is later than 11.2: numbers, not text. nullopt for what starts with no number.
std::optional<std::array<std::uint64_t, 2>> version_of(std::string_view text) {
  auto parts = split(text, '.');
  auto digits = [](std::string_view part) { return part.substr(0, part.find_first_not_of("0123456789")); };
  auto major = parse_decimal(digits(parts[0]));
  if (!major) return std::nullopt;
  auto minor = parts.size() > 1 ? parse_decimal(digits(parts[1])) : std::nullopt;
  return std::array<std::uint64_t, 2>{*major, minor.value_or(0)};
}

class Checker {
 public:
  Checker(const ImageFacts& facts, const Sights& sights, std::size_t base_layers)
      : facts_(facts), config_(facts.config), sights_(sights), base_layers_(base_layers) {
    for (const auto& layer : facts.layers) is_whole_ = is_whole_ && layer.is_layer && layer.gaps.empty();
  }

  void caches() {
    list("D2", own(sights_.package_caches), sights_.package_cache_count, "package caches are left in the image",
         "no package cache is left in the image",
         "Remove them in the RUN that made them: apt-get clean && rm -rf /var/lib/apt/lists/*, pip install "
         "--no-cache-dir");
  }

  void user() {
    auto name = config_.user.substr(0, config_.user.find(':'));
    if (name.empty() || name == "root" || name == "0")
      return fail("D4", "it runs as root", "Create a user and end the Dockerfile with USER name.");
    if (parse_decimal(name))
      return fail("D4", format("it runs as the fixed user number {}", name),
                  "Name the user: the environment maps whoever runs it, and a number may be somebody else's.");
    pass("D4", format("it runs as {}", printable(name)));
  }

  void programs() {
    list("D5", own(sights_.open_programs), sights_.open_program_count,
         "programs are owned by a user other than root, or others may write to them",
         "programs belong to root and nobody else may write to them",
         "Write COPY --chown=root:root --chmod=555, so that a job cannot change what runs.");
  }

  void added() {
    std::vector<std::string> places;
    auto instructions = config_.layer_instructions();
    if (instructions.empty() && !config_.diff_ids.empty())
      return unknown("D7", "its history does not say how it was built");
    for (std::size_t i = std::max<std::size_t>(base_layers_, 1); i < instructions.size(); ++i) {
      auto text = trim(instructions[i]);
      bool is_add = text.starts_with("ADD ") || contains(text, "#(nop) ADD ");
      bool is_fetched = contains(text, "http://") || contains(text, "https://") || contains(text, ".tar");
      if (is_add && !is_fetched) places.push_back(format("layer {}: {}", i + 1, printable(text, 100)));
    }
    if (places.empty()) return pass("D7", "files were added with COPY");
    fail("D7", "files were added with ADD", "Use COPY: ADD unpacks and fetches behind your back.", std::move(places));
  }

  void data() {
    list("D8", own(sights_.data_files), sights_.data_file_count, "data files are in the image",
         "no data file was recognised in it",
         "Take them out: data comes from /safe_data, and an image with data in it cannot be shared.");
  }

  void directories() {
    std::vector<std::string> missing;
    for (std::string_view name : {"safe_data", "safe_outputs", "scratch"})
      if (std::ranges::find(sights_.directories, name) == sights_.directories.end())
        missing.push_back(format("/{}", name));
    if (missing.empty()) return pass("T1", "/safe_data, /safe_outputs and /scratch are there");
    if (!is_whole_) return unknown("T1", "not every layer could be read");
    fail("T1", format("{} {} missing", join(missing, ", "), missing.size() == 1 ? "is" : "are"),
         "RUN mkdir /safe_data /safe_outputs /scratch", missing);
  }

  void application_base() {
    if (base_layers_ > 0) return pass("T2", "it is built on a registered base image");
    for (const char* key : {"org.opencontainers.image.base.name"}) {
      auto label = config_.labels.find(key);
      if (label == config_.labels.end()) continue;
      auto name = label->second.substr(0, label->second.find_first_of("@"));
      auto bare = std::string(base_name(name));
      bare = bare.substr(0, bare.find(':'));
      constexpr std::array<std::string_view, 8> kBare = {"debian", "ubuntu",     "alpine",    "centos",
                                                         "fedora", "rockylinux", "almalinux", "amazonlinux"};
      if (std::ranges::find(kBare, bare) == kBare.end())
        return pass("T2", format("its label names {}", printable(name)));
      return fail("T2", format("it is built on the bare distribution {}", printable(name)),
                  "Start from an image that has the application: fewer things to install, fewer to keep current.");
    }
    unknown("T2", "what it is built on is not known here: no registered base image, and no label says");
  }

  void licences() {
    auto places = own(sights_.licences);
    if (!places.empty()) return pass("T4", "licence texts are in it", std::move(places));
    if (!is_whole_) return unknown("T4", "not every layer could be read");
    fail("T4", "no licence text was found among what was added", "COPY the licences of your code and its parts.");
  }

  void fetching() {
    std::vector<std::string> places;
    bool is_unread = false;
    auto command = join(started(config_), " ");
    for (auto fetcher : kFetchers)
      if (contains(" " + command, format(" {}", fetcher)) || contains(command, format("/{} ", fetcher)))
        places.push_back(format("entry point: {}", printable(command, 120)));
    for (const auto& [sight, note] : sights_.notes) {
      if (!is_own(sight)) continue;
      is_unread = is_unread || note.kind == NoteKind::UnreadSource;
      if (note.kind == NoteKind::HubUse || note.kind == NoteKind::UnreadSource) continue;
      if (places.size() < kSightsMax) places.push_back(format("{}:{}: {}", sight.path, note.line, note.text));
    }
    if (!places.empty())
      return fail("T5", "something is fetched while it runs, where there is no network",
                  "Fetch it while building, or read it from /safe_data.", std::move(places));
    if (is_unread) return unknown("T5", "not every program source was read");
    if (!is_whole_) return unknown("T5", "not every layer could be read");
    pass("T5", "nothing was seen that fetches while it runs");
  }

  void hub() {
    auto is_use = [](const auto& one) {
      return one.second.kind == NoteKind::HubUse || one.second.kind == NoteKind::HubCall;
    };
    bool is_used = !sights_.hub_libraries.empty() || std::ranges::any_of(sights_.notes, is_use);
    if (!is_used)
      return is_whole_ ? pass("T6", "nothing of Hugging Face is in it")
                       : unknown("T6", "not every layer could be read");
    std::vector<std::string> missing;
    auto offline = variable(config_, "HF_HUB_OFFLINE");
    if (!offline || !is_true(*offline)) missing.emplace_back("HF_HUB_OFFLINE=1 is not set");
    auto home = variable(config_, "HF_HOME").value_or("");
    if (!home.starts_with("/safe_data") && sights_.model_caches.empty())
      missing.emplace_back("HF_HOME is not below /safe_data, and no model is in the image");
    if (missing.empty()) return pass("T6", "Hugging Face is set to work offline");
    fail("T6", "it uses Hugging Face and is not set to work offline",
         "ENV HF_HUB_OFFLINE=1 HF_HOME=/safe_data/huggingface, or download the model while building.",
         std::move(missing));
  }

  void scratch() {
    for (const char* name : {"TMP", "TMPDIR"})
      if (auto value = variable(config_, name); value && (*value == "/scratch" || value->starts_with("/scratch/")))
        return pass("T7", format("{}={}", name, printable(*value)));
    fail("T7", "temporary files go to /tmp, which is small", "ENV TMP=/scratch TMPDIR=/scratch");
  }

  void batch() {
    auto words = started(config_);
    if (words.empty())
      return fail("T8", "nothing starts: it has neither ENTRYPOINT nor CMD", "ENTRYPOINT [\"/app/run\"]");
    auto first = base_name(words[0]);
    bool is_alone = words.size() == 1 || (words.size() == 2 && (words[1] == "-i" || words[1] == "-l"));
    if (is_alone && std::ranges::find(kInteractive, first) != kInteractive.end())
      return fail("T8", format("it starts {}, which waits for somebody to type", printable(first)),
                  "Start the job: ENTRYPOINT [\"python3\", \"/app/main.py\"]");
    pass("T8", format("it starts {}", printable(join(words, " "), 200)));
  }

  void cuda() {
    std::vector<std::string> seen = sights_.cuda_versions;
    for (const char* name : {"CUDA_VERSION", "NV_CUDA_CUDART_VERSION"})
      if (auto value = variable(config_, name)) seen.push_back(*value);
    if (auto label = config_.labels.find("com.nvidia.cuda.version"); label != config_.labels.end())
      seen.push_back(label->second);
    if (auto required = variable(config_, "NVIDIA_REQUIRE_CUDA"); required && required->starts_with("cuda>="))
      seen.push_back(required->substr(6));
    std::vector<std::string> old;
    for (const auto& text : seen)
      if (auto version = version_of(text); version && *version < kCudaMin) old.push_back("CUDA " + printable(text, 40));
    if (!old.empty())
      return fail("T10", "its CUDA is older than 11.1, which the environment's cards need",
                  "Build on a base with CUDA 11.1 or later.", std::move(old));
    pass("T10", seen.empty() ? "there is no CUDA in it" : "its CUDA is 11.1 or later");
  }

  void platform() {
    const auto& platform = config_.platform;
    if (platform.os == "linux" && platform.architecture == "amd64") return pass("T11", "it is for linux/amd64");
    fail("T11", format("it is for {}", printable(platform.to_string())), "docker buildx build --platform linux/amd64");
  }

  void tag() {
    auto name = facts_.image.substr(0, facts_.image.find('@'));
    auto last = base_name(name);
    auto colon = last.rfind(':');
    if (colon == std::string_view::npos) return unknown("B3", "its tag is not known here");
    auto said = last.substr(colon + 1);
    if (said == "latest")
      return fail("B3", "its tag is latest, which says nothing", "Push it under a version too: name:1.4.2");
    pass("B3", format("its tag is {}", printable(said)));
  }

  void secrets() {
    std::vector<std::string> places;
    auto is_secret = [](std::string_view name) {
      auto upper = std::string(name);
      std::ranges::transform(upper, upper.begin(),
                             [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      return std::ranges::any_of(kSecretWords, [&](auto word) { return contains(upper, word); });
    };
    for (const auto& entry : config_.env) {
      auto parts = cut(entry, "=");
      // A path is where a secret will be mounted, not one.
      if (parts && is_secret(parts->first) && !parts->second.empty() && !parts->second.starts_with('/'))
        places.push_back(format("ENV {}", printable(parts->first)));
    }
    for (const auto& place : own(sights_.secret_files)) places.push_back(place);
    if (places.empty()) return pass("DS-0031", "no secret was recognised in it");
    fail("DS-0031", "secrets are in the image, for everybody who can pull it",
         "Revoke them. Mount secrets while building (RUN --mount=type=secret) and read them from /safe_data when "
         "running.",
         std::move(places));
  }

  std::vector<ImageCheck> take() { return std::move(checks_); }

 private:
  void pass(std::string_view id, std::string message, std::vector<std::string> places = {}) {
    checks_.push_back({std::string(id), CheckState::Passed, std::move(message), std::move(places), ""});
  }
  void unknown(std::string_view id, std::string message) {
    checks_.push_back({std::string(id), CheckState::Unknown, std::move(message), {}, ""});
  }
  void fail(std::string_view id, std::string message, std::string fix, std::vector<std::string> places = {}) {
    checks_.push_back({std::string(id), CheckState::Failed, std::move(message), std::move(places), std::move(fix)});
  }

  bool is_own(const Sight& sight) const {
    return sight.layer < 0 || static_cast<std::size_t>(sight.layer) >= base_layers_;
  }
  std::vector<std::string> own(const std::vector<Sight>& sights) const {
    std::vector<std::string> places;
    for (const auto& sight : sights)
      if (is_own(sight)) places.push_back(sight.path);
    return places;
  }

  // A list that was cut may hold only the base's places while others follow.
  void list(std::string_view id, std::vector<std::string> places, std::size_t count, std::string bad, std::string good,
            std::string fix) {
    if (!places.empty()) return fail(id, std::move(bad), std::move(fix), std::move(places));
    if (count > kSightsMax) return unknown(id, format("there are {} in the base; others were not looked for", count));
    if (!is_whole_) return unknown(id, "not every layer could be read");
    pass(id, std::move(good));
  }

  const ImageFacts& facts_;
  const oci::ImageConfig& config_;
  const Sights& sights_;
  const std::size_t base_layers_;
  bool is_whole_ = true;
  std::vector<ImageCheck> checks_;
};

struct Row {
  std::string_view id;
  void (Checker::*run)();
};
constexpr std::array<Row, 16> kRows = {{
    {"D2", &Checker::caches},
    {"D4", &Checker::user},
    {"D5", &Checker::programs},
    {"D7", &Checker::added},
    {"D8", &Checker::data},
    {"T1", &Checker::directories},
    {"T2", &Checker::application_base},
    {"T4", &Checker::licences},
    {"T5", &Checker::fetching},
    {"T6", &Checker::hub},
    {"T7", &Checker::scratch},
    {"T8", &Checker::batch},
    {"T10", &Checker::cuda},
    {"T11", &Checker::platform},
    {"B3", &Checker::tag},
    {"DS-0031", &Checker::secrets},
}};

}  // namespace

std::vector<std::string_view> image_check_ids() {
  std::vector<std::string_view> ids;
  for (const auto& row : kRows) ids.push_back(row.id);
  return ids;
}

std::vector<ImageCheck> check_image(const ImageFacts& facts, const Sights& sights, std::size_t base_layers) {
  Checker checker(facts, sights, base_layers);
  for (const auto& row : kRows) (checker.*row.run)();
  return checker.take();
}

}  // namespace pratique::scan
