// The whole runner against the real kernel: needs root, crun and a static busybox, and says so where they are missing.
#include "run/job.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/text.h"
#include "os/owner.h"
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
  for (auto name : {"sh",   "cat",  "echo",  "ls",   "id",    "touch", "mount",   "unshare", "sleep",
                    "true", "stat", "dd",    "head", "wget",  "ip",    "chmod",   "mkfifo",  "env",
                    "pwd",  "grep", "mkdir", "nc",   "mknod", "su",    "hostname"}) {
    tar.symlink(format("bin/{}", name), "busybox");
  }
  tar.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1001:w:/home/worker:/bin/sh\n");
  tar.file("etc/group", "root:x:0:\nworker:x:1001:\ndata:x:2000:worker\n");
  tar.add('0', "root-only", "secret of the image", "", 0600);
  tar.add('0', "bin/busybox-set-id", *busybox, "", 04755);
  return tar.done();
}

// The smallest program there is: makes one system call and exits with its errno, 0 where it succeeded.
std::string probe_program(std::uint32_t number, const std::array<std::uint64_t, 4>& arguments) {
  std::string code;
  auto put = [](std::string& into, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) into.push_back(static_cast<char>(value >> (8 * i)));
  };
  code += '\xb8';  // mov eax, number
  put(code, number, 4);
  const char* moves[] = {"\x48\xbf", "\x48\xbe", "\x48\xba", "\x49\xba"};  // rdi, rsi, rdx, r10
  for (std::size_t i = 0; i < 4; ++i) {
    code += moves[i];
    put(code, arguments[i], 8);
  }
  // syscall; test eax, eax; js +2; xor eax, eax; neg eax; mov edi, eax; mov eax, 60; syscall
  code += std::string("\x0f\x05\x85\xc0\x78\x02\x31\xc0\xf7\xd8\x89\xc7\xb8\x3c\0\0\0\x0f\x05", 19);
  constexpr std::uint64_t kBase = 0x400000, kHeaders = 64 + 56;
  std::string elf(
      "\x7f"
      "ELF\2\1\1\0\0\0\0\0\0\0\0\0",
      16);
  for (auto [value, bytes] : std::initializer_list<std::pair<std::uint64_t, int>>{{2, 2},
                                                                                  {62, 2},
                                                                                  {1, 4},
                                                                                  {kBase + kHeaders, 8},
                                                                                  {64, 8},
                                                                                  {0, 8},
                                                                                  {0, 4},
                                                                                  {64, 2},
                                                                                  {56, 2},
                                                                                  {1, 2},
                                                                                  {0, 6},
                                                                                  {1, 4},
                                                                                  {5, 4},
                                                                                  {0, 8},
                                                                                  {kBase, 8},
                                                                                  {kBase, 8},
                                                                                  {kHeaders + code.size(), 8},
                                                                                  {kHeaders + code.size(), 8},
                                                                                  {4096, 8}}) {
    put(elf, value, bytes);
  }
  return elf + code;
}

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

  Options options() const {
    return {.directory = directory_->path() + "/state", .runtime = runtime, .keep_image = keep};
  }
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
  bool keep = true;
  TestImage image;
  JobSpec spec;

 private:
  Result<os::TemporaryDirectory> directory_ = os::TemporaryDirectory::create();
};

