#include "distribution/test_world.h"

namespace pratique::distribution {
namespace {

class Uploads : public World {
 protected:
  Answer patch(const std::string& path, std::string bytes, std::string range = "") {
    HeaderLines headers;
    if (!range.empty()) headers.emplace_back("Content-Range", range);
    return send("PATCH", path, {.body = std::move(bytes), .headers = headers});
  }
  Answer close(const std::string& path, std::string_view whole, std::string last = "", std::string range = "") {
    HeaderLines headers;
    if (!range.empty()) headers.emplace_back("Content-Range", range);
    return send("PUT", format("{}?digest={}", path, sha256_of(whole)), {.body = std::move(last), .headers = headers});
  }
  // What the conformance suite asks after each upload.
  void expect_stored(std::string_view whole, const Answer& created) {
    ASSERT_EQ(created.status, 201) << created.body;
    EXPECT_EQ(created.header("Docker-Content-Digest"), sha256_of(whole));
    EXPECT_EQ(send("GET", path_of(created)).body, whole);
    const auto head = send("HEAD", blob("open/a", whole));
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.content_length, whole.size());
    EXPECT_TRUE(head.body.empty());
  }
};

TEST_F(Uploads, TakePostThenPut) {
  const auto path = start_upload("open/a");
  expect_stored("hello", close(path, "hello", "hello"));
}

TEST_F(Uploads, TakeASinglePost) {
  for (const std::string bytes : {"hello", "", "{}"}) {
    const auto target = "/v2/open/a/blobs/uploads/?digest=" + sha256_of(bytes);
    expect_stored(bytes, send("POST", target, {.body = bytes}));
  }
}

TEST_F(Uploads, TakeStreamsWithoutLength) {
  const auto path = start_upload("open/a");
  const auto patched = send("PATCH", path, {.body = "hello", .is_chunked = true});
  EXPECT_EQ(patched.status, 202);
  EXPECT_EQ(patched.header("Range"), "0-4");
  expect_stored("hello", close(path_of(patched), "hello"));
}

TEST_F(Uploads, TakeChunksInOrder) {
  const auto first = patch(start_upload("open/a"), "abc", "0-2");
  const auto second = patch(path_of(first), "def", "3-5");
  EXPECT_EQ(second.header("Range"), "0-5");
  expect_stored("abcdefgh", close(path_of(second), "abcdefgh", "gh", "6-7"));
}

TEST_F(Uploads, RefuseChunksOutOfOrderAndGoOn) {
  const auto path = start_upload("open/a");
  ASSERT_EQ(patch(path, "abc", "0-2").status, 202);
  for (const char* range : {"0-2", "6-8", "2-4"}) {
    const auto refused = patch(path, "xyz", range);
    EXPECT_EQ(refused.status, 416) << range;
    EXPECT_EQ(path_of(refused), path);
    EXPECT_EQ(refused.header("Range"), "0-2");
  }
  EXPECT_EQ(close(path, "abcdef", "def", "0-2").status, 416);
  const auto status = send("GET", path);
  EXPECT_EQ(status.status, 204);
  EXPECT_EQ(status.header("Range"), "0-2");
  expect_stored("abcdef", close(path_of(status), "abcdef", "def", "3-5"));
}

TEST_F(Uploads, RefuseChunksOfAnotherLengthThanTheySay) {
  const auto path = start_upload("open/a");
  EXPECT_EQ(patch(path, "abc", "0-3").status, 400);
  EXPECT_EQ(patch(path, "abc", "0-1").code(), "SIZE_INVALID");
  const HeaderLines range = {{"Content-Range", "0-3"}};
  EXPECT_EQ(send("PATCH", path, {.body = "abc", .headers = range, .is_chunked = true}).status, 400);
  const HeaderLines next = {{"Content-Range", "3-4"}};
  EXPECT_EQ(send("PATCH", path, {.body = "defg", .headers = next, .is_chunked = true}).status, 400);
  EXPECT_EQ(send("GET", path).header("Range"), "0-2");
}

TEST_F(Uploads, RefuseNonsenseRanges) {
  const auto path = start_upload("open/a");
  for (const char* range : {"x", "5-2", "-", "0-"}) EXPECT_EQ(patch(path, "abc", range).status, 400) << range;
}

TEST_F(Uploads, VerifySha512ThatNobodyAnnounced) {
  const auto path = start_upload("open/a");
  ASSERT_EQ(patch(path, "hello").status, 202);
  const auto created = send("PUT", path + "?digest=" + sha512_of("hello"));
  ASSERT_EQ(created.status, 201);
  EXPECT_EQ(created.header("Docker-Content-Digest"), sha512_of("hello"));
  const auto got = send("GET", path_of(created));
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.header("Docker-Content-Digest"), sha512_of("hello"));
  EXPECT_EQ(send("HEAD", blob("open/a", "hello")).status, 404);
}

TEST_F(Uploads, MayAnnounceTheirAlgorithm) {
  EXPECT_EQ(send("POST", "/v2/open/a/blobs/uploads/?digest-algorithm=sha512").status, 202);
  EXPECT_EQ(send("POST", "/v2/open/a/blobs/uploads/?digest-algorithm=md5").status, 400);
}

TEST_F(Uploads, RefuseAWrongDigestEveryWay) {
  const auto wrong = sha256_of("other");
  EXPECT_EQ(send("POST", "/v2/open/a/blobs/uploads/?digest=" + wrong, {.body = "hello"}).code(), "DIGEST_INVALID");
  EXPECT_EQ(send("PUT", start_upload("open/a") + "?digest=" + wrong, {.body = "hello"}).status, 400);
  const auto path = start_upload("open/a");
  ASSERT_EQ(patch(path, "hello").status, 202);
  EXPECT_EQ(send("PUT", path + "?digest=" + wrong).status, 400);
  EXPECT_EQ(send("GET", path).status, 404);
}

