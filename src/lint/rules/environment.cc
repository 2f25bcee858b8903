// The checklist of trusted research environments: what holds outside and fails inside, without network, with three
// directories and nobody at the keyboard.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"
#include "oci/oci.h"

namespace pratique::lint {

namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

const Instruction& last_from(const Subject& subject) {
  return subject.file.instructions[subject.file.stages.back().from];
}

// ---- Dockerfile: D1 … D8

void qualified_and_pinned(const Subject& subject, Sink& sink) {
  for (const auto& stage : subject.file.stages) {
    if (stage.parent || stage.image == "scratch" || !stage.image_is_known || stage.image.empty()) continue;
    std::string_view host = std::string_view(stage.image).substr(0, stage.image.find('/'));
    bool has_host =
        host.size() < stage.image.size() && (contains(host, ".") || contains(host, ":") || host == "localhost");
    bool has_digest = contains(stage.image, "@sha256:") || contains(stage.image, "@sha512:");
    if (has_host && has_digest) continue;
    sink.add(stage.base.span,
             format("{} {}{}{}", printable(stage.image, 100), has_host ? "" : "names no registry",
                    !has_host && !has_digest ? " and " : "", has_digest ? "" : "is not pinned by digest"));
  }
}

void multi_stage(const Subject& subject, Sink& sink) {
  if (subject.file.stages.size() != 1) return;
  for (const auto& run : subject.runs)
    for (const auto& command : run.commands) {
      bool installs = is_one_of(command.name, {"apt-get", "apk", "dnf", "yum", "microdnf", "zypper"});
      for (const auto& argument : command.arguments)
        if (installs && is_one_of(argument.text, {"build-essential", "build-base", "gcc", "g++", "cmake", "clang"}))
          return sink.add(command.span, format("{} is needed to build only; a first stage can build, and the last one "
                                               "copy the result",
                                               argument.text));
    }
}

void fixed_uid(const Subject& subject, Sink& sink) {
  for (const auto& run : subject.runs)
    for (const auto& command : run.commands) {
      if (!is_one_of(command.name, {"useradd", "adduser"}) || !command.has_flag({"-u", "--uid"})) continue;
      sink.add(command.span, "the user id is fixed; files of the project belong to other ids");
    }
}

bool is_open_mode(std::string_view mode) {
  if (mode.size() >= 3 && mode.find_first_not_of("01234567") == std::string_view::npos) {
    char others = mode.back(), group = mode[mode.size() - 2];
    return ((others - '0') & 2) || ((group - '0') & 2);
  }
  return contains(mode, "a+w") || contains(mode, "o+w") || contains(mode, "+w") || contains(mode, "a+rw") ||
         contains(mode, "ugo+rw");
}

bool is_shared_directory(std::string_view path) {
  return path.starts_with("/safe_") || path.starts_with("/scratch") || path.starts_with("/tmp") ||
         path.starts_with("/home") || path.starts_with("/var/tmp") || path.starts_with("$HOME");
}

void writable_programs(const Subject& subject, Sink& sink) {
  for (const auto& run : subject.runs)
    for (const auto& command : run.commands) {
      if (command.name != "chmod") continue;
      auto operands = command.operands();
      if (operands.size() < 2 || !is_open_mode(operands[0]->text)) continue;
      if (std::all_of(operands.begin() + 1, operands.end(),
                      [](const Argument* a) { return is_shared_directory(a->text); }))
        continue;
      sink.add(command.span, format("mode {} lets the running program change the code", operands[0]->text));
    }
  for (auto keyword : {Keyword::Copy, Keyword::Add})
    subject.each(keyword, [&](const Instruction& copy) {
      if (const Flag* mode = copy.flag("chmod"); mode && is_open_mode(mode->value))
        sink.add(mode->span, format("mode {} lets the running program change the code", mode->value));
    });
}

std::string repository_of(const Stage& stage) {
  auto reference = oci::Reference::parse(stage.image);
  return reference.ok() ? reference->repository.text() : stage.image;
}

std::string last_component(std::string_view path) {
  auto slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

bool is_bare_distribution(const Stage& stage) {
  std::string name = last_component(repository_of(stage));
  return is_one_of(
      name, {"debian", "ubuntu", "fedora", "centos", "rockylinux", "almalinux", "alpine", "archlinux", "opensuse",
             "leap", "tumbleweed", "amazonlinux", "oraclelinux", "busybox", "ubi8", "ubi9", "ubi", "debian-slim"});
}

const Stage* root_stage(const Subject& subject) {
  if (subject.file.stages.empty()) return nullptr;
  return &subject.file.stages[subject.lineage(subject.final_stage()).front()];
}

void minimal_last_stage(const Subject& subject, Sink& sink) {
  if (subject.file.stages.size() < 2) return;
  const Stage* root = root_stage(subject);
  if (!root->image_is_known) return;
  std::string name = root->image.substr(0, root->image.find('@'));  // the digest has a colon of its own
  std::string tag = name.substr(std::min(name.rfind(':'), name.size()));
  bool is_small = contains(tag, "slim") || contains(tag, "alpine") || contains(tag, "runtime") ||
                  contains(tag, "base") || contains(tag, "minimal") || contains(root->image, "distroless") ||
                  contains(root->image, "chainguard") || contains(root->image, "wolfi") || root->image == "scratch" ||
                  contains(root->image, "minimal");
  if (!is_small) sink.add(root->base.span, "the last stage stands on a full image; a slim one carries less to patch");
}

constexpr std::string_view kDataEndings[] = {
    ".csv",  ".tsv",    ".parquet", ".feather", ".arrow", ".h5",       ".hdf5",     ".h5ad", ".bam",   ".cram",
    ".vcf",  ".bcf",    ".vcf.gz",  ".fastq",   ".fq",    ".fastq.gz", ".fq.gz",    ".bed",  ".bim",   ".fam",
    ".pgen", ".dcm",    ".nii",     ".nii.gz",  ".sav",   ".dta",      ".sas7bdat", ".rds",  ".rdata", ".xlsx",
    ".xls",  ".sqlite", ".db",      ".mdb",     ".accdb", ".npz",      ".npy",      ".edf",  ".svs"};

bool is_data_file(std::string_view path) {
  std::string lower = to_lower(path);
  for (auto ending : kDataEndings)
    if (lower.ends_with(ending)) return true;
  return false;
}

void no_data(const Subject& subject, Sink& sink) {
  for (auto keyword : {Keyword::Copy, Keyword::Add})
    subject.each(keyword, [&](const Instruction& copy) {
      if (copy.flag("from")) return;
      for (std::size_t i = 0; i + 1 < copy.words.size(); ++i)
        if (is_data_file(copy.words[i].value)) sink.add(copy.words[i].span, "data is copied into the image");
    });
}

// ---- Environment: T1 … T11

bool makes_directory(const Subject& subject, std::string_view path) {
  auto is_it = [&](std::string_view text) { return text == path || text == std::string(path) + "/"; };
  for (const Body* run : subject.runs_of(subject.final_stage()))
    for (const auto& command : run->commands)
      if (is_one_of(command.name, {"mkdir", "install"}))
        for (const auto& argument : command.arguments) {
          if (is_it(argument.text)) return true;
          // mkdir /{safe_data,safe_outputs,scratch}
          if (contains(argument.text, "{") && contains(argument.text, path.substr(1))) return true;
        }
  for (const Instruction* workdir : subject.of_lineage(subject.final_stage(), Keyword::Workdir))
    if (!workdir->words.empty() && is_it(workdir->words[0].value)) return true;
  return false;
}

void three_directories(const Subject& subject, Sink& sink) {
  if (subject.file.stages.empty()) return;
  std::vector<std::string> missing;
  for (std::string_view path : {"/safe_data", "/safe_outputs", "/scratch"})
    if (!makes_directory(subject, path)) missing.emplace_back(path);
  bool unread = false;
  for (const Body* run : subject.runs_of(subject.final_stage()))
    unread = unread || !run->failures.empty() || !run->is_shell;
  if (missing.empty() || unread) return;
  sink.add(last_from(subject).span, format("no RUN makes {}", join(missing, ", ")));
}

void application_base(const Subject& subject, Sink& sink) {
  const Stage* root = root_stage(subject);
  if (root && root->image_is_known && is_bare_distribution(*root))
    sink.add(root->base.span, format("{} is a bare distribution", printable(root->image, 80)));
}

void single_purpose(const Subject& subject, Sink& sink) {
  constexpr std::size_t kPackagesMany = 40;  // the published examples stay below ten
  std::size_t packages = 0;
  if (subject.file.stages.empty()) return;
  for (const Body* run : subject.runs_of(subject.final_stage()))
    for (const auto& command : run->commands) {
      if (!is_one_of(command.name, {"apt-get", "apk", "dnf", "yum", "microdnf", "zypper"})) continue;
      std::string_view verb = command.verb();
      if (is_one_of(verb, {"install", "add"})) packages += command.operands().size() - 1;
      if (is_one_of(verb, {"upgrade", "dist-upgrade"}))
        sink.add(command.span, "the base is patched here; build on a base that is patched where it is made");
    }
  if (packages > kPackagesMany)
    sink.add(last_from(subject).span, format("{} packages are added to the base: is this one tool or many?", packages));
}

void licence_servers(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Env, [&](const Instruction& env) {
    for (const auto& pair : env.pairs) {
      bool is_licence = contains(to_lower(pair.key.value), "license") || contains(to_lower(pair.key.value), "licence");
      if (!is_licence || !pair.value) continue;
      auto halves = cut(pair.value->value, "@");
      if (halves && parse_decimal(halves->first))
        sink.add(pair.value->span, "a licence server cannot be reached from inside; copy a licence file in");
    }
  });
}

bool is_download(const Command& command) {
  if (is_one_of(command.name, {"curl", "wget", "aria2c", "gdown", "huggingface-cli", "hf"})) {
    for (const auto& argument : command.arguments)
      if (contains(argument.text, "localhost") || contains(argument.text, "127.0.0.1")) return false;
    return true;
  }
  std::string_view verb = command.verb();
  if (is_one_of(command.name, {"pip", "pip3", "conda", "mamba", "apt-get", "apt", "npm", "gem", "cargo", "apk"}))
    return is_one_of(verb, {"install", "add", "update", "create", "download"});
  if (command.name == "git") return is_one_of(verb, {"clone", "pull", "fetch", "submodule"});
  if (command.name.starts_with("python"))
    for (std::size_t i = 0; i + 2 < command.arguments.size(); ++i)
      if (command.arguments[i].text == "-m" && command.arguments[i + 1].text == "pip") return true;
  for (const auto& argument : command.arguments)
    if (contains(argument.text, "install.packages(") || contains(argument.text, "Pkg.add(")) return true;
  return false;
}

void runtime_download(const Subject& subject, Sink& sink) {
  for (const auto& start : subject.starts)
    for (const auto& command : start.commands) {
      bool has_address = std::any_of(command.arguments.begin(), command.arguments.end(), [](const Argument& a) {
        return is_url(a.text) && !contains(a.text, "localhost") && !contains(a.text, "127.0.0.1");
      });
      if (is_download(command) || has_address)
        sink.add(command.span, "this needs the network when the container starts");
    }
}

bool installs_hub_client(const Subject& subject) {
  constexpr std::string_view kClients[] = {
      "transformers", "huggingface-hub", "huggingface_hub", "sentence-transformers",
      "diffusers",    "datasets",        "accelerate",      "peft"};
  for (const Body* run : subject.runs_of(subject.final_stage()))
    for (const auto& command : run->commands)
      for (const auto& argument : command.arguments) {
        std::string_view name = std::string_view(argument.text).substr(0, argument.text.find_first_of("=<>~![;"));
        if (std::find(std::begin(kClients), std::end(kClients), to_lower(name)) != std::end(kClients)) return true;
      }
  return false;
}

// In any stage: an earlier one often fetches what the last one copies.
bool bakes_model(const Subject& subject) {
  for (const auto& run : subject.runs) {
    const auto& instruction = *run.instruction;
    std::string text = instruction.body.str();
    for (const auto& heredoc : instruction.heredocs) text += heredoc.content.str();
    if (contains(text, "from_pretrained") || contains(text, "snapshot_download") || contains(text, "huggingface-cli") ||
        contains(text, "hf_hub_download"))
      return true;
  }
  return false;
}

void hub_offline(const Subject& subject, Sink& sink) {
  if (subject.file.stages.empty()) return;
  auto offline = subject.variable(subject.final_stage(), "HF_HUB_OFFLINE");
  auto home = subject.variable(subject.final_stage(), "HF_HOME");
  bool is_offline = offline && is_one_of(to_lower(*offline), {"1", "on", "yes", "true"});
  if (!installs_hub_client(subject) && !offline && !home) return;
  if (!is_offline) sink.add(last_from(subject).span, "a Hugging Face client is installed, and HF_HUB_OFFLINE is not 1");
  bool finds_models = (home && (*home == "/safe_data" || home->starts_with("/safe_data/"))) || bakes_model(subject);
  if (!finds_models)
    sink.add(last_from(subject).span, "HF_HOME is not below /safe_data, and no model is fetched while building");
}

void temporary_files(const Subject& subject, Sink& sink) {
  if (subject.file.stages.empty()) return;
  bool found = false;
  for (std::string_view name : {"TMP", "TMPDIR", "TEMP"}) {
    auto value = subject.variable(subject.final_stage(), name);
    if (!value) continue;
    found = true;
    if (*value != "/scratch" && !value->starts_with("/scratch/"))
      sink.add(last_from(subject).span, format("{} is {}; there is room in /scratch", name, printable(*value, 60)));
  }
  if (!found) sink.add(last_from(subject).span, "TMP is not set to /scratch");
}

void starts_by_itself(const Subject& subject, Sink& sink) {
  const Body *entrypoint = nullptr, *cmd = nullptr;
  if (subject.file.stages.empty()) return;
  auto stages = subject.lineage(subject.final_stage());
  for (const auto& start : subject.starts)
    if (std::find(stages.begin(), stages.end(), start.stage) != stages.end())
      (start.instruction->keyword == Keyword::Cmd ? cmd : entrypoint) = &start;
  if (!entrypoint && !cmd) return sink.add(last_from(subject).span, "neither ENTRYPOINT nor CMD starts the job");
  const Body& start = entrypoint ? *entrypoint : *cmd;
  if (entrypoint && cmd) return;
  if (start.commands.size() != 1) return;
  const Command& command = start.commands[0];
  bool is_prompt =
      is_one_of(command.name, {"bash", "sh", "zsh", "python", "python3", "R", "julia", "ipython", "octave"});
  if (is_prompt &&
      (command.arguments.empty() || command.arguments[0].text == "-i" || command.arguments[0].text == "-l"))
    sink.add(start.instruction->span, format("{} waits for somebody to type", command.name));
}

// "/safe_data/patients.csv" in what is started or set.
std::string_view input_name(std::string_view text) {
  auto at = text.find("/safe_data/");
  if (at == std::string_view::npos) return {};
  std::string_view path = text.substr(at);
  path = path.substr(0, path.find_first_of(" \t'\",;)"));
  return is_data_file(path) ? path : std::string_view();
}

void hard_coded_input(const Subject& subject, Sink& sink) {
  auto look = [&](const Instruction& instruction, const std::string& text) {
    if (auto name = input_name(text); !name.empty())
      sink.add(instruction.span, format("{} is written into the image", printable(name, 80)));
  };
  for (const auto& start : subject.starts) look(*start.instruction, start.instruction->body.str());
  subject.each(Keyword::Env, [&](const Instruction& env) {
    for (const auto& pair : env.pairs)
      if (pair.value) look(env, pair.value->value);
  });
  for (const auto& run : subject.runs)
    for (const auto& heredoc : run.instruction->heredocs) look(*run.instruction, heredoc.content.str());
}

struct CudaVersion {
  std::uint64_t major = 0, minor = 0;
};
constexpr CudaVersion kCudaMin = {11, 1};

// Numbers, not text: 11.10 is newer than 11.2, and "11" says too little.
std::optional<CudaVersion> parse_cuda(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
  auto parts = split(text.substr(0, end), '.');
  if (parts.size() < 2) return std::nullopt;
  auto major = parse_decimal(parts[0]), minor = parse_decimal(parts[1]);
  if (!major || !minor) return std::nullopt;
  return CudaVersion{*major, *minor};
}

bool is_older(const CudaVersion& version) {
  return version.major < kCudaMin.major || (version.major == kCudaMin.major && version.minor < kCudaMin.minor);
}

// nvidia/cuda:11.0.3-base, pytorch:1.6.0-cuda10.1-cudnn7-runtime, tensorflow with ENV CUDA_VERSION.
std::optional<CudaVersion> cuda_of_image(std::string_view image) {
  std::string_view repository = image.substr(0, image.find('@'));
  auto colon = repository.rfind(':');
  if (colon == std::string_view::npos || repository.find('/', colon) != std::string_view::npos) return std::nullopt;
  std::string_view tag = repository.substr(colon + 1);
  if (last_component(repository.substr(0, colon)) == "cuda") return parse_cuda(tag);
  for (std::string_view mark : {"cuda-", "cuda", "cu"})
    if (auto at = tag.find(mark); at != std::string_view::npos)
      if (auto version = parse_cuda(tag.substr(at + mark.size()))) return version;
  return std::nullopt;
}

void cuda_version(const Subject& subject, Sink& sink) {
  auto say = [&](Span span, const CudaVersion& version) {
    if (is_older(version))
      sink.add(span,
               format("CUDA {}.{} is older than {}.{}", version.major, version.minor, kCudaMin.major, kCudaMin.minor));
  };
  const Stage* root = root_stage(subject);
  if (!root) return;
  if (auto version = root->image_is_known ? cuda_of_image(root->image) : std::nullopt) say(root->base.span, *version);
  for (const Instruction* env : subject.of_lineage(subject.final_stage(), Keyword::Env))
    for (const auto& pair : env->pairs)
      if (pair.key.value == "CUDA_VERSION" && pair.value)
        if (auto version = parse_cuda(pair.value->value)) say(pair.value->span, *version);
}

void platform(const Subject& subject, Sink& sink) {
  if (subject.file.stages.empty()) return;
  const Flag* flag = last_from(subject).flag("platform");
  if (!flag || contains(flag->value, "$")) return;
  if (flag->value != "linux/amd64" && flag->value != "linux/x86_64" && !flag->value.starts_with("linux/amd64/"))
    sink.add(flag->span, format("{} does not run on the environment's machines", printable(flag->value, 40)));
}

// ---- Build: B1, B2, B5, B6

bool copies_everything(const Instruction& copy) {
  if (copy.flag("from") || copy.words.size() < 2) return false;
  return is_one_of(copy.words[0].value, {".", "./", "/", "*", "./*"});
}

void build_context(const Subject& subject, Sink& sink) {
  const auto& text = subject.options.surroundings.dockerignore;
  if (!text || DockerIgnore::parse(*text).ignores(".git")) return;
  for (auto keyword : {Keyword::Copy, Keyword::Add})
    subject.each(keyword, [&](const Instruction& copy) {
      if (copies_everything(copy))
        sink.add(copy.span, text->empty() ? "everything around the Dockerfile is copied, and there is no .dockerignore"
                                          : "everything is copied, and .dockerignore does not leave out .git");
    });
}

void linted_by_automation(const Subject& subject, Sink& sink) {
  const auto& text = subject.options.surroundings.automation;
  if (!text || subject.file.stages.empty()) return;
  if (!contains(*text, "hadolint") && !contains(*text, "pratique lint") && !contains(*text, "trivy config"))
    sink.add(last_from(subject).span, "no pre-commit hook or CI job checks the Dockerfile");
}

void kept_in_git(const Subject& subject, Sink& sink) {
  if (subject.options.surroundings.is_in_git == false && !subject.file.stages.empty())
    sink.add(last_from(subject).span, "the Dockerfile is in no git repository");
}

void built_by_automation(const Subject& subject, Sink& sink) {
  const auto& text = subject.options.surroundings.automation;
  if (!text || subject.file.stages.empty()) return;
  if (!contains(*text, "docker") && !contains(*text, "podman") && !contains(*text, "buildah") &&
      !contains(*text, "kaniko"))
    sink.add(last_from(subject).span, "no CI job builds the image");
}

const Rule kRules[] = {
    {"B1", "", kTreInfo, "Check the Dockerfile automatically", "Mistakes are found after the push, by somebody else.",
     "A CI job or pre-commit hook with `pratique lint Dockerfile`.", "", linted_by_automation},
    {"B2", "", kWarning, "Keep the build context small",
     "The history of the project, data and credentials that lie beside the Dockerfile end up in the image.",
     "A .dockerignore with .git, data and results, or COPY of what is needed.", "", build_context},
    {"B5", "", kTreInfo, "Keep the Dockerfile in the project's git repository",
     "Nobody can say later how the image was made.", "git add Dockerfile && git commit", "", kept_in_git},
    {"B6", "", kTreInfo, "Build the image in CI", "The image depends on one person's machine.",
     "A workflow that builds, scans and pushes on every commit.", "", built_by_automation},
    {"D1", "", kTreWarning, "Name the registry of the base image and pin it by digest",
     "Another image may answer to the same short name, or to the same tag tomorrow.",
     "FROM docker.io/library/python:3.12-slim@sha256:…", "", qualified_and_pinned},
    {"D3", "", kTreInfo, "Build in one stage, ship another",
     "Compilers travel into the environment, with what can be done with them.",
     "FROM … AS build, then COPY --from=build in the last stage.", "", multi_stage},
    {"D4", "", kTreInfo, "Do not fix the user id",
     "Files in /safe_data belong to the id of the person who runs the job: a fixed id cannot read them.",
     "useradd --create-home app, without --uid", "", fixed_uid},
    {"D5", "", kTreWarning, "Programs belong to root and are not writable",
     "A program that is broken into can change the code the next run uses.",
     "COPY --chown=root:root --chmod=555 run.sh /app/", "", writable_programs},
    {"D6", "", kTreInfo, "Make the last stage minimal", "More packages, more findings, more to patch.",
     "A slim, distroless or Chainguard base for the last stage.", "", minimal_last_stage},
    {"D8", "", kTreWarning, "Keep data out of the image",
     "Images are copied, cached and shown to reviewers: data in them leaves the place that is allowed to hold it.",
     "Read it from /safe_data at run time.", "", no_data},
    {"T1", "", kTreWarning, "Make /safe_data, /safe_outputs and /scratch",
     "The environment mounts the project there; without the directories a read-only container does not start.",
     "RUN mkdir /safe_data /safe_outputs /scratch", "", three_directories},
    {"T10", "", kTreError, "CUDA must be 11.1 or later",
     "The driver of the environment refuses the older runtime; the job sees no GPU.",
     "FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04", "", cuda_version},
    {"T11", "", kTreError, "Build for linux/amd64", "The program does not start: exec format error.",
     "docker build --platform linux/amd64 …", "", platform},
    {"T2", "", kTreWarning, "Start from an application's image, not from a bare distribution",
     "Everything is installed by hand, nobody knows the result, and it carries more than it needs.",
     "FROM python:3.12-slim, rocker/r-ver, jupyter/…, pytorch/pytorch …", "", application_base},
    {"T3", "", kTreInfo, "Build for a single purpose", "A collection of tools has the vulnerabilities of all of them.",
     "One image a job.", "", single_purpose},
    {"T4", "", kTreWarning, "Bring everything the program needs, licences included",
     "Licence servers cannot be reached from inside; the program refuses to start.",
     "COPY licence.lic /opt/tool/licences/", "", licence_servers},
    {"T5", "", kTreWarning, "Fetch nothing when the container starts",
     "There is no network: the job waits for a time-out and fails.", "Install and download in RUN.", "",
     runtime_download},
    {"T6", "", kTreWarning, "Set Hugging Face to offline",
     "The client tries to reach the hub, waits, and fails; models are looked for in a home directory that is not "
     "there.",
     "ENV HF_HUB_OFFLINE=1 HF_HOME=/safe_data/models, and cache_dir= in from_pretrained()", "", hub_offline},
    {"T7", "", kTreInfo, "Put temporary files on /scratch",
     "The container's own file system is small, and will be read-only.", "ENV TMP=/scratch TMPDIR=/scratch", "",
     temporary_files},
    {"T8", "", kTreInfo, "Start the job from ENTRYPOINT or CMD",
     "Nobody sits at the keyboard: the container starts a prompt, reads nothing and ends.",
     "CMD [\"python3\", \"/app/main.py\"]", "", starts_by_itself},
    {"T9", "", kTreInfo, "Take the names of input files from a configuration",
     "Another data set needs another image, another scan and another approval.",
     "Read the names from a file in /safe_data.", "", hard_coded_input},
};

}  // namespace

std::span<const Rule> environment_rules() {
  return kRules;
}

}  // namespace pratique::lint
