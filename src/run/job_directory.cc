#include "run/job_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/format.h"
#include "base/json.h"
#include "base/random.h"
#include "os/file.h"
#include "os/owner.h"

namespace pratique::run {

namespace {

constexpr std::size_t kLoanBytesMax = 64 << 10;

std::string jobs_of(const Options& options) {
  return options.directory + "/jobs";
}

Status settle_loan(const std::string& job, std::uint32_t first_host_id) {
  auto path = job + "/loan.json";
  if (!os::exists(path)) return {};
  auto loan = TRY(parse_json(TRY(os::read_file(path, kLoanBytesMax))));
  auto directory = open_shared_directory(std::string(loan["path"].text()));
  if (!directory && directory.error().kind() == ErrorKind::NotFound) return {};
  auto outputs = TRY(std::move(directory));
  // The path was the user's to change since: only the directory that was lent is given back, never one put in its
  // place.
  auto device = static_cast<std::int64_t>(outputs.device), inode = static_cast<std::int64_t>(outputs.inode);
  if (loan["device"].as_int() != device || loan["inode"].as_int() != inode) return {};
  auto uid = loan["uid"].as_int(), gid = loan["gid"].as_int();
  if (!uid || !gid) return corrupt(path + " names no owner");
  outputs.uid = static_cast<std::uint32_t>(*uid);
  outputs.gid = static_cast<std::uint32_t>(*gid);
  return give_back(outputs, first_host_id);
}

}  // namespace

Result<JobDirectory> JobDirectory::create(const Options& options, std::string id) {
  TRY(os::make_directories(jobs_of(options)));
  if (id.empty()) id = random_hex(6);
  auto name = os::owned_name(id);
  auto path = format("{}/{}", jobs_of(options), name);
  if (::mkdir(path.c_str(), 0700) != 0) return from_errno("making " + path, errno);
  os::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return from_errno("opening " + path, errno);
  return JobDirectory(std::move(id), std::move(name), std::move(path), std::move(fd));
}

JobDirectory::JobDirectory(JobDirectory&& other) noexcept
    : id_(std::move(other.id_)),
      name_(std::move(other.name_)),
      path_(std::exchange(other.path_, {})),
      fd_(std::move(other.fd_)) {}

JobDirectory::~JobDirectory() {
  if (!path_.empty()) (void)os::remove_tree(path_);
}

Status JobDirectory::record_loan(const SharedDirectory& outputs) {
  Json loan = Json::object();
  loan.set("path", outputs.path).set("uid", outputs.uid).set("gid", outputs.gid);
  loan.set("device", outputs.device).set("inode", outputs.inode);
  return os::write_file(format("/proc/self/fd/{}/loan.json", fd_.get()), loan.dump_pretty());
}

Status sweep_jobs(const Options& options) {
  Status outcome;
  for (const auto& name : os::list_directory(jobs_of(options))) {
    if (os::owner_is_alive(name)) continue;
    auto path = format("{}/{}", jobs_of(options), name);
    // One job that cannot be settled must not keep the others.
    Status settled = settle_loan(path, options.first_host_id);
    if (settled.ok()) settled = os::remove_tree(path);
    if (!settled.ok() && outcome.ok()) outcome = std::move(settled).with_context("cleaning up job " + name);
  }
  return outcome;
}

}  // namespace pratique::run
