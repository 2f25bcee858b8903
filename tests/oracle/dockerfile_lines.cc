// What our parser sees in Dockerfiles, in the words of buildkit/main.go, so that the two can be compared line by line.
#include <cstdio>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "lint/lint.h"

namespace {

using namespace pratique;
using lint::Instruction;
using lint::Keyword;

Json flags_of(const Instruction& instruction) {
  Json list = Json::array();
  for (const auto& flag : instruction.flags) list.push("--" + flag.name + (flag.value.empty() ? "" : "=" + flag.value));
  return list;
}

Json heredocs_of(const Instruction& instruction) {
  Json list = Json::array();
  for (const auto& heredoc : instruction.heredocs) list.push(heredoc.content.str());
  return list;
}

bool is_accepted(const lint::Dockerfile& file) {
  return file.problems.empty();
}

void print(const lint::Dockerfile& file) {
  for (const auto& instruction : file.instructions) {
    Json line = Json::array();
    line.push(std::string(lint::to_string(instruction.keyword)));
    line.push(static_cast<std::uint64_t>(file.position(instruction.span.begin).line));
    auto last = instruction.span.end > instruction.span.begin ? instruction.span.end - 1 : instruction.span.begin;
    line.push(static_cast<std::uint64_t>(file.position(last).line));
    line.push(flags_of(instruction)).push(Json::array()).push(heredocs_of(instruction)).push(instruction.is_exec);
    std::printf("%s\n", line.dump().c_str());
  }
  for (const auto& stage : file.stages) {
    Json line = Json::array();
    line.push(stage.name).push(stage.base.value);
    std::printf("%s\n", line.dump().c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::printf("file %s\n", argv[i]);
    std::ifstream stream(argv[i], std::ios::binary);
    std::stringstream text;
    text << stream.rdbuf();
    auto file = lint::parse(text.str());
    bool accepts = file.ok() && is_accepted(*file);
    if (accepts) print(*file);
    std::printf("%s\n", accepts ? "accepted" : "refused");
  }
  return 0;
}
