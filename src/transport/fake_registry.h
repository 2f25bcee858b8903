// An imposter of a registry for this module's tests: the protocol in memory, with the faults real ones have.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/http.h"
#include "transport/transport.h"

namespace pratique::transport {

class FakeRegistry {
 public:
  enum class Login { None, Basic, Bearer };
  struct Faults {
    int busy = 0;                  // so many answers are 429 first
    int unavailable = 0;           // so many answers are 503 first
    int cut_downloads = 0;         // so many blob GETs break off in the middle
    int cut_uploads = 0;           // so many PATCHes are answered 503 with half of their bytes kept
    bool forgets_uploads = false;  // has no upload status
    bool ignores_ranges = false;
    bool absolute_locations = false;
    std::string location_origin;    // sends uploads elsewhere
    std::string refuses_manifests;  // the message of a 403 on PUT
    std::string lies_about_digest;  // as Docker-Content-Digest
    int expire_token_at_patch = 0;  // so many PATCHes find their token expired
  };

  explicit FakeRegistry(Login login = Login::None);
  ~FakeRegistry();
  std::string host() const;  // "127.0.0.1:PORT"
  // Puts an image there; gives its manifest's digest.
  oci::Digest hold(const std::string& repository, const std::string& tag, const std::string& manifest,
                   std::string_view type, const std::vector<std::string>& blobs);

  Faults faults;
  std::map<std::string, std::string> blobs;                              // by digest
  std::map<std::string, std::pair<std::string, std::string>> manifests;  // by repository@tag or @digest: type, bytes
  std::vector<std::string> log;                                          // "GET /v2/…"
  int tokens_given = 0;
  std::size_t bytes_patched = 0;
  std::string last_token_query;
  std::vector<std::string> accepts;                 // of the last manifest GET
  std::size_t count(std::string_view start) const;  // requests that begin so

 private:
  http::Response answer(http::Request& request);
  http::Response token(http::Request& request);
  std::optional<http::Response> challenge(http::Request& request);
  http::Response manifest(http::Request& request, const std::string& key);
  http::Response put_manifest(http::Request& request, const std::string& repository, const std::string& reference);
  http::Response blob(http::Request& request, const std::string& digest);
  http::Response begin_upload(const std::string& repository);
  http::Response patch(http::Request& request, const std::string& path);
  http::Response upload_status(const std::string& path) const;
  http::Response finish_upload(http::Request& request, const std::string& path);
  http::Response accepted(const std::string& path) const;

  const Login login_;
  mutable std::mutex mutex_;                    // one request at a time
  std::map<std::string, std::string> uploads_;  // by path
  std::string good_token_ = "token-0";
  std::unique_ptr<http::Server> server_;
};

}  // namespace pratique::transport
