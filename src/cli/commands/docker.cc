// docker: as much of docker and podman as workflow engines use, under the isolation of every run.
#include <signal.h>

#include <filesystem>

#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/running.h"
#include "cli/targets.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

using Words = std::vector<std::string>;

Result<Remote> the_gate() {
  return Remote::connect(Arguments::of_words({}));
}

std::string name_at_the_gate(const oci::Reference& reference) {
  auto repository = reference.repository.text();
  return repository + (reference.digest ? "@" + reference.digest->to_string() : ":" + reference.tag->text());
}

Result<Json> admission(Remote& remote, const std::string& image) {
  auto reference = TRY(approved_reference(remote, image));
  return remote.get("/admissions?reference=" + percent_encode(name_at_the_gate(reference)));
}

Words without_options(const Words& words) {
  Words operands;
  for (const auto& word : words)
    if (!word.starts_with("-")) operands.push_back(word);
  return operands;
}

bool has_any(const Words& words, std::initializer_list<std::string_view> options) {
  for (const auto& word : words)
    for (auto option : options)
      if (word == option) return true;
  return false;
}

Result<int> run_words(const Context& context, const Words& words) {
  auto site = TRY(Site::here());
  auto options = TRY(jobs::read_engine_options(words));
  if (options.used >= words.size()) return invalid("the image is missing");
  if (options.detach) return refused("-d: a run is attended here; start it with & and find it with `pratique jobs`");
  if (options.gpu) return refused("--gpus: this host gives jobs no graphics card");
  RunRequest request;
  request.image = words[options.used];
  request.job.args.assign(words.begin() + static_cast<long>(options.used) + 1, words.end());
  TRY(apply_engine_options(options, site, request));
  request.quiet = true;
  request.drops_empty_outputs = true;
  request.keep_image = !site.rules.directories_are_fixed;  // the next step of the workflow is about to use it
  if (options.container_id_file) {
    auto path = *options.container_id_file;
    if (os::exists(path)) return conflict(path + " exists: is another container using it?");
    request.named = [path, &site](const std::string& id) {
      auto acting = jobs::ActingAs::begin(site.user);
      if (acting) (void)os::write_file(path, id, 0644);
    };
  }
  Remote remote = TRY(the_gate());
  return run_request(remote, site, context.clock, std::move(request));
}

Result<int> pull(const Context&, const Words& words) {
  auto operands = without_options(words);
  if (operands.size() != 1) return invalid("pull takes one image");
  Remote remote = TRY(the_gate());
  auto answer = TRY(admission(remote, operands[0]));
  print(format("{}\nStatus: approved until {}; fetched and verified when it runs\n{}\n", answer["digest"].text(),
               answer["expires"].text(), operands[0]));
  return kDone;
}

Result<int> images(const Context&, const Words& words) {
  Remote remote = TRY(the_gate());
  auto answer = TRY(remote.get("/submissions?state=approved"));
  bool only_ids = has_any(words, {"-q", "--quiet", "-aq"});
  std::vector<std::vector<std::string>> rows;
  for (const auto& item : answer["submissions"].items()) {
    auto reference = std::string(item["reference"].text());
    if (reference.empty()) reference = item["approved_reference"].text();
    auto colon = reference.rfind(':');
    if (colon == std::string::npos) continue;
    if (only_ids) print(format("{}\n", item["digest"].text()));
    rows.push_back({reference.substr(0, colon), reference.substr(colon + 1), std::string(item["digest"].text()),
                    std::string(item["decided"].text()), "-"});
  }
  if (!only_ids) print(render_table({"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"}, rows, false));
  return kDone;
}

Result<int> ps(const Context& context, const Words& words) {
  auto site = TRY(Site::here());
  auto records = site.records();
  TRY(records.settle(context.clock));
  bool all = has_any(words, {"-a", "--all", "-aq", "-qa"}), only_ids = has_any(words, {"-q", "--quiet", "-aq", "-qa"});
  std::vector<std::vector<std::string>> rows;
  for (const auto& record : TRY(records.list())) {
    bool is_running = record.state == jobs::State::Running;
    if (!all && !is_running) continue;
    if (only_ids) print(record.id + "\n");
    auto status = is_running ? "Up" : format("Exited ({})", record.exit_code.value_or(255));
    rows.push_back({record.id, record.image, printable(join(record.command, " "), 30), status, record.name});
  }
  if (!only_ids) print(render_table({"CONTAINER ID", "IMAGE", "COMMAND", "STATUS", "NAMES"}, rows, false));
  return kDone;
}

