#include "distribution/test_world.h"

namespace pratique::distribution {
namespace {

using Pull = World;

TEST_F(Pull, GivesManifestsAsTheyWerePushed) {
  const auto pushed = push_image("open/a", "1", "x");
  const auto bytes = image_json(config_json("x")).dump();
  for (const std::string& reference : {std::string("1"), sha256_of(bytes)}) {
    const auto got = send("GET", manifest("open/a", reference), {.as = "run"});
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, bytes);
    EXPECT_EQ(got.header("Content-Type"), oci::media_type::kOciManifest);
    EXPECT_EQ(got.header("Docker-Content-Digest"), sha256_of(bytes));
    const auto head = send("HEAD", manifest("open/a", reference));
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.content_length, bytes.size());
    EXPECT_TRUE(head.body.empty());
    EXPECT_EQ(head.header("Content-Type"), oci::media_type::kOciManifest);
  }
}

TEST_F(Pull, SaysWhatIsNotThere) {
  push_image("open/a", "1", "x");
  EXPECT_EQ(send("GET", manifest("open/a", "2")).code(), "MANIFEST_UNKNOWN");
  EXPECT_EQ(send("GET", manifest("open/a", sha256_of("x"))).status, 404);
  EXPECT_EQ(send("GET", manifest("open/a", "sha256:12")).status, 400);
  EXPECT_EQ(send("GET", manifest("open/a", "no%20tag")).status, 400);
  EXPECT_EQ(send("GET", blob("open/a", "absent")).code(), "BLOB_UNKNOWN");
  EXPECT_EQ(send("GET", blob("open/none", "absent")).status, 404);
  EXPECT_EQ(send("HEAD", blob("open/a", "absent")).status, 404);
  EXPECT_EQ(send("GET", "/v2/open/a/blobs/sha256:12").code(), "DIGEST_INVALID");
}

TEST_F(Pull, GivesABlobOnlyWhereItIsLinked) {
  ASSERT_EQ(push_blob("open/a", "hello"), 201);
  EXPECT_EQ(send("GET", blob("open/a", "hello")).body, "hello");
  push_image("open/b", "1", "x");
  EXPECT_EQ(send("GET", blob("open/b", "hello")).status, 404);
}

TEST_F(Pull, GivesPartsOfABlob) {
  std::string bytes;
  for (int i = 0; i < 2048; ++i) bytes += static_cast<char>('a' + i % 26);
  ASSERT_EQ(push_blob("open/a", bytes), 201);
  struct Row {
    const char* range;
    const char* content_range;
    std::size_t offset, length;
  };
  for (const auto& row :
       {Row{"bytes=500-1499", "bytes 500-1499/2048", 500, 1000}, Row{"bytes=500-", "bytes 500-2047/2048", 500, 1548},
        Row{"bytes=-500", "bytes 1548-2047/2048", 1548, 500},
        Row{"bytes=2000-5000", "bytes 2000-2047/2048", 2000, 48}}) {
    const auto got = send("GET", blob("open/a", bytes), {.headers = {{"Range", row.range}}});
    EXPECT_EQ(got.status, 206) << row.range;
    EXPECT_EQ(got.header("Content-Range"), row.content_range);
    EXPECT_EQ(got.body, bytes.substr(row.offset, row.length));
  }
  for (const char* range : {"bytes=500-0", "bytes=5000-10000"}) {
    const auto got = send("GET", blob("open/a", bytes), {.headers = {{"Range", range}}});
    EXPECT_EQ(got.status, 416) << range;
    EXPECT_EQ(got.header("Content-Range"), "bytes */2048");
  }
}

TEST_F(Pull, IgnoresARangeOfAnotherBlob) {
  ASSERT_EQ(push_blob("open/a", "hello"), 201);
  const HeaderLines other = {{"Range", "bytes=0-1"}, {"If-Range", "\"other\""}};
  EXPECT_EQ(send("GET", blob("open/a", "hello"), {.headers = other}).status, 200);
  const HeaderLines same = {{"Range", "bytes=0-1"}, {"If-Range", "\"" + sha256_of("hello") + "\""}};
  EXPECT_EQ(send("GET", blob("open/a", "hello"), {.headers = same}).body, "he");
}

