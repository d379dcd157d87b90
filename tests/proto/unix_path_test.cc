#include "proto/wire/unix_path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "proto/base/clock.h"
#include "tests/support/fd_leak_check.h"
#include "tests/support/temp_dir.h"

namespace tvmffi {
namespace {

constexpr uid_t kSomebodyElse = 12345;

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

class UnixPathTest : public ::testing::Test {
 protected:
  Status Connect(const std::string& path) {
    auto socket = ConnectUnix(path, DeadlineAfter(5));
    return socket.ok() ? OkStatus() : socket.status();
  }
  Status Listen(const std::string& path) {
    auto socket = ListeningSocket::Listen(path);
    return socket.ok() ? OkStatus() : socket.status();
  }
  // Both ends refuse it, with this code and these words.
  void BothRefuse(const std::string& path, Code code, std::vector<std::string> words) {
    for (const Status& status : {Connect(path), Listen(path)}) {
      EXPECT_EQ(status.code, code) << status.message;
      for (const std::string& word : words) {
        EXPECT_NE(status.message.find(word), std::string::npos) << status.message;
      }
    }
  }
  // A socket file that nobody listens on, as a killed daemon leaves it.
  void LeaveStaleSocket(const std::string& path) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof(address.sun_path), "%s", path.c_str());
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  testing::FdLeakCheck leak_check_;
  testing::TempDir folder_;
};

TEST_F(UnixPathTest, C3_1_ClientsConnectToAListeningSocketOfMode0600) {
  auto listener = ListeningSocket::Listen(folder_ / "s");
  ASSERT_TRUE(listener.ok()) << listener.status().message;
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "s").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  EXPECT_TRUE(Connect(folder_ / "s").ok());
}

TEST_F(UnixPathTest, NothingIsLeftAfterACleanEnd) {
  {
    auto listener = ListeningSocket::Listen(folder_ / "s");
    ASSERT_TRUE(listener.ok());
    EXPECT_TRUE(Exists(folder_ / "s"));
  }

  EXPECT_FALSE(Exists(folder_ / "s"));
  EXPECT_FALSE(Exists(folder_ / "s.lock"));
}

TEST_F(UnixPathTest, ASecondDaemonIsRefusedAndTheFirstGoesOn) {
  auto first = ListeningSocket::Listen(folder_ / "s");
  ASSERT_TRUE(first.ok());

  Status second = Listen(folder_ / "s");

  EXPECT_EQ(second.code, Code::kUnavailable);
  EXPECT_NE(second.message.find("another daemon"), std::string::npos);
  EXPECT_TRUE(Connect(folder_ / "s").ok());
}

TEST_F(UnixPathTest, AStaleSocketIsReplaced) {
  LeaveStaleSocket(folder_ / "s");
  EXPECT_EQ(Connect(folder_ / "s").code, Code::kUnavailable);

  auto listener = ListeningSocket::Listen(folder_ / "s");

  ASSERT_TRUE(listener.ok()) << listener.status().message;
  EXPECT_TRUE(Connect(folder_ / "s").ok());
}

// Without a lock file, but alive: some other program's.
TEST_F(UnixPathTest, ASocketThatSomebodyListensOnIsNotReplaced) {
  auto listener = ListeningSocket::Listen(folder_ / "s");
  ASSERT_TRUE(listener.ok());
  ASSERT_EQ(::unlink((folder_ / "s.lock").c_str()), 0);

  EXPECT_EQ(Listen(folder_ / "s").code, Code::kUnavailable);
  EXPECT_TRUE(Connect(folder_ / "s").ok());
}

TEST_F(UnixPathTest, C3_2_ALockFileThatIsALinkIsNotFollowed) {
  ASSERT_EQ(::symlink((folder_ / "elsewhere").c_str(), (folder_ / "s.lock").c_str()), 0);

  EXPECT_FALSE(Listen(folder_ / "s").ok());
  EXPECT_FALSE(Exists(folder_ / "elsewhere"));
}

TEST_F(UnixPathTest, ConnectNamesThePathWhereNobodyIs) {
  Status status = Connect(folder_ / "nobody");

  EXPECT_EQ(status.code, Code::kNotFound);
  EXPECT_NE(status.message.find(folder_ / "nobody"), std::string::npos);
}

