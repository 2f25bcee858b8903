// libcurl behind types that clean up, and its errors as sentences.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "http/http.h"

namespace pratique::http {

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlHandle = std::unique_ptr<CURL, CurlFree>;
using CurlList = std::unique_ptr<curl_slist, CurlFree>;
using CurlUrl = std::unique_ptr<CURLU, CurlFree>;

// Once per process, whoever is first.
void initialise_curl();

// The parts of a URL that say who is asked, and the URL written plainly.
struct ParsedUrl {
  std::string text;
  std::string scheme, host, port;
  bool same_origin(const ParsedUrl& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};
// Invalid for anything but http and https with a host.
Result<ParsedUrl> parse_url(const std::string& url);
// `location` as seen from `base` (RFC 3986 section 5).
Result<ParsedUrl> resolve_url(const ParsedUrl& base, const std::string& location);

// Why a transfer to `url` failed.
Error transfer_error(CURL* handle, CURLcode code, const char* detail, const ParsedUrl& url,
                     const ClientOptions& options);

}  // namespace pratique::http
