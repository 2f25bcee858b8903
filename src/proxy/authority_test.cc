#include <gmock/gmock.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "os/file.h"
#include "proxy/proxy.h"

namespace pratique::proxy {

namespace {

using ::testing::HasSubstr;

class AuthorityTest : public ::testing::Test {
 protected:
  Result<Issued> issue(const std::vector<std::string>& names = {"sts.amazonaws.com",
                                                                "api.ecr.us-east-1.amazonaws.com"}) {
    return issue_certificate(path("proxy"), "amazonaws.com", names, clock_);
  }
  std::string path(std::string_view name) const { return directory_.path() + "/" + std::string(name); }
  static unsigned mode_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 0777;
  }
  // Whether somebody who trusts the authority takes its certificate for that name.
  static bool is_trusted(const Issued& issued, const std::string& name) {
    auto* store = X509_STORE_new();
    EXPECT_EQ(X509_STORE_load_file(store, issued.authority.c_str()), 1);
    auto* file = BIO_new_file(issued.server.certificate.c_str(), "r");
    auto* certificate = PEM_read_bio_X509(file, nullptr, nullptr, nullptr);
    auto* context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, certificate, nullptr);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    const bool good = X509_verify_cert(context) == 1 && X509_check_host(certificate, name.c_str(), 0, 0, nullptr) == 1;
    X509_STORE_CTX_free(context);
    X509_free(certificate);
    BIO_free(file);
    X509_STORE_free(store);
    return good;
  }

  SystemClock clock_;
  os::TemporaryDirectory directory_ = std::move(*os::TemporaryDirectory::create());
};

TEST_F(AuthorityTest, KeysAreForTheOwnerAlone) {
  auto issued = issue();
  ASSERT_TRUE(issued.ok()) << issued.error().message();
  EXPECT_EQ(mode_of(path("proxy/authority.key")), 0600u);
  EXPECT_EQ(mode_of(issued->server.key), 0600u);
  EXPECT_EQ(mode_of(issued->authority), 0644u);
}

TEST_F(AuthorityTest, TheAuthorityStaysAndItsCertificatesAreNew) {
  auto first = issue();
  auto authority = os::read_file(first->authority, 1 << 20).value();
  auto certificate = os::read_file(first->server.certificate, 1 << 20).value();
  auto second = issue();
  EXPECT_EQ(os::read_file(second->authority, 1 << 20).value(), authority);
  EXPECT_NE(os::read_file(second->server.certificate, 1 << 20).value(), certificate);
}

TEST_F(AuthorityTest, ItsCertificatesAreTrustedForTheirNames) {
  auto issued = issue();
  EXPECT_TRUE(is_trusted(*issued, "sts.amazonaws.com"));
  EXPECT_FALSE(is_trusted(*issued, "s3.amazonaws.com"));
}

TEST_F(AuthorityTest, TrustingItOpensNoDoorButItsDomain) {
  EXPECT_FALSE(is_trusted(*issue({"example.org"}), "example.org"));
}

TEST_F(AuthorityTest, RefusesAKeyThatOthersMayRead) {
  ASSERT_TRUE(issue().ok());
  ASSERT_EQ(::chmod(path("proxy/authority.key").c_str(), 0644), 0);
  EXPECT_EQ(issue().error().kind(), ErrorKind::Denied);
}

TEST_F(AuthorityTest, RefusesFilesThatAreNoAuthority) {
  ASSERT_TRUE(issue().ok());
  ASSERT_TRUE(os::write_file(path("proxy/authority.pem"), "rubbish", 0644).ok());
  EXPECT_EQ(issue().error().kind(), ErrorKind::Corrupt);
}

}  // namespace

}  // namespace pratique::proxy
