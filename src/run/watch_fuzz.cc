#include "run/watch.h"

#include "base/check.h"
#include "base/text.h"
#include "run/port_relay.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
  using namespace pratique;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto name = run::name_in_query(text)) {
    CHECK(!name->empty(), "a query has a name");
    CHECK(is_utf8(*name), "a name can be shown");
  }
  (void)run::owner_of_connection(text, 8080, 40'000);
  return 0;
}
