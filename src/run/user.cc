#include "run/user.h"

#include <algorithm>
#include <optional>

#include "base/format.h"
#include "base/text.h"

namespace pratique::run {

namespace {

constexpr std::uint64_t kIdMax = 65'535;
// Linux allows 65536; no account of a real image is in this many.
constexpr std::size_t kGroupsMax = 64;

struct Account {
  std::string_view name;
  std::uint32_t uid, gid;
  std::string_view home;
};

struct Group {
  std::string_view name;
  std::uint32_t gid;
  std::vector<std::string_view> members;
};

std::optional<std::uint32_t> id_of(std::string_view text) {
  auto id = parse_decimal(text);
  if (!id || *id > kIdMax) return std::nullopt;
  return static_cast<std::uint32_t>(*id);
}

// passwd(5): name:password:uid:gid:comment:home:shell. Lines of another form are passed over, as the C library does.
template <typename Matches>
std::optional<Account> find_account(std::string_view passwd, Matches matches) {
  for (auto line : split(passwd, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() < 6) continue;
    auto uid = id_of(fields[2]), gid = id_of(fields[3]);
    if (!uid || !gid) continue;
    Account account{fields[0], *uid, *gid, fields[5]};
    if (matches(account)) return account;
  }
  return std::nullopt;
}

// group(5): name:password:gid:member,member
std::vector<Group> parse_groups(std::string_view text) {
  std::vector<Group> groups;
  for (auto line : split(text, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() < 4) continue;
    if (auto gid = id_of(fields[2])) groups.push_back({fields[0], *gid, split(fields[3], ',')});
  }
  return groups;
}

Result<std::uint32_t> number_or_error(std::string_view text, std::string_view what) {
  if (auto id = id_of(text)) return *id;
  return invalid(format("the image runs as {} {}, which is beyond 65535", what, printable(text)));
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::uint32_t> resolve_group(std::string_view name, const std::vector<Group>& groups) {
  for (const auto& group : groups) {
    if (group.name == name) return group.gid;
  }
  if (is_number(name)) return number_or_error(name, "group");
  return invalid(format("the image runs as group {}, which it does not have", printable(name)));
}

}  // namespace

Result<JobUser> resolve_user(std::string_view user, std::string_view passwd, std::string_view group) {
  auto parts = cut(user, ":");
  auto name = parts ? parts->first : user;
  auto group_name = parts ? parts->second : std::string_view();
  if (name.empty()) name = "0";
  JobUser result;
  auto account = find_account(passwd, [&](const Account& a) { return a.name == name; });
  if (!account && is_number(name)) {
    result.uid = TRY(number_or_error(name, "user"));
    account = find_account(passwd, [&](const Account& a) { return a.uid == result.uid; });
  } else if (!account) {
    return invalid(format("the image runs as user {}, which it does not have", printable(name)));
  }
  if (account) {
    result.uid = account->uid;
    result.gid = account->gid;
    result.home = account->home;
  }
  auto groups = parse_groups(group);
  if (!group_name.empty()) {
    result.gid = TRY(resolve_group(group_name, groups));
    return result;
  }
  // Supplementary groups come with a name only; an explicit group stands alone.
  for (const auto& candidate : groups) {
    bool is_member = account && std::ranges::find(candidate.members, account->name) != candidate.members.end();
    if (is_member && candidate.gid != result.gid && result.groups.size() < kGroupsMax) {
      result.groups.push_back(candidate.gid);
    }
  }
  return result;
}

}  // namespace pratique::run
