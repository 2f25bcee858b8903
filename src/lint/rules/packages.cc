// Package managers: what they are told to install, whether it is pinned, what they leave behind.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"

namespace pratique::lint {

namespace {

using Names = std::vector<std::string>;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

bool is_path(std::string_view text) {
  return text.starts_with('.') || text.starts_with('/') || is_url(text);
}

std::string some_of(const Names& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < 3; ++i) out += (i ? ", " : "") + printable(names[i], 60);
  return names.size() > 3 ? out + format(" and {} more", names.size() - 3) : out;
}

void each_command(const Subject& subject, const std::function<void(const Body&, const Command&)>& seen) {
  for (const auto& run : subject.runs)
    for (const auto& command : run.commands) seen(run, command);
}

// How one tool names its packages.
struct Tool {
  std::initializer_list<std::string_view> programs, verbs, flags_with_value;
  bool (*is_pinned)(std::string_view package);
};

// The packages an install command names; nullopt when it is no such command.
std::optional<Names> installed(const Tool& tool, const Command& command) {
  if (!is_one_of(command.name, tool.programs)) return std::nullopt;
  auto operands = command.operands(tool.flags_with_value);
  if (operands.empty() || !is_one_of(operands[0]->text, tool.verbs)) return std::nullopt;
  Names names;
  for (std::size_t i = 1; i < operands.size(); ++i)
    if (operands[i]->is_literal) names.push_back(operands[i]->text);
  return names;
}

Names unpinned(const Tool& tool, const Names& names) {
  Names loose;
  for (const auto& name : names)
    if (!tool.is_pinned(name)) loose.push_back(name);
  return loose;
}

void check_pins(const Tool& tool, const Subject& subject, Sink& sink, std::string_view example) {
  each_command(subject, [&](const Body&, const Command& command) {
    auto names = installed(tool, command);
    if (!names) return;
    if (auto loose = unpinned(tool, *names); !loose.empty())
      sink.add(command.span, format("no version is given for {}; write {}", some_of(loose), example));
  });
}

bool has_version_dash(std::string_view package) {
  for (std::size_t i = 0; i + 1 < package.size(); ++i)
    if (package[i] == '-' && package[i + 1] >= '0' && package[i + 1] <= '9') return true;
  return false;
}

bool apt_pinned(std::string_view p) {
  return contains(p, "=") || contains(p, "/") || p.ends_with(".deb") || is_path(p);
}
bool apk_pinned(std::string_view p) {
  return p.find_first_of("=~<>@") != std::string_view::npos || p.ends_with(".apk") || is_path(p) || p.starts_with('.');
}
bool rpm_pinned(std::string_view p) {
  return has_version_dash(p) || p.ends_with(".rpm") || is_path(p) || p.starts_with('@');
}
bool zypper_pinned(std::string_view p) {
  return p.find_first_of("=<>") != std::string_view::npos || p.ends_with(".rpm") || is_path(p) || has_version_dash(p);
}
bool pip_pinned(std::string_view p) {
  return p.find_first_of("=<>~!@") != std::string_view::npos || p.ends_with(".whl") || contains(p, "/") ||
         is_archive(p) || p.ends_with(".zip") || p.starts_with('.') || p.starts_with("git+");
}
bool npm_pinned(std::string_view p) {
  if (is_path(p) || p.starts_with("git") || is_archive(p) || contains(p, ":")) return true;
  auto at = p.find('@', 1);
  return at != std::string_view::npos && p.substr(at) != "@latest";
}
bool gem_pinned(std::string_view p) {
  return contains(p, ":") || p.ends_with(".gem") || is_path(p);
}
bool go_pinned(std::string_view p) {
  if (p.starts_with('.') || p.starts_with('/')) return true;
  auto at = p.find('@');
  return at != std::string_view::npos && p.substr(at) != "@latest" && p.substr(at) != "@upgrade";
}

const Tool kAptGet = {{"apt-get", "apt"},
                      {"install"},
                      {"-t", "--target-release", "-o", "--option", "-c", "--config-file", "-a", "--host-architecture"},
                      apt_pinned};
const Tool kApk = {
    {"apk"},
    {"add"},
    {"-t", "--virtual", "--repository", "-X", "--repositories-file", "--keys-dir", "-p", "--root", "--arch", "--wait"},
    apk_pinned};
const Tool kYum = {
    {"yum"}, {"install"}, {"-c", "--setopt", "--enablerepo", "--disablerepo", "--releasever"}, rpm_pinned};
const Tool kDnf = {{"dnf", "microdnf"},
                   {"install"},
                   {"-c", "--setopt", "--enablerepo", "--disablerepo", "--repo", "--releasever", "--installroot"},
                   rpm_pinned};
const Tool kZypper = {
    {"zypper"}, {"install", "in"}, {"-r", "--repo", "--from", "-t", "--type", "-R", "--root"}, zypper_pinned};
const Tool kNpm = {{"npm"},
                   {"install", "i", "add"},
                   {"--prefix", "-C", "--registry", "--cache", "--loglevel", "--userconfig", "--tag"},
                   npm_pinned};
const Tool kGem = {
    {"gem"}, {"install", "i"}, {"-i", "--install-dir", "-n", "--bindir", "-s", "--source", "-P"}, gem_pinned};
const Tool kGo = {{"go"}, {"install"}, {"-ldflags", "-tags", "-gcflags", "-mod", "-o", "-p"}, go_pinned};
const Tool kPip = {{"pip", "pip3", "pip2"},
                   {"install"},
                   {"-i",
                    "--index-url",
                    "--extra-index-url",
                    "-t",
                    "--target",
                    "-f",
                    "--find-links",
                    "--trusted-host",
                    "--prefix",
                    "--root",
                    "-d",
                    "--platform",
                    "--python-version",
                    "--progress-bar",
                    "--proxy",
                    "--timeout",
                    "--retries",
                    "--cache-dir",
                    "--upgrade-strategy",
                    "--no-binary",
                    "--only-binary",
                    "-b",
                    "--abi",
                    "--implementation",
                    "--log",
                    "--src"},
                   pip_pinned};

// `python3 -m pip …` is pip.
std::optional<Command> as_pip(const Command& command) {
  if (is_one_of(command.name, {"pip", "pip3", "pip2"})) return command;
  if (command.name.starts_with("pip3.") || command.name.starts_with("pip2.")) {
    Command pip = command;
    pip.name = "pip";
    return pip;
  }
  if (!command.name.starts_with("python")) return std::nullopt;
  for (std::size_t i = 0; i + 1 < command.arguments.size(); ++i)
    if (command.arguments[i].text == "-m" && command.arguments[i + 1].text == "pip") {
      Command pip = command;
      pip.name = "pip";
      pip.arguments.erase(pip.arguments.begin(), pip.arguments.begin() + static_cast<long>(i) + 2);
      return pip;
    }
  return std::nullopt;
}

void pins_apt(const Subject& s, Sink& sink) {
  check_pins(kAptGet, s, sink, "apt-get install <package>=<version>");
}
void pins_apk(const Subject& s, Sink& sink) {
  check_pins(kApk, s, sink, "apk add <package>=<version>");
}
void pins_yum(const Subject& s, Sink& sink) {
  check_pins(kYum, s, sink, "yum install <package>-<version>");
}
void pins_dnf(const Subject& s, Sink& sink) {
  check_pins(kDnf, s, sink, "dnf install <package>-<version>");
}
void pins_zypper(const Subject& s, Sink& sink) {
  check_pins(kZypper, s, sink, "zypper install <package>=<version>");
}
void pins_npm(const Subject& s, Sink& sink) {
  check_pins(kNpm, s, sink, "npm install <package>@<version>");
}
void pins_go(const Subject& s, Sink& sink) {
  check_pins(kGo, s, sink, "go install <package>@<version>");
}

void pins_gem(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    auto names = installed(kGem, command);
    if (!names || command.has_flag({"-v", "--version"})) return;
    if (auto loose = unpinned(kGem, *names); !loose.empty())
      sink.add(command.span, format("no version is given for {}; write gem install <gem>:<version>", some_of(loose)));
  });
}

