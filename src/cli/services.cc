#include "cli/services.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/format.h"
#include "base/random.h"

namespace pratique::cli {

namespace {

constexpr int kAskAgainMillis = 200;
// Who waits for us to speak first (a database) keeps the connection open and silent; that is an answer, too.
constexpr int kSilenceMillis = 1'000;
constexpr std::size_t kSecretBytes = 24;
constexpr std::size_t kPasswordLetters = 16;

bool answers(std::uint16_t port) {
  os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  constexpr std::string_view kQuestion = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
  if (::send(fd.get(), kQuestion.data(), kQuestion.size(), MSG_NOSIGNAL) < 0) return false;
  struct pollfd wait = {fd.get(), POLLIN, 0};
  if (::poll(&wait, 1, kSilenceMillis) == 0) return true;
  std::array<char, 64> buffer;
  return ::read(fd.get(), buffer.data(), buffer.size()) > 0;
}

}  // namespace

Status apply_profile(const std::string& profile, const Site& site, RunRequest& request) {
  auto& job = request.job;
  if (profile == "jupyter") {
    auto token = random_hex(kSecretBytes);
    job.ports.push_back({0, 8888, site.user.uid});
    // Read by jupyter_server and by the older notebook, in any image built on them.
    for (auto name : {"JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN"}) job.env.push_back(format("{}={}", name, token));
    job.env.emplace_back("JUPYTER_IP=127.0.0.1");
    request.ready_path = "/lab?token=" + token;
  } else if (profile == "rstudio") {
    auto password = random_password(kPasswordLetters);
    job.ports.push_back({0, 8787, site.user.uid});
    for (auto setting : {"DISABLE_AUTH=false", "RUNROOTLESS=false", "USER=rstudio"}) job.env.emplace_back(setting);
    job.env.push_back("PASSWORD=" + password);
    request.ready_path = "/  (user rstudio, password " + password + ")";
  } else if (profile == "vnc") {
    // The protocol looks at eight characters of a password.
    constexpr std::size_t kVncLetters = 8;
    auto password = random_password(kVncLetters);
    job.ports.push_back({0, 6080, site.user.uid});
    for (auto name : {"VNC_PW", "VNC_PASSWORD"}) job.env.push_back(format("{}={}", name, password));
    request.ready_path = "/vnc.html?autoconnect=true&password=" + password;
  } else {
    return invalid(format("--profile is jupyter, rstudio or vnc, not \"{}\"", profile));
  }
  return {};
}

struct ReadyProbe::Impl {
  os::Fd stop{::eventfd(0, EFD_CLOEXEC)};
  std::thread thread;
};

ReadyProbe::ReadyProbe(std::uint16_t port, std::chrono::seconds patience, std::function<void(bool)> told)
    : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([port, patience, told = std::move(told), stop = impl_->stop.get()] {
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (answers(port)) return told(true);
      struct pollfd wait = {stop, POLLIN, 0};
      if (::poll(&wait, 1, kAskAgainMillis) > 0) return;
    }
    told(false);
  });
}

ReadyProbe::~ReadyProbe() {
  ::eventfd_write(impl_->stop.get(), 1);
  impl_->thread.join();
}

}  // namespace pratique::cli
