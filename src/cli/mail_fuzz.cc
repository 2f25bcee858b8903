#include "cli/mail.h"

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto request = pratique::cli::parse_mail(text);
  if (!request.ok()) return 0;
  // Every answer is a part of the mail, on one line.
  for (const auto& answer : {request->login, request->purpose, request->window}) {
    CHECK(text.find(answer) != std::string_view::npos, "an answer nobody gave");
    CHECK(answer.find('\n') == std::string::npos, "an answer of two lines");
  }
  return 0;
}
