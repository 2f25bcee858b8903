// Each thing a registry does, with the disk failing at its first step, its second, and so on to its last, in every way
// a disk fails. After each the registry is opened again: what was acknowledged is there, what is there is whole, and
// after a collection nothing is left that nobody needs.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "faults/disk.h"
#include "faults/invariants.h"
#include "faults/options.h"
#include "registry/test_world.h"

namespace pratique::faults {
namespace {

using registry::digest_of;
using registry::image_json;
using registry::repo;
using registry::tag;

// How many steps of a sweep are tried when not all are: spread over it, other ones for each fault.
constexpr std::size_t kTried = 4;

class Sweep;

// One thing to do. `prepare` happens on a sound disk; `act` acknowledges with ack(); `check` is told what was.
struct Deed {
  std::string_view name;
  void (Sweep::*prepare)();
  Status (Sweep::*act)();
  void (Sweep::*check)();
};

class Sweep : public registry::World, public testing::WithParamInterface<Deed> {
 public:
  Sweep() { forget(); }

  // -- the deeds
  void nothing() {}
  void an_image() { push_image(ann, "open/a", "1", "old"); }
  Status push_an_image() {
    TRY(push(ann, "in/ann", "{}"));
    ack("config");
    TRY(push(ann, "in/ann", "layer"));
    ack("layer");
    TRY(put(ann, "in/ann", "1", image_json("{}", {"layer"}).dump()));
    ack("image");
    return {};
  }
  void check_image() {
    // The collector may have taken a blob that was never named; the image needs both for ever.
    if (has("image")) {
      EXPECT_EQ(content("in/ann", "layer"), "layer");
    }
    EXPECT_TRUE(!has("image") || has_manifest("in/ann", "1"));
  }
  Status push_in_pieces() {
    std::string id;
    {
      auto upload = TRY(registry->start_upload(ann, repo("open/a")));
      id = upload.id();
      TRY(upload.append(as_bytes("first ")));
      TRY(upload.checkpoint());
    }
    ack("id " + id);
    {
      auto upload = TRY(registry->resume_upload(ann, repo("open/a"), id));
      TRY(upload.append(as_bytes("second ")));
      TRY(upload.checkpoint());
    }
    ack("second");
    auto upload = TRY(registry->resume_upload(ann, repo("open/a"), id));
    TRY(upload.append(as_bytes("third")));
    ack("closing");
    TRY(registry->finish_upload(ann, std::move(upload), digest_of("first second third")));
    ack("blob");
    return {};
  }
  void check_pieces() {
    if (has("blob")) {
      EXPECT_EQ(content("open/a", "first second third"), "first second third");
      return;
    }
    // The closing request takes the session with it, also where it fails in the end: that blob begins anew.
    if (has("closing")) return;
    for (const auto& one : acknowledged) {
      if (!one.starts_with("id ")) continue;
      auto upload = registry->resume_upload(ann, repo("open/a"), one.substr(3));
      ASSERT_TRUE(upload.ok()) << upload.error().message();
      EXPECT_GE(upload->size(), has("second") ? 13U : 6U);
    }
  }
  Status mount() {
    auto is_mounted = TRY(registry->mount(bob, repo("open/b"), digest_of("layer old"), repo("open/a")));
    EXPECT_TRUE(is_mounted);
    ack("mounted");
    return {};
  }
  void check_mount() {
    if (has("mounted")) {
      EXPECT_EQ(content("open/b", "layer old"), "layer old");
    }
  }
  Status move_tag() {
    TRY(push(ann, "open/a", "layer new"));
    TRY(put(ann, "open/a", "1", image_json("{\"salt\":\"old\"}", {"layer new"}).dump()));
    ack("moved");
    return {};
  }
  void check_move() {
    const auto manifest = registry->get_manifest(repo("open/a"), tag("1"));
    ASSERT_TRUE(manifest.ok());
    const bool is_new = manifest->bytes.find(digest_of("layer new").to_string()) != std::string::npos;
    EXPECT_TRUE(is_new || !has("moved"));
    EXPECT_EQ(content("open/a", is_new ? "layer new" : "layer old"), is_new ? "layer new" : "layer old");
  }
  void a_staged_image() { push_image(ann, "in/ann", "1", "old"); }
  Status promote() {
    const auto image = TRY(registry->staged_image(1));
    TRY(database->write([&](db::Transaction& tx) { return registry->promote(tx, image); }));
    ack("promoted");
    return {};
  }
  void check_promotion() {
    EXPECT_TRUE(has_manifest("out/ann", "1") || !has("promoted"));
    if (has_manifest("out/ann", "1")) {
      EXPECT_EQ(content("out/ann", "layer old"), "layer old");
    }
  }
  Status remove() {
    const auto manifest = TRY(registry->describe_manifest(repo("open/a"), tag("1")));
    TRY(registry->delete_manifest(ann, repo("open/a"), manifest.digest));
    ack("manifest");
    TRY(registry->unlink_blob(ann, repo("open/a"), digest_of("layer old")));
    ack("blob");
    return {};
  }
  void check_removal() {
    EXPECT_FALSE(has("manifest") && has_manifest("open/a", "1"));
    EXPECT_FALSE(has("blob") && has_blob("open/a", "layer old"));
    EXPECT_TRUE(!has_manifest("open/a", "1") || content("open/a", "layer old") == "layer old");
  }
  void garbage() {
    push_image(ann, "open/a", "1", "kept");
    push_image(ann, "in/ann", "1", "old");
    push(ann, "open/a", "unused").value();
    store->put(as_bytes("no row"), "").value();
    clock.advance(days(40));
    needs_nothing();
    collect();
    clock.advance(days(2));
  }
  Status collect_garbage() {
    needs_nothing();
    registry::Collection run;
    while (!run.is_done()) TRY(registry->collect(run));
    ack("collected");
    return {};
  }
  void check_collection() {
    EXPECT_EQ(content("open/a", "layer kept"), "layer kept");
    EXPECT_TRUE(has_manifest("open/a", "1"));
    if (has("collected")) {
      EXPECT_FALSE(store->has(digest_of("unused")));
    }
  }
  void rot() {
    an_image();
    const auto hex = digest_of("layer old").encoded();
    const auto path = format("{}/store/blobs/sha256/{}/{}", directory.path(), hex.substr(0, 2), hex);
    std::filesystem::resize_file(path, 3);
  }
  Status scrub() {
    registry::Scrub run;
    while (!run.is_done) TRY(registry->scrub(run));
    ack("scrubbed");
    return {};
  }
  void check_scrub() {
    registry::Scrub again;
    while (!again.is_done) registry->scrub(again).value();
    again = {};
    while (!again.is_done) registry->scrub(again).value();
    EXPECT_FALSE(has_blob("open/a", "layer old"));
    EXPECT_EQ(registry->damages()->size(), 1U);
    push(ann, "open/a", "layer old").value();
    EXPECT_EQ(content("open/a", "layer old"), "layer old");
  }
  void damage() {
    rot();
    scrub().value();
  }
  Status heal() {
    TRY(push(ann, "open/a", "layer old"));
    ack("healed");
    return {};
  }
  void check_heal() {
    if (has("healed")) {
      EXPECT_EQ(content("open/a", "layer old"), "layer old");
    }
  }