TEST_F(Uploads, RefuseMalformedDigestsAndKeepTheSession) {
  const auto path = start_upload("open/a");
  for (const char* digest : {"", "?digest=", "?digest=sha256:12", "?digest=md5:00", "?digest=sha256:../../x"}) {
    const auto answer = send("PUT", path + digest, {.body = "x"});
    EXPECT_EQ(answer.status, 400) << digest;
    EXPECT_EQ(answer.code(), "DIGEST_INVALID");
  }
  EXPECT_EQ(send("GET", path).status, 204);
  EXPECT_EQ(send("POST", "/v2/open/a/blobs/uploads/?digest=x").status, 400);
  EXPECT_EQ(send("POST", "/v2/open/a/blobs/uploads/?mount=x&from=open/b").status, 400);
}

TEST_F(Uploads, CanBeCancelled) {
  const auto path = start_upload("open/a");
  EXPECT_EQ(send("DELETE", path).status, 204);
  for (const char* method : {"GET", "PATCH", "DELETE"}) {
    const auto answer = send(method, path);
    EXPECT_EQ(answer.status, 404) << method;
    EXPECT_EQ(answer.code(), "BLOB_UPLOAD_UNKNOWN");
  }
}

TEST_F(Uploads, AreUnknownToOthers) {
  const auto path = start_upload("open/a");
  EXPECT_EQ(send("PATCH", path, {.body = "x", .as = "bob"}).status, 404);
  EXPECT_EQ(send("GET", "/v2/open/a/blobs/uploads/no-such-id").status, 404);
}

TEST_F(Uploads, KeepWhatCameBeforeTheConnectionBroke) {
  const auto path = start_upload("open/a");
  EXPECT_EQ(send("PATCH", path, {.body = "hel", .is_chunked = true, .is_cut = true}).status, 503);
  EXPECT_EQ(send("GET", path).header("Range"), "0-2");
  expect_stored("hello", close(path, "hello", "lo", "3-4"));
}

TEST_F(Uploads, OfASinglePostThatBreaksLeaveNothingBehind) {
  const auto target = "/v2/open/a/blobs/uploads/?digest=" + sha256_of("hello");
  EXPECT_EQ(send("POST", target, {.body = "hel", .is_chunked = true, .is_cut = true}).status, 503);
  EXPECT_TRUE(store->unfinished_ingests().empty());
}

TEST_F(Uploads, MountFromWhatTheCallerMayRead) {
  ASSERT_EQ(push_blob("open/a", "hello"), 201);
  const auto answer =
      send("POST", "/v2/open/b/blobs/uploads/?mount=" + sha256_of("hello") + "&from=open/a", {.as = "bob"});
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(send("GET", path_of(answer)).body, "hello");
}

TEST_F(Uploads, MountWithoutSourceWhatTheCallerPushed) {
  ASSERT_EQ(push_blob("open/a", "hello"), 201);
  const auto target = "/v2/open/b/blobs/uploads/?mount=" + sha256_of("hello");
  EXPECT_EQ(send("POST", target).status, 201);
  EXPECT_EQ(send("POST", "/v2/open/c/blobs/uploads/?mount=" + sha256_of("hello"), {.as = "bob"}).status, 202);
}

TEST_F(Uploads, StartASessionWhereNothingCanBeMounted) {
  ASSERT_EQ(push_blob("in/ann", "staged"), 201);
  for (const std::string& query :
       {"mount=" + sha256_of("absent") + "&from=open/a", "mount=" + sha256_of("absent") + "&from=nowhere/x",
        "mount=" + sha256_of("absent") + "&from=NOT%20A%20NAME", "mount=" + sha256_of("staged") + "&from=in/ann"}) {
    const auto answer = send("POST", "/v2/open/b/blobs/uploads/?" + query);
    ASSERT_EQ(answer.status, 202) << query;
    EXPECT_EQ(close(path_of(answer), "bytes", "bytes").status, 201);
  }
}

TEST_F(Uploads, AreDeletedAsBlobs) {
  ASSERT_EQ(push_blob("open/a", "hello"), 201);
  EXPECT_EQ(send("DELETE", blob("open/a", "hello")).status, 202);
  EXPECT_EQ(send("HEAD", blob("open/a", "hello")).status, 404);
  EXPECT_EQ(send("DELETE", blob("open/a", "hello")).code(), "BLOB_UNKNOWN");
}

TEST_F(Uploads, EndWithTheRightToPush) {
  const auto session = start_upload("open/a");
  ASSERT_TRUE(identity->set_roles("ann", {identity::Role::Runner}).ok());
  EXPECT_EQ(send("PATCH", session, {.body = "hello"}).status, 403);
  EXPECT_EQ(close(session, "hello", "hello").status, 403);
  EXPECT_EQ(send("HEAD", blob("open/a", "hello")).status, 404);
}

TEST_F(Uploads, NeedTheRightToPush) {
  EXPECT_EQ(send("POST", "/v2/open/a/blobs/uploads/", {.as = "run"}).status, 403);
  EXPECT_EQ(send("POST", "/v2/out/ann/blobs/uploads/").status, 403);
  const auto elsewhere = send("POST", "/v2/in/bob/blobs/uploads/");
  EXPECT_EQ(elsewhere.status, 403);
  EXPECT_EQ(elsewhere.message(), "ann may push to in/ann only, not to in/bob");
  EXPECT_EQ(send("POST", "/v2/in/annabel/blobs/uploads/").status, 403);
  EXPECT_EQ(send("POST", "/v2/in/ann/deep/er/blobs/uploads/").status, 202);
}

}  // namespace
}  // namespace pratique::distribution
