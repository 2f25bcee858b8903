#include "daemon/aws_proxy.h"

#include "base/format.h"
#include "base/log.h"

namespace pratique::daemon {

std::vector<std::string> aws_names(const AwsConfig& config) {
  const auto& region = config.region;
  return {"sts.amazonaws.com", format("sts.{}.amazonaws.com", region), format("api.ecr.{}.amazonaws.com", region),
          format("ecr.{}.amazonaws.com", region), format("{}.dkr.ecr.{}.amazonaws.com", config.account, region)};
}

Result<std::unique_ptr<AwsProxy>> AwsProxy::start(const Config& config, const Clock& clock, http::Handler handler) {
  if (config.aws.proxy_address.empty()) return std::unique_ptr<AwsProxy>();
  const auto names = aws_names(config.aws);
  auto issued = TRY(proxy::issue_certificate(config.data + "/aws-proxy", "amazonaws.com", names, clock)
                        .with_context("making the proxy's certificate"));
  auto made = std::make_unique<AwsProxy>();
  made->authority_ = issued.authority;
  made->server_ = TRY(http::Server::start({.address = "", .tls = issued.server, .limits = config.limits}, handler));
  auto adopt = [server = made->server_.get()](os::Fd socket, std::string peer) {
    server->adopt(std::move(socket), std::move(peer));
  };
  made->proxy_ = TRY(proxy::ConnectProxy::start(
      {.address = config.aws.proxy_address, .port = config.aws.proxy_port, .hosts = names}, adopt));
  log::info("proxy listening", {{"address", config.aws.proxy_address}, {"port", made->port()}});
  return made;
}

}  // namespace pratique::daemon
