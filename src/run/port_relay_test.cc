#include "run/port_relay.h"

#include <gtest/gtest.h>

namespace pratique::run {
namespace {

constexpr std::string_view kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
    "   1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1234        0 2 1 0 20 4 30 10 -1\n"
    "   2: 0100007F:C002 0100007F:1F90\n";

TEST(port_relay, finds_out_who_connects) {
  EXPECT_EQ(owner_of_connection(kTable, 0xC001, 0x1F90), 1234u);
  EXPECT_EQ(owner_of_connection(kTable, 0xC003, 0x1F90), std::nullopt);
  EXPECT_EQ(owner_of_connection(kTable, 0xC002, 0x1F90), std::nullopt) << "a cut line says nothing";
  EXPECT_EQ(owner_of_connection("", 1, 2), std::nullopt);
}

TEST(port_relay, takes_a_free_port_and_refuses_a_taken_one) {
  auto first = PortRelay::listen({{.host = 0, .container = 80}});
  ASSERT_TRUE(first.ok());
  auto port = first->host_ports().at(0);
  EXPECT_GT(port, 0);
  EXPECT_EQ(PortRelay::listen({{.host = port, .container = 80}}).error().kind(), ErrorKind::Conflict);
}

}  // namespace
}  // namespace pratique::run
