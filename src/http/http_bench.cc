// What the module claims: microseconds of server CPU for a small request, bytes a second in both directions. The client
// is a bare socket in this process, so that it costs little; its own thread's CPU is taken out of the figures.
#include "http/http.h"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "base/format.h"
#include "base/log.h"
#include "os/file.h"

namespace pratique::http {

namespace {

constexpr std::uint64_t kBodyBytes = 1ULL << 30;

double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
double server_cpu() {
  return cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD);
}

int connect_to(std::uint16_t port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
  return fd;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) std::abort();
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::unique_ptr<Server> serve(Handler handler) {
  log::configure(log::Level::Warn, log::Style::Logfmt);
  return std::move(Server::start({}, std::move(handler))).value();
}

void receive_head(int fd, std::string_view last) {
  char buffer[4096];
  std::string answer;
  while (!answer.ends_with(last)) {
    auto got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) std::abort();
    answer.append(buffer, static_cast<std::size_t>(got));
  }
}

void small_get(benchmark::State& state) {
  auto server = serve([](Request&) { return Response::json(200, "{\"ok\":true}"); });
  int fd = connect_to(server->port());
  auto before = server_cpu();
  for (auto _ : state) {
    send_all(fd, "GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1:5000\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n");
    receive_head(fd, "{\"ok\":true}");
  }
  state.counters["server_us"] = (server_cpu() - before) * 1e6 / static_cast<double>(state.iterations());
  state.counters["requests"] = benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  ::close(fd);
}
BENCHMARK(small_get)->UseRealTime();

Response sink(Request& request) {
  thread_local std::vector<std::byte> buffer(256 << 10);
  for (;;) {
    auto got = request.body->read(buffer);
    if (!got.ok()) return Response::problem(request, got.error());
    if (*got == 0) return Response::text(201, "stored");
  }
}

void put_sink(benchmark::State& state) {
  auto server = serve(sink);
  std::string piece(1 << 20, 'x');
  int fd = connect_to(server->port());
  auto before = server_cpu();
  for (auto _ : state) {
    send_all(fd, format("PUT /blob HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", kBodyBytes));
    for (std::uint64_t sent = 0; sent < kBodyBytes; sent += piece.size()) send_all(fd, piece);
    receive_head(fd, "stored");
  }
  state.counters["server_s_per_GiB"] = (server_cpu() - before) / static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kBodyBytes));
  ::close(fd);
}
BENCHMARK(put_sink)->Iterations(4)->UseRealTime()->Unit(benchmark::kMillisecond);

void put_sink_chunked(benchmark::State& state) {
  auto server = serve(sink);
  // 32 KiB chunks are what Go's clients send.
  std::string piece;
  for (int i = 0; i < 32; ++i) piece += "8000\r\n" + std::string(32 << 10, 'x') + "\r\n";
  int fd = connect_to(server->port());
  auto before = server_cpu();
  for (auto _ : state) {
    send_all(fd, "PATCH /blob HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::uint64_t sent = 0; sent < kBodyBytes; sent += 1 << 20) send_all(fd, piece);
    send_all(fd, "0\r\n\r\n");
    receive_head(fd, "stored");
  }
  state.counters["server_s_per_GiB"] = (server_cpu() - before) / static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kBodyBytes));
  ::close(fd);
}
BENCHMARK(put_sink_chunked)->Iterations(4)->UseRealTime()->Unit(benchmark::kMillisecond);

void get_file(benchmark::State& state) {
  auto directory = std::move(os::TemporaryDirectory::create()).value();
  auto path = directory.path() + "/blob";
  os::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  std::string piece(1 << 20, 'x');
  for (std::uint64_t written = 0; written < kBodyBytes; written += piece.size())
    (void)os::write_all(file, as_bytes(piece));
  auto server = serve([&](Request&) {
    Response response;
    response.body = FileBody{std::move(file.duplicate()).value(), 0, kBodyBytes};
    return response;
  });
  int fd = connect_to(server->port());
  auto before = server_cpu();
  std::string buffer(1 << 20, '\0');
  for (auto _ : state) {
    send_all(fd, "GET /blob HTTP/1.1\r\nHost: x\r\n\r\n");
    std::uint64_t received = 0;
    for (std::uint64_t expected = kBodyBytes; received < expected;) {
      auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) std::abort();
      // The head of the answer comes with the first bytes.
      if (received == 0) expected += std::string_view(buffer).substr(0, 4096).find("\r\n\r\n") + 4;
      received += static_cast<std::uint64_t>(got);
    }
  }
  state.counters["server_s_per_GiB"] = (server_cpu() - before) / static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kBodyBytes));
  ::close(fd);
}
BENCHMARK(get_file)->Iterations(4)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace pratique::http
