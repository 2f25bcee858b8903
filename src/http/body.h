// The body of the request in work, read from its connection.
#pragma once

#include <optional>

#include "http/chunked.h"
#include "http/connection.h"
#include "http/head.h"

namespace pratique::http {

class RequestBody final : public BodyReader {
 public:
  RequestBody(Connection& connection, const Head& head, const ServerLimits& limits);

  Result<std::size_t> read(std::span<std::byte> buffer) override;
  std::optional<std::uint64_t> length() const override;

  bool is_finished() const { return finished_; }
  bool is_broken() const { return error_.has_value(); }
  // The client waits for a "100 Continue" that nobody asked for: whether it will send a body is its choice.
  bool is_unasked() const { return expects_continue_ && !finished_; }
  std::uint64_t received() const { return received_; }
  // How much a client must still send; nullopt where only the client knows.
  std::optional<std::uint64_t> left() const;
  // Consumes what has already arrived without waiting, at most `bytes_max`.
  void skip_arrived(std::size_t bytes_max);

 private:
  Result<std::size_t> read_body(std::span<std::byte> buffer);
  Result<std::size_t> read_plain(std::span<std::byte> buffer);
  Result<std::size_t> read_chunked(std::span<std::byte> buffer);
  Result<std::size_t> read_raw(std::span<std::byte> buffer);
  std::size_t skip_input();

  Connection& connection_;
  Patience patience_;
  const bool is_chunked_;
  const std::uint64_t length_;
  ChunkedDecoder decoder_;
  bool expects_continue_;
  bool finished_;
  std::uint64_t received_ = 0;
  std::optional<Error> error_;
};

}  // namespace pratique::http
