#include "base/check.h"
#include "signin/signin.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace pratique;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto keys = signin::KeySet::parse(R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
  auto claims = signin::verify_token(text, *keys, {.issuer = "i", .audience = "a", .now = Time()});
  CHECK(!claims.ok(), "nobody here holds the key");
  auto set = signin::KeySet::parse(text);
  if (set.ok()) CHECK(set->size() <= 100, "more keys than a set may have");
  return 0;
}