void pins_pip(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    auto pip = as_pip(command);
    if (!pip || pip->has_flag({"-r", "--requirement", "-c", "--constraint", "-e", "--editable"})) return;
    auto names = installed(kPip, *pip);
    if (!names) return;
    std::erase_if(*names, [](const std::string& name) { return name == "pip"; });
    if (auto loose = unpinned(kPip, *names); !loose.empty())
      sink.add(command.span, format("no version is given for {}; write pip install <package>==<version>, or "
                                    "-r requirements.txt",
                                    some_of(loose)));
  });
}

void needs_yes(const Tool& tool, std::initializer_list<std::string_view> yes, const Subject& subject, Sink& sink,
               bool double_quiet_counts) {
  each_command(subject, [&](const Body&, const Command& command) {
    if (!installed(tool, command) || command.has_flag(yes)) return;
    auto is_quiet = [](const Argument& a) { return a.text == "-qq" || a.text == "-q=2"; };
    if (double_quiet_counts && std::any_of(command.arguments.begin(), command.arguments.end(), is_quiet)) return;
    sink.add(command.span, format("{} asks before it installs, and nobody is there to answer; add -y", command.name));
  });
}

void yes_apt(const Subject& s, Sink& sink) {
  needs_yes(kAptGet, {"-y", "--yes", "--assume-yes", "--force-yes"}, s, sink, true);
}
void yes_yum(const Subject& s, Sink& sink) {
  needs_yes(kYum, {"-y", "--assumeyes"}, s, sink, false);
}
void yes_dnf(const Subject& s, Sink& sink) {
  needs_yes(kDnf, {"-y", "--assumeyes"}, s, sink, false);
}
void yes_zypper(const Subject& s, Sink& sink) {
  needs_yes(kZypper, {"-n", "--non-interactive", "-y", "--no-confirm"}, s, sink, false);
}

