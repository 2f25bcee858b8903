// Any bytes as a chunked body: the pieces they arrive in change nothing, and never more comes out than went in.
#include "http/chunked.h"

#include <string>

#include "base/check.h"
#include "base/encoding.h"

namespace {

struct Outcome {
  std::string body;
  std::size_t consumed = 0;
  bool is_done = false;
  bool failed = false;
};

Outcome decode(const std::string& raw, std::size_t step) {
  pratique::http::ChunkedDecoder decoder;
  Outcome outcome;
  while (outcome.consumed < raw.size() && !decoder.is_done()) {
    auto piece = raw.substr(outcome.consumed, step);
    auto moved = decoder.decode(std::as_writable_bytes(std::span(piece)));
    if (!moved.ok()) {
      outcome.failed = true;
      return outcome;
    }
    CHECK(moved->produced <= moved->consumed && moved->consumed > 0 && moved->consumed <= piece.size());
    outcome.body += piece.substr(0, moved->produced);
    outcome.consumed += moved->consumed;
  }
  outcome.is_done = decoder.is_done();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string raw(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto whole = decode(raw, raw.size() + 1);
  auto pieces = decode(raw, 1 + data[0] % 64);
  CHECK(whole.failed == pieces.failed && whole.is_done == pieces.is_done);
  if (!whole.failed) CHECK(whole.body == pieces.body && whole.consumed == pieces.consumed);
  if (whole.is_done) CHECK(whole.consumed >= whole.body.size() + 5);
  return 0;
}
