// Credentials in the file. Whoever can pull the image reads its history and its configuration.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"

namespace pratique::lint {

namespace {

// Parts of a name that stand between underscores: "API_TOKEN" yes, "TOKENIZERS_PARALLELISM" no.
constexpr std::string_view kSecretParts[] = {"PASSWORD",   "PASSWD",      "SECRET",     "TOKEN", "APIKEY",
                                             "CREDENTIAL", "CREDENTIALS", "PASSPHRASE", "PAT"};
constexpr std::string_view kSecretNames[] = {"AWS_ACCESS_KEY_ID", "API_KEY",    "PRIVATE_KEY", "ACCESS_KEY",
                                             "CLIENT_KEY",        "SECRET_KEY", "AUTH_KEY",    "SSH_KEY"};

bool is_secret_name(std::string_view name) {
  std::string upper(name);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  // A file, a path or an address of a secret is none itself.
  for (std::string_view ending : {"_FILE", "_PATH", "_URL", "_DIR", "_NAME", "_HEADER", "_LENGTH", "_EXPIRY"})
    if (upper.ends_with(ending)) return false;
  for (auto known : kSecretNames)
    if (upper.ends_with(known)) return true;
  for (auto part : split(upper, '_'))
    if (std::find(std::begin(kSecretParts), std::end(kSecretParts), part) != std::end(kSecretParts)) return true;
  return false;
}

bool is_run_of(std::string_view text, std::size_t count, std::string_view alphabet_beyond) {
  if (text.size() < count) return false;
  for (char c : text.substr(0, count))
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
          alphabet_beyond.find(c) != std::string_view::npos))
      return false;
  return true;
}

struct TokenForm {
  std::string_view prefix, what;
  std::size_t length;  // of what follows
};
constexpr TokenForm kTokenForms[] = {
    {"AKIA", "an AWS access key", 16}, {"ASIA", "an AWS access key", 16},   {"ghp_", "a GitHub token", 36},
    {"gho_", "a GitHub token", 36},    {"ghs_", "a GitHub token", 36},      {"github_pat_", "a GitHub token", 22},
    {"glpat-", "a GitLab token", 20},  {"hf_", "a Hugging Face token", 30}, {"xoxb-", "a Slack token", 20},
    {"xoxp-", "a Slack token", 20},    {"sk-ant-", "an API key", 20},       {"AIza", "a Google API key", 35},
    {"npm_", "an npm token", 36},      {"pypi-", "a PyPI token", 40},
};

std::string_view token_in(std::string_view text) {
  if (contains(text, "-----BEGIN ") && contains(text, "PRIVATE KEY-----")) return "a private key";
  for (const auto& form : kTokenForms)
    for (auto at = text.find(form.prefix); at != std::string_view::npos; at = text.find(form.prefix, at + 1)) {
      bool starts_word = at == 0 || !is_run_of(text.substr(at - 1), 1, "_");
      if (starts_word && is_run_of(text.substr(at + form.prefix.size()), form.length, "_-")) return form.what;
    }
  return {};
}

bool is_placeholder(std::string_view value) {
  std::string lower = to_lower(value);
  for (std::string_view known :
       {"", "changeme", "change_me", "xxx", "none", "null", "false", "true", "dummy", "placeholder", "0", "1"})
    if (lower == known) return true;
  return lower.starts_with('<') || lower.starts_with("your");
}

// A value written down, not one that is handed in.
bool is_written(const Pair& pair) {
  return pair.value && !is_placeholder(pair.value->value) && !contains(pair.value->text, "$");
}

bool is_credential_file(std::string_view path) {
  auto slash = path.rfind('/');
  std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  for (std::string_view known : {"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pgpass", ".git-credentials",
                                 ".env", ".dockercfg", ".pypirc", "kubeconfig"})
    if (name == known) return true;
  for (std::string_view known : {".aws/credentials", ".docker/config.json", ".kube/config", "gcloud/credentials.db"})
    if (path.ends_with(known)) return true;
  return name.ends_with(".pem") || name.ends_with(".p12") || name.ends_with(".pfx") || name.ends_with(".key") ||
         name.ends_with(".ppk") || name.starts_with("service-account") || name == ".ssh";
}

bool is_in_final_image(const Subject& subject, std::size_t stage) {
  auto stages = subject.lineage(subject.final_stage());
  return std::find(stages.begin(), stages.end(), stage) != stages.end();
}

void secrets(const Subject& subject, Sink& sink) {
  for (const auto& instruction : subject.file.instructions) {
    bool ships = is_in_final_image(subject, instruction.stage);
    for (const auto& pair : instruction.pairs) {
      if (!pair.value || instruction.keyword == Keyword::Label) continue;
      if (auto what = token_in(pair.value->value); !what.empty())
        sink.add(pair.key.span, format("the value of {} is {}", printable(pair.key.value, 60), what));
      else if (ships && is_secret_name(pair.key.value) && is_written(pair))
        sink.add(pair.key.span, format("{} is given a value that stays in the image", printable(pair.key.value, 60)));
    }
    bool copies = instruction.keyword == Keyword::Copy || instruction.keyword == Keyword::Add;
    for (std::size_t i = 0; ships && copies && i + 1 < instruction.words.size(); ++i)
      if (is_credential_file(instruction.words[i].value))
        sink.add(instruction.words[i].span, "a file of credentials is copied into the image");
    if (instruction.keyword != Keyword::Run) continue;
    std::string_view what = token_in(instruction.body.str());
    for (const auto& heredoc : instruction.heredocs)
      if (what.empty()) what = token_in(heredoc.content.str());
    if (!what.empty()) sink.add(instruction.name_span, format("the command holds {}", what));
  }
}

void sensitive_names(const Subject& subject, Sink& sink) {
  for (auto keyword : {Keyword::Arg, Keyword::Env})
    subject.each(keyword, [&](const Instruction& instruction) {
      for (const auto& pair : instruction.pairs) {
        if (!is_secret_name(pair.key.value)) continue;
        bool is_reported = is_written(pair) && is_in_final_image(subject, instruction.stage);
        if (!is_reported && !(pair.value && pair.value->value.empty()))
          sink.add(pair.key.span,
                   format("what is handed in as {} is kept in the image's history", printable(pair.key.value, 60)));
      }
    });
}

const Rule kRules[] = {
    {"DL3064", "DS-0031", kWarning, "Do not hand secrets in through ARG or ENV",
     "`docker history` shows them to everybody who can pull the image.",
     "RUN --mount=type=secret,id=token …; give run-time secrets to the job, not to the image.", "CRITICAL",
     sensitive_names},
    {"DS-0031", "", kError, "Do not keep secrets in the image",
     "Everybody who can pull the image, and everybody who reads this file, has the credential. Revoke it.",
     "RUN --mount=type=secret,id=token …", "CRITICAL", secrets},
};

}  // namespace

std::span<const Rule> secret_rules() {
  return kRules;
}

}  // namespace pratique::lint
