#include "run/watch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <system_error>
#include <thread>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"
#include "run/seccomp_profile.h"

namespace pratique::run {

namespace {

constexpr std::size_t kTriesMax = 1'000;      // of each kind; who tries more hosts than that has made their point
constexpr std::size_t kPathBytesMax = 4'096;  // PATH_MAX
constexpr std::size_t kPacketBytesMax = 512;  // a DNS query over UDP
constexpr std::size_t kMessagesMax = 4;       // of one sendmmsg; glibc sends two
constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint16_t kFirstFreePort = 1'024;

void note(std::vector<Observed::Try>& tries, const std::string& what, const std::string& program) {
  auto same = std::ranges::find_if(tries, [&](const Observed::Try& known) { return known.what == what; });
  if (same != tries.end()) {
    ++same->times;
  } else if (tries.size() < kTriesMax) {
    tries.push_back({what, program, 1});
  }
}

struct Destination {
  std::string address;
  std::uint16_t port = 0;
  bool is_own = false;  // loopback
  bool is_internet = false;
};

Destination destination_of(std::string_view raw) {
  Destination to;
  sa_family_t family = 0;
  if (raw.size() < sizeof family) return to;
  std::memcpy(&family, raw.data(), sizeof family);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family == AF_INET && raw.size() >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, raw.data(), sizeof in);
    auto host = ntohl(in.sin_addr.s_addr);
    to = {::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size()), ntohs(in.sin_port),
          host >> 24 == 127 || host == 0, true};
  } else if (family == AF_INET6 && raw.size() >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, raw.data(), sizeof in);
    bool is_own = IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&in.sin6_addr);
    to = {format("[{}]", ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size())), ntohs(in.sin6_port), is_own,
          true};
  }
  return to;
}

// A program stopped at a call. Its memory is read through /proc, which ends with it.
class Stopped {
 public:
  explicit Stopped(const seccomp_notif& call)
      : call_(call), memory_(::open(format("/proc/{}/mem", call.pid).c_str(), O_RDONLY | O_CLOEXEC)) {}

  std::uint64_t argument(int index) const { return call_.data.args[index]; }
  int number(int index) const { return static_cast<int>(call_.data.args[index]); }
  int call() const { return call_.data.nr; }

  std::string bytes(std::uint64_t at, std::size_t count) const {
    std::string text(count, '\0');
    auto read = memory_.is_open() && at != 0 ? ::pread(memory_.get(), text.data(), count, static_cast<off_t>(at)) : -1;
    text.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
    return text;
  }
  // Up to the end of a page first, because the next one may not be mapped.
  std::string path(std::uint64_t at) const {
    constexpr std::uint64_t kPage = 4'096;
    auto text = bytes(at, std::min<std::size_t>(kPathBytesMax, kPage - at % kPage));
    if (text.find('\0') == std::string::npos) text += bytes(at + text.size(), kPathBytesMax - text.size());
    return text.substr(0, text.find('\0'));
  }
  template <typename T>
  std::optional<T> value(std::uint64_t at) const {
    auto raw = bytes(at, sizeof(T));
    if (raw.size() != sizeof(T)) return std::nullopt;
    T out;
    std::memcpy(&out, raw.data(), sizeof out);
    return out;
  }
  std::string program() const {
    auto name = os::read_file(format("/proc/{}/comm", call_.pid), 64);
    return name ? printable(trim(*name)) : "?";
  }
  std::string link(std::string_view below) const {
    std::array<char, kPathBytesMax> target{};
    auto size = ::readlink(format("/proc/{}/{}", call_.pid, below).c_str(), target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : "";
  }
  // Whether a name exists as the program sees it.
  bool sees(const std::string& absolute) const {
    return ::access(format("/proc/{}/root{}", call_.pid, absolute).c_str(), F_OK) == 0;
  }
  std::uint32_t pid() const { return call_.pid; }

 private:
  const seccomp_notif& call_;
  os::Fd memory_;
};

struct UserMessage {
  std::uint64_t name;
  std::uint32_t name_bytes;
  std::uint32_t padding;
  std::uint64_t pieces;
  std::uint64_t piece_count;
  std::uint64_t control, control_bytes;
  std::uint32_t flags;
  std::uint32_t padding_too;
  std::uint32_t sent;
  std::uint32_t padding_three;
};
static_assert(sizeof(UserMessage) == sizeof(mmsghdr));

}  // namespace

