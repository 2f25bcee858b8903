// STS: the query protocol's requests, and its XML answers.
#include <algorithm>
#include <array>

#include "aws/aws.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::aws {

namespace {

constexpr std::string_view kVersion = "2011-06-15";
constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";
constexpr std::uint64_t kAssumeRoleSecondsMax = 43'200;
constexpr std::uint64_t kSessionSecondsMax = 129'600;
constexpr std::uint64_t kSecondsMin = 900;
// The service's other operations: theirs is a refusal, not "no such action".
constexpr std::array<std::string_view, 5> kNotOffered = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity",
                                                         "DecodeAuthorizationMessage", "GetAccessKeyInfo",
                                                         "GetFederationToken"};
// What would narrow a session, or prove more than a signature does, in ways that are not kept here.
constexpr std::array<std::string_view, 4> kRestrictions = {"Policy", "PolicyArns", "SerialNumber", "TokenCode"};

using Parsed = std::variant<StsRequest, Refusal>;

Refusal bad_value(std::string_view name, std::string_view value, std::string_view constraint) {
  return {Reason::Invalid, format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}",
                                  printable(value, 80), name, constraint)};
}

bool is_session_name(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_+=,.@-").find(c) != std::string_view::npos;
  };
  return text.size() >= 2 && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

std::variant<seconds, Refusal> lifetime_of(const Form& form, seconds fallback, std::uint64_t most) {
  const auto* text = form.find("DurationSeconds");
  if (!text) return fallback;
  auto number = parse_decimal(*text);
  if (!number || *number < kSecondsMin || *number > most)
    return bad_value(
        "durationSeconds", *text,
        format("Member must have value greater than or equal to {} and less than or equal to {}", kSecondsMin, most));
  return seconds(static_cast<std::int64_t>(*number));
}

Parsed parse_assume_role(const Form& form) {
  AssumeRole asked;
  auto role = parse_role_arn(form.value("RoleArn"));
  if (!role.ok()) return Refusal{Reason::Invalid, format("{} is invalid", printable(form.value("RoleArn"), 80))};
  asked.role = *role;
  asked.session_name = form.value("RoleSessionName");
  if (!is_session_name(asked.session_name))
    return bad_value("roleSessionName", asked.session_name,
                     "Member must satisfy regular expression pattern: [\\w+=,.@-]*, with 2 to 64 characters");
  auto lifetime = lifetime_of(form, asked.lifetime, kAssumeRoleSecondsMax);
  if (const auto* bad = std::get_if<Refusal>(&lifetime)) return *bad;
  asked.lifetime = std::get<seconds>(lifetime);
  return asked;
}

Parsed parse_session_token(const Form& form) {
  GetSessionToken asked;
  auto lifetime = lifetime_of(form, asked.lifetime, kSessionSecondsMax);
  if (const auto* bad = std::get_if<Refusal>(&lifetime)) return *bad;
  asked.lifetime = std::get<seconds>(lifetime);
  return asked;
}

std::optional<Refusal> check_restrictions(const Form& form) {
  for (const auto& [name, value] : form.fields())
    for (auto restriction : kRestrictions)
      if (name == restriction || name.starts_with(std::string(restriction) + "."))
        return Refusal{Reason::Invalid, format("{} is not supported by this gate: ask without it", restriction)};
  return std::nullopt;
}

std::string element(std::string_view name, std::string_view text) {
  return format("<{}>{}</{}>", name, xml_escape(text), name);
}

std::string document(std::string_view operation, std::string_view result, std::string_view request_id) {
  return format(
      "<{}Response xmlns=\"{}\"><{}Result>{}</{}Result><ResponseMetadata>{}</ResponseMetadata></{}Response>\n",
      operation, kNamespace, operation, result, operation, element("RequestId", request_id), operation);
}

