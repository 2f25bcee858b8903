#include "base/check.h"
#include "base/text.h"
#include "jobs/jobs.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
  using namespace pratique;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto words = jobs::read_argument_file(text)) {
    for (const auto& word : *words) CHECK(word.find('\0') == std::string::npos, "an argument holds no NUL");
  }
  if (auto options = jobs::read_option_file(text)) {
    for (const auto& bind : options->binds) {
      CHECK(bind.target.starts_with('/'), "a bind has an absolute target");
      CHECK(bind.target != "/safe_data" && bind.target != "/scratch", "fixed directories stay fixed");
    }
  }
  (void)jobs::parse_host_rules(text);
  return 0;
}