void no_recommends(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    if (command.name != "apt-get" || !installed(kAptGet, command)) return;
    for (const auto& argument : command.arguments)
      if (argument.text == "--no-install-recommends" || contains(argument.text, "Install-Recommends=")) return;
    sink.add(command.span, "recommended packages are installed too; add --no-install-recommends");
  });
}

bool removes(const Body& run, std::string_view path) {
  for (const auto& command : run.commands)
    if (is_one_of(command.name, {"rm", "find"}))
      for (const auto& argument : command.arguments)
        if (argument.text.starts_with(path)) return true;
  return false;
}

void apt_lists(const Subject& subject, Sink& sink) {
  for (const auto& run : subject.runs) {
    if (removes(run, "/var/lib/apt") || is_cache_mounted(*run.instruction, "/var/lib/apt")) continue;
    bool updates = false, installs = false;
    for (const auto& command : run.commands) {
      updates = updates || (is_one_of(command.name, {"apt-get", "apt"}) && command.verb() == "update");
      installs = installs || installed(kAptGet, command).has_value();
    }
    if (updates && installs)
      sink.add(run.instruction->name_span,
               "the package lists stay in the layer; end the RUN with && rm -rf /var/lib/apt/lists/*");
  }
}

void clean_after(const Subject& subject, Sink& sink, std::initializer_list<std::string_view> programs,
                 std::string_view cache) {
  for (const auto& run : subject.runs) {
    const Command* install = nullptr;
    bool cleans = removes(run, cache) || is_cache_mounted(*run.instruction, cache);
    for (const auto& command : run.commands) {
      if (!is_one_of(command.name, programs)) continue;
      std::string_view verb = command.verb({"-c", "--setopt", "--enablerepo", "--disablerepo", "--releasever"});
      if (is_one_of(verb, {"install", "in", "update", "up", "upgrade", "groupinstall", "reinstall"}))
        install = &command;
      cleans = cleans || is_one_of(verb, {"clean", "cc"});
    }
    if (install && !cleans)
      sink.add(install->span, format("the cache of {0} stays in the layer; add && {0} clean{1}", install->name,
                                     install->name == "zypper" ? "" : " all"));
  }
}

void yum_clean(const Subject& s, Sink& sink) {
  clean_after(s, sink, {"yum"}, "/var/cache/yum");
}
void dnf_clean(const Subject& s, Sink& sink) {
  clean_after(s, sink, {"dnf"}, "/var/cache/dnf");
}
void microdnf_clean(const Subject& s, Sink& sink) {
  clean_after(s, sink, {"microdnf"}, "/var/cache/yum");
}
void zypper_clean(const Subject& s, Sink& sink) {
  clean_after(s, sink, {"zypper"}, "/var/cache/zypp");
}

void apk_no_cache(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body& run, const Command& command) {
    if (!installed(kApk, command) || command.has_flag({"--no-cache"})) return;
    if (removes(run, "/var/cache/apk") || is_cache_mounted(*run.instruction, "/var/cache/apk")) return;
    sink.add(command.span, "the index stays in the layer; add --no-cache");
  });
}

bool is_truthy(const std::optional<std::string>& value) {
  return value && is_one_of(to_lower(*value), {"1", "on", "yes", "true", "y"});
}

