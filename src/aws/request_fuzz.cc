// Any bytes as an STS form and as the input of an ECR operation: what is accepted keeps its limits, and no text becomes
// markup in an answer.
#include <cstdint>

#include "aws/aws.h"
#include "base/check.h"
#include "base/text.h"

namespace {

using namespace pratique;
using namespace pratique::aws;

void try_sts(std::string_view text) {
  auto form = Form::parse(text);
  if (!form.ok()) return;
  for (const auto& [name, value] : form->fields()) CHECK(!name.empty() && form->value(name) == value);
  auto parsed = parse_sts(*form);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) {
    auto answer = sts_error(fault_of(Service::Sts, *refusal), "r");
    CHECK(is_utf8(answer) && answer.find("<Error>", answer.find("<Error>") + 1) == std::string::npos);
    return;
  }
  if (const auto* role = std::get_if<AssumeRole>(&std::get<StsRequest>(parsed))) {
    CHECK(is_account(role->role.account) && role->session_name.size() >= 2 && role->session_name.size() <= 64);
    CHECK(role->lifetime >= seconds(900) && role->lifetime <= seconds(43'200));
  }
}

void try_ecr(std::string_view operation, std::string_view text) {
  auto parsed = parse_input(operation, text);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) {
    CHECK(parse_json(ecr_error(fault_of(Service::Ecr, *refusal))).ok());
    return;
  }
  const auto& input = std::get<EcrInput>(parsed);
  CHECK(input.repository_name.find("..") == std::string::npos ||
        input.repository_name.find("/..") == std::string::npos);
  CHECK(input.image_ids.size() <= 100 && input.layer_part.size() <= kLayerPartBytesMax);
  CHECK(input.page_size() >= 1 && input.page_size() <= kPageMax);
  if (auto last = parse_page_token(operation, input.next_token); last.ok())
    CHECK(parse_page_token(operation, page_token(operation, *last)).value() == *last);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try_sts(input);
  for (auto operation : {"DescribeImages", "UploadLayerPart", "PutImage", "DescribeRepositories"})
    try_ecr(operation, input);
  auto escaped = xml_escape(input);
  CHECK(is_utf8(escaped) && escaped.find('<') == std::string::npos && escaped.find('\0') == std::string::npos);
  if (auto target = parse_target(input); auto* call = std::get_if<EcrCall>(&target)) CHECK(!call->operation.empty());
  return 0;
}
