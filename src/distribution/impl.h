// What every file of the module shares. Private.
#pragma once

#include <span>

#include "distribution/distribution.h"
#include "distribution/target.h"

namespace pratique::distribution {

// One request after authentication, aimed at a repository whose namespace exists.
struct Call {
  http::Request& request;
  const identity::Principal& who;
  oci::RepositoryName repository;
  registry::Namespace space;
  std::string last;    // digest, tag or upload id as sent
  std::string origin;  // "https://gate.example.org"

  bool is_head() const { return request.method == "HEAD"; }
  std::string address(std::string_view rest) const;  // "<origin>/v2/<repository>/<rest>"
};

// A manifest that may be read now.
struct Readable {
  oci::Digest digest;
  std::optional<gate::AdmittedImage> image;  // in an approved namespace: the admission, for the journal
};

struct Route {
  Endpoint endpoint;
  std::string_view method;
  http::Response (Distribution::Impl::*handler)(Call&);
};

struct Distribution::Impl {
  registry::Registry& registry;
  store::Store& store;
  identity::Identity& identity;
  gate::Gate& gate;
  const Options options;

  // -- routing and identity: distribution.cc, auth.cc, token.cc ------------------------------------------------------
  http::Response answer(http::Request& request);
  http::Response dispatch(http::Request& request, const Target& target, const identity::Principal& who);
  static std::span<const Route> routes();  // what is asked of a repository
  http::Response call_handler(Call& call, Endpoint endpoint, std::string_view method);
  http::Response issue_token(http::Request& request);
  Result<identity::Principal> authenticate(const http::Request& request);
  http::Response challenge(const http::Request& request, const Target& target, const Error& error) const;
  bool is_like_ecr(const http::Request& request, const Target& target) const;
  std::string origin_of(const http::Request& request) const;

  // -- reading: pull.cc, list.cc -------------------------------------------------------------------------------------
  http::Response read_blob(Call& call);
  http::Response read_manifest(Call& call);
  http::Response list_tags(Call& call);
  http::Response list_referrers(Call& call);
  http::Response list_repositories(http::Request& request);
  http::Response answer_v1(http::Request& request);  // search.cc

  // -- writing: uploads.cc, push.cc, remove.cc -----------------------------------------------------------------------
  http::Response start_upload(Call& call);
  http::Response append_upload(Call& call);
  http::Response finish_upload(Call& call);
  http::Response describe_upload(Call& call);
  http::Response cancel_upload(Call& call);
  http::Response put_manifest(Call& call);
  http::Response answer_with_verdict(const Call& call, http::Response created,
                                     std::vector<registry::StagedImage> images);
  http::Response delete_manifest(Call& call);
  http::Response delete_blob(Call& call);
  // Takes what the body holds and closes the upload. The digest of the mounted blob, or nullopt: send it.
  http::Response finish(Call& call, registry::Upload upload, const oci::Digest& digest);
  void note_progress(const Call& call);
  Result<std::optional<oci::Digest>> try_mount(const Call& call);

  // The one gate in front of bytes: what may be read under this reference, or why nothing may.
  Result<Readable> admit_manifest(const Call& call, const oci::ManifestReference& reference);
  Status admit_blob(const oci::RepositoryName& repository, const registry::Namespace& space, const oci::Digest& blob);
};

}  // namespace pratique::distribution