  // -- the sweep
 protected:
  void run_at(Fault fault, std::size_t step);
  std::size_t count_steps();

 private:
  void needs_nothing() {
    registry->on_needed([](db::Transaction&, std::int64_t, Time) -> Result<bool> { return false; });
  }
  bool has(const std::string& what) { return acknowledged.contains(what); }
  std::string content(std::string_view repository, std::string_view bytes) {
    auto blob = registry->open_blob(repo(repository), digest_of(bytes));
    if (!blob.ok()) return blob.error().message();
    return blob->read_all(1 << 20).value_or("unreadable");
  }
  void ack(const std::string& what) {
    if (acks != nullptr) static_cast<void>(os::write_all(*acks, as_bytes(what + "\n")).ok());
  }
  void forget() {
    registry.reset();
    journal.reset();
    store.reset();
    database.reset();
  }
  void start_from(const os::TemporaryDirectory& prepared);
  void play(Fault fault, std::size_t step, const os::TemporaryDirectory& prepared);
  void verify(const std::string& where);

  const os::Fd* acks = nullptr;
  std::set<std::string> acknowledged;
  os::TemporaryDirectory prepared_ = std::move(os::TemporaryDirectory::create()).value();
  bool is_prepared_ = false;
};

void Sweep::start_from(const os::TemporaryDirectory& prepared) {
  forget();
  namespace fs = std::filesystem;
  if (!is_prepared_) {
    start();
    (this->*GetParam().prepare)();
    forget();
    fs::copy(directory.path(), prepared.path() + "/state", fs::copy_options::recursive);
    is_prepared_ = true;
  }
  for (const auto& name : os::list_directory(directory.path())) fs::remove_all(directory.path() + "/" + name);
  fs::copy(prepared.path() + "/state", directory.path(), fs::copy_options::recursive);
}

// In a child process, which may die of it. Faults begin when the registry is open.
void Sweep::play(Fault fault, std::size_t step, const os::TemporaryDirectory& prepared) {
  start_from(prepared);
  auto pipe = os::make_pipe().value();
  const pid_t child = ::fork();
  if (child == 0) {
    start();
    acks = &pipe.write_end;
    arm(fault, step);
    Status outcome = (this->*GetParam().act)();
    const auto steps = disarm();
    ack(format("steps {}", steps));
    // A sound disk and no success would be a sweep of nothing.
    if (fault == Fault::None && !outcome.ok()) ack("failed " + outcome.error().message());
    ::_exit(0);
  }
  pipe.write_end.reset();
  const auto text = os::read_to_end(pipe.read_end, 1 << 16).value();
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kDeadExit)) << status;
  acknowledged.clear();
  for (const auto& line : split(text, '\n'))
    if (!line.empty()) acknowledged.insert(std::string(line));
}