TEST_F(Pull, DeletesByTagAndByDigest) {
  push_image("open/a", "1", "x");
  push_image("open/a", "2", "x");
  const auto digest = sha256_of(image_json(config_json("x")).dump());
  EXPECT_EQ(send("DELETE", manifest("open/a", "1")).status, 202);
  EXPECT_EQ(send("GET", manifest("open/a", "1")).status, 404);
  EXPECT_EQ(send("GET", manifest("open/a", "2")).status, 200);
  EXPECT_EQ(send("DELETE", manifest("open/a", digest)).status, 202);
  EXPECT_EQ(send("GET", manifest("open/a", "2")).status, 404);
  EXPECT_EQ(send("DELETE", manifest("open/a", digest)).status, 404);
  EXPECT_EQ(send("DELETE", manifest("open/a", "2"), {.as = "run"}).status, 403);
}

TEST_F(Pull, ListsTagsInPages) {
  for (const char* name : {"c", "a", "b"}) push_image("open/a", name, "x");
  const auto all = send("GET", "/v2/open/a/tags/list");
  EXPECT_EQ(all.body, R"({"name":"open/a","tags":["a","b","c"]})");
  EXPECT_EQ(all.header("Link"), "");
  const auto page = send("GET", "/v2/open/a/tags/list?n=2");
  EXPECT_EQ(page.json()["tags"].size(), 2U);
  EXPECT_EQ(page.header("Link"), "</v2/open/a/tags/list?n=2&last=b>; rel=\"next\"");
  EXPECT_EQ(send("GET", "/v2/open/a/tags/list?n=2&last=b").body, R"({"name":"open/a","tags":["c"]})");
  EXPECT_EQ(send("GET", "/v2/open/a/tags/list?last=a").json()["tags"].size(), 2U);
  const auto none = send("GET", "/v2/open/a/tags/list?n=0");
  EXPECT_EQ(none.body, R"({"name":"open/a","tags":[]})");
  EXPECT_EQ(none.header("Link"), "");
  EXPECT_EQ(send("GET", "/v2/open/a/tags/list?n=many").status, 400);
}

TEST_F(Pull, ListsRepositoriesWithoutStaging) {
  push_image("open/b", "1", "x");
  push_image("open/a", "1", "x");
  push_image("in/ann", "1", "x");
  approve_all();
  EXPECT_EQ(send("GET", "/v2/_catalog").body, R"({"repositories":["open/a","open/b","out/ann"]})");
  const auto page = send("GET", "/v2/_catalog?n=1");
  EXPECT_EQ(page.header("Link"), "</v2/_catalog?n=1&last=open%2Fa>; rel=\"next\"");
}

TEST_F(Pull, ListsReferrers) {
  push_image("open/a", "1", "x");
  const auto subject = image_json(config_json("x")).dump();
  Json artifact = image_json(config_json("x"));
  artifact.set("artifactType", "application/x.sbom")
      .set("annotations", Json::object({{"note", "hi"}}))
      .set("subject", descriptor(oci::media_type::kOciManifest, subject));
  const auto bytes = artifact.dump();
  EXPECT_EQ(put_manifest("open/a", sha256_of(bytes), bytes).header("OCI-Subject"), sha256_of(subject));
  const auto all = send("GET", "/v2/open/a/referrers/" + sha256_of(subject));
  EXPECT_EQ(all.header("Content-Type"), oci::media_type::kOciIndex);
  EXPECT_EQ(all.header("OCI-Filters-Applied"), "");
  const auto first = all.json()["manifests"].items().at(0);
  EXPECT_EQ(first["digest"].text(), sha256_of(bytes));
  EXPECT_EQ(first["artifactType"].text(), "application/x.sbom");
  EXPECT_EQ(first["annotations"]["note"].text(), "hi");
  const auto filtered = send("GET", "/v2/open/a/referrers/" + sha256_of(subject) + "?artifactType=application/y");
  EXPECT_EQ(filtered.header("OCI-Filters-Applied"), "artifactType");
  EXPECT_EQ(filtered.json()["manifests"].size(), 0U);
}

TEST_F(Pull, ReferrersOfNothingAreAnEmptyIndex) {
  const auto answer = send("GET", "/v2/open/none/referrers/" + sha256_of("x"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]})");
  EXPECT_EQ(send("GET", "/v2/open/a/referrers/sha256:1").status, 400);
}

}  // namespace
}  // namespace pratique::distribution
