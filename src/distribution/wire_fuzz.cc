// Range, Content-Range, request paths, credentials and forms as a hostile client may send them.
#include <cstdlib>

#include "base/encoding.h"
#include "distribution/auth.h"
#include "distribution/form.h"
#include "distribution/range.h"
#include "distribution/target.h"
#include "identity/identity.h"

namespace {

using namespace pratique;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_range(std::string_view text, std::uint64_t size) {
  const auto range = distribution::parse_range(text, size);
  if (const auto* part = std::get_if<distribution::ByteRange>(&range)) {
    require(part->length > 0 && part->offset < size && part->length <= size - part->offset);
  }
}

void check_target(std::string_view text) {
  const auto target = distribution::parse_target(text);
  if (!target) return;
  require(text.starts_with("/v2"));
  const bool has_repository = target->endpoint != distribution::Endpoint::Base &&
                              target->endpoint != distribution::Endpoint::Token &&
                              target->endpoint != distribution::Endpoint::Catalog;
  require(has_repository == !target->repository.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::uint64_t blob : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2048}, ~std::uint64_t{0}}) {
    check_range(text, blob);
  }
  if (const auto chunk = distribution::parse_chunk_range(text); chunk.ok()) {
    require(chunk->first <= chunk->last && chunk->length() >= 1);
  }
  check_target(text);
  if (const auto basic = distribution::parse_basic(text)) require(basic->name.find(':') == std::string::npos);
  if (const auto form = distribution::parse_form(text); form.ok()) require(form->fields.size() <= 256);
  if (const auto scope = identity::parse_scope(text)) require(!scope->repository.empty());
  return 0;
}
