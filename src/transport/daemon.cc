#include "transport/daemon.h"

#include <chrono>
#include <cstdlib>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"
#include "os/file.h"
#include "os/process.h"
#include "transport/archive_file.h"
#include "transport/docker_archive.h"
#include "transport/header_values.h"
#include "transport/layout.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

constexpr std::string_view kDefaultSocket = "/var/run/docker.sock";
// podman writes 40 GB in a few minutes on a slow disk.
constexpr std::chrono::minutes kSaveTimeout{60};

struct Daemon {
  std::string url;     // "http://localhost"
  std::string socket;  // "" for TCP
};

Result<Daemon> find_daemon(const std::string& socket) {
  if (!socket.empty()) return Daemon{"http://localhost", socket};
  const char* variable = std::getenv("DOCKER_HOST");
  std::string_view host = variable ? variable : "";
  if (host.empty()) return Daemon{"http://localhost", std::string(kDefaultSocket)};
  if (host.starts_with("unix://")) return Daemon{"http://localhost", std::string(host.substr(7))};
  const char* with_tls = std::getenv("DOCKER_TLS_VERIFY");
  if (host.starts_with("tcp://") && !(with_tls && *with_tls)) return Daemon{format("http://{}", host.substr(6)), ""};
  return invalid(
      format("DOCKER_HOST=\"{}\" is reached by neither unix:// nor tcp:// without TLS: use docker save and "
             "docker-archive:FILE",
             printable(host)));
}

Result<os::Fd> save_from(const Daemon& daemon, std::string_view reference) {
  os::Fd scratch = TRY(scratch_file());
  std::uint64_t left = kUnpackedBytesMax;
  http::ClientRequest request{.url = with_query(daemon.url + "/images/get", "names", reference)};
  request.unix_socket = daemon.socket;
  request.sink = [&](Bytes bytes) -> Status {
    if (bytes.size() > left) return over_limit("the daemon's archive grows beyond every limit");
    left -= bytes.size();
    return os::write_all(scratch, bytes);
  };
  http::Client client;
  auto where = daemon.socket.empty() ? daemon.url : daemon.socket;
  auto response = TRY(client.send(request).with_context("asking the docker daemon at " + where));
  if (response.status == 404) return not_found(format("the docker daemon has no image \"{}\"", printable(reference)));
  if (response.status != 200) {
    auto said = error_text(response.body);
    return unavailable(format("the docker daemon: {}", said.empty() ? format("HTTP {}", response.status) : said));
  }
  return scratch;
}

// A name goes to another program's command line: nothing that could be taken for an option or a transport.
Status check_name(std::string_view reference) {
  auto is_id_char = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  bool is_id = reference.size() >= 12 && std::all_of(reference.begin(), reference.end(), is_id_char);
  if (is_id || oci::Reference::parse(reference).ok()) return {};
  return invalid(format("\"{}\" is no image name", printable(reference)));
}

Result<os::Command> save_command(std::string_view reference, const std::string& file) {
  std::string name(reference);
  if (os::find_program("podman")) {
    return os::Command{.program = "podman",
                       .args = {"save", "--quiet", "--format", "oci-archive", "-o", file, "--", name}};
  }
  if (os::find_program("skopeo")) {
    return os::Command{.program = "skopeo",
                       .args = {"copy", "--quiet", "--", "containers-storage:" + name, "oci-archive:" + file}};
  }
  return unavailable("containers-storage: needs podman or skopeo, and neither is installed");
}

}  // namespace

Result<std::unique_ptr<Image>> open_daemon(std::string_view reference, const OpenOptions& options) {
  TRY(check_name(reference));
  auto daemon = TRY(find_daemon(options.daemon_socket));
  auto archive = TRY(save_from(daemon, reference));
  auto index = TRY(TarIndex::read(archive).with_context("the docker daemon's archive"));
  // One image was asked for, by whatever name or id: it is the one in the archive.
  return open_docker_tree(archive_tree(std::move(archive), std::move(index)), "", options.platform);
}

Result<std::unique_ptr<Image>> open_containers_storage(std::string_view reference, const OpenOptions& options) {
  TRY(check_name(reference));
  auto directory = TRY(os::TemporaryDirectory::create());
  std::string file = directory.path() + "/image.tar";
  auto command = TRY(save_command(reference, file));
  auto output = TRY(os::run(command, {}, kSaveTimeout).with_context(command.program));
  if (!output.exit.ok()) return not_found(format("{}: {}", command.program, printable(trim(output.err), 2'000)));
  auto archive = TRY(open_archive(file));
  auto index = TRY(TarIndex::read(archive).with_context(command.program + "'s archive"));
  return open_layout(archive_tree(std::move(archive), std::move(index)), "", options.platform);
}

}  // namespace pratique::transport
