// Requests to push, and the credentials that come of them.
#include "base/format.h"
#include "wire/reader.h"

namespace pratique::wire {

Json AccessRequest::to_json() const {
  Json json = Json::object();
  set_text(json, "id", id);
  set_text(json, "state", state);
  set_text(json, "requester", requester);
  set_text(json, "repository", repository);
  json.set("purpose", purpose).set("window", window).set("lifetime_seconds", lifetime_seconds);
  if (is_acknowledged) json.set("acknowledged", true);
  set_time(json, "created", created);
  set_time(json, "decided", decided);
  set_text(json, "decided_by", decided_by);
  set_text(json, "note", note);
  set_time(json, "expires", expires);
  set_time(json, "collected", collected);
  set_time(json, "pushed", pushed);
  set_time(json, "closed", closed);
  set_text(json, "closed_reason", closed_reason);
  if (!next_steps.empty()) json.set("next_steps", texts_to_json(next_steps));
  return json;
}

Result<AccessRequest> AccessRequest::from_json(const Json& json) {
  Reader reader(json, "access request");
  AccessRequest request{.id = TRY(reader.optional_text("id")),
                        .state = TRY(reader.optional_text("state")),
                        .requester = TRY(reader.optional_text("requester")),
                        .repository = TRY(reader.optional_text("repository")),
                        .purpose = TRY(reader.text("purpose")),
                        .window = TRY(reader.text("window"))};
  if (json.has("lifetime_seconds")) {
    auto lifetime = json["lifetime_seconds"].as_int();
    if (!lifetime) return invalid("access request: \"lifetime_seconds\" is no number");
    request.lifetime_seconds = *lifetime;
  }
  request.is_acknowledged = json["acknowledged"].as_bool().value_or(false);
  request.created = TRY(reader.optional_time("created"));
  request.decided = TRY(reader.optional_time("decided"));
  request.decided_by = TRY(reader.optional_text("decided_by"));
  request.note = TRY(reader.optional_text("note"));
  request.expires = TRY(reader.optional_time("expires"));
  request.collected = TRY(reader.optional_time("collected"));
  request.pushed = TRY(reader.optional_time("pushed"));
  request.closed = TRY(reader.optional_time("closed"));
  request.closed_reason = TRY(reader.optional_text("closed_reason"));
  request.next_steps = TRY(reader.texts("next_steps"));
  return request;
}

Json to_json(const std::vector<AccessRequest>& requests) {
  return list_to_json("requests", requests);
}
Result<std::vector<AccessRequest>> requests_from_json(const Json& json) {
  return list_from_json<AccessRequest>("requests", json);
}

Json AccessCredentials::to_json() const {
  Json json = Json::object();
  json.set("request", request.to_json()).set("repository_uri", repository_uri).set("access_key_id", access_key_id);
  json.set("secret_access_key", secret_access_key).set("session_token", session_token).set("region", region);
  json.set("endpoint_url", endpoint_url).set("expires", expires.to_rfc3339());
  Json by_shell = Json::object();
  for (const auto& [shell, sheet] : sheets) by_shell.set(shell, sheet);
  json.set("sheets", std::move(by_shell));
  return json;
}

Result<AccessCredentials> AccessCredentials::from_json(const Json& json) {
  Reader reader(json, "credentials");
  AccessCredentials credentials{.request = TRY(AccessRequest::from_json(json["request"])),
                                .repository_uri = TRY(reader.text("repository_uri")),
                                .access_key_id = TRY(reader.text("access_key_id")),
                                .secret_access_key = TRY(reader.text("secret_access_key")),
                                .session_token = TRY(reader.text("session_token")),
                                .region = TRY(reader.text("region")),
                                .endpoint_url = TRY(reader.text("endpoint_url")),
                                .expires = TRY(reader.time("expires"))};
  for (const auto& [shell, sheet] : json["sheets"].members()) {
    if (!sheet.is_string()) return invalid("credentials: \"sheets\" holds something that is no text");
    credentials.sheets[shell] = *sheet.as_string();
  }
  return credentials;
}

}  // namespace pratique::wire
