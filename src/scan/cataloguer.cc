// The parent's side of a worker. Two pipes, one thread: while there is room to write, bytes go in; whenever there are
// records, they come out. Blocking in feed() is the backpressure. Whatever the worker says is checked by
// decode_records().
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/format.h"
#include "os/process.h"
#include "scan/records.h"
#include "scan/worker.h"

namespace pratique::scan {

namespace {

// The largest an unprivileged process may ask for; a smaller pipe only costs more switches.
constexpr int kPipeBytes = 1 << 20;
constexpr std::size_t kReadBytes = 256 << 10;
// After its last record a worker has nothing left to do.
constexpr std::chrono::seconds kExitWait{10};

void set_non_blocking(const os::Fd& fd) {
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
}

void ignore_broken_pipes() {
  struct sigaction current{};
  if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

struct LayerScan::Impl {
  Limits limits;
  os::Process worker;
  os::Fd input;   // closed when everything was fed, or the worker takes no more
  os::Fd output;  // closed at its end
  std::string records;
  std::optional<Gap> failure;  // why this worker is not believed

  void fail(Gap gap) {
    if (!failure) failure = std::move(gap);
    worker.signal(SIGKILL);
    input.reset();
    output.reset();
  }

  void feed(Bytes bytes) {
    while (!bytes.empty() && input.is_open()) {
      auto count = ::write(input.get(), bytes.data(), bytes.size());
      if (count > 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(count));
      } else if (errno == EAGAIN) {
        wait();
      } else if (errno != EINTR) {
        // It has said all it has to say, or it died: its records tell which.
        input.reset();
      }
    }
  }

  void drain() {
    input.reset();
    while (output.is_open()) wait();
  }

  // Until the worker takes or gives something.
  void wait() {
    pollfd fds[2] = {{input.get(), POLLOUT, 0}, {output.get(), POLLIN, 0}};
    auto milliseconds = std::chrono::milliseconds(limits.worker_stall_max).count();
    int ready = ::poll(fds, 2, static_cast<int>(milliseconds));
    if (ready < 0 && errno == EINTR) return;
    if (ready <= 0) return fail({"timed-out", "", "reading the layer made no progress and was stopped"});
    if (fds[1].revents != 0) read_records();
  }

  void read_records() {
    auto held = records.size();
    records.resize(held + kReadBytes);
    auto count = ::read(output.get(), records.data() + held, kReadBytes);
    records.resize(held + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) output.reset();
    if (records.size() > limits.index_bytes_max)
      fail({"limit", "", format("the layer's inventory is larger than {} bytes", limits.index_bytes_max)});
  }

  LayerInventory finish(const oci::Digest& blob) {
    drain();
    LayerInventory inventory{.blob = blob};
    auto exit = worker.wait(kExitWait);
    if (!failure && !(exit && exit->ok())) failure = Gap{"worker-died", "", describe(exit)};
    if (!failure) {
      auto decoded = decode_records(records, limits, inventory);
      if (decoded.ok()) return inventory;
      failure = Gap{decoded.error().kind() == ErrorKind::Limit ? "limit" : "worker-died", "",
                    "the layer's inventory was refused: " + decoded.error().message()};
    }
    // Half of what an unbelieved worker said is not half true.
    inventory = LayerInventory{.blob = blob};
    inventory.gaps.push_back(*failure);
    return inventory;
  }

  static std::string describe(const std::optional<os::ExitState>& exit) {
    if (!exit) return "the process that read the layer did not end";
    if (exit->signal == SIGSYS) return "the process that read the layer tried what its sandbox forbids and was killed";
    if (exit->signal == SIGXCPU) return "the process that read the layer used up its processor time";
    if (exit->signal != 0) return format("the process that read the layer died of signal {}", exit->signal);
    return format("the process that read the layer gave up with code {}", exit->code);
  }
};

LayerScan::LayerScan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LayerScan::LayerScan(LayerScan&&) noexcept = default;
LayerScan::~LayerScan() = default;
void LayerScan::feed(Bytes bytes) {
  impl_->feed(bytes);
}
LayerInventory LayerScan::finish(const oci::Digest& blob) {
  return impl_->finish(blob);
}

struct Cataloguer::Impl {
  Limits limits;
};

Cataloguer::Cataloguer(Limits limits) : impl_(std::make_unique<Impl>(Impl{limits})) {
  ignore_broken_pipes();
}
Cataloguer::~Cataloguer() = default;

Result<LayerScan> Cataloguer::start() {
  auto in = TRY(os::make_pipe());
  auto out = TRY(os::make_pipe());
  ::fcntl(in.write_end.get(), F_SETPIPE_SZ, kPipeBytes);
  os::Command command{.program = "/proc/self/exe", .args = worker_arguments(impl_->limits)};
  // No environment: a server's holds secrets, and this process reads hostile bytes.
  command.env.emplace();
  command.fd_map = {{in.read_end.get(), STDIN_FILENO}, {out.write_end.get(), STDOUT_FILENO}};
  // The kernel ties this to the thread that starts a child, not to the process; a worker whose parent is gone sees the
  // end of its input and ends.
  command.dies_with_parent = false;
  auto worker = TRY(os::Process::start(command).with_context("starting the process that reads a layer"));
  set_non_blocking(in.write_end);
  set_non_blocking(out.read_end);
  return LayerScan(std::make_unique<LayerScan::Impl>(LayerScan::Impl{
      impl_->limits, std::move(worker), std::move(in.write_end), std::move(out.read_end), {}, std::nullopt}));
}

}  // namespace pratique::scan
