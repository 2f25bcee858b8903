#include "cli/aws_files.h"

#include <gmock/gmock.h>

#include "base/json.h"

namespace pratique::cli {

namespace {

using ::testing::HasSubstr;

const AwsTarget kGate{"http://127.0.0.1:5000", "us-east-1", ""};
constexpr std::string_view kOurs =
    "# pratique aws-setup: begin (remove with `pratique aws-setup --remove`)\n"
    "sts = sts --endpoint-url http://127.0.0.1:5000 --region us-east-1\n"
    "ecr = ecr --endpoint-url http://127.0.0.1:5000 --region us-east-1\n"
    "# pratique aws-setup: end\n";

TEST(AwsAliases, GoIntoTheSectionThatIsThere) {
  auto text = add_aws_aliases("# mine\n[toplevel]\nwho = sts get-caller-identity\n[command x]\na = b\n", kGate);
  EXPECT_EQ(*text, "# mine\n[toplevel]\n" + std::string(kOurs) + "who = sts get-caller-identity\n[command x]\na = b\n");
}

TEST(AwsAliases, BringTheirSectionWhereThereIsNone) {
  EXPECT_THAT(*add_aws_aliases("", kGate), HasSubstr("--remove`)\n[toplevel]\nsts = sts"));
  EXPECT_THAT(*add_aws_aliases("[command x]\na = b", kGate), HasSubstr("a = b\n# pratique"));
}

TEST(AwsAliases, ComeOutAgainWithoutATrace) {
  for (std::string file : {"", "[toplevel]\n", "# mine\n[toplevel]\nwho = sts\n\n[x]\ny = z\n"}) {
    auto added = add_aws_aliases(file, kGate).value();
    EXPECT_EQ(remove_aws_aliases(added), file);
    EXPECT_EQ(add_aws_aliases(added, kGate).value(), added);
  }
}

TEST(AwsAliases, AnotherGateReplacesTheFirst) {
  auto text = add_aws_aliases(*add_aws_aliases("", kGate), {"https://b.example", "eu-west-2", "/etc/ca.pem"}).value();
  EXPECT_THAT(text, HasSubstr("ecr = ecr --endpoint-url https://b.example --region eu-west-2 --ca-bundle /etc/ca.pem"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("127.0.0.1")));
}

TEST(AwsAliases, NeverReplaceAnAliasOfTheUser) {
  for (std::string_view line : {"sts = sts --debug", "  ecr=ecr", "sts: sts --debug"}) {
    auto text = add_aws_aliases("[toplevel]\n" + std::string(line) + "\n", kGate);
    ASSERT_FALSE(text.ok()) << line;
    EXPECT_EQ(text.error().kind(), ErrorKind::Conflict);
    EXPECT_THAT(text.error().message(), HasSubstr("line 2"));
  }
  EXPECT_TRUE(add_aws_aliases("[command ecr]\nsts = other\n", kGate).ok());
}

TEST(AwsAliases, ABlockThatNeverEndsIsLeftAlone) {
  const std::string file = "[toplevel]\n# pratique aws-setup: begin\nsts = x\nmine = y\n";
  EXPECT_EQ(remove_aws_aliases(file), file);
}

TEST(AwsAliases, RefuseWhatAShellWouldTakeApart) {
  for (std::string bad : {"", "http://a b", "http://a;b", "http://a\nb", "http://a'b", "http://$a"})
    EXPECT_EQ(add_aws_aliases("", {bad, "us-east-1", ""}).error().kind(), ErrorKind::Invalid) << bad;
  EXPECT_FALSE(add_aws_aliases("", {"http://a", "us east", ""}).ok());
  EXPECT_FALSE(add_aws_aliases("", {"http://a", "us-east-1", "/a b"}).ok());
}

TEST(AwsEndpoints, AreKnownAsOurs) {
  auto text = aws_endpoints({"https://gate.example:8443", "eu-west-2", ""});
  EXPECT_TRUE(is_our_endpoints(text));
  EXPECT_FALSE(is_our_endpoints(R"({"version":3,"partitions":[]})"));
  EXPECT_FALSE(is_our_endpoints("rubbish"));
  auto json = parse_json(text).value();
  const auto& services = json["partitions"].items().at(0)["services"];
  EXPECT_EQ(services["sts"]["endpoints"]["aws-global"]["credentialScope"]["region"].text(), "us-east-1");
  EXPECT_EQ(services["api.ecr"]["endpoints"]["eu-west-2"]["hostname"].text(), "gate.example:8443");
}

TEST(AwsExports, NameBothServices) {
  EXPECT_THAT(aws_exports(kGate), HasSubstr("export AWS_ENDPOINT_URL_STS='http://127.0.0.1:5000'\n"));
}

}  // namespace

}  // namespace pratique::cli
