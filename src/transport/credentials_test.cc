#include "transport/credentials.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/encoding.h"
#include "base/format.h"
#include "os/file.h"

namespace pratique::transport {
namespace {

std::string entry(std::string_view key, std::string_view login) {
  return format(R"("{}":{{"auth":"{}"}})", key, to_base64(as_bytes(login)));
}
std::string file(std::string_view entries) {
  return format(R"({{"auths":{{{}}}}})", entries);
}
std::string found(std::string_view text, std::string_view host) {
  auto credentials = find_credentials(text, host);
  return credentials ? credentials->user + "/" + credentials->password : "none";
}

TEST(Credentials, AreFoundByHost) {
  auto text = file(entry("a.example:5000", "me:secret") + "," + entry("b.example", "you:a:b"));
  EXPECT_EQ(found(text, "a.example:5000"), "me/secret");
  EXPECT_EQ(found(text, "b.example"), "you/a:b");
  for (auto host : {"a.example", "a.example:50000", "c.example", ""}) EXPECT_EQ(found(text, host), "none") << host;
}
TEST(Credentials, ForTheLongestFrontCount) {
  auto text = file(entry("h.x", "a:1") + "," + entry("h.x/team/p", "b:2") + "," + entry("h.x/team", "c:3"));
  EXPECT_EQ(found(text, "h.x/team/p/tool"), "b/2");
  EXPECT_EQ(found(text, "h.x/team/q"), "c/3");
  EXPECT_EQ(found(text, "h.x/teams"), "a/1");
}
TEST(Credentials, OfDockerHubAreUnderItsUrl) {
  EXPECT_EQ(found(file(entry("https://index.docker.io/v1/", "me:x")), "docker.io"), "me/x");
  EXPECT_EQ(found(file(entry("https://r.x/v2/", "me:x")), "r.x"), "me/x");
}
TEST(Credentials, MayBeAnIdentityTokenOrPlain) {
  EXPECT_EQ(found(file(R"("h":{"identitytoken":"t"})"), "h"), "<token>/t");
  EXPECT_EQ(found(file(R"("h":{"username":"u","password":"p"})"), "h"), "u/p");
}
TEST(Credentials, AreNoneWhereTheFileIsOdd) {
  for (std::string text :
       {std::string(), std::string("[]"), std::string("{"), file(R"("h":{})"), file(R"("h":{"auth":"!"})"),
        file(R"("h":"x")"), file(entry("h", "nocolon")), file(entry("h", ":p")), std::string(R"({"auths":[]})"),
        std::string(R"({"credsStore":"pass","auths":{"h":{}}})")}) {
    EXPECT_EQ(found(text, "h"), "none") << text;
  }
}
TEST(Credentials, AreAddedAndReplaced) {
  auto text = with_credentials("", "a", {"u", "1"}).value();
  text = with_credentials(text, "b", {"v", "2"}).value();
  text = with_credentials(text, "a", {"u", "3"}).value();
  EXPECT_EQ(found(text, "a") + " " + found(text, "b"), "u/3 v/2");
}
TEST(Credentials, KeepWhatElseAFileHolds) {
  EXPECT_NE(with_credentials(R"({"x":1})", "a", {"u", "1"}).value().find("\"x\": 1"), std::string::npos);
  for (auto text : {"[]", "{", R"({"auths":[]})"}) EXPECT_FALSE(with_credentials(text, "a", {"u", "1"}).ok()) << text;
  EXPECT_FALSE(with_credentials("", "a", {"u:v", "1"}).ok());
}

// Points every variable that names a credentials file into a fresh directory.
struct CredentialFiles : testing::Test {
  os::TemporaryDirectory directory = os::TemporaryDirectory::create().value();
  CredentialFiles() {
    for (auto name :
         {"HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE", "PRATIQUE_AUTH_FILE", "XDG_CONFIG_HOME"})
      ::unsetenv(name);
    ::setenv("HOME", directory.path().c_str(), 1);
  }
  void write(const std::string& name, std::string_view login) {
    auto path = directory.path() + "/" + name;
    EXPECT_TRUE(os::make_directories(path.substr(0, path.rfind('/'))).ok());
    EXPECT_TRUE(os::write_file(path, file(entry("h", login))).ok());
  }
  std::string user() {
    auto credentials = stored_credentials("h");
    return credentials ? credentials->user : "none";
  }
};

TEST_F(CredentialFiles, AreAskedInOrder) {
  EXPECT_EQ(user(), "none");
  write("run/containers/auth.json", "podman:x");
  ::setenv("XDG_RUNTIME_DIR", (directory.path() + "/run").c_str(), 1);
  EXPECT_EQ(user(), "podman");
  write(".docker/config.json", "docker:x");
  EXPECT_EQ(user(), "docker");
  write("special/config.json", "special:x");
  ::setenv("DOCKER_CONFIG", (directory.path() + "/special").c_str(), 1);
  EXPECT_EQ(user(), "special");
  write("file.json", "file:x");
  ::setenv("REGISTRY_AUTH_FILE", (directory.path() + "/file.json").c_str(), 1);
  EXPECT_EQ(user(), "file");
  write(".config/pratique/auth.json", "own:x");
  EXPECT_EQ(user(), "own");
}
TEST_F(CredentialFiles, KeepTheirOwnerOnly) {
  ASSERT_TRUE(store_credentials("h", {"me", "secret"}).ok());
  EXPECT_EQ(stored_credentials("h")->password, "secret");
  struct stat info;
  ASSERT_EQ(::stat((directory.path() + "/.config/pratique/auth.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}
TEST_F(CredentialFiles, AreWrittenWhereTheVariableSays) {
  auto path = directory.path() + "/mine.json";
  ::setenv("PRATIQUE_AUTH_FILE", path.c_str(), 1);
  ASSERT_TRUE(store_credentials("h", {"me", "secret"}).ok());
  EXPECT_TRUE(os::exists(path));
}

}  // namespace
}  // namespace pratique::transport
