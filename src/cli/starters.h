// What `pratique init` writes: for each kind of project the files to start from. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pratique::cli {

struct StarterFile {
  std::string path;  // relative to the project
  std::string text;
  bool is_example = false;  // yours to replace: left alone where it is there already
};
struct StarterKind {
  std::string_view name;
  std::string_view summary;
};

std::vector<StarterKind> starter_kinds();
// nullopt for a kind we do not know. `name` is the image's: lower case, as a repository component.
std::optional<std::vector<StarterFile>> starter_files(std::string_view kind, const std::string& name);

}  // namespace pratique::cli
