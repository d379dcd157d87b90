#include "hostd/supervisor/machine_view.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "hostd/supervisor/wake_trial.h"
#include "tests/support/temp_dir.h"

namespace tvmffi::hostd {
namespace {

TEST(MachineView, NothingChangesByItself) {
  MachineView view({"/lib", "/no/such/place"});

  EXPECT_FALSE(view.Changed());
  EXPECT_FALSE(view.Changed());
}

// As the linker's cache is.
TEST(MachineView, AReplacedFileIsAChangeOnce) {
  testing::TempDir folder;
  const std::string path = folder / "cache";
  std::ofstream(path) << "old";
  MachineView view({path});
  std::ofstream(folder / "new") << "new";
  ASSERT_EQ(std::rename((folder / "new").c_str(), path.c_str()), 0);

  EXPECT_TRUE(view.Changed());
  EXPECT_FALSE(view.Changed());
  ASSERT_EQ(std::remove(path.c_str()), 0);
  EXPECT_TRUE(view.Changed());
  std::ofstream(path) << "again";
  EXPECT_TRUE(view.Changed());
}

TEST(MachineView, AMountIsAChangeOnce) {
  testing::TempDir folder;
  const pid_t child = ::fork();
  if (child == 0) {
    // In namespaces of its own, where it may.
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(77);
    MachineView view({});
    const bool quiet = !view.Changed();
    if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "") != 0) ::_exit(77);
    const bool mounted = view.Changed();
    const bool quiet_again = !view.Changed();
    ::umount2(folder.path().c_str(), MNT_DETACH);
    ::_exit(quiet && mounted && quiet_again && view.Changed() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this user may not mount";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(WakeTrial, SaysWhatAWakeUpCostsAndLeavesNoChild) {
  {
    WakeTrial trial;
    EXPECT_GT(trial.Result(), 0);
    EXPECT_LT(trial.Result(), 1'000'000'000);
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

}  // namespace
}  // namespace tvmffi::hostd
