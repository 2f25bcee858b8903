#include <gtest/gtest.h>

#include "base/format.h"
#include "base/text.h"
#include "oci/oci.h"

namespace pratique::oci {
namespace {

const std::string kA = Digest::of(as_bytes("a")).to_string();
const std::string kB = Digest::of(as_bytes("b")).to_string();

std::string config(std::string_view members, std::string_view diff_ids = "") {
  return format(R"({{"architecture":"amd64","os":"linux",{}"rootfs":{{"type":"layers","diff_ids":[{}]}}}})", members,
                diff_ids);
}
std::string running(std::string_view members) {
  return config(format(R"("config":{{{}}},)", members));
}
ImageConfig read(const std::string& text) {
  return parse_image_config(text).value();
}
void refuses(const std::string& text, std::string_view piece) {
  auto parsed = parse_image_config(text);
  ASSERT_FALSE(parsed.ok()) << text;
  EXPECT_TRUE(contains(parsed.error().message(), piece)) << parsed.error().message();
}

TEST(ImageConfig, ReadsWhatDockerBuildWrites) {
  auto read_back = read(running(R"("Hostname":"","User":"1000:1000","AttachStdin":false,"ExposedPorts":{"8888/tcp":{}},
    "Env":["PATH=/bin","A="],"Cmd":["sh","-c"],"Entrypoint":["/entry"],"Volumes":{"/data":{}},"WorkingDir":"/w",
    "Labels":{"org.x":"y"},"Healthcheck":{"Test":["CMD","true"],"Interval":3},"OnBuild":null)"));
  EXPECT_EQ(read_back.platform.to_string(), "linux/amd64");
  EXPECT_EQ(read_back.user, "1000:1000");
  EXPECT_EQ(read_back.env, (std::vector<std::string>{"PATH=/bin", "A="}));
  EXPECT_EQ(join(read_back.entrypoint, " ") + " " + join(read_back.cmd, " "), "/entry sh -c");
  EXPECT_EQ(read_back.exposed_ports, std::vector<std::string>{"8888/tcp"});
  EXPECT_EQ(read_back.volumes, std::vector<std::string>{"/data"});
  EXPECT_EQ(read_back.labels.at("org.x"), "y");
  EXPECT_EQ(read_back.working_dir, "/w");
  EXPECT_TRUE(read_back.has_healthcheck);
}
TEST(ImageConfig, TakesNullForWhatIsEmpty) {
  auto read_back =
      read(running(R"("User":null,"ExposedPorts":null,"Env":null,"Cmd":null,"Entrypoint":null,"Volumes":null,
    "WorkingDir":null,"Labels":null,"Healthcheck":null)"));
  EXPECT_TRUE(read_back.env.empty() && read_back.cmd.empty() && read_back.labels.empty() && !read_back.has_healthcheck);
  EXPECT_TRUE(parse_image_config(config(R"("config":null,"history":null,"created":null,)")).ok());
  EXPECT_TRUE(parse_image_config(R"({"rootfs":{"type":"layers","diff_ids":null}})").ok());
}
TEST(ImageConfig, TakesALoneStringAsOneWord) {
  EXPECT_EQ(read(running(R"("Entrypoint":"/entry","Cmd":"a b")")).cmd, std::vector<std::string>{"a b"});
}
TEST(ImageConfig, HasNoHealthcheckWhereItIsSwitchedOff) {
  for (auto text : {R"({"Test":["NONE"]})", R"({"Test":[]})", R"({"Test":null})", "{}"}) {
    EXPECT_FALSE(read(running(format(R"("Healthcheck":{})", text))).has_healthcheck) << text;
  }
}
TEST(ImageConfig, RefusesMembersOfAnotherType) {
  for (auto [member, piece] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{R"("User":0)", "User"},
                                                                            {R"("Env":"A=b")", "Env"},
                                                                            {R"("Env":[1])", "Env"},
                                                                            {R"("Entrypoint":{})", "Entrypoint"},
                                                                            {R"("ExposedPorts":[])", "ExposedPorts"},
                                                                            {R"("Volumes":"/x")", "Volumes"},
                                                                            {R"("Labels":{"a":1})", "Labels"},
                                                                            {R"("Labels":[])", "Labels"},
                                                                            {R"("Healthcheck":"x")", "Healthcheck"},
                                                                            {R"("Healthcheck":{"Test":"x"})", "Test"},
                                                                            {R"("WorkingDir":1)", "WorkingDir"}}) {
    refuses(running(member), piece);
  }
}
TEST(ImageConfig, RefusesMembersThatDifferInCaseOnly) {
  refuses(running(R"("User":"1000","user":"root")"), "case");
  refuses(running(R"("user":"root")"), "case");
  refuses(config(R"("Rootfs":{},)"), "case");
}
TEST(ImageConfig, RefusesMalformedBodies) {
  for (auto text : {"", "[]", "null", "{", R"({"rootfs":[]})", R"({"rootfs":null})", "{}"}) {
    EXPECT_EQ(parse_image_config(text).error().kind(), ErrorKind::Invalid) << text;
  }
  refuses(config(R"("config":[],)"), "config");
  refuses(config(R"("history":{},)"), "history");
  refuses(config(R"("history":[1],)"), "history");
  refuses(config(R"("history":[{"empty_layer":"yes"}],)"), "empty_layer");
  refuses(R"({"rootfs":{"type":"other","diff_ids":[]}})", "rootfs");
  refuses(config("", "1"), "diff_ids");
  refuses(config("", "\"sha256:x\""), "diff_ids");
}
TEST(ImageConfig, LimitsItsSizeAndItsLayers) {
  auto text = config("");
  EXPECT_TRUE(parse_image_config(text + std::string(kConfigBytesMax - text.size(), ' ')).ok());
  EXPECT_EQ(parse_image_config(text + std::string(kConfigBytesMax, ' ')).error().kind(), ErrorKind::Limit);
  std::string many = format("\"{}\"", kA);
  for (std::size_t i = 0; i < kLayersMax; ++i) many += format(",\"{}\"", kA);
  EXPECT_EQ(parse_image_config(config("", many)).error().kind(), ErrorKind::Limit);
}

TEST(LayerInstructions, PairUpWithLayersSkippingEmptyOnes) {
  auto history =
      R"("history":[{"created_by":"ADD rootfs"},{"created_by":"ENV A=b","empty_layer":true},{"created_by":"RUN x"}],)";
  auto read_back = read(config(history, format(R"("{}","{}")", kA, kB)));
  EXPECT_EQ(read_back.layer_instructions(), (std::vector<std::string>{"ADD rootfs", "RUN x"}));
}
TEST(LayerInstructions, AreNotGuessedWhenTheCountsDiffer) {
  auto read_back = read(config(R"("history":[{"created_by":"RUN x"}],)", format(R"("{}","{}")", kA, kB)));
  EXPECT_EQ(read_back.layer_instructions(), (std::vector<std::string>{"", ""}));
  EXPECT_TRUE(read(config("")).layer_instructions().empty());
}

}  // namespace
}  // namespace pratique::oci
