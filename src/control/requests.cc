// Asking to push, and the credentials that come of it.
#include <algorithm>

#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

constexpr std::size_t kListDefault = 100;
// Gone (RFC 9110 section 15.5.11): there was something, once, and asking again will not bring it back.
constexpr int kGone = 410;

Result<std::string> note_of(Call& call) {
  auto body = TRY(read_object(call.request));
  if (body["note"].is_null()) return std::string();
  if (const auto* note = body["note"].as_string()) return *note;
  return invalid("\"note\" is no text");
}

bool may_see(const Call& call, const grants::Request& request) {
  return call.sees_all() || request.requester == call.who.name();
}

Failure gone_or(const Error& error) {
  if (error.kind() != ErrorKind::Conflict) return {error};
  return {error, "Ask for new credentials with `pratique request`.", kGone};
}

std::vector<std::string> steps_of(const grants::Request& request) {
  switch (request.state) {
    case grants::State::Requested:
      return {format("Staff answers; look again with `pratique requests {}`.", request.id)};
    case grants::State::Granted:
      if (!request.collected) return {format("Show the credentials, once: `pratique credentials {}`.", request.id)};
      return {"Push before they end.", format("Not needed any more? `pratique close {}`.", request.id)};
    case grants::State::Used:
      return {"`pratique status` says what became of the image."};
    default:
      return {"Ask again with `pratique request`."};
  }
}

constexpr std::string_view kPageStyle =
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:3em auto;padding:0 1em}"
    "pre{background:#f4f4f4;padding:1em;overflow-x:auto}button{font:inherit;padding:.5em 1em}";

std::string page(std::string_view title, std::string_view body) {
  return format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">"
      "<title>{}</title><style>{}</style></head><body><h1>{}</h1>{}</body></html>\n",
      title, kPageStyle, title, body);
}

http::Response answer_link_page(std::string html, int status = 200) {
  auto response = answer_page(std::move(html));
  response.status = status;
  // The one page here with something to press: it sends to its own address only.
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; "
                       "frame-ancestors 'none'");
  return response;
}

http::Response refuse_link(const Error& error) {
  if (error.kind() == ErrorKind::Conflict)
    return answer_link_page(page("Gone", format("<p>{}.</p><p>Ask for new credentials with <code>pratique "
                                                "request</code>. If it was not you who saw these, tell the people who "
                                                "run this gate at once.</p>",
                                                html_escape(error.message()))),
                            kGone);
  return answer_failure({error});
}

}  // namespace

std::string Control::Impl::origin(const http::Request& request) const {
  return options.public_url.empty() ? request.origin() : options.public_url;
}

wire::AccessRequest Control::Impl::present(const grants::Request& request) const {
  return {.id = request.id,
          .state = std::string(to_string(request.state)),
          .requester = request.requester,
          .repository = request.repository,
          .purpose = request.purpose,
          .window = std::string(to_string(request.window)),
          .lifetime_seconds = request.lifetime.count(),
          .created = request.created,
          .decided = request.decided,
          .decided_by = request.decided_by,
          .note = request.note,
          .expires = request.expires,
          .collected = request.collected,
          .pushed = request.pushed,
          .closed = request.closed,
          .closed_reason = request.closed_reason,
          .next_steps = steps_of(request)};
}

wire::AccessCredentials Control::Impl::present(const grants::Credentials& credentials,
                                               const http::Request& request) const {
  grants::SheetContext context{
      .registry_host = host(request), .region = options.region, .endpoint_url = origin(request), .now = clock.now()};
  wire::AccessCredentials shown{.request = present(credentials.request),
                                .repository_uri = format("{}/{}", host(request), credentials.request.repository),
                                .access_key_id = credentials.keys.access_key_id,
                                .secret_access_key = credentials.keys.secret,
                                .session_token = credentials.keys.session_token,
                                .region = options.region,
                                .endpoint_url = context.endpoint_url,
                                .expires = credentials.keys.expires};
  for (auto shell : {grants::Shell::Posix, grants::Shell::Cmd, grants::Shell::PowerShell})
    shown.sheets.emplace(to_string(shell), credential_sheet(credentials, context, shell));
  return shown;
}

Result<grants::Request> Control::Impl::visible_request(const Call& call) {
  auto id = std::string(call.request.captured("id"));
  auto request = TRY(grants.find(id));
  if (!may_see(call, request)) return not_found(format("there is no access request {}", printable(id, 40)));
  return request;
}

Result<std::string> Control::Impl::own_repository(const identity::Principal& who, std::string_view asked) const {
  std::vector<std::string> own;
  for (const auto& space : registry.namespaces())
    if (space.mode == registry::Mode::Staging) own.push_back(format("{}/{}", space.name, who.repository_component()));
  if (own.empty()) return conflict("this gate has no staging namespace to push to");
  if (asked.empty() && own.size() == 1) return own.front();
  if (asked.empty()) return invalid(format("say which repository: {}", join(own, " or ")));
  if (std::ranges::find(own, asked) != own.end()) return std::string(asked);
  return denied(format("{} may ask for {} only", printable(who.name()), join(own, " or ")));
}

