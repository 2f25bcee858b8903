// The whole runner against the real kernel: needs root, crun and a static busybox, and says so where they are missing.
#include "run/job.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "os/process.h"
#include "run/test_image.h"

namespace pratique::run {
namespace {

using std::chrono::seconds;

constexpr const char* kBusybox = "/bin/busybox";

std::string busybox_layer() {
  auto busybox = os::read_file(kBusybox, 64 << 20);
  TarBuilder tar;
  tar.directory("bin").directory("etc").directory("tmp", 01777).directory("proc").directory("dev").directory("sys");
  tar.file("bin/busybox", busybox ? *busybox : "", 0755);
  for (auto name : {"sh", "cat", "echo", "ls", "id", "touch", "mount", "unshare", "sleep", "true", "stat", "dd", "head",
                    "wget", "ip", "chmod", "mkfifo", "env", "pwd", "grep", "mkdir", "nc", "mknod", "su", "hostname"}) {
    tar.symlink(format("bin/{}", name), "busybox");
  }
  tar.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1001:w:/home/worker:/bin/sh\n");
  tar.file("etc/group", "root:x:0:\nworker:x:1001:\ndata:x:2000:worker\n");
  tar.add('0', "root-only", "secret of the image", "", 0600);
  tar.add('0', "bin/set-id", *busybox, "", 04755);
  return tar.done();
}

struct Outcome {
  JobResult result;
  std::string out, err;
};

class job : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto missing = missing_prerequisites(options());
    if (!missing.empty()) GTEST_SKIP() << missing.front();
    if (!os::exists(kBusybox)) GTEST_SKIP() << "needs the package busybox-static";
    static const std::string layer = busybox_layer();
    image.layer(layer);
    image.entrypoint = {"/bin/sh", "-c"};
    spec.safe_outputs = outputs();
    spec.memory_bytes = 256 << 20;
    spec.scratch_bytes = 64 << 20;
  }

  Options options() const { return {.directory = directory_->path() + "/state", .runtime = runtime}; }
  std::string outputs() const { return directory_->path() + "/outputs"; }
  std::string data() const { return directory_->path() + "/data"; }
  void put_data(const std::string& name, const std::string& content, unsigned mode = 0600) {
    ASSERT_TRUE(os::make_directories(data()).ok());
    ASSERT_TRUE(os::write_file(data() + "/" + name, content, mode).ok());
    spec.safe_data = data();
  }
  std::string output(const std::string& name) const {
    auto text = os::read_file(outputs() + "/" + name, 1 << 20);
    return text ? *text : "<" + text.error().message() + ">";
  }

  // Runs the script as the job.
  JobResult run(const std::string& script) {
    spec.args = {script};
    auto result = run_image(image.manifest(), image.opener(), spec, options());
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result.ok() ? *result : JobResult{.exit_code = -1};
  }
  // What the script writes to /safe_outputs/out.
  std::string said(const std::string& script) {
    run(format("( {} ) > /safe_outputs/out 2>&1", script));
    return output("out");
  }
  Error refused(const std::string& script = "true") {
    spec.args = {script};
    auto result = run_image(image.manifest(), image.opener(), spec, options());
    EXPECT_FALSE(result.ok());
    return result.ok() ? invalid("it ran") : result.error();
  }

  std::string runtime = "crun";
  TestImage image;
  JobSpec spec;

 private:
  Result<os::TemporaryDirectory> directory_ = os::TemporaryDirectory::create();
};

std::vector<std::string> leftovers(const Options& options) {
  std::vector<std::string> found = os::list_directory(options.directory + "/jobs");
  for (const auto& controller : os::list_directory("/sys/fs/cgroup")) {
    for (const auto& name : os::list_directory("/sys/fs/cgroup/" + controller + "/pratique")) {
      if (os::exists(format("/sys/fs/cgroup/{}/pratique/{}/cgroup.procs", controller, name))) found.push_back(name);
    }
  }
  auto mounts = os::read_file("/proc/self/mountinfo", 16 << 20);
  if (contains(*mounts, options.directory)) found.push_back("a mount below " + options.directory);
  return found;
}

TEST_F(job, gives_the_exit_code_of_the_program) {
  EXPECT_EQ(run("exit 42").exit_code, 42);
  EXPECT_EQ(run("exit 0").exit_code, 0);
  EXPECT_EQ(run("kill -TERM $$; kill -KILL $$; sleep 1").exit_code, 0) << "process 1 cannot kill itself";
}

TEST_F(job, reads_its_data_and_keeps_its_outputs) {
  put_data("in.csv", "1,2,3\n");
  auto result = run("cat /safe_data/in.csv > /safe_outputs/result; mkdir /safe_outputs/more; touch /safe_outputs/more/x");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(output("result"), "1,2,3\n");
  EXPECT_TRUE(os::exists(result.outputs + "/more/x"));
  EXPECT_EQ(result.notes, std::vector<std::string>{});
}

}  // namespace
}  // namespace pratique::run
