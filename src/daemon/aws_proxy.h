// The zero-configuration road for AWS's command line: a CONNECT proxy for AWS's names, with a certificate of the gate's
// own authority, in front of the same handler that serves everybody else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "http/http.h"
#include "proxy/proxy.h"

namespace pratique::daemon {

// The names that lead to the gate: STS, ECR and this account's registry, in the configured region.
std::vector<std::string> aws_names(const AwsConfig& config);

class AwsProxy {
 public:
  // Null where the configuration has no proxy. Errors as http::Server and proxy.
  static Result<std::unique_ptr<AwsProxy>> start(const Config& config, const Clock& clock, http::Handler handler);
  std::uint16_t port() const { return proxy_->port(); }
  const std::string& authority() const { return authority_; }  // what clients trust: a file

 private:
  std::string authority_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<proxy::ConnectProxy> proxy_;  // ends first: it hands connections to the server
};

}  // namespace pratique::daemon
