// Repository names, tags and references: the grammar of distribution-spec "Pulling manifests" and of docker references.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "oci/oci.h"

namespace pratique::oci {

namespace {

constexpr std::size_t kRepositoryBytesMax = 255;  // distribution-spec: clients may cap it there
constexpr std::size_t kTagBytesMax = 128;
constexpr std::size_t kHostBytesMax = 255 + 6;  // a DNS name and ":65535"
constexpr std::string_view kDockerHub = "docker.io";

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}
bool is_component_char(char c) {
  return is_lower(c) || is_digit(c);
}

// The separators inside a component: ".", "_", "__" or any number of "-".
bool is_separator(std::string_view text) {
  if (text == "." || text == "_" || text == "__") return true;
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '-'; });
}

// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*
bool is_component(std::string_view text) {
  if (text.empty() || !is_component_char(text.front()) || !is_component_char(text.back())) return false;
  for (std::size_t i = 0; i < text.size();) {
    auto run = std::find_if(text.begin() + i, text.end(), is_component_char) - text.begin();
    if (!is_separator(text.substr(i, run - i))) return false;
    i = run + 1;
  }
  return true;
}

bool is_host_label(std::string_view text) {
  auto allowed = [](char c) { return is_alnum(c) || c == '-' || c == '_'; };
  return !text.empty() && text.front() != '-' && text.back() != '-' && std::all_of(text.begin(), text.end(), allowed);
}

bool is_host_name(std::string_view name) {
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    auto inner = name.substr(1, name.size() - 2);
    auto allowed = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':'; };
    return contains(inner, ":") && std::all_of(inner.begin(), inner.end(), allowed);
  }
  auto labels = split(name, '.');
  return std::all_of(labels.begin(), labels.end(), is_host_label);
}

// host[:port], [v6][:port]
bool is_host(std::string_view text) {
  if (text.empty() || text.size() > kHostBytesMax) return false;
  auto colon = text.find_last_of(":]");
  if (colon == std::string_view::npos || text[colon] == ']') return is_host_name(text);
  auto port = parse_decimal(text.substr(colon + 1));
  return port && *port > 0 && *port <= 65535 && is_host_name(text.substr(0, colon));
}

// Docker's rule: the first component is a host if it could not be one of a repository, or is "localhost". Docker also
// takes an upper-case word for a host; in lower case, as hosts are compared, it would be a repository again, so it is
// neither here.
bool looks_like_host(std::string_view first) {
  return first == "localhost" || contains(first, ".") || contains(first, ":");
}

struct HostAndRest {
  std::string host;
  std::string_view rest;
};

Result<HostAndRest> take_host(std::string_view text, std::string_view default_registry) {
  auto parts = cut(text, "/");
  if (!parts || !looks_like_host(parts->first)) return HostAndRest{std::string(default_registry), text};
  if (!is_host(parts->first)) return invalid(format("\"{}\" is no registry host", printable(parts->first)));
  std::string host = to_lower(parts->first);
  if (host == "index.docker.io") host = kDockerHub;
  return HostAndRest{host, parts->second};
}

}  // namespace

Result<RepositoryName> RepositoryName::parse(std::string_view text) {
  if (text.empty()) return invalid("a repository name is empty");
  if (text.size() > kRepositoryBytesMax) {
    return invalid(format("a repository name of {} bytes; at most {} are allowed", text.size(), kRepositoryBytesMax));
  }
  for (auto component : split(text, '/')) {
    if (is_component(component)) continue;
    return invalid(
        format("\"{}\" is no repository name: components are lower-case letters and digits, "
               "joined inside by \".\", \"_\", \"__\" or \"-\"",
               printable(text)));
  }
  return RepositoryName(std::string(text));
}

std::string_view RepositoryName::first_component() const {
  return std::string_view(text_).substr(0, text_.find('/'));
}

std::string_view RepositoryName::after_first_component() const {
  auto slash = text_.find('/');
  return slash == std::string::npos ? std::string_view() : std::string_view(text_).substr(slash + 1);
}

Result<Tag> Tag::parse(std::string_view text) {
  auto allowed = [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; };
  bool is_tag = !text.empty() && text.size() <= kTagBytesMax && text.front() != '.' && text.front() != '-' &&
                std::all_of(text.begin(), text.end(), allowed);
  if (!is_tag) {
    return invalid(
        format("\"{}\" is no tag: 1 to {} letters, digits, \"_\", \".\" and \"-\", not beginning with \".\" or \"-\"",
               printable(text), kTagBytesMax));
  }
  return Tag(std::string(text));
}

Result<Reference> Reference::parse(std::string_view text, std::string_view default_registry) {
  std::optional<Digest> digest;
  if (auto at = cut(text, "@")) {
    digest = TRY(Digest::parse(at->second));
    text = at->first;
  }
  auto [host, rest] = TRY(take_host(text, default_registry));
  std::optional<Tag> tag;
  if (auto colon = cut(rest, ":")) {
    tag = TRY(Tag::parse(colon->second));
    rest = colon->first;
  }
  if (!tag && !digest) tag = TRY(Tag::parse("latest"));
  bool is_official = host == kDockerHub && !contains(rest, "/");
  auto repository = TRY(RepositoryName::parse(is_official ? format("library/{}", rest) : std::string(rest)));
  return Reference{std::move(host), std::move(repository), std::move(tag), std::move(digest)};
}

std::string Reference::to_string() const {
  std::string text = registry + "/" + repository.text();
  if (tag) text += ":" + tag->text();
  if (digest) text += "@" + digest->to_string();
  return text;
}

Result<ManifestReference> parse_manifest_reference(std::string_view text) {
  if (contains(text, ":")) return ManifestReference(TRY(Digest::parse(text)));
  return ManifestReference(TRY(Tag::parse(text)));
}

std::string to_string(const ManifestReference& reference) {
  if (auto tag = std::get_if<Tag>(&reference)) return tag->text();
  return std::get<Digest>(reference).to_string();
}

}  // namespace pratique::oci
