// ECR: scans and their findings, out of the gate's own reports. Every image is inspected when it is pushed and judged
// again whenever the advisories change, so there is nothing to start; whoever asks hears where it stands.
//
// What could not be judged is a finding too, of severity UNDEFINED: a client that counts findings must not take an
// image for clean that nobody could read.
#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/text.h"
#include "control/aws_impl.h"

namespace pratique::control {

namespace {

using Impl = AwsApi::Impl;

constexpr std::size_t kSubmissionsLooked = 1'000;
constexpr std::string_view kGapPrefix = "NOT-JUDGED-";

Json attribute(std::string_view key, std::string_view value) {
  return Json::object({{"key", key}, {"value", value}});
}

Json finding_of(const vuln::Finding& finding, const oci::Platform& platform, bool is_index) {
  Json attributes = Json::array(
      {attribute("package_name", finding.package.name), attribute("package_version", finding.package.version)});
  if (!finding.fixed_version.empty()) attributes.push(attribute("fixed_in_version", finding.fixed_version));
  if (finding.is_known_exploited) attributes.push(attribute("known_exploited", "true"));
  attributes.push(attribute("source", finding.source));
  if (is_index) attributes.push(attribute("platform", platform.to_string()));
  Json json = Json::object({{"name", finding.id}, {"severity", ecr_severity(finding.severity)}});
  if (!finding.summary.empty()) json.set("description", printable(finding.summary, 1'000));
  if (!finding.url.empty()) json.set("uri", finding.url);
  json.set("attributes", std::move(attributes));
  return json;
}

Json gap_of(const scan::Gap& gap) {
  return Json::object({{"name", format("{}{}", kGapPrefix, gap.code)},
                       {"description", printable(format("{}: {}", gap.what, gap.reason), 1'000)},
                       {"severity", "UNDEFINED"},
                       {"attributes", Json::array()}});
}

std::vector<Json> findings_of(const std::vector<scan::ScanReport>& reports) {
  std::vector<Json> all;
  for (const auto& report : reports) {
    for (const auto& gap : report.gaps) all.push_back(gap_of(gap));
    for (const auto& finding : report.findings) all.push_back(finding_of(finding, report.platform, reports.size() > 1));
  }
  return all;
}

}  // namespace

std::string_view ecr_severity(vuln::Severity severity) {
  switch (severity) {
    case vuln::Severity::Critical:
      return "CRITICAL";
    case vuln::Severity::High:
      return "HIGH";
    case vuln::Severity::Medium:
      return "MEDIUM";
    case vuln::Severity::Low:
      return "LOW";
    case vuln::Severity::Negligible:
      return "INFORMATIONAL";
    case vuln::Severity::Unknown:
      break;
  }
  return "UNDEFINED";
}

Json scan_status(const std::optional<gate::Submission>& submission) {
  if (submission && submission->state == gate::State::Staged)
    return Json::object({{"status", "IN_PROGRESS"}, {"description", "The scan is in progress."}});
  return Json::object({{"status", "COMPLETE"}, {"description", "The scan was completed successfully."}});
}

Json count_severities(const std::vector<scan::ScanReport>& reports) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& report : reports) {
    for (const auto& finding : report.findings) ++counts[std::string(ecr_severity(finding.severity))];
    if (!report.gaps.empty()) counts["UNDEFINED"] += static_cast<std::int64_t>(report.gaps.size());
  }
  Json json = Json::object();
  for (const auto& [severity, count] : counts) json.set(severity, count);
  return json;
}

Result<std::optional<gate::Submission>> Impl::submission_of(const AwsCall& call, const oci::RepositoryName& repository,
                                                            const oci::Digest& digest) const {
  auto submissions = TRY(gate.submissions({.repository = repository.text(), .limit = kSubmissionsLooked}));
  for (auto& submission : submissions) {
    if (submission.digest != digest) continue;
    // What a report says is for its submitter and those who decide, as in the API.
    if (!call.sees_all() && submission.submitter != call.who().name()) continue;
    return std::optional(std::move(submission));
  }
  return std::optional<gate::Submission>();
}

Impl::Outcome Impl::start_image_scan(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_read(call, repository));
  const auto& id = call.input.image_ids.front();
  auto image = TRY(wanted_image(call, repository, id));
  auto submission = TRY(submission_of(call, repository, image.digest));
  if (!submission) return deny(call, arn_of(repository));
  return Json::object({{"registryId", options.account},
                       {"repositoryName", repository.text()},
                       {"imageId", aws::ImageId{image.digest.to_string(), id.tag}.to_json()},
                       {"imageScanStatus", scan_status(submission)}});
}

Impl::Outcome Impl::describe_image_scan_findings(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_read(call, repository));
  const auto& id = call.input.image_ids.front();
  auto image = TRY(wanted_image(call, repository, id));
  auto submission = TRY(submission_of(call, repository, image.digest));
  if (!submission)
    return call.fail("ScanNotFoundException",
                     format("Image scan does not exist for the image with '{}' in the repository with name '{}' in the "
                            "registry with id '{}'",
                            image.digest.to_string(), repository.text(), options.account));
  Json answer = Json::object({{"registryId", options.account},
                              {"repositoryName", repository.text()},
                              {"imageId", aws::ImageId{image.digest.to_string(), id.tag}.to_json()},
                              {"imageScanStatus", scan_status(submission)}});
  auto reports = gate.reports(submission->id);
  if (!reports.ok() && reports.error().kind() != ErrorKind::NotFound) return reports.error();
  if (!reports.ok() || reports->empty()) {
    // A scan that is over without a report is one that failed; a client that waits must not wait for ever.
    if (submission->state != gate::State::Staged)
      answer.set("imageScanStatus", Json::object({{"status", "FAILED"}, {"description", "There is no report."}}));
    return answer;
  }
  auto all = findings_of(*reports);
  std::size_t from = 0;
  if (!call.input.next_token.empty()) {
    auto number = parse_decimal(TRY(aws::parse_page_token(call.operation, call.input.next_token)));
    if (!number || *number > all.size()) return invalid("Invalid parameter at 'nextToken'");
    from = static_cast<std::size_t>(*number);
  }
  const auto until = std::min(all.size(), from + call.input.page_size());
  Json page = Json::array();
  for (std::size_t i = from; i < until; ++i) page.push(std::move(all[i]));
  answer.set("imageScanFindings",
             Json::object({{"imageScanCompletedAt", ecr_time(reports->front().scanned)},
                           {"vulnerabilitySourceUpdatedAt", ecr_time(reports->front().database.newest)},
                           {"findings", std::move(page)},
                           {"findingSeverityCounts", count_severities(*reports)}}));
  if (until < all.size()) answer.set("nextToken", aws::page_token(call.operation, std::to_string(until)));
  return answer;
}

}  // namespace pratique::control
