#include "oci/oci.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"

namespace pratique::oci {

namespace {

constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kSha512Digits = 128;
constexpr std::size_t kShortDigits = 12;

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string_view name_of(Algorithm algorithm) {
  return algorithm == Algorithm::Sha256 ? "sha256" : "sha512";
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  auto parts = cut(text, ":");
  if (!parts) return invalid(format("\"{}\" is no digest: it has no \"algorithm:\"", printable(text)));
  auto [name, encoded] = *parts;
  if (name != "sha256" && name != "sha512") {
    return invalid(format("digest algorithm \"{}\" is neither sha256 nor sha512", printable(name)));
  }
  auto algorithm = name == "sha256" ? Algorithm::Sha256 : Algorithm::Sha512;
  std::size_t digits = algorithm == Algorithm::Sha256 ? kSha256Digits : kSha512Digits;
  if (encoded.size() != digits || !is_lower_hex(encoded)) {
    return invalid(format("\"{}\" is no digest: {} takes {} lower-case hex digits", printable(text), name, digits));
  }
  return Digest(algorithm, std::string(encoded));
}

Digest Digest::of(Bytes bytes) {
  return from(sha256(bytes));
}
Digest Digest::from(const Sha256::Sum& sum) {
  return Digest(Algorithm::Sha256, to_hex(sum));
}
Digest Digest::from(const Sha512::Sum& sum) {
  return Digest(Algorithm::Sha512, to_hex(sum));
}

std::string Digest::to_string() const {
  return format("{}:{}", name_of(algorithm_), encoded_);
}
std::string Digest::short_text() const {
  return format("{}:{}", name_of(algorithm_), encoded_.substr(0, kShortDigits));
}

// ChainID(L0) = DiffID(L0); ChainID(L0|…|Ln) = sha256(ChainID(L0|…|Ln-1) + " " + DiffID(Ln)). An image without layers
// has no chain; the digest of no bytes stands for it.
Digest chain_id(const std::vector<Digest>& diff_ids) {
  if (diff_ids.empty()) return Digest::of({});
  Digest chain = diff_ids.front();
  for (std::size_t i = 1; i < diff_ids.size(); ++i) {
    chain = Digest::of(as_bytes(chain.to_string() + " " + diff_ids[i].to_string()));
  }
  return chain;
}

}  // namespace pratique::oci
