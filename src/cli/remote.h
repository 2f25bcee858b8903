// A gate, seen from the command line: its API and its registry under one sign-in.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "cli/arguments.h"
#include "http/http.h"
#include "transport/transport.h"

namespace pratique::cli {

class Remote {
 public:
  // --server / $PRATIQUE_SERVER / the one signed in to last; --user and --password-stdin / $PRATIQUE_USER and
  // $PRATIQUE_PASSWORD / what login stored. Invalid with what to do when there is no server; Denied without
  // credentials.
  static Result<Remote> connect(const Arguments& arguments);
  Remote(std::string url, transport::Credentials credentials);

  const std::string& url() const { return url_; }
  std::string host() const;  // "127.0.0.1:5000"
  const transport::Credentials& credentials() const { return credentials_; }
  std::unique_ptr<transport::RegistryClient> registry() const;

  // Paths are below /api/v1. The gate's own sentence becomes the error.
  Result<Json> get(const std::string& path);
  // The same without the prefix, for what is no part of the API.
  Result<std::string> get_page(const std::string& path);
  Result<std::string> get_text(const std::string& path, const std::string& accept);
  Result<Json> send(const std::string& method, const std::string& path, const Json& body);

 private:
  Result<http::ClientResponse> exchange(http::ClientRequest request);
  std::string url_;
  transport::Credentials credentials_;
  std::unique_ptr<http::Client> client_;
};

// "https://gate.example.org" from what a person types; plain http for loopback names. Invalid for anything else.
Result<std::string> normalise_url(std::string_view text);
// Remembers the gate for later commands (~/.config/pratique/server).
Status remember_server(const std::string& url);
std::string remembered_server();  // "" when there is none

}  // namespace pratique::cli
