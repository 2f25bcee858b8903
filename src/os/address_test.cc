#include "os/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace pratique::os {
namespace {

std::string round_trip(const char* text) {
  sockaddr_storage storage{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1)
    storage.ss_family = AF_INET;
  else if (::inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
    storage.ss_family = AF_INET6;
  return address_text(storage);
}

TEST(address_text, shows_both_families) {
  for (auto text : {"127.0.0.1", "203.0.113.255", "::1", "2001:db8::7"}) EXPECT_EQ(round_trip(text), text);
}
TEST(address_text, shows_a_mapped_address_under_its_own_name) {
  EXPECT_EQ(round_trip("::ffff:192.0.2.9"), "192.0.2.9");
}

}  // namespace
}  // namespace pratique::os
