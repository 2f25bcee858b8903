// Where the members of a tar archive lie, so that they can be read in any order without unpacking.
//
// Reads ustar, PAX (path, linkpath, size) and GNU long names. Member names are keys of a map and nothing else: no host
// path is ever made from them. Links are followed inside the archive only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace pratique::transport {

class TarIndex {
 public:
  struct Member {
    std::uint64_t offset = 0;  // of its first content byte
    std::uint64_t size = 0;
  };

  // Corrupt for a broken header or an archive that is cut short; Limit for too many members or too long names.
  static Result<TarIndex> read(const os::Fd& file);
  // The file of that name, links followed. NotFound when absent; Corrupt where the name cannot be trusted: two files
  // bear it, or links go in circles.
  Result<Member> find(const std::string& name) const;
  bool has(const std::string& name) const { return find(name).ok(); }
  std::size_t size() const { return entries_.size(); }

 private:
  friend class TarReader;
  enum class Kind { File, Link, Other };
  struct Entry {
    Kind kind = Kind::Other;
    Member member;
    std::string target;  // of a link, from the archive's root
    bool is_ambiguous = false;
  };
  std::map<std::string, Entry> entries_;
};

// "./a//b/" as "a/b"; nullopt for what is empty, absolute-with-nothing or climbs out with "..".
std::optional<std::string> clean_member_name(std::string_view name);

}  // namespace pratique::transport
