// request, requests, credentials, close; and the staff's grant, deny, revoke.
#include <iostream>
#include <iterator>

#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/mail.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "wire/wire.h"

namespace pratique::cli {

namespace {

bool wants_json(const Context& context) {
  return context.arguments.value("--format") == "json";
}

std::string path_of(const Context& context, std::string_view action = "") {
  return format("/requests/{}{}", percent_encode(context.arguments.operands()[0]), action);
}

void show(const Context& context, const Json& answer, const wire::AccessRequest& request) {
  if (wants_json(context)) return print(answer.dump_pretty());
  std::string text = format("{}  {}\n", printable(request.id), printable(request.state));
  auto line = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += format("  {:<12} {}\n", name, printable(value, 2'000));
  };
  line("for", request.requester);
  line("repository", request.repository);
  line("purpose", request.purpose);
  line("delivery", request.window);
  line("asked", request.created ? request.created->to_rfc3339() : "");
  line("answered by", request.decided_by);
  line("note", request.note);
  line("until", request.expires ? request.expires->to_rfc3339() : "");
  line("pushed", request.pushed ? request.pushed->to_rfc3339() : "");
  line("closed", request.closed_reason);
  for (const auto& step : request.next_steps) text += printable_lines(step) + "\n";
  print(text);
}

Result<int> show_answer(const Context& context, const Json& answer) {
  auto request = TRY(wire::AccessRequest::from_json(answer));
  show(context, answer, request);
  return kDone;
}

Result<int> send_note(const Context& context, std::string_view action) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json body = Json::object({{"note", context.arguments.value("--note")}});
  return show_answer(context, TRY(remote.send("POST", path_of(context, action), body)));
}

Result<std::string> read_standard_input() {
  std::string text;
  char buffer[4096];
  while (std::cin.read(buffer, sizeof buffer) || std::cin.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > kMailBytesMax) return over_limit(format("a request may have {} bytes", kMailBytesMax));
  }
  return text;
}

// The options win over the mail: they are what the person who types adds to it.
Result<MailedRequest> wanted(const Context& context) {
  const Arguments& arguments = context.arguments;
  MailedRequest request;
  if (arguments.has("--mail")) request = TRY(parse_mail(TRY(read_standard_input())).with_context("reading the mail"));
  if (arguments.has("--purpose")) request.purpose = arguments.value("--purpose");
  if (arguments.has("--delivery") || request.window.empty()) request.window = arguments.value("--delivery");
  if (arguments.has("--yes")) request.is_acknowledged = true;
  if (request.purpose.empty()) return invalid("say what the image is for: --purpose TEXT");
  if (!request.is_acknowledged)
    return invalid(
        "the credentials end an hour after they are shown, and the push has to start before: say --yes to that");
  return request;
}

}  // namespace

Result<int> request_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  if (arguments.has("--template")) return print(mail_template()), kDone;
  auto lifetime = parse_decimal(arguments.value("--lifetime"));
  if (!lifetime || *lifetime > 1'000'000) return invalid("--lifetime is a number of seconds");
  auto mailed = TRY(wanted(context));
  Remote remote = TRY(Remote::connect(arguments));
  if (!mailed.login.empty() && mailed.login != remote.credentials().user)
    return denied(format("the mail is from {}, but {} is signed in", printable(mailed.login),
                         printable(remote.credentials().user)));
  wire::AccessRequest request{.repository = arguments.value("--repository"),
                              .purpose = mailed.purpose,
                              .window = mailed.window,
                              .lifetime_seconds = static_cast<std::int64_t>(*lifetime),
                              .is_acknowledged = mailed.is_acknowledged};
  return show_answer(context, TRY(remote.send("POST", "/requests", request.to_json())));
}

Result<int> requests_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  if (!context.arguments.operands().empty()) return show_answer(context, TRY(remote.get(path_of(context))));
  std::string state = context.arguments.value("--state");
  Json answer = TRY(remote.get(state.empty() ? "/requests" : format("/requests?state={}", percent_encode(state))));
  if (wants_json(context)) return print(answer.dump_pretty()), kDone;
  std::vector<std::vector<std::string>> rows;
  for (const auto& request : TRY(wire::requests_from_json(answer)))
    rows.push_back({request.id, request.state, request.requester, request.repository, request.window,
                    request.created ? request.created->to_rfc3339() : "", request.purpose});
  if (rows.empty())
    print("There are no requests.\n");
  else
    print(render_table({"ID", "STATE", "FOR", "REPOSITORY", "DELIVERY", "ASKED", "PURPOSE"}, rows, context.colour));
  return kDone;
}

Result<int> credentials_command(const Context& context) {
  std::string shell = context.arguments.value("--shell");
  if (shell != "sh" && shell != "cmd" && shell != "powershell")
    return invalid("--shell is sh, cmd or powershell");  // before the one time that they are shown
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.send("POST", path_of(context, "/credentials"), Json::object()));
  if (wants_json(context)) return print(answer.dump_pretty()), kDone;
  auto credentials = TRY(wire::AccessCredentials::from_json(answer));
  print(printable_lines(credentials.sheets[shell]));
  return kDone;
}

Result<int> close_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  return show_answer(context, TRY(remote.send("POST", path_of(context, "/close"), Json::object())));
}

Result<int> grant_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json body = Json::object({{"note", context.arguments.value("--note")}});
  Json answer = TRY(remote.send("POST", path_of(context, "/grant"), body));
  if (wants_json(context)) return print(answer.dump_pretty()), kDone;
  print(format("{} is granted. Send this link to {}, in private; it shows the credentials once:\n{}\n",
               printable(answer["id"].text()), printable(answer["requester"].text()),
               printable(answer["link"].text())));
  return kDone;
}

Result<int> deny_command(const Context& context) {
  return send_note(context, "/deny");
}
Result<int> revoke_command(const Context& context) {
  return send_note(context, "/revoke");
}

Result<int> rotate_key_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  TRY(remote.send("POST", "/keys/rotate", Json::object()));
  print("Secrets are sealed under a new key; the old one is out of the key file. Back the new one up.\n");
  return kDone;
}

}  // namespace pratique::cli