Control::Impl::Outcome Control::Impl::ask_for_access(Call& call) {
  auto body = TRY(read_object(call.request));
  auto wanted = TRY(wire::AccessRequest::from_json(body));
  auto window = grants::parse_window(wanted.window);
  if (!window)
    return invalid(format("\"window\" is \"{}\"; it is as-soon-as-possible, tomorrow-morning or afternoon",
                          printable(wanted.window, 40)));
  auto repository = TRY(own_repository(call.who, wanted.repository));
  auto request = TRY(grants.ask(call.who, {.repository = repository,
                                           .purpose = wanted.purpose,
                                           .window = *window,
                                           .lifetime = seconds(wanted.lifetime_seconds),
                                           .is_lifetime_acknowledged = wanted.is_acknowledged,
                                           .address = call.request.client}));
  log::info("access requested", {{"request", request.id}, {"by", printable(call.who.name())}});
  return answer(present(request).to_json(), 201);
}

Control::Impl::Outcome Control::Impl::list_requests(Call& call) {
  grants::Grants::Filter filter{.limit = TRY(read_number(call.request, "limit", kListDefault, grants::kListMax))};
  if (auto text = call.request.parameter("state")) {
    filter.state = grants::parse_state(*text);
    if (!filter.state) return invalid(format("\"{}\" is no state of a request", printable(*text, 40)));
  }
  filter.requester = call.request.parameter("requester");
  if (!call.sees_all()) filter.requester = call.who.name();
  auto found = TRY(grants.list(filter));
  std::vector<wire::AccessRequest> shown;
  for (const auto& request : found) shown.push_back(present(request));
  return answer(wire::to_json(shown));
}

Control::Impl::Outcome Control::Impl::show_request(Call& call) {
  return answer(present(TRY(visible_request(call))).to_json());
}

Control::Impl::Outcome Control::Impl::grant_request(Call& call) {
  auto note = TRY(note_of(call));
  auto granted = TRY(grants.grant(call.who, std::string(call.request.captured("id")), note));
  log::info("access granted", {{"request", granted.request.id}, {"by", printable(call.who.name())}});
  Json json = present(granted.request).to_json();
  json.set("link", format("{}/credentials/{}", origin(call.request), granted.link_secret));
  return answer(json);
}

Control::Impl::Outcome Control::Impl::deny_request(Call& call) {
  auto note = TRY(note_of(call));
  auto request = TRY(grants.deny(call.who, std::string(call.request.captured("id")), note));
  log::info("access denied", {{"request", request.id}, {"by", printable(call.who.name())}});
  return answer(present(request).to_json());
}

Control::Impl::Outcome Control::Impl::revoke_request(Call& call) {
  auto note = TRY(note_of(call));
  auto request = TRY(grants.revoke(call.who, std::string(call.request.captured("id")), note));
  log::info("access revoked", {{"request", request.id}, {"by", printable(call.who.name())}});
  return answer(present(request).to_json());
}

Control::Impl::Outcome Control::Impl::close_request(Call& call) {
  auto request = TRY(grants.close(call.who, std::string(call.request.captured("id"))));
  return answer(present(request).to_json());
}

Control::Impl::Outcome Control::Impl::collect_credentials(Call& call) {
  auto credentials = grants.collect(call.who, std::string(call.request.captured("id")), call.request.client);
  if (!credentials.ok()) return answer_failure(gone_or(credentials.error()));
  log::info("credentials shown", {{"request", credentials->request.id}, {"via", "terminal"}});
  return answer(present(*credentials, call.request).to_json());
}

// Messengers open every link that they carry, so looking takes nothing: a person presses the button.
http::Response Control::Impl::show_link(http::Request& request) {
  auto waiting = grants.peek_link(request.captured("link"));
  if (!waiting.ok()) return refuse_link(waiting.error());
  return answer_link_page(
      page("Your credentials",
           format("<p>Temporary credentials for pushing to <code>{}/{}</code>, for {} seconds from "
                  "the moment you press the button. They are shown once.</p>"
                  "<form method=\"post\"><button>Show my credentials</button></form>",
                  html_escape(host(request)), html_escape(waiting->repository), waiting->lifetime.count())));
}

http::Response Control::Impl::open_link(http::Request& request) {
  auto credentials = grants.collect_by_link(request.captured("link"), request.client);
  if (!credentials.ok()) return refuse_link(credentials.error());
  log::info("credentials shown", {{"request", credentials->request.id}, {"via", "link"}});
  auto shown = present(*credentials, request);
  if (contains(request.headers.find("Accept").value_or(""), "application/json")) return answer(shown.to_json());
  std::string body = "<p>Copy what you need now: this page cannot be opened again.</p>";
  for (const auto& [shell, title] : {std::pair("sh", "Linux and macOS"), std::pair("powershell", "Windows PowerShell"),
                                     std::pair("cmd", "Windows command prompt")})
    body += format("<h2>{}</h2><pre>{}</pre>", title, html_escape(shown.sheets[shell]));
  return answer_link_page(page("Your credentials", body));
}

}  // namespace pratique::control
