#include "store/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/format.h"
#include "base/log.h"
#include "base/random.h"
#include "os/file.h"
#include "store/impl.h"
#include "store/upload_state.h"

namespace pratique::store {

namespace {

// Uploads between two requests that keep their open file and tap. A tap may be a process of some 15 MB; one over the
// limit loses only its place in memory and is read back from its checkpoint.
constexpr std::size_t kParkedMax = 64;

// What a process that died left behind. What is locked belongs to a living one.
std::size_t clean_uploads(const std::string& uploads) {
  std::size_t removed = 0;
  for (const std::string& name : os::list_directory(uploads)) {
    std::string path = uploads + "/" + name;
    if (name.starts_with(kPutPrefix)) {
      auto file = open_for_writing(path, 0);
      if (file.ok() && lock_file(*file) && ::unlink(path.c_str()) == 0) ++removed;
    } else if (is_upload_id(name)) {
      auto data = open_for_writing(path + "/data", 0);
      if (!data.ok() || !lock_file(*data)) continue;
      for (const std::string& part : os::list_directory(path))
        if (part.starts_with("state.tmp-") && ::unlink(format("{}/{}", path, part).c_str()) == 0) ++removed;
    }
  }
  return removed;
}

}  // namespace

void Store::Impl::park(std::unique_ptr<Ingest::Impl> ingest) {
  // What the next request is told must survive, so an interrupted request's bytes are made durable here. If the disk
  // refuses, the upload falls back to its last checkpoint.
  if (!ingest->broken) {
    Status saved = ingest->checkpoint();
    if (!saved.ok()) (void)ingest->failed(saved.error());
  }
  if (ingest->broken) return drop(std::move(ingest));
  std::unique_ptr<Ingest::Impl> oldest;
  {
    auto locked = sessions.lock();
    Session& session = locked->by_id[ingest->id];
    session.parked = std::move(ingest);
    session.parked_at = ++locked->parkings;
    oldest = take_oldest_over_limit(*locked);
  }
  if (oldest) drop(std::move(oldest));
}

std::unique_ptr<Ingest::Impl> Store::Impl::take_oldest_over_limit(Sessions& locked) {
  std::size_t parked = 0;
  Session* oldest = nullptr;
  for (auto& [id, session] : locked.by_id) {
    if (!session.parked) continue;
    ++parked;
    if (!oldest || session.parked_at < oldest->parked_at) oldest = &session;
  }
  return parked > kParkedMax ? std::move(oldest->parked) : nullptr;
}

void Store::Impl::drop(std::unique_ptr<Ingest::Impl> ingest) {
  // Until it is gone (file unlocked, tap ended) its session stays taken, so that nobody resumes half of it.
  std::string id = ingest->id;
  ingest.reset();
  forget(id);
}

void Store::Impl::forget(const std::string& id) {
  sessions.lock()->by_id.erase(id);
}

Status Store::Impl::load(Ingest::Impl& ingest) const {
  UploadState state;
  auto text = os::read_file(state_path(ingest.id), kUploadStateBytesMax);
  auto parsed = text.ok() ? parse_upload_state(*text) : Result<UploadState>(text.error());
  if (parsed.ok()) state = *parsed;
  std::uint64_t there = TRY(os::file_size(ingest.data));
  if (there < state.size) state.size = 0;
  std::string piece(kPieceBytes, '\0');
  while (ingest.size < state.size) {
    auto buffer = std::as_writable_bytes(std::span(piece));
    buffer = buffer.first(std::min<std::uint64_t>(buffer.size(), state.size - ingest.size));
    std::size_t got = TRY(os::read_at(ingest.data, buffer, ingest.size));
    if (got == 0) break;
    ingest.feed(buffer.first(got));
  }
  if (ingest.size > 0 && to_hex(ingest.hasher.sum()) != state.sha256) {
    log::warn("upload starts over", {{"upload", ingest.id}, {"reason", "its bytes do not match its state"}});
    ingest.tap.reset();
    ingest.hasher = Sha256();
    ingest.size = 0;
  }
  if (::ftruncate(ingest.data.get(), static_cast<off_t>(ingest.size)) != 0)
    return from_errno("truncating an upload", errno);
  ingest.checkpointed = ingest.pushed_out = ingest.size;
  return {};
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(Options options) {
  std::string blobs = options.directory + "/blobs";
  std::string uploads = options.directory + "/uploads";
  for (auto algorithm : {oci::Algorithm::Sha256, oci::Algorithm::Sha512})
    TRY(os::make_directories(format("{}/{}", blobs, directory_name(algorithm))).with_context("opening the store"));
  TRY(os::make_directories(uploads).with_context("opening the store"));
  TRY(os::make_directories(options.directory + "/quarantine").with_context("opening the store"));
  clean_uploads(uploads);
  std::unique_ptr<Impl> impl(
      new Impl{.options = std::move(options), .blobs = std::move(blobs), .uploads = std::move(uploads)});
  return std::make_unique<Store>(std::move(impl));
}

Result<Ingest> Store::start_ingest() {
  std::string id = random_hex(16);
  std::string directory = impl_->upload_directory(id);
  if (::mkdir(directory.c_str(), 0700) != 0) return from_errno("creating " + directory, errno);
  os::Fd data = TRY(open_for_writing(impl_->data_path(id), O_CREAT | O_EXCL));
  if (!lock_file(data)) return unavailable("a new upload is locked by somebody else");
  impl_->sessions.lock()->by_id[id];
  return Ingest(std::unique_ptr<Ingest::Impl>(new Ingest::Impl{.store = *impl_, .id = id, .data = std::move(data)}));
}

Result<Ingest> Store::resume_ingest(const std::string& id) {
  if (!is_upload_id(id) || !os::exists(impl_->upload_directory(id))) return not_found("there is no such upload");
  {
    auto sessions = impl_->sessions.lock();
    auto [session, is_new] = sessions->by_id.try_emplace(id);
    if (!is_new) {
      if (!session->second.parked) return conflict("the upload is in use by another request");
      return Ingest(std::move(session->second.parked));
    }
  }
  auto load = [&]() -> Result<Ingest> {
    os::Fd data = TRY(open_for_writing(impl_->data_path(id), O_CREAT));
    if (!lock_file(data)) return conflict("the upload is in use by another process");
    std::unique_ptr<Ingest::Impl> ingest(new Ingest::Impl{.store = *impl_, .id = id, .data = std::move(data)});
    TRY(impl_->load(*ingest));
    return Ingest(std::move(ingest));
  };
  auto ingest = load();
  if (!ingest.ok()) impl_->forget(id);
  return ingest.ok() ? std::move(ingest) : Result<Ingest>(ingest.error().with_context("resuming an upload"));
}

Status Store::discard_ingest(const std::string& id) {
  if (!is_upload_id(id) || !os::exists(impl_->upload_directory(id))) return {};
  std::unique_ptr<Ingest::Impl> parked;
  {
    auto sessions = impl_->sessions.lock();
    auto [session, is_new] = sessions->by_id.try_emplace(id);
    if (!is_new && !session->second.parked) return conflict("the upload is in use by another request");
    parked = std::move(session->second.parked);
  }
  Status status;
  if (parked) {
    Ingest(std::move(parked)).abandon();
    return {};
  }
  auto data = open_for_writing(impl_->data_path(id), 0);
  if (data.ok() && !lock_file(*data))
    status = conflict("the upload is in use by another process");
  else
    status = os::remove_tree(impl_->upload_directory(id));
  impl_->forget(id);
  return status;
}

std::size_t Store::clean_temporaries() {
  return clean_uploads(impl_->uploads);
}

std::vector<std::string> Store::unfinished_ingests() const {
  auto names = os::list_directory(impl_->uploads);
  std::erase_if(names, [](const std::string& name) { return !is_upload_id(name); });
  return names;
}

}  // namespace pratique::store
