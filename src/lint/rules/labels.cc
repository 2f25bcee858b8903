// Labels: keys, and values against what the project asks for (--require-label NAME:KIND).
#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"
#include "lint/spdx.h"

namespace pratique::lint {

namespace {

constexpr std::string_view kKinds[] = {"text", "time", "semver", "url", "hash", "spdx", "email"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "dddd-dd" against a text: d is a digit, everything else itself.
bool has_form(std::string_view text, std::string_view form) {
  if (text.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == 'd' ? !is_digit(text[i]) : text[i] != form[i]) return false;
  return true;
}

int number(std::string_view text) {
  return static_cast<int>(parse_decimal(text).value_or(99));
}

bool is_rfc3339(std::string_view text) {
  if (text.size() < 20 || (text[10] | 0x20) != 't') return false;
  std::string plain(text);
  plain[10] = 'T';
  if (!has_form(plain, "dddd-dd-ddTdd:dd:dd")) return false;
  int month = number(text.substr(5, 2)), day = number(text.substr(8, 2));
  if (month < 1 || month > 12 || day < 1 || day > 31 || number(text.substr(11, 2)) > 23 ||
      number(text.substr(14, 2)) > 59 || number(text.substr(17, 2)) > 60)
    return false;
  text.remove_prefix(19);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  if (text == "Z" || text == "z") return true;
  return text.size() == 6 && (text[0] == '+' || text[0] == '-') && has_form(text.substr(1), "dd:dd") &&
         number(text.substr(1, 2)) < 24 && number(text.substr(4, 2)) < 60;
}

bool are_identifiers(std::string_view text, bool leading_zeros) {
  for (auto piece : split(text, '.')) {
    if (piece.empty()) return false;
    for (char c : piece)
      if (!is_alphanumeric(c) && c != '-') return false;
    if (!leading_zeros && piece.size() > 1 && piece[0] == '0' && parse_decimal(piece)) return false;
  }
  return true;
}

bool is_semver(std::string_view text) {
  if (auto build = cut(text, "+")) {
    if (!are_identifiers(build->second, true)) return false;
    text = build->first;
  }
  if (auto pre = cut(text, "-")) {
    if (!are_identifiers(pre->second, false)) return false;
    text = pre->first;
  }
  auto numbers = split(text, '.');
  return numbers.size() == 3 && std::all_of(numbers.begin(), numbers.end(), [](std::string_view n) {
           return parse_decimal(n) && (n.size() == 1 || n[0] != '0');
         });
}

bool is_web_address(std::string_view text) {
  auto halves = cut(text, "://");
  if (!halves || halves->first.empty() || halves->second.empty()) return false;
  for (char c : halves->first)
    if (!is_alphanumeric(c) && c != '+' && c != '-' && c != '.') return false;
  return halves->second.find_first_of(" \t\"<>") == std::string_view::npos && halves->second[0] != '/';
}

bool is_git_hash(std::string_view text) {
  if (text.size() != 7 && text.size() != 8 && text.size() != 40 && text.size() != 64) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_email(std::string_view text) {
  auto halves = cut(text, "@");
  if (!halves || halves->first.empty() || halves->first.size() > 64) return false;
  if (halves->second.empty() || contains(halves->second, "@") || halves->second.starts_with('.') ||
      halves->second.ends_with('.') || contains(halves->second, "..") || !contains(halves->second, "."))
    return false;
  return text.find_first_of(" \t<>(),;:\"") == std::string_view::npos;
}

bool is_invalid_key(std::string_view key) {
  if (key.empty() || !is_alphanumeric(key.front()) || !is_alphanumeric(key.back())) return true;
  for (std::size_t i = 0; i < key.size(); ++i) {
    char c = key[i];
    if (!is_alphanumeric(c) && c != '.' && c != '-' && c != '_' && c != '/') return true;
    if (i > 0 && (c == '.' || c == '-') && c == key[i - 1]) return true;
  }
  return key.starts_with("com.docker.") || key.starts_with("io.docker.") || key.starts_with("org.dockerproject.");
}

void label_keys(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Label, [&](const Instruction& label) {
    for (const auto& pair : label.pairs)
      if (is_invalid_key(pair.key.value) && !contains(pair.key.text, "$"))
        sink.add(pair.key.span,
                 "a label's key is made of a-z, 0-9, \".\" and \"-\"; com.docker, io.docker and "
                 "org.dockerproject belong to others");
  });
}

const LabelRule* rule_for(const Subject& subject, std::string_view key) {
  for (const auto& rule : subject.options.labels)
    if (rule.name == key) return &rule;
  return nullptr;
}

void missing_labels(const Subject& subject, Sink& sink) {
  if (subject.file.stages.empty()) return;
  std::set<std::string> given;
  for (const Instruction* label : subject.of_lineage(subject.final_stage(), Keyword::Label))
    for (const auto& pair : label->pairs) given.insert(pair.key.value);
  const auto& from = subject.file.instructions[subject.file.stages.back().from];
  for (const auto& rule : subject.options.labels)
    if (!given.contains(rule.name)) sink.add(from.span, format("label {} is missing", printable(rule.name, 80)));
}

void superfluous_labels(const Subject& subject, Sink& sink) {
  if (!subject.options.strict_labels) return;
  subject.each(Keyword::Label, [&](const Instruction& label) {
    for (const auto& pair : label.pairs)
      if (!rule_for(subject, pair.key.value)) sink.add(pair.key.span, "this label is not among those asked for");
  });
}

// The labels of the OCI annotation rules are held to their kinds without being asked for.
std::optional<LabelKind> kind_of(const Subject& subject, std::string_view key) {
  if (const LabelRule* rule = rule_for(subject, key)) return rule->kind;
  if (key == "org.opencontainers.image.created") return LabelKind::Time;
  if (key == "org.opencontainers.image.licenses") return LabelKind::Spdx;
  if (key == "org.opencontainers.image.url" || key == "org.opencontainers.image.source" ||
      key == "org.opencontainers.image.documentation")
    return LabelKind::Url;
  return std::nullopt;
}

void each_value(const Subject& subject, LabelKind kind, bool (*is_valid)(std::string_view), std::string_view what,
                Sink& sink) {
  subject.each(Keyword::Label, [&](const Instruction& label) {
    for (const auto& pair : label.pairs) {
      if (!pair.value || pair.value->value.empty() || contains(pair.value->text, "$")) continue;
      if (kind_of(subject, pair.key.value) == kind && !is_valid(pair.value->value))
        sink.add(pair.value->span, format("label {} is not {}", printable(pair.key.value, 80), what));
    }
  });
}

void empty_labels(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Label, [&](const Instruction& label) {
    for (const auto& pair : label.pairs)
      if (rule_for(subject, pair.key.value) && (!pair.value || pair.value->value.empty()))
        sink.add(pair.key.span, format("label {} is empty", printable(pair.key.value, 80)));
  });
}

void url_labels(const Subject& s, Sink& sink) {
  each_value(s, LabelKind::Url, is_web_address, "an address (https://…)", sink);
}
void time_labels(const Subject& s, Sink& sink) {
  each_value(s, LabelKind::Time, is_rfc3339, "a time as RFC 3339 writes it (2026-01-31T12:00:00Z)", sink);
}
void spdx_labels(const Subject& s, Sink& sink) {
  each_value(s, LabelKind::Spdx, is_spdx_expression, "an SPDX licence expression", sink);
}
void hash_labels(const Subject& s, Sink& sink) {
  each_value(s, LabelKind::Hash, is_git_hash, "a git hash", sink);
}
void semver_labels(const Subject& s, Sink& sink) {
  each_value(s, LabelKind::Semver, is_semver, "a semantic version (1.2.3)", sink);
}
void email_labels(const Subject& s, Sink& sink) {
  each_value(s, LabelKind::Email, is_email, "an e-mail address", sink);
}

constexpr std::string_view kLabelHarm = "Tools that look for the label find nothing they can use.";

const Rule kRules[] = {
    {"DL3048", "", kStyle, "Write label keys as the convention wants", kLabelHarm,
     "LABEL org.example.project=\"asthma\"", "", label_keys},
    {"DL3049", "", kInfo, "Give the labels the project asks for", kLabelHarm, "LABEL version=1.2.3", "",
     missing_labels},
    {"DL3050", "", kInfo, "Give no other labels than those asked for", "With --strict-labels others are mistakes.",
     "Remove the label.", "", superfluous_labels},
    {"DL3051", "", kWarning, "Do not leave a label empty", kLabelHarm, "LABEL version=1.2.3", "", empty_labels},
    {"DL3052", "", kWarning, "The label must be an address", kLabelHarm, "LABEL url=https://example.org/project", "",
     url_labels},
    {"DL3053", "", kWarning, "The label must be a time", kLabelHarm, "LABEL created=2026-01-31T12:00:00Z", "",
     time_labels},
    {"DL3054", "", kWarning, "The label must be a licence", kLabelHarm, "LABEL licence=Apache-2.0", "", spdx_labels},
    {"DL3055", "", kWarning, "The label must be a git hash", kLabelHarm, "LABEL revision=48ac7e1", "", hash_labels},
    {"DL3056", "", kWarning, "The label must be a semantic version", kLabelHarm, "LABEL version=1.2.3", "",
     semver_labels},
    {"DL3058", "", kWarning, "The label must be an e-mail address", kLabelHarm, "LABEL maintainer=ann@example.org", "",
     email_labels},
};

}  // namespace

Result<LabelRule> parse_label_rule(std::string_view text) {
  auto colon = text.rfind(':');
  std::string_view name = text.substr(0, colon);
  std::string_view kind = colon == std::string_view::npos ? "text" : text.substr(colon + 1);
  if (name.empty()) return invalid("a label rule is NAME or NAME:KIND");
  for (std::size_t i = 0; i < std::size(kKinds); ++i)
    if (kKinds[i] == kind) return LabelRule{std::string(name), static_cast<LabelKind>(i)};
  return invalid(format("a label is text, time, semver, url, hash, spdx or email, not \"{}\"", printable(kind, 40)));
}

std::span<const Rule> label_rules() {
  return kRules;
}

}  // namespace pratique::lint