std::vector<std::string> leftovers(const Options& options) {
  std::vector<std::string> found = os::list_directory(options.directory + "/jobs");
  for (const auto& controller : os::list_directory("/sys/fs/cgroup")) {
    for (const auto& name : os::list_directory("/sys/fs/cgroup/" + controller + "/pratique")) {
      // Jobs of other programs on this machine are theirs.
      bool is_ours = !os::owner_is_alive(name) || contains(name, format("-{}-", ::getpid()));
      auto procs = format("/sys/fs/cgroup/{}/pratique/{}/cgroup.procs", controller, name);
      if (is_ours && os::exists(procs)) found.push_back(name);
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
  auto result =
      run("cat /safe_data/in.csv > /safe_outputs/result; mkdir /safe_outputs/more; touch /safe_outputs/more/x");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(output("result"), "1,2,3\n");
  EXPECT_TRUE(os::exists(result.outputs + "/more/x"));
  EXPECT_EQ(result.notes, std::vector<std::string>{});
}

TEST_F(job, leaves_nothing_behind) {
  run("echo x > /scratch/x; echo y > /root-file; exit 3");
  EXPECT_EQ(leftovers(options()), std::vector<std::string>{});
}

TEST_F(job, unpacks_a_layer_once) {
  run("true");
  auto before = os::list_directory(options().directory + "/layers");
  image.replace_blob(0, "not even there any more");
  EXPECT_EQ(run("exit 5").exit_code, 5);
  EXPECT_EQ(os::list_directory(options().directory + "/layers"), before);
}

TEST_F(job, cannot_write_to_its_data) {
  put_data("in", "x");
  EXPECT_TRUE(contains(said("touch /safe_data/new; echo y > /safe_data/in"), "Read-only file system"));
  EXPECT_EQ(os::list_directory(data()), std::vector<std::string>{"in"});
}

TEST_F(job, writes_to_its_data_where_that_was_asked) {
  put_data("in", "x");
  spec.data_access = DataAccess::ReadWrite;
  EXPECT_EQ(run("echo y > /safe_data/in && touch /safe_data/new").exit_code, 0);
  EXPECT_EQ(os::list_directory(data()), (std::vector<std::string>{"in", "new"}));
}

TEST_F(job, reads_what_the_owner_of_the_data_can_read) {
  put_data("in", "private", 0600);
  for (const auto& path : {data(), data() + "/in"}) ASSERT_EQ(::chown(path.c_str(), 4321, 4321), 0);
  EXPECT_EQ(said("cat /safe_data/in"), "private");
  image.user = "worker";
  EXPECT_EQ(said("cat /safe_data/in"), "private");
}

TEST_F(job, outputs_belong_to_the_owner_of_their_directory) {
  ASSERT_TRUE(os::make_directories(outputs()).ok());
  ASSERT_EQ(::chown(outputs().c_str(), 4321, 8765), 0);
  for (auto user : {"", "worker"}) {
    image.user = user;
    EXPECT_EQ(run("mkdir -p /safe_outputs/d && touch /safe_outputs/d/f && ln -sf f /safe_outputs/d/l").exit_code, 0);
    for (auto name : {"/d", "/d/f", "/d/l"}) {
      struct stat info;
      ASSERT_EQ(::lstat((outputs() + name).c_str(), &info), 0) << name;
      EXPECT_EQ(info.st_uid, 4321u) << name;
      EXPECT_EQ(info.st_gid, 8765u) << name;
    }
  }
}

// ramfs cannot map owners. The mount is made in a thread's own namespace, so nothing of it can stay.
TEST_F(job, lends_its_outputs_where_owners_cannot_be_mapped) {
  ASSERT_TRUE(os::make_directories(outputs()).ok());
  put_data("in", "readable", 0644);
  ASSERT_EQ(::chmod(data().c_str(), 0755), 0);
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), 0);
    for (const auto& path : {outputs(), data()}) ASSERT_EQ(::mount("ramfs", path.c_str(), "ramfs", 0, "mode=755"), 0);
    ASSERT_TRUE(os::write_file(data() + "/in", "readable", 0644).ok());
    ASSERT_EQ(::chown(outputs().c_str(), 4321, 8765), 0);
    image.user = "worker";
    auto result = run("mkdir /safe_outputs/d && cat /safe_data/in > /safe_outputs/d/f && ln -s f /safe_outputs/d/l");
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(output("d/f"), "readable");
    EXPECT_TRUE(contains(join(result.notes, "\n"), "/safe_data shows its host owners"));
    for (auto name : {"", "/d", "/d/f", "/d/l"}) {
      struct stat info;
      ASSERT_EQ(::lstat((outputs() + name).c_str(), &info), 0) << name;
      EXPECT_EQ(info.st_uid, 4321u) << name;
      EXPECT_EQ(info.st_gid, 8765u) << name;
    }
    EXPECT_EQ(leftovers(options()), std::vector<std::string>{});
  }).join();
}

