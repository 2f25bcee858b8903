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
  // Pushes images until it is killed; writes the number of each into the pipe once it is acknowledged.
  [[noreturn]] void push_forever(const os::Fd& acknowledged, int first) {
    start();
    for (int number = first;; ++number) {
      const auto salt = std::to_string(number);
      push_image(ann, "in/ann", "t" + salt, salt);
      if (!os::write_all(acknowledged, as_bytes(salt + "\n")).ok()) _exit(0);
    }
  }

  // Runs push_forever in a child, kills it after `acknowledgements` images, gives the last number acknowledged.
  int run_and_kill(int first, int acknowledgements, unsigned extra_micros) {
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
    while (std::count(text.begin(), text.end(), '\n') < acknowledgements) {
      const auto count = os::read_some(pipe.read_end, buffer).value();
      if (count == 0) break;
      text += as_text(Bytes(buffer).first(count));
    }
    ::usleep(extra_micros);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (std::size_t count = 1; count > 0;) {
      count = os::read_some(pipe.read_end, buffer).value();
      text += as_text(Bytes(buffer).first(count));
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
  for (const unsigned extra_micros : {0U, 300U, 900U, 2'500U, 6'000U}) {
    const int last = run_and_kill(next, 3, extra_micros);
    for (int number = next; number <= last; ++number) {
      EXPECT_TRUE(has_manifest("in/ann", "t" + std::to_string(number))) << number;
      EXPECT_TRUE(has_blob("in/ann", "layer " + std::to_string(number))) << number;
    }
    expect_every_row_has_its_bytes();
    EXPECT_TRUE(journal->verify()->holds());
    EXPECT_TRUE(registry->sweep().ok());
    expect_every_row_has_its_bytes();
    EXPECT_TRUE(store->unfinished_ingests().empty());
    next = last + 2;  // the one in work when it was killed may be there or not
  }
}

}  // namespace
}  // namespace pratique::registry