std::size_t Sweep::count_steps() {
  play(Fault::None, 0, prepared_);
  std::size_t steps = 0;
  for (const auto& line : acknowledged) {
    EXPECT_FALSE(line.starts_with("failed ")) << line;
    if (line.starts_with("steps ")) steps = parse_decimal(line.substr(6)).value_or(0);
  }
  return steps;
}

void Sweep::verify(const std::string& where) {
  const Kept kept{*database, *store, *journal};
  for (const auto& problem : violations(kept)) ADD_FAILURE() << where << ": " << problem;
}

void Sweep::run_at(Fault fault, std::size_t step) {
  const auto where = format("{}, {} at step {}", GetParam().name, to_string(fault), step);
  SCOPED_TRACE(where);
  play(fault, step, prepared_);
  start();
  (this->*GetParam().check)();
  // Promises that did not come to an end are let go of after a while; then nothing may be left of them.
  needs_nothing();
  for (int i = 0; i < 3; ++i) {
    clock.advance(days(40));
    collect();
  }
  registry::Scrub walk;
  while (!walk.is_done) registry->scrub(walk).value();
  verify(where);
  for (const auto& left : orphans({*database, *store, *journal}, directory.path() + "/store"))
    ADD_FAILURE() << where << ": " << left;
}

TEST_P(Sweep, LosesNothingAcknowledgedAndLeavesNothingHalf) {
  const std::size_t steps = count_steps();
  ASSERT_GT(steps, 0U);
  std::size_t offset = 0;
  for (auto fault : kFaults) {
    const std::size_t stride = faults::options().sweeps_all ? 1 : std::max<std::size_t>(steps / kTried, 1);
    for (std::size_t step = 1 + offset % stride; step <= steps; step += stride) run_at(fault, step);
    offset += 1;
    if (HasFatalFailure()) return;
  }
}

// Not a claim about an image in staging that nobody needs any more: `check` of those runs before the collection.
INSTANTIATE_TEST_SUITE_P(
    EveryDeed, Sweep,
    testing::Values(Deed{"push", &Sweep::nothing, &Sweep::push_an_image, &Sweep::check_image},
                    Deed{"push_in_pieces", &Sweep::nothing, &Sweep::push_in_pieces, &Sweep::check_pieces},
                    Deed{"mount", &Sweep::an_image, &Sweep::mount, &Sweep::check_mount},
                    Deed{"move_tag", &Sweep::an_image, &Sweep::move_tag, &Sweep::check_move},
                    Deed{"promotion", &Sweep::a_staged_image, &Sweep::promote, &Sweep::check_promotion},
                    Deed{"deletion", &Sweep::an_image, &Sweep::remove, &Sweep::check_removal},
                    Deed{"collection", &Sweep::garbage, &Sweep::collect_garbage, &Sweep::check_collection},
                    Deed{"scrub", &Sweep::rot, &Sweep::scrub, &Sweep::check_scrub},
                    Deed{"heal", &Sweep::damage, &Sweep::heal, &Sweep::check_heal}),
    [](const auto& deed_info) { return std::string(deed_info.param.name); });

}  // namespace
}  // namespace pratique::faults