struct Watch::Impl {
  DataAccess data_access;
  os::Fd stop{::eventfd(0, EFD_CLOEXEC)}, ready{::eventfd(0, EFD_CLOEXEC)};
  os::Fd listener;
  std::thread thread;
  Observed observed;
  std::set<std::pair<std::uint32_t, int>> dns_sockets;  // (process, descriptor), of name servers elsewhere
  os::Fd here;                                          // our network namespace
  os::Fd resolver;                                      // stands at the job's own 127.0.0.1:53
  std::string asker;                                    // who connected there last

  void serve();
  void serve_calls(const os::Fd& notify);
  int look(const Stopped& at);
  void look_at_connection(const Stopped& at, int fd, const Destination& to);
  void look_at_packet(const Stopped& at, int fd, std::uint64_t data, std::uint64_t size);
  void look_at_messages(const Stopped& at);
  int look_at_open(const Stopped& at, const std::string& path, int flags, std::uint64_t mode);
  void look_at_owner(const Stopped& at, const std::string& path, std::uint64_t uid);
  void open_resolver(const Stopped& at);
  void answer_lookup();
  bool waits(int fd) const;  // false: told to stop
};

// Returns the error number for the call, 0 to let it go on.
int Watch::Impl::look(const Stopped& at) {
  switch (at.call()) {
    case SYS_connect:
      look_at_connection(at, at.number(0),
                         destination_of(at.bytes(at.argument(1), std::min<std::size_t>(at.argument(2), 128))));
      return 0;
    case SYS_sendto:
      if (at.argument(4) != 0)
        look_at_connection(at, at.number(0),
                           destination_of(at.bytes(at.argument(4), std::min<std::size_t>(at.argument(5), 128))));
      look_at_packet(at, at.number(0), at.argument(1), at.argument(2));
      return 0;
    case SYS_sendmmsg:
      look_at_messages(at);
      return 0;
    case SYS_bind: {
      auto to = destination_of(at.bytes(at.argument(1), std::min<std::size_t>(at.argument(2), 128)));
      if (to.is_internet && to.port != 0) note(observed.listens, std::to_string(to.port), at.program());
      if (to.is_internet && to.port != 0 && to.port < kFirstFreePort)
        note(observed.root_needs, format("port {}: below {}", to.port, kFirstFreePort), at.program());
      return 0;
    }
    case SYS_read: {
      // After a redirection, descriptor 0 is another file.
      auto input = at.link("fd/0");
      if (input == "/dev/null" || input.starts_with("pipe:"))
        note(observed.input_reads, "standard input", at.program());
      return 0;
    }
#if defined(__x86_64__)
    case SYS_open:
      return look_at_open(at, at.path(at.argument(0)), at.number(1), at.argument(2));
    case SYS_creat:
      return look_at_open(at, at.path(at.argument(0)), O_CREAT | O_WRONLY, at.argument(1));
    case SYS_chown:
    case SYS_lchown:
      look_at_owner(at, at.path(at.argument(0)), at.argument(1));
      return 0;
#endif
    case SYS_openat:
      return look_at_open(at, at.path(at.argument(1)), at.number(2), at.argument(3));
    case SYS_fchownat:
      look_at_owner(at, at.path(at.argument(1)), at.argument(2));
      return 0;
    case SYS_setuid:
    case SYS_setgid:
    case SYS_setresuid:
      if (at.number(0) > 0) note(observed.root_needs, format("becoming user or group {}", at.number(0)), at.program());
      return 0;
    default:
      break;
  }
  auto refused = name_of_refused_call(at.call());
  if (refused.empty()) return ENOSYS;
  note(observed.refused_calls, std::string(refused), at.program());
  return EPERM;
}

void Watch::Impl::look_at_connection(const Stopped& at, int fd, const Destination& to) {
  if (!to.is_internet) return;
  if (to.port == kDnsPort && to.is_own) {
    asker = at.program();
    if (!resolver.is_open()) open_resolver(at);
    return;
  }
  if (to.port == kDnsPort) {
    dns_sockets.emplace(at.pid(), fd);
    note(observed.connections, format("{}:53 (a name server)", to.address), at.program());
    return;
  }
  // Resolvers connect to port 0 to learn which of several addresses a route leads to.
  if (!to.is_own && to.port != 0) note(observed.connections, format("{}:{}", to.address, to.port), at.program());
}