std::string credentials_element(const Credentials& session) {
  return format("<Credentials>{}{}{}{}</Credentials>", element("AccessKeyId", session.access_key_id),
                element("SecretAccessKey", session.secret_access_key), element("SessionToken", session.session_token),
                element("Expiration", session.expiration.to_rfc3339()));
}

}  // namespace

Result<RoleArn> parse_role_arn(std::string_view text) {
  auto parts = split(text, ':');
  if (parts.size() != 6 || parts[0] != "arn" || parts[1] != "aws" || parts[2] != "iam" || !parts[3].empty() ||
      !is_account(parts[4]) || !parts[5].starts_with("role/"))
    return invalid("no ARN of a role");
  auto name = parts[5].substr(5);
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_+=,.@-").find(c) != std::string_view::npos;
  };
  // IAM ends names at 64; ours hold a user's whole escaped name.
  if (name.empty() || name.size() > 256 || !std::ranges::all_of(name, allowed)) return invalid("no name of a role");
  return RoleArn{std::string(parts[4]), std::string(name)};
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::variant<StsRequest, Refusal> parse_sts(const Form& form) {
  const auto action = form.value("Action");
  const auto version = form.value("Version");
  if (action.empty()) return Refusal{Reason::UnknownOperation, "Could not find operation"};
  if (std::ranges::find(kNotOffered, action) != kNotOffered.end())
    return Refusal{Reason::AccessDenied, format("{} is not offered by this gate", action)};
  const bool is_known = action == "GetCallerIdentity" || action == "GetSessionToken" || action == "AssumeRole";
  if (!is_known || version != kVersion)
    return Refusal{Reason::UnknownOperation, format("Could not find operation {} for version {}", printable(action, 80),
                                                    version.empty() ? "NO_VERSION_SPECIFIED" : printable(version, 40))};
  if (auto bad = check_restrictions(form)) return *bad;
  if (action == "AssumeRole") return parse_assume_role(form);
  if (action == "GetSessionToken") return parse_session_token(form);
  return GetCallerIdentity{};
}

std::string_view action_of(const StsRequest& request) {
  if (std::holds_alternative<AssumeRole>(request)) return "AssumeRole";
  return std::holds_alternative<GetSessionToken>(request) ? "GetSessionToken" : "GetCallerIdentity";
}

std::string sts_answer(const CallerIdentity& identity, std::string_view request_id) {
  return document(
      "GetCallerIdentity",
      element("Arn", identity.arn) + element("UserId", identity.user_id) + element("Account", identity.account),
      request_id);
}

std::string sts_answer(const Credentials& session, std::string_view request_id) {
  return document("GetSessionToken", credentials_element(session), request_id);
}

std::string sts_answer(const Credentials& assumed, std::string_view assumed_role_id, std::string_view arn,
                       std::string_view request_id) {
  auto user =
      format("<AssumedRoleUser>{}{}</AssumedRoleUser>", element("AssumedRoleId", assumed_role_id), element("Arn", arn));
  return document("AssumeRole", user + credentials_element(assumed), request_id);
}

std::string sts_error(const Fault& fault, std::string_view request_id) {
  return format("<ErrorResponse xmlns=\"{}\"><Error>{}{}{}</Error>{}</ErrorResponse>\n", kNamespace,
                element("Type", fault.status >= 500 ? "Receiver" : "Sender"), element("Code", fault.code),
                element("Message", fault.message), element("RequestId", request_id));
}

std::string xml_escape(std::string_view text) {
  // Not a character of XML 1.0, so no reference to it may stand there either; U+FFFD says that something stood there.
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  if (!is_utf8(text)) return xml_escape(printable(text, text.size() * 4));
  std::string escaped;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else if (c == '\r')
      escaped += "&#13;";
    else if (byte < 0x20 && c != '\t' && c != '\n')
      escaped += kReplacement;
    else
      escaped += c;
  }
  return replace_all(replace_all(escaped, "\xEF\xBF\xBE", kReplacement), "\xEF\xBF\xBF", kReplacement);
}

}  // namespace pratique::aws
