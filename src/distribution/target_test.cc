#include "distribution/target.h"

#include <gtest/gtest.h>

#include <string>

namespace pratique::distribution {
namespace {

struct Row {
  std::string_view path;
  std::optional<Target> expected;
};

TEST(Target, ReadsEveryEndpointFromTheEndOfThePath) {
  const Row rows[] = {
      {"/v2", Target{}},
      {"/v2/", Target{}},
      {"/v2/token", Target{Endpoint::Token, {}, {}}},
      {"/v2/_catalog", Target{Endpoint::Catalog, {}, {}}},
      {"/v2/a/blobs/sha256:1", Target{Endpoint::Blob, "a", "sha256:1"}},
      {"/v2/a/b/c/blobs/x", Target{Endpoint::Blob, "a/b/c", "x"}},
      {"/v2/a/blobs/uploads/", Target{Endpoint::StartUpload, "a", {}}},
      {"/v2/a/blobs/uploads", Target{Endpoint::StartUpload, "a", {}}},
      {"/v2/a/blobs/uploads/77", Target{Endpoint::Upload, "a", "77"}},
      {"/v2/a/manifests/latest", Target{Endpoint::Manifest, "a", "latest"}},
      {"/v2/a/tags/list", Target{Endpoint::Tags, "a", {}}},
      {"/v2/a/referrers/sha256:1", Target{Endpoint::Referrers, "a", "sha256:1"}},
  };
  for (const auto& row : rows) EXPECT_EQ(parse_target(row.path), row.expected) << row.path;
}

TEST(Target, LetsARepositoryBeNamedLikeAnEndpoint) {
  const Row rows[] = {
      {"/v2/blobs/blobs/x", Target{Endpoint::Blob, "blobs", "x"}},
      {"/v2/a/tags/list/tags/list", Target{Endpoint::Tags, "a/tags/list", {}}},
      {"/v2/a/manifests/b/manifests/c", Target{Endpoint::Manifest, "a/manifests/b", "c"}},
      {"/v2/token/tags/list", Target{Endpoint::Tags, "token", {}}},
      {"/v2/a/blobs/uploads/manifests/x", Target{Endpoint::Manifest, "a/blobs/uploads", "x"}},
  };
  for (const auto& row : rows) EXPECT_EQ(parse_target(row.path), row.expected) << row.path;
}

TEST(Target, KnowsNoOtherPath) {
  for (const std::string_view path :
       {"", "/", "/v1/", "/v22/", "/v2/a", "/v2/a/", "/v2/blobs/x", "/v2//blobs", "/v2/manifests/x", "/v2/tags/list",
        "/v2/a/blobs/", "/v2/a/manifests/", "/v2/a/tags/lists", "/v2/token/", "/v2/a/blobs/uploads/x/"}) {
    EXPECT_EQ(parse_target(path), std::nullopt) << path;
  }
}

}  // namespace
}  // namespace pratique::distribution
