#include "jobs/jobs.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/text.h"
#include "os/file.h"
#include "os/owner.h"

namespace pratique::jobs {
namespace {

using Words = std::vector<std::string>;

TEST(engine_options, take_what_only_describes_the_job) {
  auto options = *read_engine_options({"-it", "--rm", "-eA=1", "--env", "B=x y", "-m", "2g", "--cpus=1.5", "--name=n",
                                       "-w", "/w", "-p", "8080:8787", "image", "-e", "not-ours"});
  EXPECT_EQ(options.env, (Words{"A=1", "B=x y"}));
  EXPECT_EQ(options.memory_bytes, 2ull << 30);
  EXPECT_EQ(options.cores, 1.5);
  EXPECT_EQ(options.ports.at(0).container, 8787);
  EXPECT_EQ(options.working_directory, "/w");
  EXPECT_TRUE(options.interactive && options.remove_record);
  EXPECT_EQ(options.used, 13u);
  EXPECT_TRUE(options.refused.empty());
}

TEST(engine_options, refuse_whatever_widens_the_job) {
  for (const Words& words : std::initializer_list<Words>{{"--privileged"},
                                                         {"--network", "host"},
                                                         {"--net=bridge"},
                                                         {"--device", "/dev/kvm"},
                                                         {"--cap-add=SYS_ADMIN"},
                                                         {"--pid=host"},
                                                         {"--ipc", "host"},
                                                         {"--userns=host"},
                                                         {"--security-opt", "seccomp=unconfined"},
                                                         {"-v", "/etc:/safe_data"},
                                                         {"-v", "/etc:/scratch/x"},
                                                         {"-v", "data:/var/lib"},
                                                         {"--mount", "type=volume,source=x,target=/x"},
                                                         {"--mount=type=bind,src=/etc,dst=/safe_outputs"},
                                                         {"-p", "0.0.0.0:80:80"},
                                                         {"--volumes-from", "x"}}) {
    auto options = read_engine_options(words);
    ASSERT_TRUE(options.ok()) << words[0];
    ASSERT_EQ(options->refused.size(), 1u) << words[0];
    EXPECT_FALSE(options->refused[0].reason.empty());
    EXPECT_TRUE(options->binds.empty() && options->ports.empty());
  }
}

TEST(engine_options, say_what_is_so_anyway) {
  auto options = *read_engine_options({"--network=none", "--cap-drop", "all", "--tmpfs", "/run", "-t"});
  EXPECT_EQ(options.unneeded.size(), 4u);
  EXPECT_TRUE(options.refused.empty());
}

TEST(engine_options, refuse_what_nobody_knows_and_what_lacks_its_value) {
  for (const Words& words : std::initializer_list<Words>{{"--no-such"}, {"-e"}, {"-Z"}, {"-p", "x"}, {"-m", "lots"}})
    EXPECT_EQ(read_engine_options(words).error().kind(), ErrorKind::Invalid) << words[0];
}

TEST(option_file, is_read_line_by_line_with_quotes_and_comments) {
  auto options =
      *read_option_file("# for rstudio\n-p 8787:8787\n-e 'PASSWORD=a b'\n--mount type=tmpfs,destination=/run\n");
  EXPECT_EQ(options.env, Words{"PASSWORD=a b"});
  EXPECT_EQ(options.ports.size(), 1u);
  EXPECT_FALSE(read_option_file("-e A=1\nnextflow-approved/x:1\n").ok()) << "an image is no option";
}

TEST(argument_file, is_split_as_a_shell_splits_without_expanding) {
  EXPECT_EQ(*read_argument_file("-d 5\n-n 'two words' \"$HOME\" a\\ b # comment\n''\n"),
            (Words{"-d", "5", "-n", "two words", "$HOME", "a b", ""}));
  EXPECT_FALSE(read_argument_file("'open").ok());
  EXPECT_FALSE(read_argument_file(std::string("a\0b", 3)).ok());
  EXPECT_FALSE(read_argument_file(std::string("a\\\0b", 4)).ok());
}

TEST(environment_file, takes_values_literally) {
  auto lookup = [](const std::string& name) {
    return name == "KNOWN" ? std::optional<std::string>("7") : std::nullopt;
  };
  EXPECT_EQ(*read_environment_file("# c\nA=\"quoted\"\n  B= x \r\nKNOWN\nUNKNOWN\n\n", lookup),
            (Words{"A=\"quoted\"", "B= x ", "KNOWN=7"}));
  EXPECT_FALSE(read_environment_file("=x\n", lookup).ok());
}

TEST(size, has_units) {
  for (auto [text, bytes] : std::initializer_list<std::pair<const char*, std::uint64_t>>{
           {"512M", 512ull << 20}, {"4g", 4ull << 30}, {"4GiB", 4ull << 30}, {"100b", 100}, {"7", 7}})
    EXPECT_EQ(parse_size(text).value_or(0), bytes) << text;
  EXPECT_EQ(*parse_size("4", 1ull << 30), 4ull << 30) << "ces-run means gigabytes";
  for (auto text : {"", "0", "M", "-1", "1.5G", "4X", "99999999999999999999", "9999999T"})
    EXPECT_FALSE(parse_size(text).ok()) << text;
}

TEST(host_rules, say_who_and_what) {
  auto rules = *parse_host_rules(
      "projects_directory: /safe_data\nprojects:\n  eidf147: {data: read-write, outputs_at_exit: read-only}\n"
      "users: [ann]\nmemory_max: 8G\nhours_max: 6\ndirectories_are_fixed: yes\n");
  EXPECT_EQ(rules.rules_of("eidf147").data, Writing::Allowed);
  EXPECT_EQ(rules.rules_of("eidf147").outputs_at_exit, Sealing::ReadOnly);
  EXPECT_EQ(rules.rules_of("other").data, Writing::Refused) << "what is not said is closed";
  EXPECT_EQ(rules.memory_bytes_max, 8ull << 30);
  EXPECT_TRUE(rules.directories_are_fixed);
  EXPECT_TRUE(check_enabled(rules, {.name = "ann"}, "vm1").ok());
  EXPECT_EQ(check_enabled(rules, {.name = "bob"}, "vm1").error().kind(), ErrorKind::Denied);
}

TEST(host_rules, a_misspelt_rule_is_an_error_with_its_line) {
  for (auto text : {"usres: [ann]\n", "users: ann\n", "projects: {p: {data: writable}}\n", "memory_max: much\n",
                    "scratch_directory: relative\n", "- a\n", "hours_max: -1\n"}) {
    auto rules = parse_host_rules(text);
    ASSERT_FALSE(rules.ok()) << text;
  }
  EXPECT_TRUE(contains(parse_host_rules("users: []\nnope: 1\n").error().message(), "line 2"));
}

TEST(host_rules, an_empty_list_of_users_enables_nobody) {
  auto rules = *parse_host_rules("users: []\nhosts: [vm1]\n");
  EXPECT_FALSE(check_enabled(rules, {.name = "ann"}, "vm1").ok());
  EXPECT_FALSE(check_enabled(*parse_host_rules("hosts: [vm1]\n"), {.name = "ann"}, "vm2").ok());
  EXPECT_TRUE(check_enabled(*parse_host_rules("groups: [tre]\n"), {.name = "a", .groups = {"tre"}}, "h").ok());
}

TEST(project, is_found_by_membership) {
  const Words directories{"eidf147", "nhs7"};
  EXPECT_EQ(*choose_project(directories, {"users", "tre-eidf147"}, ""), "eidf147");
  EXPECT_EQ(*choose_project(directories, {"nhs7"}, ""), "nhs7");
  EXPECT_EQ(choose_project(directories, {"users", "xnhs7"}, "").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(choose_project(directories, {"nhs7", "eidf147"}, "").error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(*choose_project(directories, {"nhs7", "eidf147"}, "eidf147"), "eidf147");
  EXPECT_EQ(choose_project(directories, {"nhs7"}, "eidf147").error().kind(), ErrorKind::Denied);
  EXPECT_EQ(choose_project(directories, {"nhs7"}, "../etc").error().kind(), ErrorKind::Denied);
}

class records : public testing::Test {
 protected:
  Record record(const std::string& id, uid_t uid = 7) {
    return {.id = id, .name = "job", .runner = os::owned_name(id), .user = "ann", .uid = uid, .started = clock.now()};
  }
  Result<os::TemporaryDirectory> directory_ = os::TemporaryDirectory::create();
  ManualClock clock{Time::from_unix_seconds(1'000'000)};
  User ann{.uid = 7, .name = "ann"}, root{.uid = 0, .name = "root"};
  Records hers{directory_->path() + "/records", ann}, all{directory_->path() + "/records", root};
};

TEST_F(records, come_back_as_they_were_written) {
  auto one = record("a1b2c3d4e5f6");
  one.command = {"/bin/sh", "-c", "exit 3"};
  one.exit_code = 3;
  one.cpu_seconds = 0.25;
  one.state = State::Failed;
  one.ended = clock.now();
  ASSERT_TRUE(hers.write(one).ok());
  EXPECT_EQ(to_json(*hers.find("a1b")), to_json(one));
  EXPECT_EQ(hers.find("job")->id, one.id);
}

TEST_F(records, of_others_are_seen_by_the_administrator_only) {
  ASSERT_TRUE(all.write(record("aaaaaa", 7)).ok());
  ASSERT_TRUE(all.write(record("aaabbb", 8)).ok());
  EXPECT_EQ(hers.list()->size(), 1u);
  EXPECT_EQ(all.list()->size(), 2u);
  EXPECT_EQ(hers.find("aaabbb").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(all.find("aaa").error().kind(), ErrorKind::Conflict);
  User through_sudo{.uid = 0, .name = "x", .through_sudo = true};
  EXPECT_EQ(Records(directory_->path() + "/records", through_sudo).list()->size(), 0u);
}

TEST_F(records, a_run_whose_runner_died_is_lost_and_no_success) {
  auto gone = record("abcdef");
  gone.runner = "abcdef-1-1";
  auto alive = record("fedcba");
  ASSERT_TRUE(hers.write(gone).ok());
  ASSERT_TRUE(hers.write(alive).ok());
  ASSERT_TRUE(hers.settle(clock).ok());
  EXPECT_EQ(hers.find("abcdef")->state, State::Lost);
  EXPECT_FALSE(hers.find("abcdef")->exit_code.has_value());
  EXPECT_EQ(hers.find("fedcba")->state, State::Running);
  EXPECT_EQ(Records::signal(gone, SIGTERM).error().kind(), ErrorKind::NotFound);
}

TEST_F(records, that_are_damaged_hide_no_others) {
  ASSERT_TRUE(hers.write(record("abcdef")).ok());
  ASSERT_TRUE(os::write_file(directory_->path() + "/records/bad.json", "{").ok());
  EXPECT_EQ(hers.list()->size(), 1u);
  EXPECT_FALSE(record_from_json(*parse_json("{\"id\":\"../x\",\"state\":\"running\"}")).ok());
}

}  // namespace
}  // namespace pratique::jobs
