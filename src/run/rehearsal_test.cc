// What the report says of what was seen: a row for each sentence. Seeing itself is watched against the real kernel.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "run/test_image.h"
#include "run/watch.h"

namespace pratique::run {
namespace {

using Try = Observed::Try;

Rehearsal clean() {
  Rehearsal rehearsal;
  rehearsal.user = "1000";
  return rehearsal;
}

const RehearsalFinding* find(const std::vector<RehearsalFinding>& findings, std::string_view id, Severity severity) {
  auto found = std::ranges::find_if(findings, [&](const auto& f) { return f.id == id && f.severity == severity; });
  return found == findings.end() ? nullptr : &*found;
}

TEST(rehearsal, of_a_quiet_program_is_all_good) {
  auto findings = judge_rehearsal(clean(), {});
  EXPECT_TRUE(std::ranges::all_of(findings, [](const auto& f) { return f.severity == Severity::Good; }));
  EXPECT_GE(findings.size(), 5u);
}

struct Row {
  const char* id;
  Severity severity;
  std::function<void(Rehearsal&)> change;
  const char* fix;  // words the fix must have
};

TEST(rehearsal, each_thing_seen_is_found_with_its_fix) {
  const Row rows[] = {
      {"network", Severity::Warns, [](Rehearsal& r) { r.observed.lookups = {Try{"huggingface.co", "python3", 2}}; },
       "HF_HOME"},
      {"network", Severity::Blocks,
       [](Rehearsal& r) {
         r.observed.lookups = {Try{"files.pythonhosted.org", "pip", 1}};
         r.result.exit_code = 1;
       },
       "pip install"},
      {"network", Severity::Warns, [](Rehearsal& r) { r.observed.connections = {Try{"192.0.2.1:443", "curl", 1}}; },
       "/safe_data"},
      {"exit-code", Severity::Blocks, [](Rehearsal& r) { r.result.exit_code = 2; }, "Read what it printed"},
      {"ending", Severity::Blocks, [](Rehearsal& r) { r.result.timed_out = true; }, "waits"},
      {"service", Severity::Hint,
       [](Rehearsal& r) {
         r.result.timed_out = true;
         r.observed.listens = {Try{"8888", "jupyter", 1}};
       },
       "-p 8888"},
      {"memory", Severity::Blocks,
       [](Rehearsal& r) {
         r.result.out_of_memory = true;
         r.result.exit_code = 137;
       },
       "--memory"},
      {"memory", Severity::Warns, [](Rehearsal& r) { r.result.memory_peak = (4ull << 30) - 1; }, "--memory"},
      {"shared-memory", Severity::Blocks, [](Rehearsal& r) { r.result.exit_code = 135; }, "--shm-size"},
      {"shared-memory", Severity::Warns, [](Rehearsal& r) { r.result.shared_memory_peak = 64 << 20; }, "num_workers"},
      {"standard-input", Severity::Blocks,
       [](Rehearsal& r) { r.observed.input_reads = {Try{"standard input", "bash", 1}}; }, "CMD"},
      {"standard-input", Severity::Warns,
       [](Rehearsal& r) { r.observed.input_reads = {Try{"standard input", "tool", 1}}; }, "Never ask"},
      {"missing-data", Severity::Hint,
       [](Rehearsal& r) { r.observed.missing_data = {Try{"/safe_data/in.csv", "tool", 1}}; }, "--arg-file"},
      {"data-write", Severity::Warns, [](Rehearsal& r) { r.observed.data_writes = {Try{"/safe_data/out", "tool", 1}}; },
       "/safe_outputs"},
      {"files", Severity::Warns, [](Rehearsal& r) { r.result.changed_files = {{"/root/.cache/matplotlib/x", 5}}; },
       "MPLCONFIGDIR"},
      {"files", Severity::Warns, [](Rehearsal& r) { r.result.changed_files = {{"/tmp/x", 5}}; }, "$TMPDIR"},
      {"root", Severity::Warns, [](Rehearsal& r) { r.observed.root_needs = {Try{"port 80: below 1024", "nginx", 1}}; },
       "1024"},
      {"user", Severity::Hint,
       [](Rehearsal& r) {
         r.is_root = true;
         r.exit_as_ordinary_user = 0;
       },
       "USER"},
      {"user", Severity::Warns,
       [](Rehearsal& r) {
         r.is_root = true;
         r.exit_as_ordinary_user = 1;
       },
       "refuse root"},
      {"gpu", Severity::Hint, [](Rehearsal& r) { r.observed.missing_gpu = {Try{"libcuda.so.1", "python3", 1}}; },
       "--gpu"},
      {"system-calls", Severity::Hint, [](Rehearsal& r) { r.observed.refused_calls = {Try{"ptrace", "gdb", 1}}; },
       "debuggers"},
  };
  for (const auto& row : rows) {
    auto rehearsal = clean();
    row.change(rehearsal);
    const auto findings = judge_rehearsal(rehearsal, {});
    const auto* finding = find(findings, row.id, row.severity);
    ASSERT_TRUE(finding) << row.id;
    EXPECT_TRUE(contains(finding->fix, row.fix)) << finding->fix;
    EXPECT_FALSE(finding->title.empty());
  }
}

TEST(rehearsal, of_a_shell_that_left_results_only_warns) {
  auto rehearsal = clean();
  rehearsal.observed.input_reads = {Try{"standard input", "bash", 1}};
  rehearsal.result.output_bytes = 1;
  EXPECT_TRUE(find(judge_rehearsal(rehearsal, {}), "standard-input", Severity::Warns));
}

TEST(rehearsal, findings_come_with_the_worst_first) {
  auto rehearsal = clean();
  rehearsal.result.exit_code = 1;
  rehearsal.result.changed_files = {{"/x", 1}};
  auto findings = judge_rehearsal(rehearsal, {});
  EXPECT_EQ(findings.front().severity, Severity::Blocks);
  EXPECT_EQ(findings.back().severity, Severity::Good);
}

std::string query(std::string_view labels) {
  return std::string("\x12\x34\x01\0\0\1\0\0\0\0\0\0", 12) + std::string(labels) + std::string("\0\0\1\0\1", 5);
}

TEST(dns_query, gives_its_name) {
  EXPECT_EQ(name_in_query(query("\4pypi\3org")), "pypi.org");
  EXPECT_EQ(name_in_query(query("\4pypi\3org") + "edns"), "pypi.org");
  for (auto packet : {std::string(), std::string(12, '\0'), query(""), query("\77x"), query("\100pypi"),
                      std::string("\x12\x34\x81\x80\0\1\0\0\0\0\0\0\4pypi\0\0\1\0\1", 22)})
    EXPECT_EQ(name_in_query(packet), std::nullopt);
}

// -- against the real kernel
// --------------------------------------------------------------------------------------------

class watched : public testing::Test {
 protected:
  void SetUp() override {
    if (auto missing = missing_prerequisites(options()); !missing.empty()) GTEST_SKIP() << missing.front();
    auto busybox = os::read_file("/bin/busybox", 64 << 20);
    if (!busybox) GTEST_SKIP() << "needs the package busybox-static";
    TarBuilder tar;
    tar.directory("bin").directory("etc").directory("tmp", 01777);
    tar.file("bin/busybox", *busybox, 0755);
    for (auto name : {"sh", "cat", "echo", "nslookup", "nc", "wget", "chown", "sleep", "mount", "touch"})
      tar.symlink(format("bin/{}", name), "busybox");
    image.layer(tar.done());
    image.entrypoint = {"/bin/sh", "-c"};
  }
  Options options() const { return {.directory = directory_->path() + "/state"}; }
  Observed seen(const std::string& script) {
    JobSpec spec{.args = {script}, .safe_outputs = directory_->path() + "/outputs", .scratch_bytes = 64 << 20};
    spec.time_limit = std::chrono::seconds(30);
    spec.attendant = {.log = directory_->path() + "/log", .out = -1, .err = -1};
    auto rehearsal = rehearse(image.manifest(), image.opener(), spec, options());
    EXPECT_TRUE(rehearsal.ok()) << rehearsal.error().message();
    last = rehearsal ? *rehearsal : Rehearsal();
    return last.observed;
  }
  static bool has(const std::vector<Try>& tries, std::string_view what) {
    return std::ranges::any_of(tries, [&](const Try& attempt) { return contains(attempt.what, what); });
  }
  Result<os::TemporaryDirectory> directory_ = os::TemporaryDirectory::create();
  TestImage image;
  Rehearsal last;
};

TEST_F(watched, its_attempts_are_seen_and_change_nothing) {
  auto tries = seen(
      "nc -w 1 192.0.2.1 80 </dev/null; cat /safe_data/absent; echo x > /safe_data/new; touch /tmp/lost; mount -t "
      "tmpfs x /tmp; exit 7");
  EXPECT_EQ(last.result.exit_code, 7);
  EXPECT_TRUE(has(tries.connections, "192.0.2.1:80"));
  EXPECT_TRUE(has(tries.missing_data, "/safe_data/absent"));
  EXPECT_TRUE(has(tries.data_writes, "/safe_data/new"));
  EXPECT_TRUE(has(tries.refused_calls, "mount"));
  EXPECT_TRUE(tries.input_reads.empty());
  ASSERT_EQ(last.result.changed_files.size(), 1u);
  EXPECT_EQ(last.result.changed_files[0].path, "/tmp/lost");
}

TEST_F(watched, names_it_looks_up_are_seen) {
  EXPECT_TRUE(has(seen("nslookup pypi.org; true").lookups, "pypi.org"));
}

TEST_F(watched, reading_standard_input_is_seen) {
  EXPECT_TRUE(has(seen("cat").input_reads, "standard input"));
  EXPECT_TRUE(seen("cat < /bin/sh > /dev/null").input_reads.empty()) << "another file is not it";
}

TEST_F(watched, what_needs_root_is_seen) {
  EXPECT_TRUE(has(seen("touch /tmp/x; chown 1000 /tmp/x").root_needs, "/tmp/x"));
  auto tries = seen("nc -l -p 80 -w 1 </dev/null; true");
  EXPECT_TRUE(has(tries.listens, "80"));
  EXPECT_TRUE(has(tries.root_needs, "port 80"));
}

}  // namespace
}  // namespace pratique::run