TEST_F(UnixPathTest, RefusesWhatIsNoSocket) {
  ASSERT_EQ(::mkdir((folder_ / "d").c_str(), 0700), 0);
  UniqueFd file(::open((folder_ / "f").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_EQ(::symlink((folder_ / "d").c_str(), (folder_ / "l").c_str()), 0);

  BothRefuse(folder_ / "d", Code::kInvalidArgument, {folder_ / "d", "is a directory"});
  BothRefuse(folder_ / "f", Code::kInvalidArgument, {folder_ / "f", "is not a socket"});
  BothRefuse(folder_ / "l", Code::kInvalidArgument, {folder_ / "l", "is not a socket"});
  EXPECT_TRUE(Exists(folder_ / "f"));
}

TEST_F(UnixPathTest, RefusesImpossiblePaths) {
  std::string longest = folder_ / "";
  longest += std::string(108 - longest.size(), 'n');
  BothRefuse(longest, Code::kInvalidArgument, {longest, "108 bytes, limit is 107"});
  BothRefuse("", Code::kInvalidArgument, {"empty"});
  BothRefuse(std::string("\0abstract", 9), Code::kInvalidArgument, {"zero byte"});
  BothRefuse(folder_ / "no/such/s", Code::kNotFound, {folder_ / "no/such"});
}

TEST_F(UnixPathTest, TakesTheLongestPath) {
  std::string longest = folder_ / "";
  longest += std::string(107 - longest.size(), 'n');

  auto listener = ListeningSocket::Listen(longest);

  ASSERT_TRUE(listener.ok()) << listener.status().message;
  EXPECT_TRUE(Connect(longest).ok());
}

TEST_F(UnixPathTest, C3_2_RefusesAFolderThatOthersMayWriteTo) {
  for (mode_t mode : {0770, 0707, 01777}) {
    ASSERT_EQ(::chmod(folder_.path().c_str(), mode), 0);

    BothRefuse(folder_ / "s", Code::kPermissionDenied, {folder_.path(), "others may write"});
  }
}

TEST_F(UnixPathTest, C3_2_RefusesAFolderOfSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_EQ(::chown(folder_.path().c_str(), kSomebodyElse, kSomebodyElse), 0);

  BothRefuse(folder_ / "s", Code::kPermissionDenied,
             {folder_.path(), "uid 12345", "runs as uid 0"});
}

TEST_F(UnixPathTest, C3_2_RefusesASocketOfSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a socket away";
  LeaveStaleSocket(folder_ / "s");
  ASSERT_EQ(::chown((folder_ / "s").c_str(), kSomebodyElse, kSomebodyElse), 0);

  BothRefuse(folder_ / "s", Code::kPermissionDenied, {folder_ / "s", "uid 12345", "runs as uid 0"});
  EXPECT_TRUE(Exists(folder_ / "s"));
}

TEST_F(UnixPathTest, ConnectingToABusyDaemonEndsAtTheDeadline) {
  auto listener = ListeningSocket::Listen(folder_ / "s");
  ASSERT_TRUE(listener.ok());
  std::vector<UniqueFd> waiting;
  Status status = OkStatus();
  for (int i = 0; i < 5000 && status.ok(); ++i) {
    auto socket = ConnectUnix(folder_ / "s", DeadlineAfter(0.05));
    if (socket.ok()) {
      waiting.push_back(std::move(*socket));
    } else {
      status = socket.status();
    }
  }

  EXPECT_EQ(status.code, Code::kDeadlineExceeded) << status.message;
}

TEST(DefaultSocketPath, FollowsTheEnvironment) {
  ::setenv("TVMFFI_HOSTD_SOCKET", "/a/b", 1);
  EXPECT_EQ(DefaultSocketPath(), "/a/b");
  ::unsetenv("TVMFFI_HOSTD_SOCKET");
  ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  EXPECT_EQ(DefaultSocketPath(), "/run/user/7/tvmffi-hostd/hostd.sock");
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(DefaultSocketPath(),
            "/tmp/tvmffi-hostd-" + std::to_string(::geteuid()) + "/hostd.sock");
}

TEST_F(UnixPathTest, C3_2_RemovesNothingInAFolderThatOthersMayWriteTo) {
  const std::string stale = folder_ / "private-1.sock";
  LeaveStaleSocket(stale);
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0777), 0);

  EXPECT_TRUE(PrivateSocketPaths(folder_.path()).empty());

  EXPECT_TRUE(Exists(stale));
  EXPECT_FALSE(Exists(stale + ".lock"));
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0700), 0);
  EXPECT_TRUE(PrivateSocketPaths(folder_.path()).empty());
  EXPECT_FALSE(Exists(stale));
}

// As private daemons do when they end. Whoever goes on removing it for ever would win: here it goes
// away fewer times than the listener tries.
TEST_F(UnixPathTest, AFolderThatIsRemovedMeanwhileIsMadeAgain) {
  constexpr int kRemovals = 100;
  std::atomic<int> left{0};
  std::atomic<bool> done{false};
  std::thread remover([&] {
    while (!done) {
      if (left > 0 && ::rmdir((folder_ / "run").c_str()) == 0) --left;
    }
  });

  for (int i = 0; i < 500; ++i) {
    left = kRemovals;
    auto socket = ListeningSocket::ListenInOwnFolder(folder_ / "run/s");
    EXPECT_TRUE(socket.ok()) << socket.status().message;
  }

  done = true;
  remover.join();
}

TEST_F(UnixPathTest, C3_1_MakesTheFolderPrivate) {
  ASSERT_TRUE(MakeSocketFolder(folder_ / "run/s").ok());
  ASSERT_TRUE(MakeSocketFolder(folder_ / "run/s").ok()) << "it exists already";

  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_EQ(MakeSocketFolder(folder_ / "no/such/s").code, Code::kNotFound);
}

}  // namespace
}  // namespace tvmffi
