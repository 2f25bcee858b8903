#include "http/tls.h"

#include <gmock/gmock.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/format.h"
#include "http/certificates.h"
#include "http/test_peer.h"
#include "os/file.h"

namespace pratique::http {

namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

void write_pem(const std::string& path, const std::function<int(BIO*)>& write) {
  BIO* bio = BIO_new_file(path.c_str(), "w");
  ASSERT_NE(bio, nullptr);
  EXPECT_EQ(write(bio), 1);
  BIO_free(bio);
}

// A self-signed certificate for 127.0.0.1, valid for an hour, which is its own authority.
TlsFiles make_certificate(const std::string& directory, const std::string& name) {
  TlsFiles files{directory + "/" + name + ".pem", directory + "/" + name + ".key"};
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  auto* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("gate"), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  for (auto [extension, value] :
       {std::pair(NID_subject_alt_name, "IP:127.0.0.1"), std::pair(NID_basic_constraints, "critical,CA:TRUE")}) {
    auto* made = X509V3_EXT_conf_nid(nullptr, nullptr, extension, value);
    X509_add_ext(certificate, made, -1);
    X509_EXTENSION_free(made);
  }
  EXPECT_NE(X509_sign(certificate, key, EVP_sha256()), 0);
  write_pem(files.certificate, [&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  write_pem(files.key,
            [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() : files_(make_certificate(directory_.path(), "gate")) {
    server_ = start_or_die({.tls = files_, .limits = {.header_timeout = milliseconds(200)}},
                           [this](Request& request) { return handle(request); });
  }

  Response handle(Request& request) {
    if (request.path == "/file") return file();
    if (request.path == "/stream") return stream();
    auto body = read_all(*request.body, 64 << 20);
    if (!body.ok()) return Response::problem(request, body.error());
    return Response::text(200, format("{} {} {}", request.origin(), request.is_tls ? "tls" : "plain", *body));
  }
  Response file() const {
    auto path = directory_.path() + "/file";
    EXPECT_TRUE(os::write_file(path, std::string(5'000'000, 'f')).ok());
    Response response;
    response.body = FileBody{std::move(os::open_for_reading(path)).value(), 1, 4'999'998};
    return response;
  }
  static Response stream() {
    Response response;
    response.body = [left = 40]() mutable -> Result<std::string> {
      return left-- > 0 ? std::string(100'000, 's') : std::string();
    };
    return response;
  }

  Client trusting() const { return Client({.ca_file = files_.certificate}); }
  std::string url(std::string_view path) const { return url_of(*server_, path, "https"); }
  std::string body_of(const ClientRequest& request) {
    auto answer = trusting().send(request);
    return answer.ok() ? answer->body : answer.error().message();
  }

  os::TemporaryDirectory directory_ = std::move(os::TemporaryDirectory::create()).value();
  TlsFiles files_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, requests_and_answers_are_the_same_inside) {
  EXPECT_EQ(body_of({.method = "PUT", .url = url("/"), .body = "hi"}),
            format("https://127.0.0.1:{} tls hi", server_->port()));
}

TEST_F(TlsTest, connections_are_kept) {
  Client client = trusting();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(client.send({.url = url("/")}).ok());
  EXPECT_EQ(server_->counters().connections_total, 1U);
}

TEST_F(TlsTest, large_bodies_pass_both_ways) {
  auto sent = body_of({.method = "PUT", .url = url("/"), .body = std::string(20'000'000, 'b')});
  EXPECT_EQ(std::count(sent.begin(), sent.end(), 'b'), 20'000'000);
  EXPECT_EQ(body_of({.url = url("/file")}), std::string(4'999'998, 'f'));
  EXPECT_EQ(body_of({.url = url("/stream")}), std::string(4'000'000, 's'));
}

TEST_F(TlsTest, a_head_of_many_records_is_read_whole) {
  for (std::size_t size : {16'000, 16'384, 20'000, 40'000, 60'000}) {
    ClientRequest request{.url = url("/")};
    request.headers.add("X-Large", std::string(size, 'h'));
    EXPECT_THAT(body_of(request), HasSubstr(" tls ")) << size;
  }
}

TEST_F(TlsTest, an_unknown_certificate_is_named) {
  auto answer = Client().send({.url = url("/")});
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message(),
              StartsWith(format("the TLS certificate of 127.0.0.1:{} is not trusted: ", server_->port())));
  EXPECT_TRUE(Client({.verify_tls = false}).send({.url = url("/")}).ok());
}

TEST_F(TlsTest, a_missing_ca_file_is_named) {
  auto answer = Client({.ca_file = "/nonexistent"}).send({.url = url("/")});
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message(), StartsWith("the CA file /nonexistent cannot be used"));
}

TEST_F(TlsTest, a_redirect_to_plain_http_is_not_followed) {
  auto redirecting = start_or_die({.tls = files_}, [](Request&) {
    Response response{.status = 302};
    response.headers.add("Location", "http://127.0.0.1/");
    return response;
  });
  auto answer = trusting().send({.url = url_of(*redirecting, "/", "https")});
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message(), HasSubstr("plain http"));
}

TEST_F(TlsTest, plain_http_is_told_about_tls) {
  auto answer = exchange(server_->port(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, HasSubstr("plain HTTP was spoken to a port for TLS"));
}

TEST_F(TlsTest, garbage_and_silence_are_closed) {
  RawPeer garbage(server_->port()), silent(server_->port()), half(server_->port());
  garbage.send(std::string(100, '\xff'));
  half.send("\x16\x03\x01\x02");
  EXPECT_THAT(garbage.receive(), testing::Not(HasSubstr("HTTP")));
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(half.is_closed());
}

TEST_F(TlsTest, files_that_do_not_serve_are_refused_at_start) {
  auto other = make_certificate(directory_.path(), "other");
  for (const auto& [files, said] :
       {std::pair(TlsFiles{"/nonexistent", files_.key}, "reading the TLS certificate /nonexistent"),
        std::pair(TlsFiles{files_.certificate, "/nonexistent"}, "reading the TLS key /nonexistent"),
        std::pair(TlsFiles{files_.certificate, other.key}, "key")}) {
    auto server = Server::start({.tls = files}, [](Request&) { return Response{}; });
    ASSERT_FALSE(server.ok());
    EXPECT_EQ(server.error().kind(), ErrorKind::Invalid);
    EXPECT_THAT(server.error().message(), HasSubstr(said));
  }
}

class RenewalTest : public TlsTest {
 protected:
  // Replaces the server's files by those of another pair, as a renewal does.
  void install(const std::string& from, const std::string& to) {
    auto bytes = os::read_file(from, 1 << 20);
    ASSERT_TRUE(bytes.ok());
    ASSERT_TRUE(os::write_file(to, *bytes).ok());
  }
  void install(const TlsFiles& pair) {
    install(pair.certificate, files_.certificate);
    install(pair.key, files_.key);
  }
  RenewalTest() : next_(make_certificate(directory_.path(), "next")) { install(files_.certificate, old_); }

  TlsFiles next_;
  std::string old_ = directory_.path() + "/old.pem";
};

TEST_F(RenewalTest, takes_a_new_certificate_and_drops_no_connection) {
  Client standing({.ca_file = old_});
  EXPECT_TRUE(standing.send({.url = url("/")}).ok());
  install(next_);
  ASSERT_TRUE(server_->reload_certificates().ok());
  EXPECT_TRUE(standing.send({.url = url("/")}).ok());
  EXPECT_EQ(server_->counters().connections_total, 1U);
  EXPECT_TRUE(Client({.ca_file = next_.certificate}).send({.url = url("/")}).ok());
  EXPECT_FALSE(Client({.ca_file = old_}).send({.url = url("/")}).ok());
}

TEST_F(RenewalTest, of_half_a_pair_leaves_the_old_one_in_use) {
  install(next_.certificate, files_.certificate);
  auto reloaded = server_->reload_certificates();
  ASSERT_FALSE(reloaded.ok());
  EXPECT_EQ(reloaded.error().kind(), ErrorKind::Invalid);
  EXPECT_TRUE(Client({.ca_file = old_}).send({.url = url("/")}).ok());
}

TEST_F(RenewalTest, is_noticed_by_the_files_themselves) {
  auto certificates = std::move(Certificates::load(files_)).value();
  auto* first = certificates.current().get();
  certificates.refresh();
  EXPECT_EQ(certificates.current().get(), first);
  install(next_.certificate, files_.certificate);
  certificates.refresh();  // half of it
  EXPECT_EQ(certificates.current().get(), first);
  install(next_.key, files_.key);
  certificates.refresh();
  EXPECT_NE(certificates.current().get(), first);
}

}  // namespace

}  // namespace pratique::http
