#include "cli/mail.h"

#include <array>

#include "base/format.h"
#include "base/text.h"

namespace pratique::cli {

namespace {

enum class Question { Login, Purpose, Acknowledged, Window };

struct Sign {
  std::string_view word;  // in the question, in lower case
  Question question;
};
// In this order: "Delivery preference for the credentials" must not be taken for the acknowledgement.
constexpr std::array<Sign, 6> kSigns = {{{"delivery", Question::Window},
                                         {"understand", Question::Acknowledged},
                                         {"acknowledge", Question::Acknowledged},
                                         {"purpose", Question::Purpose},
                                         {"login", Question::Login},
                                         {"orcid", Question::Login}}};
// The template's questions fit; prose with a colon somewhere behind does not count as one.
constexpr std::size_t kQuestionBytesMax = 120;

std::string_view unquoted(std::string_view line) {
  line = trim(line);
  while (line.starts_with(">")) line = trim(line.substr(1));
  return line;
}

std::optional<Question> question_of(std::string_view text) {
  if (text.size() > kQuestionBytesMax) return std::nullopt;
  std::string lower = to_lower(text);
  for (const Sign& sign : kSigns)
    if (contains(lower, sign.word)) return sign.question;
  return std::nullopt;
}

Result<bool> parse_yes(std::string_view answer) {
  std::string lower = to_lower(answer);
  if (lower == "yes" || lower == "y" || lower == "i do" || lower == "[x]") return true;
  if (lower == "no" || lower == "n" || lower == "[ ]") return false;
  return invalid(format("the acknowledgement is \"{}\"; write yes", printable(answer, 40)));
}

Status put(std::string& field, std::string_view answer, std::string_view what) {
  if (!field.empty()) return invalid(format("the {} is answered twice", what));
  field = answer;
  return {};
}

}  // namespace

std::string_view mail_template() {
  return "BRH login e-mail or ORCID: \n"
         "Purpose: \n"
         "I understand that the credentials last one hour: \n"
         "Delivery (tomorrow morning, afternoon, as soon as possible): \n";
}

Result<MailedRequest> parse_mail(std::string_view text) {
  if (text.size() > kMailBytesMax) return over_limit(format("a request may have {} bytes", kMailBytesMax));
  MailedRequest request;
  bool has_acknowledgement = false;
  for (std::string_view raw : split(text, '\n')) {
    auto parts = cut(unquoted(raw), ":");
    auto question = parts ? question_of(parts->first) : std::nullopt;
    std::string_view answer = parts ? trim(parts->second) : std::string_view();
    if (!question || answer.empty()) continue;
    switch (*question) {
      case Question::Login:
        TRY(put(request.login, answer, "login"));
        break;
      case Question::Purpose:
        TRY(put(request.purpose, answer, "purpose"));
        break;
      case Question::Window:
        TRY(put(request.window, answer, "delivery"));
        break;
      case Question::Acknowledged:
        if (has_acknowledgement) return invalid("the acknowledgement is answered twice");
        has_acknowledgement = true;
        request.is_acknowledged = TRY(parse_yes(answer));
        break;
    }
  }
  return request;
}

}  // namespace pratique::cli
