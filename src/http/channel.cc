#include "http/channel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/format.h"

namespace pratique::http {

namespace {

constexpr std::size_t kSendfileStep = 1 << 20;  // larger steps gain nothing and delay the rate check
constexpr std::size_t kCopyStep = 256 << 10;    // one pread serves sixteen TLS records
constexpr std::size_t kOneRecord = 16 << 10;    // head and body below this share one TLS record

using SteadyClock = std::chrono::steady_clock;

Moved moved_by(ssize_t count, Moved::State would_block) {
  if (count > 0) return {Moved::State::Some, static_cast<std::size_t>(count)};
  if (count == 0) return {Moved::State::Closed};
  if (errno == EAGAIN || errno == EINTR) return {would_block};
  return {Moved::State::Broken};
}

Error peer_is_gone() {
  return unavailable("the peer closed the connection");
}

iovec piece(Bytes bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

Patience::Patience(const ServerLimits& limits)
    : stall_(limits.body_stall_timeout), window_(limits.body_rate_window), rate_min_(limits.body_rate_min) {}

Status Patience::wait(int fd, short events) {
  auto begin = SteadyClock::now();
  auto deadline = begin + stall_;
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    pollfd entry{fd, events, 0};
    int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return from_errno("waiting for a socket", errno);
    if (ready == 0) return unavailable(format("the peer stalled: no byte for {} ms", stall_.count()));
    break;
  }
  waited_ += SteadyClock::now() - begin;
  if (waited_ < window_) return {};
  auto seconds = std::chrono::duration<double>(waited_).count();
  if (static_cast<double>(window_bytes_) < seconds * static_cast<double>(rate_min_))
    return unavailable(format("the peer is slower than {} bytes a second", rate_min_));
  waited_ = {};
  window_bytes_ = 0;
  return {};
}

Channel::Channel(os::Fd socket, const TlsContext* tls) : socket_(std::move(socket)) {
  int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (tls != nullptr) tls_ = std::make_unique<TlsStream>(*tls, socket_.get());
}

Moved Channel::read_now(std::span<std::byte> buffer) {
  if (tls_) return tls_->read(buffer);
  return moved_by(::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT), Moved::State::WouldRead);
}

Moved Channel::write_now(Bytes first, Bytes second) {
  if (tls_) return tls_->write(first.empty() ? second : first);
  std::array pieces{piece(first), piece(second)};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  return moved_by(::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL), Moved::State::WouldWrite);
}

void Channel::answer_plainly(std::string_view text) {
  tls_.reset();
  write_now(as_bytes(text));
}

// Waits where waiting helps; an error where nothing can.
Status Channel::settle(const Moved& moved, Patience& patience) {
  switch (moved.state) {
    case Moved::State::Some:
      patience.moved(moved.bytes);
      return {};
    case Moved::State::WouldRead:
      return patience.wait(socket_.get(), POLLIN);
    case Moved::State::WouldWrite:
      return patience.wait(socket_.get(), POLLOUT);
    case Moved::State::Closed:
    case Moved::State::Broken:
      break;
  }
  return peer_is_gone();
}

Result<std::size_t> Channel::read(std::span<std::byte> buffer, Patience& patience) {
  for (;;) {
    auto moved = read_now(buffer);
    if (moved.state == Moved::State::Closed) return std::size_t{0};
    TRY(settle(moved, patience));
    if (moved.state == Moved::State::Some) return moved.bytes;
  }
}

Status Channel::write(Bytes first, Bytes second, Patience& patience) {
  std::string joined;
  if (tls_ && !second.empty() && first.size() + second.size() <= kOneRecord) {
    joined.append(as_text(first)).append(as_text(second));
    first = as_bytes(joined);
    second = {};
  }
  while (!first.empty() || !second.empty()) {
    auto moved = write_now(first, second);
    TRY(settle(moved, patience));
    auto of_first = std::min(moved.bytes, first.size());
    first = first.subspan(of_first);
    second = second.subspan(moved.bytes - of_first);
  }
  return {};
}

Status Channel::send_file(Bytes head, const FileBody& file, Patience& patience) {
  if (tls_) {
    TRY(write(head, {}, patience));
    return copy_file(file, patience);
  }
  // Corked, the head leaves in the same segment as the first bytes of the file.
  int on = 1, off = 0;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  TRY(write(head, {}, patience));
  auto sent = sendfile_all(file, patience);
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_CORK, &off, sizeof off);
  return sent;
}

Status Channel::sendfile_all(const FileBody& file, Patience& patience) {
  auto offset = static_cast<off_t>(file.offset);
  auto left = file.length;
  while (left > 0) {
    auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, kSendfileStep));
    auto sent = ::sendfile(socket_.get(), file.file.get(), &offset, step);
    if (sent == 0) return corrupt("a file that is being sent is shorter than promised");
    if (sent < 0 && (errno == EIO || errno == EINVAL)) return from_errno("reading a file that is being sent", errno);
    auto moved = moved_by(sent, Moved::State::WouldWrite);
    TRY(settle(moved, patience));
    left -= moved.bytes;
  }
  return {};
}

Status Channel::copy_file(const FileBody& file, Patience& patience) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(file.length, kCopyStep)));
  for (std::uint64_t done = 0; done < file.length;) {
    auto step = static_cast<std::size_t>(std::min<std::uint64_t>(file.length - done, buffer.size()));
    auto got = TRY(os::read_at(file.file, std::span(buffer).first(step), file.offset + done));
    if (got < step) return corrupt("a file that is being sent is shorter than promised");
    TRY(write(std::span(buffer).first(step), {}, patience));
    done += step;
  }
  return {};
}

void Channel::end_output() {
  if (tls_) tls_->shutdown();
  ::shutdown(socket_.get(), SHUT_WR);
}

void Channel::cut() {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

bool Channel::discard_now(std::size_t bytes_max, std::size_t& discarded) {
  while (discarded < bytes_max) {
    // With MSG_TRUNC the kernel drops TCP bytes without copying them.
    auto got = ::recv(socket_.get(), nullptr, bytes_max - discarded, MSG_TRUNC | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    discarded += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace pratique::http
