#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/format.h"
#include "base/text.h"
#include "jobs/jobs.h"

namespace pratique::jobs {

namespace {

constexpr int kGroupsMax = 65'536;  // NGROUPS_MAX of the kernel

std::string name_of_group(gid_t gid) {
  const group* entry = ::getgrgid(gid);
  return entry ? entry->gr_name : std::to_string(gid);
}

// glibc's setgroups changes every thread of the process; the system call changes this one.
Status set_thread_groups(const std::vector<gid_t>& groups) {
  if (::syscall(SYS_setgroups, groups.size(), groups.data()) != 0) return from_errno("changing groups", errno);
  return {};
}

}  // namespace

Result<User> current_user() {
  User user{.uid = ::getuid(), .gid = ::getgid(), .name = "", .home = "", .groups = {}, .group_ids = {}};
  const char* sudo = std::getenv("SUDO_UID");
  auto asked_by = sudo && user.uid == 0 ? parse_decimal(sudo) : std::nullopt;
  user.through_sudo = asked_by && *asked_by != 0;
  if (user.through_sudo) user.uid = static_cast<uid_t>(*asked_by);
  const passwd* entry = ::getpwuid(user.uid);
  if (!entry && user.through_sudo) return denied(format("user {} has no account on this machine", user.uid));
  const char* home = std::getenv("HOME");
  user.name = entry ? entry->pw_name : std::to_string(user.uid);
  user.home = user.through_sudo || !home || !*home ? (entry ? entry->pw_dir : "/tmp") : home;
  if (user.through_sudo) user.gid = entry->pw_gid;
  int count = kGroupsMax;
  user.group_ids.resize(static_cast<std::size_t>(count));
  ::getgrouplist(user.name.c_str(), user.gid, user.group_ids.data(), &count);
  user.group_ids.resize(entry ? static_cast<std::size_t>(count) : 0);
  for (gid_t gid : user.group_ids) user.groups.push_back(name_of_group(gid));
  return user;
}

Result<ActingAs> ActingAs::begin(const User& user) {
  if (!user.through_sudo) return ActingAs(false);
  ActingAs acting(true);
  acting.groups_before_.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  int count = ::getgroups(static_cast<int>(acting.groups_before_.size()), acting.groups_before_.data());
  if (count < 0) return from_errno("reading our groups", errno);
  acting.groups_before_.resize(static_cast<std::size_t>(count));
  TRY(set_thread_groups(user.group_ids));
  ::setfsgid(user.gid);
  ::setfsuid(user.uid);
  // These calls say nothing about failure but through the next one's answer.
  if (static_cast<uid_t>(::setfsuid(user.uid)) != user.uid) return denied("cannot act as " + user.name);
  return acting;
}

ActingAs::ActingAs(ActingAs&& other) noexcept
    : active_(std::exchange(other.active_, false)), groups_before_(std::move(other.groups_before_)) {}

ActingAs::~ActingAs() {
  if (!active_) return;
  ::setfsuid(::geteuid());
  ::setfsgid(::getegid());
  (void)set_thread_groups(groups_before_);
}

Status make_new_directory(const User& user, const std::string& path) {
  auto acting = TRY(ActingAs::begin(user));
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno == EEXIST) return conflict(format("{} exists already; outputs get a directory of their own", path));
  return from_errno("making " + path, errno);
}

}  // namespace pratique::jobs
