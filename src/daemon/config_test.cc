#include "daemon/config.h"

#include <gtest/gtest.h>

#include "os/file.h"

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
TEST(Config, ReadsTagRulesAndQuotasOfANamespace) {
  auto config = parse_config(
      "namespaces:\n  - {name: a, mode: open, immutable_tags: [\"v*\"], protected_tags: [latest], bytes: 2T, uploads: "
      "9}\n",
      "p.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message();
  const auto& space = config->namespaces[0];
  EXPECT_EQ(space.immutable_tags, std::vector<std::string>{"v*"});
  EXPECT_EQ(space.protected_tags, std::vector<std::string>{"latest"});
  EXPECT_EQ(space.bytes_max, std::uint64_t{2} << 40);
  EXPECT_EQ(space.uploads_max, 9u);
}
TEST(Config, NamesTheLineOfABadTagRuleOrQuota) {
  for (auto setting : {"immutable_tags: v1", "protected_tags: [[a]]", "bytes: much", "bytes: 1P", "bytes: 2000000000T",
                       "bytes: -1", "uploads: -1"}) {
    auto said = problem(std::string("namespaces:\n  - name: a\n    mode: open\n    ") + setting + "\n");
    EXPECT_TRUE(said.starts_with("p.yaml line 4: ")) << setting << ": " << said;
  }
}
TEST(Config, ReadsQuotasAndUpkeep) {
  auto config = parse_config(
      "quotas: {principal_bytes: 20G, principal_uploads: 3, images_waiting: 5}\n"
      "upkeep: {collect_every_seconds: 60, unreferenced_hours: 2, lease_hours: 0, scrub_bytes_per_second: 1M}\n",
      "p.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ(config->registry.principal_bytes_max, std::uint64_t{20} << 30);
  EXPECT_EQ(config->registry.principal_uploads_max, 3u);
  EXPECT_EQ(config->waiting_max, 5u);
  EXPECT_EQ(config->registry.unreferenced_kept, Duration(hours(2)));
  EXPECT_EQ(config->registry.lease, Duration(0));
  EXPECT_EQ(config->upkeep.collect_every, seconds(60));
  EXPECT_EQ(config->upkeep.scrub_bytes_per_second, 1u << 20);
}
TEST(Config, NamesTheLineOfABadQuota) {
  EXPECT_TRUE(problem("data: x\nquotas:\n  principal_bytes: lots\n").starts_with("p.yaml line 3: "));
  EXPECT_TRUE(problem("upkeep:\n  lease_hours: -1\n").starts_with("p.yaml line 2: "));
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
TEST(Config, ReadsWhatAwsIsTold) {
  auto config = parse_config("aws: {account: '123456789012', region: eu-west-2, proxy: '127.0.0.1:3128'}\n", "p.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ(config->aws.account, "123456789012");
  EXPECT_EQ(config->aws.proxy_port, 3128);
  EXPECT_NE(problem("aws: {account: 12}\n"), "");
  EXPECT_NE(problem("aws: {region: 'eu west'}\n"), "");
  EXPECT_NE(problem("aws: {proxy: here}\n"), "");
}
TEST(Config, RefusesHalfOfATlsPair) {
  EXPECT_NE(problem("tls: {certificate: a.pem}\n"), "");
}
TEST(Config, NamesTheSettingThatWasMeant) {
  EXPECT_EQ(problem("a: 1\npolcy: gen3\n").substr(0, 13), "p.yaml line 1");
  EXPECT_EQ(problem("polcy: gen3\n"), "p.yaml line 1: there is no setting \"polcy\"; did you mean \"policy\"?");
  EXPECT_NE(problem("limits:\n  conections: 20\n")
                .find("line 2: there is no setting \"limits.conections\"; did you mean "
                      "\"limits.connections\"?"),
            std::string::npos);
  EXPECT_NE(problem("certificate: a.pem\n").find("did you mean \"tls.certificate\"?"), std::string::npos);
  EXPECT_NE(problem("namespaces:\n  - name: s\n    mod: open\n").find("p.yaml line 3: there is no setting \"mod\""),
            std::string::npos);
}
TEST(Config, NamesTheLineOfEveryBadValue) {
  struct {
    std::string_view yaml, said;
  } cases[] = {
      {"data: /x\nlisten: nowhere\n", "p.yaml line 2: listen takes HOST:PORT"},
      {"\n\nlimits:\n  connections: 1\n", "p.yaml line 4: limits.connections takes a whole number from 16"},
      {"log: {level: loud}\n", "p.yaml line 1: log.level takes debug, info, warn or error, not \"loud\""},
      {"tls:\n  key: k.pem\n", "p.yaml line 2: tls needs certificate and key"},
      {"data: /x\npolicy: nope\n", "p.yaml line 2: policy \"nope\" is neither"},
      {"limits: 5\n", "p.yaml line 1: limits: expected"},
      {"trusted_proxies: 10.0.0.1\n", "p.yaml line 1: trusted_proxies takes a list"},
      {"data: [a]\n", "p.yaml line 1: data takes text"},
      {"namespaces:\n  - {name: a, mode: open}\n  - {name: a/b, mode: open}\n", "p.yaml line 3: \"a/b\" is no"},
      {"namespaces:\n  - {name: a, mode: open}\n  - {name: b, mode: ope}\n", "p.yaml line 3: namespaces[].mode takes"},
      {"namespaces:\n  - {name: a}\n", "p.yaml line 2: namespaces[].mode is missing"},
      {"namespaces:\n  - {mode: open}\n", "p.yaml line 2: namespaces[].name is missing"},
      {"namespaces:\n  - 5\n", "p.yaml line 2: expected `key: value` lines"},
      {"- a\n", "p.yaml line 1: expected `key: value` lines"},
  };
  for (const auto& c : cases) EXPECT_EQ(problem(c.yaml).substr(0, c.said.size()), c.said) << c.yaml;
}
TEST(Config, SaysWhereEachValueCameFrom) {
  auto config = parse_config("\nlog: {level: debug}\n", "p.yaml");
  ASSERT_TRUE(config.ok());
  std::map<std::string, std::string> from, value;
  Json described = describe_config(*config);
  for (const auto& setting : described["settings"].items()) {
    from[std::string(setting["key"].text())] = setting["from"].text();
    value[std::string(setting["key"].text())] = setting["value"].text();
  }
  EXPECT_EQ(from["log.level"] + " " + value["log.level"], "p.yaml line 2 debug");
  EXPECT_EQ(from["log.format"] + " " + value["log.format"], "default logfmt");
  EXPECT_EQ(value["namespaces"].substr(0, 60), "[{name: nextflow-staging, mode: staging, promotes_to: nextfl");
}
TEST(Config, LetsTheCommandLineWin) {
  auto config = load_config({.config_file = "", .data = "/srv/x", .listen = "[::1]:7"});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->origins["data"] + config->data, "--data/srv/x");
  EXPECT_EQ(config->origins["listen"] + listen_text(*config), "--listen[::1]:7");
}
TEST(Config, HasOneReferenceForTableAndPage) {
  auto page = os::read_file(std::string(PRATIQUE_SOURCE_DIR) + "/docs/formats/configuration.md", 1 << 20);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(*page, *config_reference("markdown"))
      << "run: pratique admin config reference > docs/formats/configuration.md";
}
TEST(Config, OffersAFileThatHoldsTheDefaults) {
  std::string yaml = *config_reference("yaml"), without_comments;
  ASSERT_TRUE(parse_config(yaml, "p.yaml").ok());
  for (auto line : split(yaml, '\n'))
    if (line.starts_with("#  ") || (line.starts_with('#') && !line.starts_with("# ")))
      without_comments += std::string(line.substr(1)) + "\n";
  EXPECT_NE(without_comments.find("\nlimits:\n  connections: 12000\n"), std::string::npos);
  EXPECT_EQ(problem(without_comments), "") << without_comments;
}
TEST(Config, RefusesAReferenceInAFormItDoesNotKnow) {
  EXPECT_FALSE(config_reference("html").ok());
}

struct Sized {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> quota;
  bool is_on = false;
  std::chrono::milliseconds wait{0};
  std::chrono::hours age{0};
};

const std::vector<Setting<Sized>>& sized_table() {
  using S = Forms<Sized>;
  static const std::vector<Setting<Sized>> kTable = {
      S::size(
          "bytes", [](auto& t) -> auto& { return t.bytes; }, {1024, 4LL << 40}, "room"),
      S::size(
          "quota", [](auto& t) -> auto& { return t.quota; }, {0, 4LL << 40}, "room")
          .when_unset("none")
          .secret(),
      S::flag(
          "on", [](auto& t) -> auto& { return t.is_on; }, "whether"),
      S::in_seconds(
          "wait", [](auto& t) -> auto& { return t.wait; }, {0, 60}, "how long")
          .reloads(),
      S::in_days(
          "age", [](auto& t) -> auto& { return t.age; }, {0, 60}, "how old"),
  };
  return kTable;
}

TEST(Settings, TakeEveryFormAndShowItBack) {
  Sized sized;
  Yaml yaml = *parse_yaml("bytes: 10G\nquota: 512\non: yes\nwait: 5\nage: 2\n");
  ASSERT_TRUE(read_settings(yaml, sized_table(), sized, "f", nullptr).ok());
  EXPECT_EQ(sized.bytes, 10ULL << 30);
  EXPECT_EQ(sized.wait, std::chrono::milliseconds(5'000));
  EXPECT_EQ(sized.age, std::chrono::hours(48));
  std::vector<std::string> shown;
  for (const auto& setting : sized_table()) shown.push_back(setting.show(sized));
  EXPECT_EQ(join(shown, " "), "10G 512 true 5 2");
  EXPECT_EQ(sized_table()[1].show(Sized()), "");
}
TEST(Settings, RefuseWhatIsNoSizeOrNoFlag) {
  for (auto bad : {"bytes: 1023", "bytes: 5T", "bytes: 99999999999999999999", "bytes: 18014398509481985K", "bytes: -1K",
                   "bytes: K", "bytes: 1 K", "bytes: [1]", "bytes: 1KiB", "bytes: \"\"", "on: 1", "on: []", "wait: 61",
                   "age: 1d"}) {
    Sized sized;
    EXPECT_FALSE(read_settings(*parse_yaml(bad), sized_table(), sized, "f", nullptr).ok()) << bad;
  }
}

}  // namespace
}  // namespace pratique::daemon
