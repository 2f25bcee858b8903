// The files in which AWS's command line looks for us, as text: our lines go in and come out again, and nobody else's
// change. docs/aws.md says which file does what. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique::cli {

struct AwsTarget {
  std::string url;      // "https://gate.example.org"
  std::string region;   // "us-east-1"
  std::string ca_file;  // "" : the system's
};

// ~/.aws/cli/alias: `sts` and `ecr` become aliases that name our endpoint; both stay what one types. Replaces lines of
// an earlier call. Conflict, with the line, where the file already has aliases of that name; Invalid for values that
// would not survive in an alias.
Result<std::string> add_aws_aliases(std::string_view file, const AwsTarget& target);
std::string remove_aws_aliases(std::string_view file);

// ~/.aws/models/endpoints.json: a whole file, which replaces the command line's own list of endpoints.
std::string aws_endpoints(const AwsTarget& target);
// Did we write it?
bool is_our_endpoints(std::string_view file);

// The variables that command lines from 2.13 on (1.29 of the first line) read: lines for a shell.
std::string aws_exports(const AwsTarget& target);

}  // namespace pratique::cli