Json inspect_record(const jobs::Record& record) {
  bool is_running = record.state == jobs::State::Running;
  Json state = Json::object();
  state.set("Status", is_running ? "running" : "exited").set("Running", is_running);
  state.set("OOMKilled", record.state == jobs::State::OutOfMemory)
      .set("ExitCode", record.exit_code.value_or(is_running ? 0 : 255));
  state.set("StartedAt", record.started.to_rfc3339());
  state.set("FinishedAt", record.ended ? record.ended->to_rfc3339() : "0001-01-01T00:00:00Z");
  Json json = Json::object();
  json.set("Id", record.id).set("Name", "/" + record.name).set("Image", record.digest).set("State", std::move(state));
  json.set("Config", Json::object({{"Image", record.image}}));
  json.set("HostConfig", Json::object({{"NetworkMode", "none"}, {"Memory", record.memory_limit}}));
  return json;
}

Result<Json> inspect_image(Remote& remote, const std::string& name) {
  auto reference = TRY(approved_reference(remote, name));
  auto answer = TRY(admission(remote, name));
  transport::OpenOptions options{.plain_http = remote.url().starts_with("http://"),
                                 .credentials = remote.credentials()};
  auto place = format("docker://{}/{}@{}", remote.host(), reference.repository.text(), answer["digest"].text());
  auto image = TRY(transport::open(place, options));
  auto config = TRY(parse_json(TRY(transport::read_blob(*image, image->manifest().config, oci::kConfigBytesMax))));
  Json json = Json::object();
  json.set("Id", image->manifest().config.digest.to_string());
  json.set("RepoTags", Json::array({reference.to_string()}));
  json.set("RepoDigests",
           Json::array({format("{}/{}@{}", remote.host(), reference.repository.text(), answer["digest"].text())}));
  json.set("Architecture", config["architecture"]).set("Os", config["os"]).set("Config", config["config"]);
  return json;
}

Result<int> inspect(const Context&, const Words& words) {
  auto site = TRY(Site::here());
  auto records = site.records();
  Json list = Json::array();
  for (const auto& name : without_options(words)) {
    if (auto record = records.find(name)) {
      list.push(inspect_record(*record));
      continue;
    }
    Remote remote = TRY(the_gate());
    list.push(TRY(inspect_image(remote, name)));
  }
  return print(list.dump_pretty()), kDone;
}

// Nothing of a run is left once it has ended but its record, which is not for removing.
Result<int> rm(const Context&, const Words& words) {
  auto site = TRY(Site::here());
  auto records = site.records();
  for (const auto& name : without_options(words)) {
    auto record = TRY(records.find(name));
    bool is_running = record.state == jobs::State::Running;
    if (is_running && !has_any(words, {"-f", "--force"}))
      return conflict(name + " is running; stop it first or use -f");
    if (is_running) {
      TRY(jobs::Records::signal(record, SIGTERM));
      TRY(jobs::Records::signal(record, SIGINT));
    }
    print(name + "\n");
  }
  return kDone;
}

Result<int> end(const Context& context, const Words& words, bool at_once) {
  for (const auto& command : commands()) {
    if (command.path != "stop") continue;
    auto operands = without_options(words);
    if (at_once) operands.insert(operands.begin(), "--now");
    auto arguments = TRY(Arguments::parse(command.options, operands));
    return command.action(Context{arguments, context.services, context.clock, context.colour});
  }
  return kFailed;
}
Result<int> stop(const Context& context, const Words& words) {
  return end(context, words, false);
}
Result<int> kill(const Context& context, const Words& words) {
  return end(context, words, true);
}

Result<int> logs(const Context& context, const Words& words) {
  for (const auto& command : commands()) {
    if (command.path != "logs") continue;
    auto arguments = TRY(Arguments::parse(command.options, words));
    return command.action(Context{arguments, context.services, context.clock, context.colour});
  }
  return kFailed;
}

Result<int> version(const Context&, const Words&) {
  // Engines compare the number with features they need; this is the age of the options read here.
  print(format("Docker version 20.10.24, build pratique-{}\n", kVersion));
  return kDone;
}

struct Verb {
  std::string_view name;
  Result<int> (*action)(const Context&, const Words&);
};
constexpr Verb kVerbs[] = {{"run", run_words}, {"pull", pull},       {"images", images},     {"ps", ps},
                           {"logs", logs},     {"rm", rm},           {"inspect", inspect},   {"stop", stop},
                           {"kill", kill},     {"version", version}, {"--version", version}, {"-v", version}};

}  // namespace

Result<int> docker_command(const Context& context) {
  auto words = context.arguments.operands();
  // "docker container run", "docker image ls" are the same words with a longer way to them.
  if (words.size() > 1 && (words[0] == "container" || words[0] == "image")) {
    if (words[1] == "ls") words[1] = words[0] == "image" ? "images" : "ps";
    words.erase(words.begin());
  }
  for (const auto& verb : kVerbs) {
    if (!words.empty() && words[0] == verb.name) return verb.action(context, {words.begin() + 1, words.end()});
  }
  return invalid(format("docker {}: here there are run, pull, images, ps, logs, rm, inspect, stop, kill and version",
                        words.empty() ? "" : printable(words[0])));
}

}  // namespace pratique::cli
