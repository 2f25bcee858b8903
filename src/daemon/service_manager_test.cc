#include "daemon/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "base/format.h"
#include "os/fd.h"
#include "os/file.h"

namespace pratique::daemon {
namespace {

TEST(ServiceManager, IsToldInOneDatagram) {
  auto directory = os::TemporaryDirectory::create();
  ASSERT_TRUE(directory.ok());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = directory->path() + "/notify";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  os::Fd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(manager.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  EXPECT_TRUE(notify_manager("READY=1"));
  char heard[64];
  EXPECT_EQ(::recv(manager.get(), heard, sizeof heard, 0), 7);
  EXPECT_EQ(std::string_view(heard, 7), "READY=1");
  ::unsetenv("NOTIFY_SOCKET");
}

TEST(ServiceManager, IsNotMissedWhereThereIsNone) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(notify_manager("READY=1"));
  for (std::string bad : {std::string(), std::string("x"), std::string("relative"), std::string("/nowhere/at/all"),
                          "/" + std::string(200, 'x')}) {
    ::setenv("NOTIFY_SOCKET", bad.c_str(), 1);
    EXPECT_FALSE(notify_manager("READY=1")) << bad;
  }
  ::unsetenv("NOTIFY_SOCKET");
}

TEST(ServiceManager, TellsTheJournalFromAFile) {
  struct stat status;
  ASSERT_EQ(::fstat(1, &status), 0);
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(goes_to_journal(1));
  ::setenv("JOURNAL_STREAM", format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
  EXPECT_TRUE(goes_to_journal(1));
  EXPECT_FALSE(goes_to_journal(-1));
  ::setenv("JOURNAL_STREAM", "1:1", 1);
  EXPECT_FALSE(goes_to_journal(1));
  ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace pratique::daemon
