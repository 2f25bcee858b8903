#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "policy/policy.h"

// An accepted policy has a name, cannot call the unknown clean, and judges an image without dying.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = policy::Policy::parse(text, "policy.yaml");
  if (!parsed.ok()) {
    CHECK(parsed.error().message().starts_with("policy.yaml "), "an error names its file");
    return 0;
  }
  CHECK(!parsed->name.empty() && parsed->digest.size() == 64);
  CHECK(parsed->approval_lifetime.count() >= 1 && parsed->approval_lifetime.count() <= 365);
  for (const auto& waiver : parsed->waivers)
    CHECK(!waiver.finding.empty() && waiver.finding != "*" && !waiver.reason.empty());

  policy::Facts facts;
  facts.unjudged.push_back({"layer 1", "encrypted", "encrypted-layer"});
  auto decision = policy::evaluate(*parsed, facts);
  CHECK(decision.verdict != policy::Verdict::Approve, "unjudged is never clean");
  CHECK(!decision.reasons.empty());
  return 0;
}
