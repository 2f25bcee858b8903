// status and report.
#include "base/format.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/submissions.h"
#include "os/file.h"
#include "os/terminal.h"

namespace pratique::cli {

Result<int> status_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  if (!context.arguments.operands().empty())
    return show_submission(context, TRY(fetch_submission(remote, context.arguments.operands()[0])));
  std::string state = context.arguments.value("--state");
  Json answer = TRY(remote.get("/submissions" + (state.empty() ? "" : "?state=" + percent_encode(state))));
  auto submissions = TRY(wire::submissions_from_json(answer));
  if (context.arguments.value("--format") == "json")
    print(answer.dump_pretty());
  else if (submissions.empty())
    print("Nothing has been submitted. `pratique submit IMAGE` pushes one.\n");
  else
    print(submissions_table(submissions, context.clock.now(), context.colour));
  return kDone;
}

Result<int> report_command(const Context& context) {
  std::string form = context.arguments.value("--format");
  std::string accept = form == "html" ? "text/html" : form == "json" ? "application/json" : "text/plain";
  if (form != "html" && form != "json" && form != "text")
    return invalid("--format is text, json or html, not \"" + form + "\"");
  Remote remote = TRY(Remote::connect(context.arguments));
  std::string path = format("/submissions/{}/report?format={}", percent_encode(context.arguments.operands()[0]), form);
  std::string report = TRY(remote.get_text(path, accept));
  if (!context.arguments.has("--output"))
    print(form == "text" || os::is_terminal(1) ? printable_lines(report) : report);
  else
    TRY(os::write_file(context.arguments.value("--output"), report, 0644));
  return kDone;
}

}  // namespace pratique::cli