void pip_no_cache(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body& run, const Command& command) {
    auto pip = as_pip(command);
    if (!pip || !installed(kPip, *pip) || pip->has_flag({"--no-cache-dir"})) return;
    if (is_truthy(subject.variable(run.stage, "PIP_NO_CACHE_DIR"))) return;
    if (subject.variable(run.stage, "PIP_NO_CACHE_DIR") == "off") return;  // pip once read it the other way round
    if (is_cache_mounted(*run.instruction, "pip") || is_cache_mounted(*run.instruction, ".cache")) return;
    if (removes(run, "/root/.cache") || removes(run, "~/.cache")) return;
    sink.add(command.span, "downloaded packages stay in the layer; add --no-cache-dir");
  });
}

void yarn_clean(const Subject& subject, Sink& sink) {
  for (const auto& run : subject.runs) {
    const Command* install = nullptr;
    bool cleans = is_cache_mounted(*run.instruction, "yarn");
    for (const auto& command : run.commands) {
      if (command.name != "yarn") continue;
      if (command.verb() == "install") install = &command;
      auto operands = command.operands();
      cleans = cleans || (operands.size() >= 2 && operands[0]->text == "cache" && operands[1]->text == "clean");
    }
    if (install && !cleans) sink.add(install->span, "the cache of yarn stays in the layer; add && yarn cache clean");
  }
}

void apt_for_people(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    if (command.name == "apt") sink.add(command.span, "apt is made for people at a terminal; use apt-get or apt-cache");
  });
}

struct Updater {
  std::initializer_list<std::string_view> programs, updates, followers;
};
const Updater kUpdaters[] = {
    {{"apt-get", "apt"}, {"update"}, {"install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep", "source"}},
    {{"apk"}, {"update"}, {"add", "upgrade", "fix"}},
    {{"yum"}, {"makecache", "check-update"}, {"install", "upgrade", "update", "groupinstall"}},
    {{"dnf", "microdnf"}, {"makecache", "check-update"}, {"install", "upgrade", "update", "groupinstall"}},
    {{"zypper"}, {"refresh", "ref"}, {"install", "in", "update", "up", "patch"}},
};

void update_alone(const Subject& subject, Sink& sink) {
  for (const auto& run : subject.runs)
    for (const auto& updater : kUpdaters) {
      const Command* update = nullptr;
      bool used = !run.failures.empty();
      for (const auto& command : run.commands) {
        // apt-file, aptitude and scripts that install by other names use the lists as well.
        used = used || (update && (command.name == "aptitude" || command.name == "gdebi" || command.name == "xargs"));
        if (!is_one_of(command.name, updater.programs)) continue;
        if (is_one_of(command.verb(), updater.updates)) update = &command;
        if (update && is_one_of(command.verb(), updater.followers)) used = true;
      }
      if (update && !used)
        sink.add(update->span,
                 "the lists are updated in a layer of their own; it is cached and grows stale: update "
                 "and install in one RUN");
    }
}

void dist_upgrade(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    if (is_one_of(command.name, {"apt-get", "apt"}) && is_one_of(command.verb(), {"dist-upgrade", "full-upgrade"}))
      sink.add(command.span, "a distribution upgrade makes another base than the one named in FROM");
  });
}

void zypper_dist_upgrade(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    if (command.name == "zypper" && is_one_of(command.verb(), {"dist-upgrade", "dup"}))
      sink.add(command.span, "a distribution upgrade makes another base than the one named in FROM");
  });
}

constexpr std::string_view kPinHarm =
    "The same Dockerfile builds another image tomorrow: results cannot be reproduced, and what was approved is not "
    "what "
    "is built.";
constexpr std::string_view kYesHarm = "The build stops or fails at a question nobody can answer.";
constexpr std::string_view kCacheHarm =
    "The image carries files it never reads; every push, scan and pull pays for them again.";

