// submit: pushes an image from wherever it is and waits for the verdict.
#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/submissions.h"
#include "cli/targets.h"

namespace pratique::cli {

namespace {

// The tag people gave the image where it is: what follows the last ":" of a reference, when it is a tag.
std::string own_tag(std::string_view target) {
  auto name = target.substr(target.rfind('/') == std::string_view::npos ? 0 : target.rfind('/') + 1);
  auto colon = name.rfind(':');
  if (colon == std::string_view::npos || !oci::Tag::parse(name.substr(colon + 1)).ok()) return "latest";
  return std::string(name.substr(colon + 1));
}

// Where the push goes: --as, completed with the submitter's own staging repository.
Result<oci::Reference> destination(Remote& remote, const Arguments& arguments) {
  Json me = TRY(remote.get("/whoami"));
  const auto& places = me["push_to"].items();
  if (places.empty())
    return denied("you may not submit images: ask the people who run the gate for the role submitter");
  std::string place(places[0].text());
  std::string as = arguments.value("--as");
  std::string name;
  if (as.empty())
    name = place + ":" + own_tag(arguments.operands()[0]);
  else if (as.starts_with(place))
    name = as;
  else if (contains(as, ":"))
    name = place + "/" + as;
  else
    name = place + ":" + as;
  return oci::Reference::parse(remote.host() + "/" + name, remote.host());
}

// The newest submission of exactly this push.
Result<wire::Submission> find_submission(Remote& remote, const oci::Reference& to, const oci::Digest& digest) {
  for (auto& submission : TRY(wire::submissions_from_json(TRY(remote.get("/submissions")))))
    if (submission.repository == to.repository.text() && submission.tag == to.tag->text() &&
        submission.digest == digest)
      return submission;
  return not_found("the gate has no submission of this push; is the repository a staging one?");
}

// A scan that outlasted the push: asks until the state is settled. The gate holds each question for a moment.
Result<wire::Submission> wait_until_settled(Remote& remote, wire::Submission submission) {
  constexpr unsigned kQuestionsMax = 900;
  for (unsigned asked = 0; !submission.is_settled() && asked < kQuestionsMax; ++asked)
    submission = TRY(wire::Submission::from_json(TRY(remote.get("/submissions/" + submission.id + "?wait=2"))));
  return submission;
}

}  // namespace

Result<int> submit_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  Remote remote = TRY(Remote::connect(arguments));
  auto image = TRY(transport::open(arguments.operands()[0], TRY(open_options(arguments))));
  auto to = TRY(destination(remote, arguments));
  auto registry = remote.registry();
  ShownProgress progress;
  print_note(format("Pushing {} to {}\n", arguments.operands()[0], to.to_string()));
  auto pushed = transport::push(*image, *registry, to.repository, *to.tag, progress);
  oci::Digest digest = pushed.ok() ? pushed->digest : image->digest();
  // A namespace may refuse at push: the submission exists all the same and says why.
  if (!pushed.ok() && pushed.error().kind() != ErrorKind::Refused) return pushed.error();
  auto submission = find_submission(remote, to, digest);
  if (!submission.ok()) return pushed.ok() ? submission.error() : pushed.error();
  return show_submission(context, TRY(wait_until_settled(remote, std::move(*submission))));
}

}  // namespace pratique::cli
