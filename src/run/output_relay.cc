#include "run/output_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include "base/format.h"

namespace pratique::run {

namespace {

// A job that prints without end must not fill the disk the records are on; what it printed first is what explains it.
constexpr std::uint64_t kLogBytesMax = 64 << 20;
constexpr std::size_t kBufferBytes = 64 << 10;

struct Stream {
  os::Fd source;
  int target;
  os::Fd log;
  std::uint64_t logged = 0;
  bool target_works = true;
};

// Ours may be a pipe whose reader has gone: the log goes on. SIGPIPE is a matter of the whole program.
void pass_on(Stream& stream, Bytes bytes) {
  while (stream.target_works && !bytes.empty()) {
    auto rest = bytes;
    while (!rest.empty()) {
      auto written = ::write(stream.target, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EAGAIN) {
        struct pollfd wait = {stream.target, POLLOUT, 0};
        ::poll(&wait, 1, -1);
        continue;
      }
      if (written < 0) stream.target_works = false;
      if (written <= 0) break;
      rest = rest.subspan(static_cast<std::size_t>(written));
    }
    break;
  }
  auto room = static_cast<std::size_t>(std::min<std::uint64_t>(kLogBytesMax - stream.logged, bytes.size()));
  if (room == 0 || !os::write_all(stream.log, bytes.first(room)).ok()) return;
  stream.logged += room;
  if (stream.logged == kLogBytesMax)
    (void)os::write_all(stream.log, as_bytes("\n[the log ends here: it reached its bound of 64 MiB]\n"));
}

void relay(std::array<Stream, 2>& streams) {
  auto buffer = std::make_unique<std::array<std::byte, kBufferBytes>>();
  while (streams[0].source.is_open() || streams[1].source.is_open()) {
    struct pollfd waits[2] = {{streams[0].source.get(), POLLIN, 0}, {streams[1].source.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
    for (std::size_t i = 0; i < 2; ++i) {
      if (waits[i].revents == 0) continue;
      auto count = os::read_some(streams[i].source, *buffer);
      if (!count || *count == 0) {
        streams[i].source.reset();
      } else {
        pass_on(streams[i], Bytes(*buffer).first(*count));
      }
    }
  }
}

Result<os::Fd> make_log(const std::string& path) {
  os::Fd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!log.is_open()) return from_errno("making the log " + path, errno);
  return log;
}

}  // namespace

Result<OutputRelay> OutputRelay::start(const std::string& log, int to_out, int to_err) {
  auto out = TRY(os::make_pipe());
  auto err = TRY(os::make_pipe());
  auto out_log = TRY(make_log(log + ".out"));
  auto err_log = TRY(make_log(log + ".err"));
  std::array<Stream, 2> streams{Stream{std::move(out.read_end), to_out, std::move(out_log), 0, to_out >= 0},
                                Stream{std::move(err.read_end), to_err, std::move(err_log), 0, to_err >= 0}};
  try {
    std::thread thread([streams = std::move(streams)]() mutable { relay(streams); });
    return OutputRelay(std::move(out.write_end), std::move(err.write_end), std::move(thread));
  } catch (const std::system_error& error) {
    return unavailable(format("starting a thread: {}", error.what()));
  }
}

void OutputRelay::close_entrances() {
  out_.reset();
  err_.reset();
}

OutputRelay::~OutputRelay() {
  close_entrances();
  if (thread_.joinable()) thread_.join();
}

}  // namespace pratique::run
