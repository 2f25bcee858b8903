// Submissions as a person reads them.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/remote.h"
#include "wire/wire.h"

namespace pratique::cli {

// Verdict, URI or reasons, what to do next. Ends with a new line.
std::string describe_submission(const wire::Submission& submission, Time now, bool colour);
std::string submissions_table(const std::vector<wire::Submission>& submissions, Time now, bool colour);
// Prints one as text or JSON and gives the exit code its state deserves: 3 for rejected and revoked.
int show_submission(const Context& context, const wire::Submission& submission);
Result<wire::Submission> fetch_submission(Remote& remote, const std::string& id);

}  // namespace pratique::cli
