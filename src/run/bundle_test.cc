#include <gtest/gtest.h>

#include <cstdlib>

#include "base/json.h"
#include "os/file.h"
#include "run/run.h"

namespace pratique::run {
namespace {

BundleInput sample() {
  BundleInput input;
  input.config.env = {"PATH=/opt/bin:/bin", "LANG=C.UTF-8", "TMPDIR=/tmp", "HF_HUB_OFFLINE=0", "broken"};
  input.config.entrypoint = {"/opt/bin/tool"};
  input.config.cmd = {"--help"};
  input.config.user = "worker";
  input.config.working_dir = "/work";
  input.spec.memory_bytes = 1 << 30;
  input.root = "/r";
  input.safe_data = "/d";
  input.safe_outputs = "/o";
  input.scratch = "/s";
  input.shared_memory = "/m";
  input.hostname = "job-1";
  input.user_database = "worker:x:1000:1001::/home/worker:/bin/sh\n";
  input.group_database = "data:x:2000:worker\n";
  return input;
}

Json config_of(const BundleInput& input) {
  auto text = bundle_config(input);
  EXPECT_TRUE(text.ok()) << text.error().message();
  return text ? *parse_json(*text) : Json();
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const auto& item : list.items()) out.emplace_back(item.text());
  return out;
}

using Words = std::vector<std::string>;

Words words_of(const BundleInput& input) {
  return texts(config_of(input)["process"]["args"]);
}

std::string variable(const BundleInput& input, const std::string& name) {
  std::string found = "unset";
  for (const auto& setting : texts(config_of(input)["process"]["env"])) {
    if (!setting.starts_with(name + "=")) continue;
    EXPECT_EQ(found, "unset") << name << " occurs twice";
    found = setting.substr(name.size() + 1);
  }
  return found;
}

// Update with PRATIQUE_UPDATE_GOLDEN=1 and read the difference like code. The seccomp profile has tests of its own.
TEST(bundle, is_the_golden_configuration) {
  auto config = config_of(sample());
  auto system = config["linux"];
  EXPECT_FALSE(system["seccomp"].is_null());
  config.set("linux", system.set("seccomp", "seccomp_profile()"));
  auto path = std::string(PRATIQUE_SOURCE_DIR) + "/src/run/golden/config.json";
  if (::getenv("PRATIQUE_UPDATE_GOLDEN")) {
    ASSERT_TRUE(os::write_file(path, config.dump_pretty(), 0644).ok());
  }
  EXPECT_EQ(config.dump_pretty(), *os::read_file(path, 1 << 20));
}

TEST(bundle, combines_program_and_arguments_as_other_engines_do) {
  auto input = sample();
  EXPECT_EQ(words_of(input), (Words{"/opt/bin/tool", "--help"}));
  input.spec.args = {"a", "b c"};
  EXPECT_EQ(words_of(input), (Words{"/opt/bin/tool", "a", "b c"}));
  input.spec.entrypoint = "/bin/sh";
  EXPECT_EQ(words_of(input), (Words{"/bin/sh", "a", "b c"}));
  input.spec.args.clear();
  EXPECT_EQ(words_of(input), (Words{"/bin/sh"}));
}

TEST(bundle, job_variables_win_over_ours_and_ours_over_the_image) {
  auto input = sample();
  EXPECT_EQ(variable(input, "PATH"), "/opt/bin:/bin");
  EXPECT_EQ(variable(input, "TMPDIR"), "/scratch");
  EXPECT_EQ(variable(input, "HF_HUB_OFFLINE"), "1");
  EXPECT_EQ(variable(input, "TRANSFORMERS_OFFLINE"), "1");
  EXPECT_EQ(variable(input, "HOME"), "/home/worker");
  input.spec.env = {"HF_HUB_OFFLINE=0", "TMP=/t", "HOME=/h", "EMPTY="};
  EXPECT_EQ(variable(input, "HF_HUB_OFFLINE"), "0");
  EXPECT_EQ(variable(input, "TMP"), "/t");
  EXPECT_EQ(variable(input, "HOME"), "/h");
  EXPECT_EQ(variable(input, "EMPTY"), "");
}

TEST(bundle, home_is_scratch_where_there_is_none_to_write_to) {
  auto input = sample();
  input.spec.read_only_root = true;
  EXPECT_EQ(variable(input, "HOME"), "/scratch");
  input = sample();
  input.config.user = "4242";
  EXPECT_EQ(variable(input, "HOME"), "/scratch");
}

TEST(bundle, an_image_without_anything_gets_a_path) {
  BundleInput input;
  input.spec.args = {"/bin/true"};
  EXPECT_TRUE(variable(input, "PATH").starts_with("/usr/local/sbin:"));
  EXPECT_EQ(config_of(input)["process"]["cwd"].text(), "/");
}

TEST(bundle, refuses_what_cannot_be_run) {
  auto refused = [](auto change) {
    auto input = sample();
    change(input);
    auto config = bundle_config(input);
    EXPECT_FALSE(config.ok());
    return config.ok() ? ErrorKind::Conflict : config.error().kind();
  };
  EXPECT_EQ(refused([](auto& i) { i.config.entrypoint = i.config.cmd = {}; }), ErrorKind::Invalid);
  EXPECT_EQ(refused([](auto& i) { i.spec.entrypoint = ""; }), ErrorKind::Invalid);
  EXPECT_EQ(refused([](auto& i) { i.spec.env = {"NOVALUE"}; }), ErrorKind::Invalid);
  EXPECT_EQ(refused([](auto& i) { i.spec.env = {"=x"}; }), ErrorKind::Invalid);
  EXPECT_EQ(refused([](auto& i) { i.spec.env = {std::string("A=\0b", 4)}; }), ErrorKind::Invalid);
  EXPECT_EQ(refused([](auto& i) { i.spec.args = {std::string("a\0b", 3)}; }), ErrorKind::Invalid);
  EXPECT_EQ(refused([](auto& i) { i.config.user = "stranger"; }), ErrorKind::Invalid);
  EXPECT_EQ(refused([](auto& i) { i.config.working_dir = "relative"; }), ErrorKind::Invalid);
  EXPECT_EQ(refused([](auto& i) { i.spec.args.resize(20'000, "x"); }), ErrorKind::Limit);
}

TEST(bundle, access_to_data_and_root_follows_the_job) {
  auto options = [](const BundleInput& input, std::string_view destination) {
    auto config = config_of(input);
    for (const auto& mount : config["mounts"].items()) {
      if (mount["destination"].text() == destination) return texts(mount["options"]);
    }
    return Words{};
  };
  auto input = sample();
  EXPECT_EQ(options(input, "/safe_data"), (Words{"bind", "ro", "nosuid", "nodev", "noexec"}));
  input.spec.data_access = DataAccess::ReadWrite;
  input.spec.read_only_root = true;
  EXPECT_EQ(options(input, "/safe_data"), (Words{"bind", "rw", "nosuid", "nodev", "noexec"}));
  EXPECT_EQ(config_of(input)["root"]["readonly"].as_bool(), true);
}

}  // namespace
}  // namespace pratique::run
