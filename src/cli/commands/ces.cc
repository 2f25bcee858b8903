// ces run, ces pull: the words of the container execution service, with what they have always meant.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/running.h"
#include "cli/targets.h"

namespace pratique::cli {

namespace {

// The runtimes of the service. Here there is one, so the word only says that somebody's script is older.
bool is_runtime(const std::string& word) {
  return word == "podman" || word == "apptainer" || word == "k8s";
}

struct Words {
  std::vector<std::string> options;  // for our own parser
  std::string image;
  std::vector<std::string> arguments;
};

// Up to the image the words are options, whatever comes behind it is the container's.
Result<Words> sort_words(std::vector<std::string> words) {
  Words sorted;
  if (!words.empty() && is_runtime(words.front())) words.erase(words.begin());
  constexpr std::string_view kWithValue[] = {"-c",     "--cores",    "-m",         "--memory",  "-n",
                                             "--name", "--env-file", "--opt-file", "--arg-file"};
  std::size_t i = 0;
  for (; i < words.size() && words[i].starts_with("-"); ++i) {
    if (words[i] == "--version") continue;
    sorted.options.push_back(words[i]);
    bool takes_next = std::ranges::find(kWithValue, words[i]) != std::end(kWithValue);
    if (!takes_next) continue;
    if (i + 1 >= words.size()) return invalid(words[i] + " needs a value");
    sorted.options.push_back(words[++i]);
  }
  if (i >= words.size()) return invalid("the image is missing: ces-run [options] <container>");
  sorted.image = words[i];
  sorted.arguments.assign(words.begin() + static_cast<long>(i) + 1, words.end());
  return sorted;
}

// A git host's registry is never typed with its port by users of the service; ours is wherever the gate is.
std::string at_the_gate(const std::string& image) {
  auto slash = image.find('/');
  auto first = image.substr(0, slash);
  bool is_host = slash != std::string::npos && (contains(first, ".") || contains(first, ":"));
  return is_host ? image.substr(slash + 1) : image;
}

}  // namespace

Result<int> ces_run_command(const Context& context) {
  auto sorted = TRY(sort_words(context.arguments.operands()));
  std::vector<std::string> words = sorted.options;
  words.push_back(sorted.image);
  words.emplace_back("--");
  words.insert(words.end(), sorted.arguments.begin(), sorted.arguments.end());
  for (const auto& command : commands()) {
    if (command.path != "run") continue;
    auto arguments = TRY(Arguments::parse(command.options, words));
    return command.action(Context{arguments, context.services, context.clock, context.colour});
  }
  return unavailable("there is no command run");
}

Result<int> ces_pull_command(const Context& context) {
  auto words = context.arguments.operands();
  if (!words.empty() && is_runtime(words.front())) words.erase(words.begin());
  constexpr std::size_t kWords = 3;
  if (words.size() != kWords) return invalid("the words are: ces-pull [podman] USER TOKEN IMAGE");
  // Their user and token were for the place the image came from; who may have it here is the gate's question.
  auto site = TRY(Site::here());
  TRY(jobs::check_enabled(site.rules, site.user, site.host));
  Remote remote = TRY(Remote::connect(Arguments::of_words({})));
  auto reference = approved_reference(remote, words[2]);
  if (!reference) reference = approved_reference(remote, at_the_gate(words[2]));
  auto pinned = TRY(std::move(reference));
  auto name = pinned.digest ? pinned.repository.text() + "@" + pinned.digest->to_string()
                            : pinned.repository.text() + ":" + pinned.tag->text();
  auto answer = TRY(remote.get("/admissions?reference=" + percent_encode(name)));
  print(format("{}\n  {}\n  admitted until {}; its bytes are fetched and verified when it runs\n", pinned.to_string(),
               answer["digest"].text(), answer["expires"].text()));
  return kDone;
}

}  // namespace pratique::cli
