#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>

#include "base/text.h"
#include "transport/fake_registry.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

struct Open : testing::Test {
  os::TemporaryDirectory directory = os::TemporaryDirectory::create().value();
  std::string root = directory.path();
  TestImage image;

  void lay_down() {
    write_tree(root + "/layout", image.layout());
    write_tree(root + "/plain", {{"etc/os-release", "ID=x"}});
    ASSERT_TRUE(os::write_file(root + "/oci.tar", tar_bytes(image.layout())).ok());
    ASSERT_TRUE(os::write_file(root + "/docker.tar", tar_bytes(image.docker())).ok());
    ASSERT_TRUE(os::write_file(root + "/other.tar", tar_bytes({{"etc/passwd", "x"}})).ok());
  }
  void expect_image(const std::string& target) {
    auto opened = open(target);
    ASSERT_TRUE(opened.ok()) << target << ": " << opened.error().message();
    expect_same(**opened, image);
  }
};

TEST_F(Open, KnowsEveryTransportOfFiles) {
  lay_down();
  for (std::string target :
       {"oci:" + root + "/layout", "oci:" + root + "/layout:latest", "oci-archive:" + root + "/oci.tar",
        "oci-archive:" + root + "/oci.tar:latest", "docker-archive:" + root + "/docker.tar",
        "docker-archive:" + root + "/docker.tar:tool:1", "docker-archive:" + root + "/docker.tar:@0"}) {
    expect_image(target);
  }
}
TEST_F(Open, GuessesWhatAPathIs) {
  lay_down();
  for (std::string path : {"/layout", "/oci.tar", "/docker.tar"}) expect_image(root + path);
  EXPECT_EQ(open(root + "/plain").value()->manifest().layers.size(), 1U);
  EXPECT_EQ(open("dir:" + root + "/plain").value()->digest(), open(root + "/plain").value()->digest());
}
TEST_F(Open, SaysWhatItTakes) {
  lay_down();
  const std::pair<std::string, std::string> rows[] = {
      {"", "forms are"},
      {"oci:", "forms are"},
      {"alpine:3", "docker://alpine:3"},
      {"ftp://x", "forms are"},
      {"docker:alpine", "docker://HOST"},
      {"docker://A B", "no"},
      {"oci-archive:" + root + "/docker.tar", "docker-archive:"},
      {"docker-archive:" + root + "/other.tar", "manifest.json"},
      {root + "/other.tar", "dir:PATH"},
      {root + "/layout/oci-layout", "tar"},
      {"docker-daemon:-x", "no image name"},
      {"containers-storage:--help", "no image name"},
  };
  for (const auto& [target, wanted] : rows) {
    auto opened = open(target);
    ASSERT_FALSE(opened.ok()) << target;
    EXPECT_TRUE(contains(opened.error().message(), wanted)) << target << ": " << opened.error().message();
  }
}
TEST_F(Open, DoesNotFindWhatIsNotThere) {
  for (std::string target :
       {"oci:" + root + "/none", "oci-archive:" + root + "/none", "docker-archive:" + root + "/none:x:1",
        "dir:" + root + "/none", "oci:" + root + "/none:tag"}) {
    EXPECT_EQ(open(target).error().kind(), ErrorKind::NotFound) << target;
  }
}

TEST_F(Open, ReadsARegistryAndItsIndexes) {
  FakeRegistry fake;
  fake.hold("a/b", "child", image.manifest, oci::media_type::kOciManifest,
            {image.layers[0], image.layers[1], image.config});
  auto child = image.descriptor();
  child.platform = oci::Platform{"linux", "amd64", ""};
  auto digest = fake.hold("a/b", "multi", index_json({child}), oci::media_type::kOciIndex, {});
  for (auto name : {std::string("a/b:multi"), std::string("a/b:child"), "a/b@" + digest.to_string(),
                    "a/b:old@" + digest.to_string()}) {
    expect_image(format("docker://{}/{}", fake.host(), name));
  }
  EXPECT_EQ(open(format("docker://{}/a/b:none", fake.host())).error().kind(), ErrorKind::NotFound);
}

// A docker daemon that has one image.
struct Daemon : Open {
  TestImage held;
  std::string asked;
  std::unique_ptr<http::Server> server = http::Server::start({}, [this](http::Request& request) {
                                           asked = request.target;
                                           if (request.parameter("names") != "tool:1")
                                             return http::Response::json(404, R"({"message":"no such image"})");
                                           auto response =
                                               http::Response::text(200, tar_bytes(held.docker()), "application/x-tar");
                                           return response;
                                         }).value();
  Daemon() { ::setenv("DOCKER_HOST", format("tcp://127.0.0.1:{}", server->port()).c_str(), 1); }
  ~Daemon() override { ::unsetenv("DOCKER_HOST"); }
};

TEST_F(Daemon, IsAskedForAnArchive) {
  expect_image("docker-daemon:tool:1");
  EXPECT_EQ(asked, "/images/get?names=tool%3A1");
}
TEST_F(Daemon, SaysThatItHasNoSuchImage) {
  EXPECT_EQ(open("docker-daemon:none").error().kind(), ErrorKind::NotFound);
}
TEST_F(Daemon, IsNotReachedOverTransportsWeDoNotSpeak) {
  ::setenv("DOCKER_HOST", "ssh://host", 1);
  EXPECT_EQ(open("docker-daemon:tool:1").error().kind(), ErrorKind::Invalid);
  ::setenv("DOCKER_HOST", ("unix://" + root + "/none.sock").c_str(), 1);
  EXPECT_EQ(open("docker-daemon:tool:1").error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(open("docker-daemon:tool:1", {.daemon_socket = root + "/none"}).error().kind(), ErrorKind::Unavailable);
}

TEST_F(Open, NeedsPodmanOrSkopeoForContainersStorage) {
  std::string before = std::getenv("PATH");
  ::setenv("PATH", root.c_str(), 1);
  EXPECT_TRUE(contains(open("containers-storage:tool:1").error().message(), "needs podman or skopeo"));
  // A podman that saves what it is told to, and then one that cannot.
  ASSERT_TRUE(os::write_file(root + "/image", tar_bytes(image.layout())).ok());
  ASSERT_TRUE(os::write_file(root + "/podman", format("#!/bin/sh\n/bin/cp {}/image \"$6\"\n", root), 0755).ok());
  expect_image("containers-storage:tool:1");
  ASSERT_TRUE(os::write_file(root + "/podman", "#!/bin/sh\necho image not known >&2; exit 125\n", 0755).ok());
  EXPECT_TRUE(contains(open("containers-storage:tool:1").error().message(), "image not known"));
  ::setenv("PATH", before.c_str(), 1);
}

}  // namespace
}  // namespace pratique::transport