TEST_F(job, makes_no_set_id_programs) {
  auto said_so =
      said("cp /bin/busybox /safe_outputs/b; for m in u+s g+s 4755; do chmod $m /safe_outputs/b; done; true");
  EXPECT_EQ(split(said_so, '\n').size(), 4u) << said_so;
  struct stat info;
  ASSERT_EQ(::stat((outputs() + "/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 06000, 0u);
}

TEST_F(job, is_nobody_on_the_host_and_powerless_inside) {
  auto status = said("id -u; cat /proc/self/uid_map; grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status");
  EXPECT_TRUE(contains(status, "0     100000      65536")) << status;
  for (auto line : {"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
                    "NoNewPrivs:\t1", "Seccomp:\t2"}) {
    EXPECT_TRUE(contains(status, line)) << line << " in " << status;
  }
}

TEST_F(job, runs_as_the_user_of_the_image_with_its_groups) {
  image.user = "worker";
  EXPECT_EQ(said("id"), "uid=1000(worker) gid=1001(worker) groups=2000(data)\n");
  image.user = "1234:2000";
  EXPECT_EQ(said("id -u; id -g"), "1234\n2000\n");
}

TEST_F(job, sees_the_files_of_the_image_with_their_owners) {
  EXPECT_EQ(said("cat /root-only; stat -c '%u %g %a' /root-only"), "secret of the image0 0 600\n");
  image.user = "worker";
  EXPECT_TRUE(contains(said("cat /root-only"), "Permission denied"));
  EXPECT_TRUE(contains(said("/bin/busybox-set-id id -u"), "1000")) << "set-id bits must not work";
}

TEST_F(job, has_no_network_and_learns_it_at_once) {
  auto text = said(
      "ls /sys/class/net; ip route; time -p true; nc -w 20 192.0.2.1 80 </dev/null; nc -w 20 127.0.0.1 80 </dev/null; "
      "nc -w 20 ::1 80 < /dev/null; wget -T 20 -q http://example.com");
  EXPECT_TRUE(text.starts_with("lo\n")) << text;
  EXPECT_TRUE(contains(text, "Network is unreachable")) << text;
  EXPECT_TRUE(contains(text, "Connection refused")) << text;
}

TEST_F(job, cannot_mount_unshare_or_make_devices) {
  auto text = said("unshare -U true; unshare -n true; mount -t tmpfs x /tmp; mknod /scratch/null c 1 3; hostname x");
  EXPECT_EQ(split(text, '\n').size(), 6u) << text;
  EXPECT_FALSE(contains(text, "not found")) << text;
}

#if defined(__x86_64__)
struct Probe {
  const char* name;
  std::uint32_t number;
  std::array<std::uint64_t, 4> arguments;
  int expected;  // errno, 0: allowed
};

TEST_F(job, the_kernel_refuses_what_the_profile_says) {
  const std::vector<Probe> probes = {
      {"unix-socket", SYS_socket, {AF_UNIX, SOCK_STREAM}, 0},
      {"internet-socket", SYS_socket, {AF_INET, SOCK_STREAM}, 0},
      {"vsock-socket", SYS_socket, {AF_VSOCK, SOCK_STREAM}, EAFNOSUPPORT},
      {"packet-socket", SYS_socket, {AF_PACKET, SOCK_RAW}, EAFNOSUPPORT},
      {"crypto-socket", SYS_socket, {AF_ALG, SOCK_SEQPACKET}, EAFNOSUPPORT},
      {"raw-socket", SYS_socket, {AF_INET, SOCK_RAW, 1}, EPERM},
      {"unshare-user", SYS_unshare, {CLONE_NEWUSER}, EPERM},
      {"unshare-nothing", SYS_unshare, {0}, EPERM},
      {"clone-user", SYS_clone, {CLONE_NEWUSER | SIGCHLD}, EPERM},
      {"clone-net", SYS_clone, {CLONE_NEWNET | SIGCHLD}, EPERM},
      {"clone3", SYS_clone3, {}, ENOSYS},
      {"openat2", SYS_openat2, {}, ENOSYS},
      {"a call of tomorrow", 999, {}, ENOSYS},
      {"io_uring", SYS_io_uring_setup, {1}, EPERM},
      {"bpf", SYS_bpf, {}, EPERM},
      {"perf", SYS_perf_event_open, {}, EPERM},
      {"keyctl", SYS_keyctl, {}, EPERM},
      {"ptrace", SYS_ptrace, {}, EPERM},
      {"userfaultfd", SYS_userfaultfd, {}, EPERM},
      {"mount", SYS_mount, {}, EPERM},
      {"fsopen", SYS_fsopen, {}, EPERM},
      {"open_by_handle_at", SYS_open_by_handle_at, {}, EPERM},
      {"personality-ask", SYS_personality, {0xffffffff}, 0},
      {"personality-set", SYS_personality, {0x0040000}, ENOSYS},
  };
  TarBuilder tar;
  std::string script;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    tar.file(format("probe/{}", i), probe_program(probes[i].number, probes[i].arguments), 0755);
    script += format("/probe/{}; echo {} $?\n", i, i);
  }
  image.layer(tar.done());
  auto answers = said(script);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    EXPECT_TRUE(contains("\n" + answers, format("\n{} {}\n", i, probes[i].expected))) << probes[i].name << "\n"
                                                                                      << answers;
  }
}
#endif

TEST_F(job, named_pipes_work) {
  EXPECT_EQ(said("mkfifo /scratch/p; echo through > /scratch/p & cat /scratch/p"), "through\n");
}

TEST_F(job, is_killed_at_its_memory_limit) {
  spec.memory_bytes = 32 << 20;
  auto direct = run("dd if=/dev/zero of=/dev/null bs=200M count=1");
  EXPECT_TRUE(direct.out_of_memory);
  EXPECT_EQ(direct.exit_code, 137);
}

TEST_F(job, has_a_limit_of_processes) {
  spec.processes_max = 10;
  auto text = said("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 1 & done; wait");
  EXPECT_TRUE(contains(text, "can't fork")) << text;
}

TEST_F(job, is_ended_at_its_time_limit) {
  spec.time_limit = seconds(1);
  auto result = run("trap 'exit 9' TERM; sleep 60 & wait");
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 9);
  EXPECT_LT(result.total, seconds(8)) << "the program's handler ended it in the time of grace";
}