const Rule kRules[] = {
    {"DL3008", "", kOff, "Pin versions in apt-get install", kPinHarm,
     "apt-get install -y --no-install-recommends curl=7.88.1-10+deb12u5. Debian removes old versions from its mirrors: "
     "pin the base by digest first, and use snapshot.debian.org where exact versions matter.",
     "", pins_apt},
    {"DL3009", "D2", kInfo, "Delete the apt-get lists after installing", kCacheHarm,
     "RUN apt-get update && apt-get install -y … && rm -rf /var/lib/apt/lists/*", "", apt_lists},
    {"DL3013", "", kInfo, "Pin versions in pip install", kPinHarm,
     "pip install --no-cache-dir numpy==1.26.4, or a requirements file that pins everything.", "", pins_pip},
    {"DL3014", "DS-0021", kWarning, "Use -y with apt-get install", kYesHarm, "apt-get install -y …", "HIGH", yes_apt},
    {"DL3015", "DS-0029 D2", kInfo, "Use --no-install-recommends with apt-get install",
     "Packages nobody asked for come along, with their vulnerabilities.",
     "apt-get install -y --no-install-recommends …", "HIGH", no_recommends},
    {"DL3016", "", kInfo, "Pin versions in npm install", kPinHarm, "npm install express@4.19.2, or npm ci.", "",
     pins_npm},
    {"DL3018", "", kOff, "Pin versions in apk add", kPinHarm, "apk add --no-cache curl=8.5.0-r0", "", pins_apk},
    {"DL3019", "DS-0025 D2", kInfo, "Use --no-cache with apk add", kCacheHarm, "apk add --no-cache …", "HIGH",
     apk_no_cache},
    {"DL3027", "", kInfo, "Use apt-get instead of apt",
     "apt changes its options and output between releases; scripts break.", "apt-get install -y …", "", apt_for_people},
    {"DL3028", "", kInfo, "Pin versions in gem install", kPinHarm, "gem install rake:13.2.1", "", pins_gem},
    {"DL3030", "", kWarning, "Use -y with yum install", kYesHarm, "yum install -y …", "", yes_yum},
    {"DL3032", "DS-0015 D2", kInfo, "Clean up after yum", kCacheHarm, "yum install -y … && yum clean all", "HIGH",
     yum_clean},
    {"DL3033", "", kOff, "Pin versions in yum install", kPinHarm, "yum install -y curl-7.76.1", "", pins_yum},
    {"DL3034", "", kWarning, "Use zypper without questions", kYesHarm, "zypper --non-interactive install …", "",
     yes_zypper},
    {"DL3035", "", kWarning, "Do not use zypper dist-upgrade",
     "The image no longer stands on the base it names, and no base check knows it.", "Build on a newer base.", "",
     zypper_dist_upgrade},
    {"DL3036", "DS-0020 D2", kInfo, "Clean up after zypper", kCacheHarm, "zypper install -y … && zypper clean", "HIGH",
     zypper_clean},
    {"DL3037", "", kOff, "Pin versions in zypper install", kPinHarm, "zypper install -y curl=8.0.1", "", pins_zypper},
    {"DL3038", "", kWarning, "Use -y with dnf install", kYesHarm, "dnf install -y …", "", yes_dnf},
    {"DL3040", "DS-0019 D2", kInfo, "Clean up after dnf", kCacheHarm, "dnf install -y … && dnf clean all", "HIGH",
     dnf_clean},
    {"DL3041", "", kOff, "Pin versions in dnf install", kPinHarm, "dnf install -y curl-7.76.1", "", pins_dnf},
    {"DL3042", "D2", kInfo, "Use --no-cache-dir with pip install", kCacheHarm,
     "pip install --no-cache-dir …, or ENV PIP_NO_CACHE_DIR=1, or RUN --mount=type=cache,target=/root/.cache/pip", "",
     pip_no_cache},
    {"DL3060", "", kInfo, "Clean up after yarn install", kCacheHarm, "yarn install && yarn cache clean", "",
     yarn_clean},
    {"DL3062", "", kInfo, "Pin versions in go install", kPinHarm, "go install example.org/tool@v1.2.3", "", pins_go},
    {"DS-0017", "", kWarning, "Update and install in one RUN",
     "The layer with the lists is cached: later builds install from lists that are months old, and miss fixes.",
     "RUN apt-get update && apt-get install -y …", "HIGH", update_alone},
    {"DS-0024", "DL3005", kWarning, "Do not use apt-get dist-upgrade",
     "The image no longer stands on the base it names, and no base check knows it.", "Build on a newer base.", "HIGH",
     dist_upgrade},
    {"DS-0027", "D2", kInfo, "Clean up after microdnf", kCacheHarm, "microdnf install -y … && microdnf clean all",
     "HIGH", microdnf_clean},
};

}  // namespace

std::span<const Rule> package_rules() {
  return kRules;
}

}  // namespace pratique::lint
