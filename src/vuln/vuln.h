// What may be wrong with an image: packages, versions and their order, advisories, findings.
//
// Pure: no I/O, no database. A version that does not parse is an error, never "equal" and never "fine".
// Value types; as thread-safe as std::string.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace pratique::vuln {

// How versions order. Each has its own file, its own corpus and an independent oracle in the tests.
enum class VersionScheme { Dpkg, Apk, Rpm };

// Invalid when either text is no version of that scheme.
Result<std::strong_ordering> compare_versions(VersionScheme scheme, std::string_view a, std::string_view b);
bool is_version(VersionScheme scheme, std::string_view text);

// What kind of package: decides purl type and version scheme. More join as extractors do.
enum class PackageKind { Deb, Apk, Rpm };
std::string_view purl_type(PackageKind kind);  // "deb", "apk", "rpm"
std::optional<PackageKind> package_kind(std::string_view purl_type);
VersionScheme version_scheme(PackageKind kind);

// The operating system of an image, from os-release (and alpine-release, debian_version where that is missing).
struct Distribution {
  std::string id;           // "debian"
  std::string version_id;   // "12", "3.19.1"; "" for testing/unstable
  std::string codename;     // "bookworm"
  std::string pretty_name;
  std::vector<std::string> id_like;

  // The key of its advisories: "debian:12", "alpine:3.19", "ubuntu:22.04"; "" when unknown.
  std::string stream() const;
  // Which packages its advisories speak of; nullopt for a distribution we know nothing of.
  std::optional<PackageKind> package_kind() const;
};
// Reads os-release(5). Invalid without ID.
Result<Distribution> parse_os_release(std::string_view text);

// An installed package as the image's own database states it.
struct Package {
  PackageKind kind;
  std::string name;
  std::string version;
  std::string architecture;
  std::string source_name;     // the name advisories use; equals name where the database says nothing else
  std::string source_version;  // equals version likewise (binNMU "+b1" differs)
  std::string maintainer;
  std::string licence;
  std::string location;  // path of the database file that lists it
  int layer = -1;        // index of the layer that brought this version; -1 unknown

  // "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64&distro=debian-12"
  std::string purl(const Distribution& distribution) const;
  bool operator==(const Package&) const = default;
};

enum class Severity { Unknown, Negligible, Low, Medium, High, Critical };  // in this order
std::string_view to_string(Severity severity);                            // "critical"
std::optional<Severity> parse_severity(std::string_view text);            // any case
Severity severity_of_cvss_score(double score);                            // CVSS v3 qualitative scale
// The base score of a CVSS v3.0/v3.1 vector (FIRST's formula); Invalid for anything else.
Result<double> cvss3_base_score(std::string_view vector);

// What a distribution says of a vulnerability in one of its packages.
enum class AdvisoryStatus {
  Fixed,         // fixed at `fixed_version`; older is affected
  Affected,      // no fix yet
  WillNotFix,    // the distribution decided not to (no-dsa, ignored, wontfix)
  FixDeferred,   // postponed
  EndOfLife,     // unsupported, and affected
  Undetermined,  // under investigation
  NotAffected,   // kept, so that another source's claim is overruled
};
std::string_view to_string(AdvisoryStatus status);
std::optional<AdvisoryStatus> parse_advisory_status(std::string_view text);

// [introduced, fixed) or [introduced, last_affected]; "" introduced: from the beginning; both ends "": open.
struct VersionRange {
  std::string introduced;
  std::string fixed;
  std::string last_affected;
  bool operator==(const VersionRange&) const = default;
};

// One vulnerability in one package of one stream, as one source states it.
struct Advisory {
  std::string id;                    // "CVE-2024-3094", else the source's own ("DSA-5649-1", "GHSA-…")
  std::vector<std::string> aliases;  // other names of the same vulnerability
  std::string stream;                // "debian:12", "alpine:3.19"
  std::string package;               // source package name for distributions
  AdvisoryStatus status = AdvisoryStatus::Affected;
  std::vector<VersionRange> ranges;   // any match is a match
  std::vector<std::string> versions;  // affected exactly these, besides the ranges
  Severity severity = Severity::Unknown;
  std::string severity_source;  // who says so: "debian", "nvd", …
  std::string summary;
  std::string url;
  std::string source;  // which feed: "debian-tracker", "alpine-secdb", "osv", "debian-security-archive", "starter"
  bool is_known_exploited = false;  // CISA KEV
};

enum class MatchOutcome { Affected, NotAffected };
// Is `version` hit by the advisory? Invalid when a version involved does not parse: the caller reports *not judged*.
Result<MatchOutcome> match_version(const Advisory& advisory, VersionScheme scheme, std::string_view version);

// A vulnerability in this image.
struct Finding {
  std::string id;
  std::vector<std::string> aliases;
  Package package;
  Severity severity = Severity::Unknown;
  std::string severity_source;
  AdvisoryStatus status = AdvisoryStatus::Affected;
  std::string fixed_version;  // "" when there is none
  std::string summary;
  std::string url;
  std::string source;
  bool is_known_exploited = false;

  bool is_fixable() const { return !fixed_version.empty(); }
};

// Worst first: severity, known exploited, fixable, id, package. A total order, so reports are reproducible.
bool ranks_before(const Finding& a, const Finding& b);

}  // namespace pratique::vuln
