// Answers that are waited for: they hold no worker, they are bounded, and they end when the server does.
#include <gmock/gmock.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "http/test_peer.h"

namespace pratique::http {

namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kWait = "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
constexpr std::string_view kQuick = "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";

class WaitsTest : public testing::Test {
 protected:
  void start(const ServerLimits& limits) {
    server_ = start_or_die({.limits = limits}, [this](Request& request) { return handle(request); });
  }
  void TearDown() override { release(); }

  Response handle(Request& request) {
    if (request.path != "/wait") return Response::text(200, "quick");
    Response response;
    response.later = [this, &request](const std::atomic<bool>& hurry) { return await(request, hurry); };
    return response;
  }
  Response await(Request& request, const std::atomic<bool>& hurry) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    while (!released_ && !hurry) changed_.wait_for(lock, milliseconds(5));
    return Response::text(200, (hurry ? "hurried " : "waited ") + read_all(*request.body, 10).value_or("no body"));
  }
  void await_waiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  void release() {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool released_ = false;
  std::unique_ptr<Server> server_;
};

TEST_F(WaitsTest, leave_the_workers_to_others) {
  start({.workers_max = 1});
  std::deque<RawPeer> waiting;
  for (int i = 0; i < 20; ++i) waiting.emplace_back(server_->port()).send(kWait);
  await_waiting(20);
  EXPECT_THAT(RawPeer(server_->port()).send(kQuick).receive_response(), EndsWith("quick"));
  release();
  for (auto& peer : waiting) EXPECT_THAT(peer.receive_response(), EndsWith("waited ab"));
}

TEST_F(WaitsTest, keep_their_connection_for_the_next_request) {
  start({});
  RawPeer peer(server_->port());
  peer.send(std::string(kWait) + std::string(kQuick));  // pipelined
  await_waiting(1);
  release();
  EXPECT_THAT(peer.receive_response(), EndsWith("waited ab"));
  EXPECT_THAT(peer.receive_response(), EndsWith("quick"));
  EXPECT_THAT(peer.send(kQuick).receive_response(), EndsWith("quick"));
  EXPECT_EQ(server_->counters().requests_total, 3U);
}

TEST_F(WaitsTest, beyond_their_number_are_hurried) {
  start({.waits_max = 1});
  RawPeer first(server_->port()), second(server_->port());
  first.send(kWait);
  await_waiting(1);
  EXPECT_THAT(second.send(kWait).receive_response(), EndsWith("hurried ab"));
  release();
  EXPECT_THAT(first.receive_response(), EndsWith("waited ab"));
}

TEST_F(WaitsTest, end_when_the_server_stops) {
  start({});
  RawPeer peer(server_->port());
  peer.send(kWait);
  await_waiting(1);
  server_->stop(milliseconds(60'000));  // returns long before that
  EXPECT_THAT(peer.receive(), EndsWith("hurried ab"));
}

TEST_F(WaitsTest, are_not_asked_of_a_client_that_asks_too_often) {
  start({.requests_per_second_per_client = 1});
  std::string last;
  RawPeer peer(server_->port());
  for (int i = 0; i < 12; ++i) last = peer.send(kQuick).receive_response();
  EXPECT_THAT(last, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(last, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(last, HasSubstr("{\"errors\":[{\"code\":\"TOOMANYREQUESTS\""));
}

TEST_F(WaitsTest, one_address_has_its_share_of_connections) {
  start({.connections_per_client_max = 2});
  RawPeer first(server_->port()), second(server_->port());
  EXPECT_THAT(first.send(kQuick).receive_response(), EndsWith("quick"));
  EXPECT_THAT(second.send(kQuick).receive_response(), EndsWith("quick"));
  EXPECT_THAT(RawPeer(server_->port()).receive(), StartsWith("HTTP/1.1 429 "));
}

}  // namespace

}  // namespace pratique::http
