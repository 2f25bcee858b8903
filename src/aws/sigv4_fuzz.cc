// Any bytes as the signed parts of a request: what is read is well formed, and never verifies under a key that did not
// sign it.
#include <cstdint>

#include "aws/aws.h"
#include "base/check.h"
#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::aws;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  auto lines = split(input, '\n');
  http::Request request;
  request.method = "POST";
  request.target = "/" + std::string(lines[0]);
  request.headers.add("Host", "h");
  const char* names[] = {"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Content-Type", "X-Amz-Content-Sha256"};
  for (std::size_t i = 1; i < lines.size() && i < 8; ++i)
    request.headers.add(names[(i - 1) % 5], std::string(lines[i]));
  auto read = read_signature(request);
  const auto* signature = std::get_if<Signature>(&read);
  if (!signature) return 0;
  CHECK(!signature->access_key_id.empty() && signature->signature.size() == 64);
  CHECK(signature->date == signature->timestamp.substr(0, 8));
  for (std::size_t i = 1; i < signature->signed_headers.size(); ++i)
    CHECK(signature->signed_headers[i - 1] < signature->signed_headers[i]);
  const auto key = derive_key("secret", signature->date, signature->region, signature->service);
  CHECK(verify(*signature, request, {.key = key, .host = "h", .body = input, .now = signature->signed_at}).has_value());
  // What the holder of the key signs over the same bytes does verify.
  auto again = request;
  again.headers = {};
  again.headers.add("Host", "h");
  again.headers.add("Content-Type", std::string(lines.back()));
  again.target = "/";
  sign(again, input, {"ASIA1", "secret", signature->session_token, "r", "s"}, signature->signed_at);
  auto own = read_signature(again);
  const auto* good = std::get_if<Signature>(&own);
  CHECK(good != nullptr);
  const auto own_key = derive_key("secret", good->date, "r", "s");
  CHECK(!verify(*good, again, {.key = own_key, .host = "h", .body = input, .now = signature->signed_at}));
  return 0;
}
