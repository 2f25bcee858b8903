// What the checklist of the environments asks of a built image, and what it answers. Part of scan.h, which is what
// others include.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace pratique::scan {

// What a line of program source does that cannot work, or matters, where there is no network.
enum class NoteKind : std::uint8_t {
  Url,           // fetches an address
  HubCall,       // loads a model or data set by its name on a hub
  InstallCall,   // installs packages while it runs
  HubUse,        // uses a hub's library at all
  UnreadSource,  // the file was not read: too large, or too many of them
};
struct SourceNote {
  NoteKind kind = NoteKind::Url;
  std::uint32_t line = 0;
  std::string text;  // the call or address, printable, bounded
};

// A place in the merged image, and the layer that brought it.
struct Sight {
  std::string path;
  int layer = -1;
};

// What the checklist asks of the file tree. Lists are cut at kSightsMax; counts are not.
inline constexpr std::size_t kSightsMax = 20;
struct Sights {
  std::vector<std::string> directories;  // of those the environment mounts at: "safe_data" …
  std::vector<Sight> data_files, secret_files, package_caches, open_programs;
  std::size_t data_file_count = 0, package_cache_count = 0, open_program_count = 0;
  std::vector<Sight> licences;      // of what was added, not of the distribution's packages
  std::vector<Sight> model_caches;  // "models--org--name"
  std::vector<Sight> hub_libraries;
  std::vector<std::string> cuda_versions;           // of directories: "11.8"
  std::vector<std::pair<Sight, SourceNote>> notes;  // of visible sources
};

// The base image under this one, where somebody knows the registered bases and could prove it. Its layers are the
// lowest ones: a package whose `layer` is below `layers` came with the base.
struct BaseNote {
  std::string reference;  // what stands behind FROM; "" where it is built on none
  std::string standing;   // "none", "outdated", "kept", "current"
  std::size_t layers = 0;
  std::string proof;    // "chain", "last-layer"; "" for none
  Time built, current;  // the generation it is built on, and the newest one
  std::size_t behind = 0, keep = 0;
  bool is_starred = false;
  std::string starred_why;
  // Findings that came with the base and are not in its newest generation; nullopt where that was not looked at.
  std::optional<std::size_t> removed_by_rebuild;
  std::vector<std::string> offered;  // bases that may be built on, where this is on none
};

// A check of the environments' checklist, as far as a built image shows it (docs/formats/image-checks.md).
enum class CheckState { Passed, Failed, Unknown };
std::string_view to_string(CheckState state);  // "passed", "failed", "unknown"
struct ImageCheck {
  std::string id;  // "T1"
  CheckState state = CheckState::Unknown;
  std::string message;              // what was seen, a sentence
  std::vector<std::string> places;  // "app/train.py:12", "layer 3"
  std::string fix;                  // what to do; "" where it passed
};

struct ImageFacts;
// The checklist, of a built image. Layers below `base_layers` are the base's: what they hold is not held against
// whoever builds on it. judge() runs it with none; run again when the base is known. Pure.
std::vector<ImageCheck> check_image(const ImageFacts& facts, const Sights& sights, std::size_t base_layers);
// The ids check_image() decides, in its order.
std::vector<std::string_view> image_check_ids();

}  // namespace pratique::scan
