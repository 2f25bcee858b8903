// One accepted connection's byte stream, plain or TLS, with patience: every wait is bounded by a stall timeout and by a
// minimum rate, so that neither a silent nor a dripping peer holds a worker.
#pragma once

#include <chrono>
#include <memory>

#include "http/http.h"
#include "http/tls.h"

namespace pratique::http {

// How long one message may take. Only time spent waiting for the peer counts, not what the handler does in between.
class Patience {
 public:
  explicit Patience(const ServerLimits& limits);
  // Waits until the socket is ready for `events` (poll(2)). Unavailable on a stall or a peer below the minimum rate.
  Status wait(int fd, short events);
  void moved(std::size_t bytes) { window_bytes_ += bytes; }

 private:
  std::chrono::milliseconds stall_;
  std::chrono::milliseconds window_;
  std::size_t rate_min_;
  std::chrono::nanoseconds waited_{};  // in this window
  std::uint64_t window_bytes_ = 0;
};

class Channel {
 public:
  Channel(os::Fd socket, const TlsContext* tls);

  int fd() const { return socket_.get(); }
  bool is_tls() const { return tls_ != nullptr; }
  bool needs_handshake() const { return tls_ != nullptr && !tls_->is_established(); }
  Moved handshake() { return tls_->handshake(); }
  // After a broken handshake with a client that spoke plain HTTP: answers in kind.
  bool heard_plain_http() const { return tls_ != nullptr && tls_->heard_plain_http(); }
  void answer_plainly(std::string_view text);

  // Never waits.
  Moved read_now(std::span<std::byte> buffer);
  Moved write_now(Bytes first, Bytes second = {});
  // What is there, at least a byte; 0 when the peer has ended its side.
  Result<std::size_t> read(std::span<std::byte> buffer, Patience& patience);
  // All of both, in one segment where they fit.
  Status write(Bytes first, Bytes second, Patience& patience);
  // Corrupt when the file is shorter than promised.
  Status send_file(Bytes head, const FileBody& file, Patience& patience);

  void end_output();  // the peer sees the end; its bytes can still be read
  void cut();         // wakes whoever waits on the socket; from any thread
  // Throws away up to `bytes_max` of what has arrived. False when nothing can follow.
  bool discard_now(std::size_t bytes_max, std::size_t& discarded);

 private:
  Status settle(const Moved& moved, Patience& patience);
  Status sendfile_all(const FileBody& file, Patience& patience);
  Status copy_file(const FileBody& file, Patience& patience);

  os::Fd socket_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace pratique::http
