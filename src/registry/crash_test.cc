// kill -9 at any moment of a push: what was acknowledged is there, no row is without bytes, the journal holds.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "registry/test_world.h"

namespace pratique::registry {
namespace {

class Crash : public World {
 protected:
  // Pushes images until it is killed; writes a mark after each step and the end of a line once an image is
  // acknowledged.
  [[noreturn]] void push_forever(const os::Fd& marks, int first) {
    start();
    auto mark = [&](std::string_view text) {
      if (!os::write_all(marks, as_bytes(text)).ok()) _exit(0);
    };
    for (int number = first;; ++number) {
      const std::string salt = std::to_string(number);
      const std::string layer = "layer " + salt;
      Upload upload = registry->start_upload(ann, repo("in/ann")).value();
      mark("1");
      upload.append(as_bytes(layer)).value();
      upload.checkpoint().value();
      mark("2");
      registry->finish_upload(ann, std::move(upload), digest_of(layer)).value();
      mark("3");
      push(ann, "in/ann", "{}").value();
      mark("4");
      put(ann, "in/ann", "t" + salt, image_json("{}", {layer}).dump()).value();
      mark("\n");
    }
  }

  // Runs push_forever in a child and kills it when it has made `steps` marks; gives the last number acknowledged.
  int run_and_kill(int first, std::size_t steps) {
    registry.reset();
    journal.reset();
    store.reset();
    database.reset();
    auto pipe = os::make_pipe().value();
    const pid_t child = fork();
    if (child == 0) push_forever(pipe.write_end, first);
    pipe.write_end.reset();
    std::string text;
    std::array<std::byte, 256> buffer;
    auto read_more = [&] {
      const auto count = os::read_some(pipe.read_end, buffer).value();
      text += as_text(Bytes(buffer).first(count));
      return count > 0;
    };
    while (text.size() < steps && read_more()) {
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (read_more()) {
    }
    start();
    return first + static_cast<int>(std::count(text.begin(), text.end(), '\n')) - 1;
  }

  void expect_every_row_has_its_bytes() {
    const auto bad = database->read([&](db::Transaction& tx) -> Result<int> {
      int count = 0;
      auto rows = tx.prepare("SELECT digest FROM blobs");
      while (TRY(rows.next())) {
        const auto digest = TRY(oci::Digest::parse(rows.text(0)));
        if (!store->verify(digest).ok()) ++count;
      }
      return count;
    });
    EXPECT_EQ(bad.value(), 0);
  }
};

TEST_F(Crash, LosesNothingAcknowledgedAndShowsNothingHalf) {
  int next = 1;
  for (const std::size_t steps : {1, 2, 3, 4, 5, 6, 7, 8, 13, 19}) {
    const int last = run_and_kill(next, steps);
    for (int number = next; number <= last; ++number) {
      EXPECT_TRUE(has_manifest("in/ann", "t" + std::to_string(number))) << number;
      EXPECT_TRUE(has_blob("in/ann", "layer " + std::to_string(number))) << number;
    }
    expect_every_row_has_its_bytes();
    EXPECT_TRUE(journal->verify()->holds());
    clock.advance(days(8));  // beyond the life of the session that was cut
    collect();
    expect_every_row_has_its_bytes();
    EXPECT_TRUE(store->unfinished_ingests().empty());
    next = last + 2;  // the one in work when it was killed may be there or not
  }
}

}  // namespace
}  // namespace pratique::registry
