#include "cli/targets.h"

#include "base/format.h"
#include "base/text.h"

namespace pratique::cli {

Result<transport::OpenOptions> open_options(const Arguments& arguments) {
  transport::OpenOptions options;
  std::string platform = arguments.value("--platform");
  auto parts = cut(platform, "/");
  if (!parts || parts->first.empty() || parts->second.empty())
    return invalid(format("--platform is OS/ARCH such as linux/amd64, not \"{}\"", printable(platform)));
  auto variant = cut(parts->second, "/");
  options.platform = {std::string(parts->first), std::string(variant ? variant->first : parts->second),
                      std::string(variant ? variant->second : "")};
  std::string verify = arguments.value("--tls-verify");
  if (verify != "true" && verify != "false") return invalid("--tls-verify is true or false");
  options.verify_tls = verify == "true";
  return options;
}

Result<oci::Reference> approved_reference(const Remote& remote, const std::string& text) {
  std::string name(text);
  if (auto scheme = cut(name, "://"); scheme && scheme->first == "docker") name = std::string(scheme->second);
  std::string host = remote.host() + "/";
  if (name.starts_with(host)) name = name.substr(host.size());
  auto reference = TRY(oci::Reference::parse(remote.host() + "/" + name, remote.host()));
  if (reference.registry != remote.host())
    return invalid(format("{} is at another registry than the gate {}", printable(text), remote.host()));
  return reference;
}

oci::ManifestReference manifest_reference(const oci::Reference& reference) {
  if (reference.digest) return *reference.digest;
  CHECK(reference.tag.has_value(), "a reference has a tag or a digest");
  return *reference.tag;
}

}  // namespace pratique::cli
