// The table of what can be read from an image's files. One entry an ecosystem; README.md says how to add the next.
//
// wants() and extract() run in the sandboxed worker, on one layer, while it arrives. Where a file counts in the
// finished image is said by `locations`, which merge() looks up through symlinks and whiteouts.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "scan/scan.h"

namespace pratique::scan {

struct Extractor {
  std::string_view name;
  int version;  // raised when extract() reads something else: older inventories are made again
  // May a file of this name count in some image? Generous: a symlink elsewhere may lead to it. Pure, cheap.
  bool (*wants)(std::string_view path);
  // Reads one file. Never fails: what is broken becomes a gap that names the line.
  void (*extract)(std::string_view path, std::string_view content, Extract& out);
  // Where the file is looked for in the merged image, first hit first; a trailing "/" means every file in the
  // directory.
  std::span<const std::string_view> locations;
  // Larger files, and more of them than that in one layer, are not read and say so in a note; 0: as the limits of a
  // layer say, and then it is a gap.
  std::uint64_t file_bytes_max = 0, layer_bytes_max = 0;
};

std::span<const Extractor> extractors();
const Extractor* extractor_for(std::string_view path);    // nullptr: not wanted
const Extractor* extractor_named(std::string_view name);  // nullptr: unknown
std::string extractors_fingerprint();                     // "os-release/1 dpkg/1 …"

// More broken places than this in one file are counted, not listed.
constexpr std::size_t kGapsPerFileMax = 50;
// The whole of Debian is 64,000 packages; more in one image is an attack on memory.
constexpr std::size_t kPackagesPerFileMax = 100'000;
// More calls than this in one file say nothing new.
constexpr std::size_t kNotesPerFileMax = 40;
constexpr std::size_t kNoteBytesMax = 160;
// Longest name, version or other field that is kept. dpkg and apk names are below 100.
constexpr std::size_t kFieldBytesMax = 512;

// Adds broken places to an extract, with the limit above.
class BrokenPlaces {
 public:
  BrokenPlaces(std::string_view path, Extract& out) : path_(path), out_(out) {}
  ~BrokenPlaces();  // says how many more there were
  BrokenPlaces(const BrokenPlaces&) = delete;
  BrokenPlaces& operator=(const BrokenPlaces&) = delete;
  void add(std::size_t line, std::string reason);

 private:
  std::string_view path_;
  Extract& out_;
  std::size_t count_ = 0;
};

// The text for a package field: valid UTF-8 without control characters, at most kFieldBytesMax.
std::string clean_field(std::string_view text);
// A name or version as it has to be: not empty, not too long, printable ASCII without spaces.
bool is_plain_word(std::string_view text);

// Gives lines with their number, from 1, without the line end.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool next(std::string_view& line);
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

// Where packages and their tests lie: thousands of sources nobody in the project wrote.
bool is_of_packages(std::string_view path);
bool wants_sources(std::string_view path);
void extract_sources(std::string_view path, std::string_view content, Extract& out);
bool wants_os_release(std::string_view path);
void extract_os_release(std::string_view path, std::string_view content, Extract& out);
bool wants_dpkg(std::string_view path);
void extract_dpkg(std::string_view path, std::string_view content, Extract& out);
bool wants_apk(std::string_view path);
void extract_apk(std::string_view path, std::string_view content, Extract& out);

}  // namespace pratique::scan
