#include "http/curl_handle.h"

#include <cstring>

#include "base/check.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::http {

namespace {

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

Result<ParsedUrl> parts_of(CURLU* url, const std::string& shown) {
  ParsedUrl parsed{.text = url_part(url, CURLUPART_URL),
                   .scheme = to_lower(url_part(url, CURLUPART_SCHEME)),
                   .host = to_lower(url_part(url, CURLUPART_HOST)),
                   .port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  if (parsed.scheme != "http" && parsed.scheme != "https")
    return invalid(format("{} is not an http or https address", printable(shown)));
  if (parsed.host.empty()) return invalid(format("{} names no host", printable(shown)));
  return parsed;
}

}  // namespace

void initialise_curl() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(result == CURLE_OK, "libcurl initialises");
}

Result<ParsedUrl> parse_url(const std::string& text) {
  CurlUrl url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return invalid(format("{} is not a web address", printable(text)));
  return parts_of(url.get(), text);
}

Result<ParsedUrl> resolve_url(const ParsedUrl& base, const std::string& location) {
  CurlUrl url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, base.text.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, location.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return invalid(format("{} redirects to {}, which is not a web address", base.text, printable(location)));
  return parts_of(url.get(), location);
}

Error transfer_error(CURL* handle, CURLcode code, const char* detail, const ParsedUrl& url,
                     const ClientOptions& options) {
  auto where = url.host + ":" + url.port;
  long os_error = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &os_error);
  std::string_view said = *detail != '\0' ? detail : curl_easy_strerror(code);
  auto safe = printable(said);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return unavailable(format("could not resolve the name {}", url.host));
    case CURLE_COULDNT_RESOLVE_PROXY:
      return unavailable(format("could not resolve the proxy's name: {}", safe));
    case CURLE_COULDNT_CONNECT:
      return unavailable(format("could not connect to {}: {}", where,
                                os_error != 0 ? std::strerror(static_cast<int>(os_error)) : safe.c_str()));
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t connected = 0;
      curl_easy_getinfo(handle, CURLINFO_CONNECT_TIME_T, &connected);
      if (connected == 0)
        return unavailable(format("could not connect to {} within {} ms", where, options.connect_timeout.count()));
      return unavailable(format("{} stalled: no byte for {} ms", where, options.stall_timeout.count()));
    }
    case CURLE_PEER_FAILED_VERIFICATION:
      return unavailable(format("the TLS certificate of {} is not trusted: {}", where, safe));
    case CURLE_SSL_CACERT_BADFILE:
      return unavailable(format("the CA file {} cannot be used: {}", options.ca_file, safe));
    case CURLE_SSL_CONNECT_ERROR:
      return unavailable(format("no TLS connection to {}: {}", where, safe));
    case CURLE_GOT_NOTHING:
      return unavailable(format("{} closed the connection without an answer", where));
    case CURLE_PARTIAL_FILE:
      return unavailable(format("{} closed the connection in the middle of the answer", where));
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // what curl calls an answer without a status line
      return unavailable(format("{} did not answer in HTTP: {}", where, safe));
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return unavailable(format("the connection to {} broke: {}", where, safe));
    default:
      return unavailable(format("the transfer with {} failed: {}", where, safe));
  }
}

}  // namespace pratique::http
