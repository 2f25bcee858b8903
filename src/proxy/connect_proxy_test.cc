#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/format.h"
#include "base/guarded.h"
#include "os/file.h"
#include "proxy/proxy.h"

namespace pratique::proxy {

namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Connects, sends, and reads to the end.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  Peer& send(std::string_view text) {
    EXPECT_TRUE(os::write_all(socket_, as_bytes(text)).ok());
    return *this;
  }
  std::string receive() { return os::read_to_end(socket_, 1 << 20).value_or(""); }

 private:
  os::Fd socket_;
};

constexpr std::string_view kConnect = "CONNECT sts.amazonaws.com:443 HTTP/1.1\r\nHost: sts.amazonaws.com:443\r\n\r\n";

// Whoever is adopted hears "adopted <peer>".
class ConnectProxyTest : public ::testing::Test {
 protected:
  void start(Options options = {}) {
    options.hosts = {"sts.amazonaws.com"};
    proxy_ = std::move(*ConnectProxy::start(options, [](os::Fd socket, const std::string& peer) {
      EXPECT_TRUE(os::write_all(socket, as_bytes("adopted " + peer)).ok());
    }));
  }
  std::string ask(std::string_view text) { return Peer(proxy_->port()).send(text).receive(); }
  std::unique_ptr<ConnectProxy> proxy_;
};

TEST_F(ConnectProxyTest, HandsOverWhoAsksForANamedHost) {
  start();
  EXPECT_EQ(ask(kConnect), "HTTP/1.1 200 Connection established\r\n\r\nadopted 127.0.0.1");
}

TEST_F(ConnectProxyTest, AHeadMayComeInPieces) {
  start();
  Peer peer(proxy_->port());
  for (char c : kConnect) peer.send(std::string_view(&c, 1));
  EXPECT_THAT(peer.receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ConnectProxyTest, RefusesOtherHostsPortsMethodsAndRubbish) {
  start();
  EXPECT_THAT(ask("CONNECT example.org:443 HTTP/1.1\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 403"), HasSubstr("names sts")));
  EXPECT_THAT(ask("CONNECT sts.amazonaws.com:22 HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask("GET http://127.0.0.1/ HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask("rubbish\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask(std::string(kConnect) + "early"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask(std::string(10'000, 'a')), StartsWith("HTTP/1.1 431"));
}

TEST_F(ConnectProxyTest, CutsWhoeverSaysNothing) {
  start({.head_timeout = milliseconds(50)});
  EXPECT_EQ(ask("CONNECT sts"), "");
}

TEST_F(ConnectProxyTest, AFullHouseWaitsInsteadOfFailing) {
  start({.heads_waiting_max = 2, .head_timeout = milliseconds(200)});
  Peer first(proxy_->port()), second(proxy_->port());
  first.send("CONN");
  second.send("CONN");
  EXPECT_THAT(ask(kConnect), StartsWith("HTTP/1.1 200"));
}

TEST_F(ConnectProxyTest, SaysWhenItCannotListen) {
  start();
  auto again = ConnectProxy::start({.port = proxy_->port()}, [](os::Fd, const std::string&) {});
  EXPECT_EQ(again.error().kind(), ErrorKind::Unavailable);
  auto nowhere = ConnectProxy::start({.address = "nowhere"}, [](os::Fd, const std::string&) {});
  EXPECT_EQ(nowhere.error().kind(), ErrorKind::Invalid);
}

}  // namespace

}  // namespace pratique::proxy
