// Who a job runs as: the image configuration's `user` looked up in the image's own databases. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pratique::run {

struct JobUser {
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;
  std::string home;  // "" where the database does not say
};

// `user` as in image-spec config.md: "", "user", "uid", "user:group", "uid:gid". A name must be in the database, a
// number need not be. Invalid for unknown names and for numbers a job cannot have (above 65535).
Result<JobUser> resolve_user(std::string_view user, std::string_view passwd, std::string_view group);

}  // namespace pratique::run
