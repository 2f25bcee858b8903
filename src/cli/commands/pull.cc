#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/targets.h"

namespace pratique::cli {

Result<int> pull_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  auto reference = TRY(approved_reference(remote, context.arguments.operands()[0]));
  auto options =
      transport::OpenOptions{.plain_http = remote.url().starts_with("http://"), .credentials = remote.credentials()};
  auto image = TRY(transport::open("docker://" + reference.to_string(), options));
  std::string directory = context.arguments.value("--output");
  if (directory.empty()) directory = replace_all(std::string(reference.repository.after_first_component()), "/", "-");
  if (directory.empty()) directory = reference.repository.text();
  std::string tag = reference.tag ? reference.tag->text() : "pulled";
  ShownProgress progress;
  auto descriptor = TRY(transport::write_layout(*image, directory, tag, progress));
  print(format("{}\n  {}\n  in oci:{}:{}, every byte verified\n", reference.to_string(), descriptor.digest.to_string(),
               directory, tag));
  return kDone;
}

}  // namespace pratique::cli
