// The other faces of `pratique lint`: a built image, an editor, a workflow.
#pragma once

#include <string>

#include "cli/command.h"
#include "lint/lint.h"

namespace pratique::cli {

Result<int> lint_image(const Context& context, const std::string& target);
// Serves an editor on standard input and output until it says exit.
Result<int> serve_language(const std::string& profile);
// What a workflow prints once, so that GitHub finds our lines in its log.
std::string problem_matcher();
// What the builder and the project have around a Dockerfile.
lint::Surroundings look_around(const std::string& path);

}  // namespace pratique::cli
