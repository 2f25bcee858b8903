#include "run/port_relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <list>
#include <system_error>
#include <thread>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::run {

namespace {

constexpr int kBacklog = 64;
constexpr std::size_t kBufferBytes = 64 << 10;
// A notebook opens some ten; a page with many frames some fifty.
constexpr std::size_t kConnectionsMax = 256;
constexpr std::size_t kTableBytesMax = 16 << 20;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t port_of(int fd, bool of_peer) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  int answer = of_peer ? ::getpeername(fd, raw, &size) : ::getsockname(fd, raw, &size);
  return answer == 0 ? ntohs(address.sin_port) : 0;
}

struct Listener {
  os::Fd fd;
  Port port;
};

Result<Listener> listen_on(const Port& port) {
  Listener listener{os::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), port};
  if (!listener.fd.is_open()) return from_errno("making a socket", errno);
  auto address = loopback(port.host);
  if (::bind(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EADDRINUSE)
      return conflict(format("port {} is in use on this machine; leave it out to get a free one", port.host));
    return from_errno(format("taking port {}", port.host), errno);
  }
  if (::listen(listener.fd.get(), kBacklog) != 0) return from_errno("listening", errno);
  listener.port.host = port_of(listener.fd.get(), false);
  return listener;
}

// The socket belongs to the namespace it is made in, so this thread is away only for one call.
os::Fd connect_inside(const os::Fd& inside, const os::Fd& here, std::uint16_t port) {
  if (::setns(inside.get(), CLONE_NEWNET) != 0) return os::Fd();
  os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::setns(here.get(), CLONE_NEWNET) != 0) std::abort();  // a thread that stayed would serve the wrong world
  auto address = loopback(port);
  if (fd.is_open() && ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

bool copy_some(int from, int to, std::span<std::byte> buffer) {
  auto count = ::read(from, buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR;
  for (ssize_t done = 0; done < count;) {
    auto written = ::send(to, buffer.data() + done, static_cast<std::size_t>(count - done), MSG_NOSIGNAL);
    if (written < 0 && errno != EINTR) return false;
    done += std::max<ssize_t>(written, 0);
  }
  return count > 0;
}

// Both ways until both ends have said all they had to say, or the job is over.
void exchange(const os::Fd& a, const os::Fd& b, int stop) {
  std::array<std::byte, kBufferBytes> buffer;
  bool a_open = true, b_open = true;
  while (a_open || b_open) {
    struct pollfd waits[3] = {
        {a_open ? a.get() : -1, POLLIN, 0}, {b_open ? b.get() : -1, POLLIN, 0}, {stop, POLLIN, 0}};
    if (::poll(waits, 3, -1) < 0 && errno != EINTR) return;
    if (waits[2].revents != 0) return;
    if (waits[0].revents != 0 && !copy_some(a.get(), b.get(), buffer)) {
      a_open = false;
      ::shutdown(b.get(), SHUT_WR);
    }
    if (waits[1].revents != 0 && !copy_some(b.get(), a.get(), buffer)) {
      b_open = false;
      ::shutdown(a.get(), SHUT_WR);
    }
  }
}

}  // namespace

struct PortRelay::Impl {
  std::vector<Listener> listeners;
  os::Fd stop{::eventfd(0, EFD_CLOEXEC)}, ready{::eventfd(0, EFD_CLOEXEC)};
  os::Fd inside, here;
  std::thread acceptor;
  struct Connection {
    std::thread thread;
    std::atomic<bool> done{false};
  };
  std::list<Connection> connections;  // the acceptor's

  void accept_all();
  void accept_one(const Listener& listener);
  bool is_allowed(const Listener& listener, int fd) const;
  void reap(bool all);
};

bool PortRelay::Impl::is_allowed(const Listener& listener, int fd) const {
  auto table = os::read_file("/proc/thread-self/net/tcp", kTableBytesMax);
  if (!table) return false;
  auto owner = owner_of_connection(*table, port_of(fd, true), listener.port.host);
  return owner && (*owner == listener.port.allowed_uid || *owner == 0);
}

void PortRelay::Impl::reap(bool all) {
  for (auto it = connections.begin(); it != connections.end();) {
    if (!all && !it->done) {
      ++it;
      continue;
    }
    it->thread.join();
    it = connections.erase(it);
  }
}

void PortRelay::Impl::accept_one(const Listener& listener) {
  os::Fd client(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client.is_open()) return;
  reap(false);
  if (connections.size() >= kConnectionsMax || !is_allowed(listener, client.get())) return;
  auto& connection = connections.emplace_back();
  try {
    connection.thread = std::thread([this, &connection, port = listener.port.container, fd = std::move(client)] {
      if (auto service = connect_inside(inside, here, port); service.is_open()) exchange(fd, service, stop.get());
      connection.done = true;
    });
  } catch (const std::system_error&) {
    connections.pop_back();
  }
}

// Started before the job, because the job's own thread can start no others once it has a process namespace to fill.
void PortRelay::Impl::accept_all() {
  struct pollfd starts[2] = {{stop.get(), POLLIN, 0}, {ready.get(), POLLIN, 0}};
  while (::poll(starts, 2, -1) < 0 && errno == EINTR) {
  }
  if (starts[0].revents != 0) return;
  std::vector<struct pollfd> waits{{stop.get(), POLLIN, 0}};
  for (const auto& listener : listeners) waits.push_back({listener.fd.get(), POLLIN, 0});
  for (;;) {
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
    if (waits[0].revents != 0) break;
    for (std::size_t i = 1; i < waits.size(); ++i)
      if (waits[i].revents != 0) accept_one(listeners[i - 1]);
  }
  reap(true);
}

PortRelay::PortRelay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PortRelay::PortRelay(PortRelay&&) noexcept = default;

PortRelay::~PortRelay() {
  if (!impl_ || !impl_->acceptor.joinable()) return;
  ::eventfd_write(impl_->stop.get(), 1);
  impl_->acceptor.join();
}

Result<PortRelay> PortRelay::listen(const std::vector<Port>& ports) {
  auto impl = std::make_unique<Impl>();
  for (const auto& port : ports) impl->listeners.push_back(TRY(listen_on(port)));
  impl->here = os::Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!impl->here.is_open()) return from_errno("opening our network namespace", errno);
  try {
    impl->acceptor = std::thread([acceptor = impl.get()] { acceptor->accept_all(); });
  } catch (const std::system_error& error) {
    return unavailable(format("starting a thread: {}", error.what()));
  }
  return PortRelay(std::move(impl));
}

std::vector<std::uint16_t> PortRelay::host_ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : impl_->listeners) ports.push_back(listener.port.host);
  return ports;
}

Status PortRelay::open_into(os::Fd network) {
  impl_->inside = std::move(network);
  if (::eventfd_write(impl_->ready.get(), 1) != 0) return from_errno("opening the relay", errno);
  return {};
}

// "  0: 0100007F:1F90 0100007F:C001 01 … uid …": addresses as the processor keeps them, ports in hexadecimal.
std::optional<uid_t> owner_of_connection(std::string_view table, std::uint16_t local, std::uint16_t remote) {
  auto address = [](std::uint16_t port) { return format("{:08X}:{:04X}", htonl(INADDR_LOOPBACK), port); };
  auto from = address(local), to = address(remote);
  for (auto line : split(table, '\n')) {
    std::vector<std::string_view> fields;
    for (auto field : split(line, ' '))
      if (!field.empty()) fields.push_back(field);
    constexpr std::size_t kUid = 7;
    if (fields.size() <= kUid || fields[1] != from || fields[2] != to) continue;
    if (auto uid = parse_decimal(fields[kUid])) return static_cast<uid_t>(*uid);
  }
  return std::nullopt;
}

}  // namespace pratique::run