// A machine without name servers is asked at 127.0.0.1, where nothing listens. We do, to hear the names whatever way a
// program sends them, and answer that we cannot: for it that is the same temporary failure.
void Watch::Impl::open_resolver(const Stopped& at) {
  os::Fd network(::open(format("/proc/{}/ns/net", at.pid()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!network.is_open() || !here.is_open() || ::setns(network.get(), CLONE_NEWNET) != 0) return;
  os::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(kDnsPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool is_bound = fd.is_open() && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (::setns(here.get(), CLONE_NEWNET) != 0) std::abort();  // a thread that stayed would watch from the wrong world
  if (is_bound) resolver = std::move(fd);
}

void Watch::Impl::answer_lookup() {
  std::array<char, kPacketBytesMax> packet;
  sockaddr_in from = {};
  socklen_t size = sizeof from;
  auto* sender = reinterpret_cast<sockaddr*>(&from);
  auto count = ::recvfrom(resolver.get(), packet.data(), packet.size(), 0, sender, &size);
  if (count <= 0) return;
  auto bytes = static_cast<std::size_t>(count);
  auto name = name_in_query({packet.data(), bytes});
  if (!name) return;
  note(observed.lookups, *name, asker);
  constexpr char kIsAnswer = '\x80', kServerFailure = 2;
  packet[2] = static_cast<char>(packet[2] | kIsAnswer);
  packet[3] = kServerFailure;
  (void)::sendto(resolver.get(), packet.data(), bytes, MSG_NOSIGNAL, sender, size);
}

void Watch::Impl::look_at_packet(const Stopped& at, int fd, std::uint64_t data, std::uint64_t size) {
  if (!dns_sockets.contains({at.pid(), fd})) return;
  if (auto name = name_in_query(at.bytes(data, std::min<std::size_t>(size, kPacketBytesMax))))
    note(observed.lookups, *name, at.program());
}

void Watch::Impl::look_at_messages(const Stopped& at) {
  auto count = std::min<std::uint64_t>(at.argument(2), kMessagesMax);
  for (std::uint64_t i = 0; i < count; ++i) {
    auto message = at.value<UserMessage>(at.argument(1) + i * sizeof(UserMessage));
    if (!message) return;
    if (message->name != 0)
      look_at_connection(at, at.number(0),
                         destination_of(at.bytes(message->name, std::min<std::size_t>(message->name_bytes, 128))));
    auto piece = at.value<std::array<std::uint64_t, 2>>(message->pieces);
    if (piece && message->piece_count > 0) look_at_packet(at, at.number(0), (*piece)[0], (*piece)[1]);
  }
}

int Watch::Impl::look_at_open(const Stopped& at, const std::string& path, int flags, std::uint64_t mode) {
  bool makes_set_id = (flags & O_CREAT) != 0 && (mode & 06000) != 0;
  if (makes_set_id) return ENOSYS;  // as the profile of a real run answers
  if (path.empty()) return 0;
  bool is_written = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
  auto absolute = path.starts_with('/') ? path : format("{}/{}", at.link("cwd"), path);
  auto name = absolute.substr(absolute.rfind('/') + 1);
  bool is_data = absolute.starts_with("/safe_data/");
  bool is_gpu = name.starts_with("libcuda.so") || name.starts_with("libnvidia-") ||
                absolute.starts_with("/dev/nvidia") || absolute == "/dev/kfd" || absolute.starts_with("/dev/dri");
  if (is_data && is_written && data_access == DataAccess::ReadOnly)
    note(observed.data_writes, printable(absolute, 300), at.program());
  if (is_data && !is_written && !at.sees(absolute)) note(observed.missing_data, printable(absolute, 300), at.program());
  if (is_gpu && !at.sees(absolute)) note(observed.missing_gpu, printable(name.empty() ? absolute : name), at.program());
  return 0;
}

void Watch::Impl::look_at_owner(const Stopped& at, const std::string& path, std::uint64_t uid) {
  auto owner = static_cast<std::int32_t>(uid);
  if (owner > 0) note(observed.root_needs, format("giving {} to user {}", printable(path, 300), owner), at.program());
}

bool Watch::Impl::waits(int fd) const {
  struct pollfd fds[2] = {{stop.get(), POLLIN, 0}, {fd, POLLIN, 0}};
  while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
  }
  return fds[0].revents == 0;
}

void Watch::Impl::serve_calls(const os::Fd& notify) {
  for (;;) {
    struct pollfd waits[3] = {{stop.get(), POLLIN, 0}, {notify.get(), POLLIN, 0}, {resolver.get(), POLLIN, 0}};
    if (::poll(waits, 3, -1) < 0 && errno != EINTR) return;
    if (waits[0].revents != 0) return;
    if (waits[2].revents != 0) answer_lookup();
    if (waits[1].revents == 0) continue;
    seccomp_notif call = {};
    if (::ioctl(notify.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
      if (errno == EINTR || errno == ENOENT) {
        // Nobody is left under the filter when the end says so.
        struct pollfd end = {notify.get(), POLLIN, 0};
        if (::poll(&end, 1, 0) > 0 && (end.revents & POLLHUP) != 0) return;
        continue;
      }
      return;
    }
    int error = look(Stopped(call));
    seccomp_notif_resp answer = {};
    answer.id = call.id;
    answer.error = -error;
    answer.flags = error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    // A program killed in the meantime needs no answer.
    (void)::ioctl(notify.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

// The runtime sends a description, which we do not need, with the descriptor.
void Watch::Impl::serve() {
  if (!waits(ready.get()) || !waits(listener.get())) return;
  os::Fd runtime(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::array<char, 16'384> text;
  std::array<char, CMSG_SPACE(sizeof(int) * 4)> control{};
  struct iovec piece = {text.data(), text.size()};
  struct msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (!waits(runtime.get()) || ::recvmsg(runtime.get(), &message, MSG_CMSG_CLOEXEC) <= 0) return;
  auto* header = CMSG_FIRSTHDR(&message);
  bool has_descriptor = header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
                        header->cmsg_len >= CMSG_LEN(sizeof(int));
  if (!has_descriptor) return;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  serve_calls(os::Fd(fd));
}

Watch::Watch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch::~Watch() {
  if (impl_) (void)finish();
}

Result<Watch> Watch::start(DataAccess data_access) {
  auto impl = std::make_unique<Impl>();
  impl->data_access = data_access;
  impl->here = os::Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  try {
    impl->thread = std::thread([watched = impl.get()] { watched->serve(); });
  } catch (const std::system_error& error) {
    return unavailable(format("starting a thread: {}", error.what()));
  }
  return Watch(std::move(impl));
}

Status Watch::listen_at(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return invalid("the watch socket's path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  impl_->listener = os::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!impl_->listener.is_open()) return from_errno("making the watch socket", errno);
  if (::bind(impl_->listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(impl_->listener.get(), 1) != 0) {
    return from_errno("binding the watch socket", errno);
  }
  if (::eventfd_write(impl_->ready.get(), 1) != 0) return from_errno("starting the watch", errno);
  return {};
}

Observed Watch::finish() {
  if (impl_->thread.joinable()) {
    ::eventfd_write(impl_->stop.get(), 1);
    impl_->thread.join();
  }
  return std::move(impl_->observed);
}

// RFC 1035: a header of 12 bytes, then labels with their lengths, then type and class.
std::optional<std::string> name_in_query(std::string_view packet) {
  constexpr std::size_t kHeader = 12, kNameMax = 255;
  auto byte = [&](std::size_t at) { return static_cast<unsigned char>(packet[at]); };
  if (packet.size() < kHeader + 5) return std::nullopt;
  bool is_query = (byte(2) & 0xf8) == 0 && byte(4) == 0 && byte(5) == 1;
  if (!is_query) return std::nullopt;
  std::string name;
  std::size_t at = kHeader;
  while (at < packet.size() && byte(at) != 0) {
    std::size_t length = byte(at);
    if (length > 63 || at + 1 + length >= packet.size() || name.size() + length > kNameMax) return std::nullopt;
    if (!name.empty()) name += '.';
    name += printable(packet.substr(at + 1, length));
    at += 1 + length;
  }
  if (at + 5 > packet.size() || name.empty()) return std::nullopt;
  return name;
}

}  // namespace pratique::run
