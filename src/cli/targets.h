// Images as the command line names them.
#pragma once

#include <string>

#include "cli/arguments.h"
#include "cli/remote.h"
#include "transport/transport.h"

namespace pratique::cli {

// --platform and --tls-verify as transport options. Invalid for other words.
Result<transport::OpenOptions> open_options(const Arguments& arguments);
// An approved image at a gate: "nextflow-approved/ann:1.0", with or without the gate's host in front; tag or digest.
Result<oci::Reference> approved_reference(const Remote& remote, const std::string& text);
oci::ManifestReference manifest_reference(const oci::Reference& reference);

}  // namespace pratique::cli
