// Scanning an image on this machine: reads its layers through the sandboxed cataloguer, judges, evaluates a policy.
#pragma once

#include <optional>
#include <string>

#include "advisory/advisory.h"
#include "policy/policy.h"
#include "scan/scan.h"
#include "transport/transport.h"

namespace pratique::cli {

// Catalogues the layers that are not in `inventories` yet (nullptr: all) and gathers the image's facts.
Result<scan::ImageFacts> gather_facts(transport::Image& image, const std::string& name,
                                      scan::InventoryStore* inventories);
// A profile's name or a file, with the files it builds on.
Result<policy::Policy> load_policy(const std::string& given);
// Finds what a policy file extends beside it.
policy::Policy::Loader policy_loader(const std::string& beside_file);

}  // namespace pratique::cli
