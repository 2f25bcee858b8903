#include "daemon/config.h"

#include <gtest/gtest.h>

namespace pratique::daemon {
namespace {

std::string problem(std::string_view yaml) {
  auto config = parse_config(yaml, "p.yaml");
  return config.ok() ? "" : config.error().message();
}

TEST(Config, HasDefaultsForEverything) {
  auto config = parse_config("", "p.yaml");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->address, "127.0.0.1");
  EXPECT_EQ(config->policy.name, "gen3");
  ASSERT_EQ(config->namespaces.size(), 3u);
  EXPECT_EQ(config->namespaces[0].promotes_to, "nextflow-approved");
}
TEST(Config, NamesTheLineOfAnUnknownSetting) {
  EXPECT_TRUE(problem("data: /x\nlisten_on: a\n").starts_with("p.yaml line 2: there is no setting \"listen_on\""));
}
TEST(Config, RefusesAStagingNamespaceThatPromotesNowhere) {
  EXPECT_NE(problem("namespaces:\n  - {name: s, mode: staging}\n"), "");
  EXPECT_NE(problem("namespaces:\n  - {name: s, mode: staging, promotes_to: gone}\n"), "");
}
TEST(Config, RefusesTwoNamespacesOfOneName) {
  auto said = problem("namespaces:\n  - {name: a, mode: open}\n  - {name: a, mode: approved}\n");
  EXPECT_NE(said.find("two namespaces named a"), std::string::npos) << said;
}
TEST(Config, RefusesNamespacesThatAreNoList) {
  EXPECT_NE(problem("namespaces: library\n"), "");
  EXPECT_NE(problem("namespaces: []\n"), "");
}
TEST(Config, RefusesAModeItDoesNotKnow) {
  EXPECT_NE(problem("namespaces:\n  - {name: s, mode: opne}\n").find("open, staging or approved"), std::string::npos);
}
TEST(Config, RefusesNumbersOutOfRange) {
  EXPECT_NE(problem("verdict_wait_seconds: -1\n"), "");
  EXPECT_NE(problem("limits: {connections: many}\n"), "");
}
TEST(Config, ReadsEveryFormOfListenAddress) {
  Config config{.policy = *policy::Policy::profile("tre")};
  ASSERT_TRUE(parse_listen("[::1]:80", config).ok());
  EXPECT_EQ(config.address, "::1");
  ASSERT_TRUE(parse_listen(":5001", config).ok());
  EXPECT_EQ(config.address, "0.0.0.0");
  for (auto bad : {"", "host", "host:", "host:70000", "host:1x"}) EXPECT_FALSE(parse_listen(bad, config).ok()) << bad;
}
TEST(Config, TakesRelativePathsFromTheFilesPlace) {
  auto config = parse_config("data: state\n", "/etc/pratique/p.yaml");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->data, "/etc/pratique/state");
}
TEST(Config, RefusesHalfOfATlsPair) {
  EXPECT_NE(problem("tls: {certificate: a.pem}\n"), "");
}

}  // namespace
}  // namespace pratique::daemon
