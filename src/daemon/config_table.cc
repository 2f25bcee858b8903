// Every setting of the server: one entry each. The parser, docs/formats/configuration.md, pratique.yaml(5) and
// `pratique admin config show` follow this table; after a change:
//   pratique admin config reference > docs/formats/configuration.md
#include "daemon/config.h"

#include <algorithm>

#include "aws/aws.h"

namespace pratique::daemon {

namespace {

constexpr long long kBytesMax = 1ll << 60;
constexpr long long kHoursMax = 87'600;  // ten years

// Where a value lies in the target, for reading and for showing.
#define AT(member) [](auto& target) -> auto& { return target.member; }

const std::vector<Setting<NamespaceSettings>>& namespace_table() {
  using S = Forms<NamespaceSettings>;
  using registry::Mode;
  static const std::vector<Setting<NamespaceSettings>> kTable = {
      S::text("name", AT(name), "the first component of repository names").required(),
      S::choice("mode", AT(mode),
                Choices<Mode>{{"open", Mode::Open}, {"staging", Mode::Staging}, {"approved", Mode::Approved}},
                "open: an ordinary registry; staging: submitters push and can neither pull, list nor describe; "
                "approved: read-only, filled by promotion")
          .required(),
      S::text("promotes_to", AT(promotes_to), "the approved namespace of a staging one, which needs it"),
      S::choice("at_push", AT(refuses_at_push), Choices<bool>{{"warn", false}, {"refuse", true}},
                "staging: a rejected image ends its push with a warning, or fails it with the reasons")
          .notes("A verdict that is not there when the wait is over (or when too many wait) is a warning too under "
                 "`warn`; under `refuse` it is 429 with Retry-After, because a push that may yet be rejected must not "
                 "look like one that was accepted. The image is kept, and podman, skopeo and buildah push the manifest "
                 "again by themselves."),
      S::choice("missing", AT(takes_sparse), Choices<bool>{{"refuse", false}, {"accept", true}},
                "open: manifests that name blobs or manifests which were never sent, as a mirror of a part does"),
      S::texts("immutable_tags", AT(immutable_tags),
               "patterns such as `v*`: once set, such a tag is neither moved to other bytes nor deleted")
          .notes("Of an approved namespace they bind the push into staging that is meant for it, so that its author "
                 "hears of it."),
      S::texts("protected_tags", AT(protected_tags),
               "patterns: such a tag is set, moved and deleted by administrators only"),
      S::size("bytes", AT(bytes_max), {0, kBytesMax}, "quota, a blob once a repository; 0: no limit"),
      S::number("uploads", AT(uploads_max), {0, 100'000}, "in use at once; 0: no limit"),
  };
  return kTable;
}

const std::vector<Setting<control::WorkloadRule>>& workload_table() {
  using S = Forms<control::WorkloadRule>;
  static const std::vector<Setting<control::WorkloadRule>> kTable = {
      S::text("issuer", AT(issuer), "whose tokens, such as `https://token.actions.githubusercontent.com`").required(),
      S::text("audience", AT(audience), "what the token has to be for: the name this gate is asked by").required(),
      S::text("subject", AT(subject),
              "which job, such as `repo:lab/*:ref:refs/heads/main`; `*` is any text without a colon")
          .required(),
      S::text("user", AT(user), "as whom it may push").required(),
      S::text("keys_url", AT(keys_url), "where the issuer's keys are").when_unset("what its discovery document says"),
  };
  return kTable;
}

Setting<Config> listen() {
  auto made = Forms<Config>::text("listen", AT(address), "where to listen; port 0 takes a free one").form("HOST:PORT");
  made.read = [](const Yaml& given, Config& config, const std::string&) -> Status {
    return parse_listen(TRY(scalar_of(given)), config).with_context("takes HOST:PORT");
  };
  made.show = listen_text;
  return made;
}

// What AWS's tools take for an account, or ARNs would not parse.
Setting<Config> account() {
  auto made =
      Forms<Config>::text("aws.account", AT(aws.account), "the account that STS and ECR name: ids and ARNs hold it")
          .form("12 digits in quotes");
  made.read = [](const Yaml& given, Config& config, const std::string&) -> Status {
    config.aws.account = TRY(scalar_of(given));
    return aws::is_account(config.aws.account) ? Status() : invalid("takes 12 digits in quotes");
  };
  return made;
}

Setting<Config> region() {
  auto made = Forms<Config>::text("aws.region", AT(aws.region), "the region that requests are signed for");
  made.read = [](const Yaml& given, Config& config, const std::string&) -> Status {
    auto& text = config.aws.region = TRY(scalar_of(given));
    auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    const bool is_word = !text.empty() && text.size() <= 32 && std::ranges::all_of(text, is_letter);
    return is_word ? Status() : invalid("takes a word such as us-east-1");
  };
  return made;
}

Setting<Config> aws_proxy() {
  auto made = Forms<Config>::text("aws.proxy", AT(aws.proxy_address),
                                  "where the CONNECT proxy for AWS's names listens (docs/aws.md)")
                  .form("HOST:PORT")
                  .when_unset("no proxy");
  made.read = [](const Yaml& given, Config& config, const std::string&) -> Status {
    auto text = TRY(scalar_of(given));
    if (text.empty()) return {};
    auto address = TRY(parse_address(text));
    config.aws.proxy_address = address.first;
    config.aws.proxy_port = address.second;
    return {};
  };
  made.show = [](const Config& config) {
    return config.aws.proxy_address.empty() ? "" : format("{}:{}", config.aws.proxy_address, config.aws.proxy_port);
  };
  return made;
}

}  // namespace

const std::vector<Setting<Config>>& config_table() {
  using S = Forms<Config>;
  using log::Level;
  using log::Style;
  static const std::vector<Setting<Config>> kTable = {
      S::path("data", AT(data), "directory of everything the server keeps")
          .when_unset("`$PRATIQUE_DATA`, else `/var/lib/pratique` for root, else below the home directory"),
      listen(),
      S::text("public_url", AT(public_url), "how clients reach the gate, such as `https://gate.example.org`")
          .when_unset("what each request's Host says"),
      S::text("policy", AT(policy_source), "`gen3`, `tre` or a policy file (policy.md)"),
      S::choice(
          "grants", AT(grants.is_automatic), Choices<bool>{{"staff", false}, {"automatic", true}},
          "who answers requests for credentials: reviewers and administrators, or nobody has to (submitters only)"),
      S::text("oidc.issuer", AT(oidc.issuer),
              "the identity provider that people sign in with (`pratique login --oidc`)")
          .when_unset("none"),
      S::text("oidc.client_id", AT(oidc.client_id), "what the provider knows this gate as").when_unset("none"),
      S::text("oidc.user_claim", AT(oidc.user_claim), "the claim that a person's name here is taken from"),
      S::items("workloads", AT(workloads), workload_table(),
               "jobs of build servers that may push with the token their server gives them"),
      S::path("advisories", AT(advisories), "the advisory database; taken up when it changes")
          .when_unset("`advisories.db` in the data directory"),
      S::in_seconds("verdict_wait_seconds", AT(verdict_wait), {0, 3'600}, "how long a push waits for its verdict"),
      S::in_seconds("housekeeping_seconds", AT(housekeeping_interval), {1, 86'400},
                    "how often expiry and a changed advisory database are looked for"),
      S::texts("trusted_proxies", AT(trusted_proxies),
               "addresses whose `X-Forwarded-Proto` and `X-Forwarded-Host` are believed"),
      S::path("tls.certificate", AT(tls_files.certificate), "PEM file with the chain; goes with `tls.key`")
          .when_unset("plain HTTP")
          .notes("Certificate and key are read again when the files change, and on SIGHUP; connections stay."),
      S::path("tls.key", AT(tls_files.key), "PEM file with the private key").when_unset("plain HTTP"),
      S::number("limits.connections", AT(limits.connections_max), {16, 1'000'000}, "open at once"),
      S::number("limits.requests_in_work", AT(limits.workers_max), {1, 4'096}, "handled at once; more wait"),
      S::number("limits.requests_waiting", AT(limits.queue_max), {1, 100'000}, "beyond that: 503 with Retry-After"),
      S::number("limits.verdicts_waited_for", AT(limits.waits_max), {0, 10'000},
                "pushes and `?wait=` questions that wait for a verdict at once; they hold no request"),
      S::number("limits.connections_per_client", AT(limits.connections_per_client_max), {1, 1'000'000},
                "of one address (IPv6: one /64); beyond that: 429")
          .notes("Behind a trusted proxy a client is what X-Forwarded-For names."),
      S::number("limits.requests_per_second_per_client", AT(limits.requests_per_second_per_client), {0, 1'000'000},
                "0: no limit; beyond ten seconds' worth at once: 429 with Retry-After"),
      S::size("quotas.principal_bytes", AT(registry.principal_bytes_max), {0, kBytesMax},
              "what one principal may hold, a blob once a repository; 0: no limit; beyond that: DENIED"),
      S::number("quotas.principal_uploads", AT(registry.principal_uploads_max), {0, 100'000},
                "of one principal, in use at once; 0: no limit; beyond that: 429 with Retry-After"),
      S::number("quotas.images_waiting", AT(waiting_max), {1, 1'000'000},
                "without a verdict; beyond that pushes into staging get 429 with Retry-After"),
      S::in_seconds("upkeep.collect_every_seconds", AT(upkeep.collect_every), {0, 31'536'000},
                    "garbage collection (operating.md); 0: only when asked"),
      S::in_hours("upkeep.unreferenced_hours", AT(registry.unreferenced_kept), {0, kHoursMax},
                  "how long a blob that no manifest names is left alone"),
      S::in_hours("upkeep.lease_hours", AT(registry.lease), {0, kHoursMax},
                  "and how long after a client was told that it is here"),
      S::in_hours("upkeep.staged_hours", AT(registry.staged_kept), {0, kHoursMax},
                  "how long rejected, superseded and ended images stay in staging"),
      S::in_hours("upkeep.uploads_hours", AT(registry.uploads_kept), {1, kHoursMax},
                  "how long uploads are kept that nobody goes on with"),
      S::in_seconds("upkeep.scrub_every_seconds", AT(upkeep.scrub_every), {0, 31'536'000},
                    "from the end of one walk over all blobs to the begin of the next; 0: only when asked"),
      S::size("upkeep.scrub_bytes_per_second", AT(upkeep.scrub_bytes_per_second), {0, kBytesMax},
              "how fast a walk reads; 0: as fast as it can"),
      S::choice("log.level", AT(log_level),
                Choices<Level>{
                    {"debug", Level::Debug}, {"info", Level::Info}, {"warn", Level::Warn}, {"error", Level::Error}},
                "the least important lines to write")
          .reloads(),
      S::choice("log.format", AT(log_style), Choices<Style>{{"logfmt", Style::Logfmt}, {"json", Style::Json}},
                "how a line looks")
          .reloads(),
      account(),
      region(),
      aws_proxy(),
      S::path("test_clock", AT(test_clock), "for tests only: a file with seconds to add to the server's time")
          .when_unset("the system's time"),
      S::items("namespaces", AT(namespace_settings), namespace_table(),
               "the first components of repository names, and what each is for"),
  };
  return kTable;
}

}  // namespace pratique::daemon
