// Talking to one registry: which scheme it speaks, who we are there, and patience when it is busy.
//
// States of authorisation: nothing known → probe of /v2/ → anonymous, Basic, or Bearer with one token a scope. A 401
// makes the token be fetched again once; a second 401 is the answer. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "http/http.h"
#include "transport/header_values.h"
#include "transport/transport.h"

namespace pratique::transport {

enum class Access { Pull, Push };
// "repository:NAME:pull,push" as token servers want it.
std::string scope_of(const oci::RepositoryName& repository, Access access);

// May the request be sent again after it may have reached the registry?
enum class Repeat { Never, Safely };

class Session {
 public:
  explicit Session(RegistryClient::Options options);

  // Sends a request with authorisation for `scope`. `request.url` is a path ("/v2/…") or a whole URL; credentials go to
  // the registry's own origin only. Safely: tried again on Unavailable, 502, 503 and 504, with growing pauses.
  // 429 is waited for as Retry-After says, within limits. Any status is ok().
  Result<http::ClientResponse> send(http::ClientRequest request, const std::string& scope, Repeat repeat);
  // "https://host" once it is known that a registry answers there.
  Result<std::string> base();

 private:
  struct Token {
    std::string value;
    std::chrono::steady_clock::time_point good_until;
  };
  struct State {
    std::optional<Challenge> challenge;
    std::map<std::string, Token> tokens;  // by scope
  };

  Result<std::string> probe();
  Result<std::string> try_scheme(const std::string& scheme);
  void learn(const http::ClientResponse& response);
  Result<std::optional<std::string>> authorization(const std::string& scope);
  Result<std::optional<std::string>> bearer(const Challenge& challenge, const std::string& scope);
  Result<Token> fetch_token(const Challenge& challenge, const std::string& scope);
  http::ClientRequest token_request(const Challenge& challenge, const std::string& scope) const;
  std::optional<std::string> known_token(const std::string& scope);
  void forget_token(const std::string& scope, std::string_view refused);
  Result<http::ClientResponse> send_once(const http::ClientRequest& request, const std::string& scope,
                                         std::optional<std::string>& used);
  Result<http::ClientResponse> transfer(const http::ClientRequest& request);

  const RegistryClient::Options options_;
  const std::string host_;  // where to connect: Docker Hub's API has another name than its images
  http::Client client_;
  http::Client patient_client_;  // for PUT: a gate may scan before it answers
  std::mutex probing_;
  std::string base_;     // guarded by probing_
  std::mutex fetching_;  // one token request at a time: parallel uploads would all ask for the same
  Guarded<State> state_;
};

// Waits before the n-th repetition (0, 1, …) of what failed: 250 ms, doubled each time.
void pause_before_repeat(int repetition);

// An answer other than the expected one as an Error: 401 and 403 Denied, 404 NotFound, 413 Limit, 429 and 5xx
// Unavailable, else Invalid; with what the registry said.
Error registry_error(const http::ClientResponse& response, std::string_view doing);

}  // namespace pratique::transport
