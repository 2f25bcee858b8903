// A report arranged for people: what both the text and the page show, in the order they show it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scan/scan.h"

namespace pratique::scan {

// What one package of one layer is affected by, and the one thing to do about it.
struct PackageGroup {
  const vuln::Package* package = nullptr;
  std::string upgrade_to;                      // the version that closes all of them; "" where there is none
  std::vector<const vuln::Finding*> findings;  // worst first
  vuln::Severity worst() const { return findings.front()->severity; }
  bool has_known_exploited() const;
};

struct LayerGroup {
  int layer = -1;  // -1: of no layer we know
  const LayerSummary* summary = nullptr;
  std::vector<PackageGroup> fixable;
  std::vector<PackageGroup> unfixable;
  std::size_t findings() const;
};

struct ReportView {
  std::vector<std::pair<std::string, std::string>> facts;  // label and value: image, digest, system, database …
  std::string counts;                                      // "2 critical, 5 high"
  std::size_t fixable = 0;
  std::vector<LayerGroup> layers;  // those with findings, lowest first
  std::vector<std::string> next_steps;
  std::string coverage;  // what this version reads, and what it does not
};
// Borrows the report.
ReportView view_of(const ScanReport& report, const ReportContext& context);

// "no fix yet", "will not be fixed": what the distribution says where there is nothing to upgrade to.
std::string_view explain(vuln::AdvisoryStatus status);
// Is this worth a line of its own where nothing can be done about it?
bool is_minor(vuln::Severity severity);
std::string with_thousands(std::uint64_t number);              // "45,210"
std::string plural(std::size_t count, std::string_view noun);  // "1 layer", "3 layers"

}  // namespace pratique::scan