TEST_F(job, is_killed_after_the_time_of_grace) {
  spec.time_limit = spec.grace = seconds(1);
  auto result = run("trap '' TERM; while :; do sleep 1; done");
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 137);
  EXPECT_FALSE(result.out_of_memory);
}

TEST_F(job, scratch_is_bounded_writable_and_gone) {
  auto text = said("echo $TMPDIR $TMP $TEMP; dd if=/dev/zero of=/scratch/big bs=1M count=100");
  EXPECT_TRUE(text.starts_with("/scratch /scratch /scratch\n")) << text;
  EXPECT_TRUE(contains(text, "No space left on device")) << text;
  EXPECT_EQ(said("ls /scratch"), "") << "filled by the next job";
}

TEST_F(job, changes_to_the_root_end_with_it_and_share_the_bound) {
  EXPECT_EQ(said("echo new > /etc/passwd; cat /etc/passwd"), "new\n");
  EXPECT_TRUE(said("cat /etc/passwd").starts_with("root:"));
  EXPECT_TRUE(contains(said("dd if=/dev/zero of=/tmp/big bs=1M count=100"), "No space left on device"));
}

TEST_F(job, root_is_read_only_where_that_was_asked) {
  spec.read_only_root = true;
  EXPECT_TRUE(contains(said("touch /x; touch /scratch/y && echo $HOME"), "Read-only file system\n"));
  EXPECT_TRUE(said("touch /scratch/y && echo $HOME") == "/scratch\n");
}

TEST_F(job, upper_layers_hide_and_replace_lower_ones) {
  image.layer(
      TarBuilder().directory("d").file("d/old", "old").file("gone", "x").directory("e").file("e/a", "a").done());
  image.layer(TarBuilder()
                  .file(".wh.gone", "")
                  .directory("d")
                  .file("d/.wh..wh..opq", "")
                  .file("d/new", "new")
                  .directory("e")
                  .file("e/b", "b")
                  .done());
  EXPECT_EQ(said("ls /d /e; cat /gone"), "/d:\nnew\n\n/e:\na\nb\ncat: can't open '/gone': No such file or directory\n");
}

TEST_F(job, makes_the_working_directory_the_image_lacks) {
  image.working_dir = "/srv/here";
  for (auto user : {"", "worker"}) {
    image.user = user;
    EXPECT_EQ(said("pwd; touch new && ls"), "/srv/here\nnew\n");
  }
  image.working_dir = "/root-only";
  EXPECT_EQ(refused().kind(), ErrorKind::Invalid);
}

TEST_F(job, refuses_before_anything_runs) {
  image.replace_blob(0, "something else");
  EXPECT_EQ(refused().kind(), ErrorKind::Corrupt);
  EXPECT_EQ(leftovers(options()), std::vector<std::string>{});
  EXPECT_EQ(os::list_directory(options().directory + "/layers"), std::vector<std::string>{});
}

TEST_F(job, refuses_a_layer_that_is_not_its_diff_id) {
  image.lying_diff_id();
  EXPECT_EQ(refused().kind(), ErrorKind::Corrupt);
  EXPECT_EQ(os::list_directory(options().directory + "/layers"), std::vector<std::string>{});
}

TEST_F(job, says_when_the_program_does_not_exist) {
  image.entrypoint = {"/no/such/program"};
  auto error = refused();
  EXPECT_EQ(error.kind(), ErrorKind::Invalid);
  EXPECT_TRUE(contains(error.message(), "could not be started")) << error.message();
}

TEST_F(job, says_what_is_wrong_with_the_request) {
  spec.safe_data = "/no/such/directory";
  EXPECT_EQ(refused().kind(), ErrorKind::NotFound);
  spec.safe_data = "/etc/passwd";
  EXPECT_EQ(refused().kind(), ErrorKind::Invalid);
  spec.safe_data.clear();
  image.architecture = "s390x";
  EXPECT_TRUE(contains(refused().message(), "linux/s390x"));
}

TEST_F(job, runs_under_runc_as_well) {
  runtime = "runc";
  if (!os::find_program("runc")) GTEST_SKIP() << "needs runc";
  EXPECT_EQ(run("exit 17").exit_code, 17);
  EXPECT_EQ(leftovers(options()), std::vector<std::string>{});
}

TEST_F(job, tells_how_long_it_took) {
  auto first = run("true"), second = run("true");
  for (const auto& result : {first, second}) {
    EXPECT_GE(result.total, result.unpack + result.start);
    // Not a claim about this machine: a figure for whoever reads the test's output.
    RecordProperty("unpack_ms", std::to_string(result.unpack.count()));
    RecordProperty("start_ms", std::to_string(result.start.count()));
    RecordProperty("total_ms", std::to_string(result.total.count()));
  }
}

// Nobody cleans up after a killed runner but the kernel (processes, mounts) and the next sweep (the rest).
TEST_F(job, ends_with_a_killed_runner_and_sweep_removes_its_traces) {
  run("true");
  spec.args = {"echo started; exec sleep 600"};
  auto pipe = os::make_pipe();
  pid_t runner = ::fork();
  if (runner == 0) {
    ::dup2(pipe->write_end.get(), STDOUT_FILENO);
    pipe->write_end.reset();
    (void)run_image(image.manifest(), image.opener(), JobSpec(spec), options());
    ::_exit(0);
  }
  pipe->write_end.reset();
  std::array<std::byte, 100> buffer;
  EXPECT_EQ(*os::read_some(pipe->read_end, buffer), 8u) << "started";
  ::kill(runner, SIGKILL);
  ::waitpid(runner, nullptr, 0);
  // The end of the pipe comes when nobody in the job is left to write.
  EXPECT_EQ(*os::read_to_end(pipe->read_end, 100), "");
  EXPECT_TRUE(sweep(options()).ok());
  EXPECT_EQ(leftovers(options()), std::vector<std::string>{});
}

os::Fd signals_for_us() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGUSR1}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return os::Fd(::signalfd(-1, &set, SFD_CLOEXEC));
}

// Signals us when the job has come so far that it made a file in its outputs.
std::thread signal_when(const std::string& path, std::vector<int> signals) {
  return std::thread([path, signals] {
    os::Fd watch(::inotify_init1(IN_CLOEXEC));
    ::inotify_add_watch(watch.get(), path.substr(0, path.rfind('/')).c_str(), IN_CREATE);
    std::array<std::byte, 4096> events;
    while (!os::exists(path)) (void)os::read_some(watch, events);
    for (int signal : signals) ::kill(::getpid(), signal);
  });
}

TEST_F(job, hears_the_signals_its_runner_gets) {
  ASSERT_TRUE(os::make_directories(outputs()).ok());
  auto signals = signals_for_us();
  spec.attendant.signals = signals.get();
  auto sender = signal_when(outputs() + "/ready", {SIGUSR1, SIGTERM});
  auto result =
      run("trap 'touch /safe_outputs/heard' USR1; trap 'exit 9' TERM; touch /safe_outputs/ready; while :; do sleep 1; "
          "done");
  sender.join();
  EXPECT_EQ(result.exit_code, 9);
  EXPECT_EQ(result.stopped_by, SIGTERM);
  EXPECT_TRUE(os::exists(outputs() + "/heard"));
}

TEST_F(job, that_has_no_handler_is_ended_without_waiting) {
  ASSERT_TRUE(os::make_directories(outputs()).ok());
  auto signals = signals_for_us();
  spec.attendant.signals = signals.get();
  auto sender = signal_when(outputs() + "/ready", {SIGINT});
  // The shell has handlers until the moment it is sleep.
  auto result = run("(until grep -q sleep /proc/1/comm; do :; done; touch /safe_outputs/ready) & exec sleep 60");
  sender.join();
  EXPECT_EQ(result.stopped_by, SIGINT);
  EXPECT_EQ(result.exit_code, 137);
  EXPECT_LT(result.total, spec.grace);
}

TEST_F(job, its_output_is_logged_and_its_use_counted) {
  spec.attendant = {.log = outputs() + "-log", .out = -1, .err = -1};
  auto result = run("echo out; echo err >&2; echo x > /lost; echo kept > /safe_outputs/o; exit 4");
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_EQ(*os::read_file(outputs() + "-log.out", 100), "out\n");
  EXPECT_EQ(*os::read_file(outputs() + "-log.err", 100), "err\n");
  EXPECT_GT(result.memory_peak, 0u);
  EXPECT_GT(result.written_bytes, 0u);
  ASSERT_EQ(result.changed_files.size(), 1u);
  EXPECT_EQ(result.changed_files[0].path, "/lost");
}

TEST_F(job, sees_directories_and_files_it_is_shown) {
  put_data("in", "shown", 0644);
  spec.binds = {{.source = data(), .target = "/bound", .map_owner = true},
                {.source = data() + "/in", .target = "/etc/one", .map_owner = true}};
  spec.safe_data.clear();
  EXPECT_EQ(said("cat /bound/in /etc/one; touch /bound/new"), "shownshowntouch: /bound/new: Read-only file system\n");
  spec.binds[0].access = DataAccess::ReadWrite;
  EXPECT_EQ(run("echo x > /bound/new").exit_code, 0);
  EXPECT_TRUE(os::exists(data() + "/new"));
}

TEST_F(job, runs_as_the_user_asked_for_in_the_directory_asked_for) {
  spec.user = "1234";
  spec.working_directory = "/scratch";
  EXPECT_EQ(said("id -u; pwd"), "1234\n/scratch\n");
}

TEST_F(job, layers_nobody_uses_are_removed_after_it) {
  keep = false;
  EXPECT_EQ(run("exit 6").exit_code, 6);
  EXPECT_EQ(os::list_directory(options().directory + "/layers"), std::vector<std::string>{});
}

TEST_F(job, an_image_may_have_the_same_layer_twice) {
  auto layer = TarBuilder().file("twice", "2").done();
  image.layer(layer).layer(layer);
  EXPECT_EQ(said("cat /twice"), "2");
}

TEST_F(job, sealed_outputs_cannot_be_changed) {
  EXPECT_EQ(run("mkdir /safe_outputs/d; echo x > /safe_outputs/d/f; ln -s /etc/passwd /safe_outputs/l").exit_code, 0);
  ASSERT_TRUE(seal_outputs(outputs(), 0).ok());
  for (auto [name, mode] : {std::pair("", 0550), std::pair("/d", 0550), std::pair("/d/f", 0444)}) {
    struct stat info;
    ASSERT_EQ(::stat((outputs() + name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, static_cast<unsigned>(mode)) << name;
  }
}

}  // namespace
}  // namespace pratique::run
