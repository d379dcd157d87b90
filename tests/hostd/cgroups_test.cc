// Control groups of version 2 on a tree that behaves as the kernel's: made by the functions below,
// which stand before the C library's in this program. Where the kernel's own can be mounted, on it.
#include "hostd/sandbox/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace {

// What behaves as the kernel's; empty: nothing does.
std::string tree;
// Files that say they are for reading alone.
std::set<std::string> read_only;
// What the next write to a cgroup.subtree_control fails with.
int refusal = 0;
// How many writes of a limit a signal interrupts.
int interruptions = 0;

bool InTree(const std::string& path) { return !tree.empty() && path.rfind(tree, 0) == 0; }

std::string Content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Put(const std::string& path, const std::string& content) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ::syscall(SYS_write, fd, content.data(), content.size());
  ::close(fd);
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

void Populate(const std::string& group, const std::string& controllers) {
  Put(group + "/cgroup.controllers", controllers);
  for (const char* name : {"subtree_control", "procs", "kill"}) Put(group + "/cgroup." + name, "");
  std::istringstream words(controllers);
  for (std::string word; words >> word;) Put(group + "/" + word + ".max", "max\n");
  if (controllers.find("memory") == std::string::npos) return;
  Put(group + "/memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n");
  Put(group + "/memory.swap.max", "max\n");
}

int EnableIn(const std::string& folder, const std::string& text) {
  const std::string name = text.substr(1);
  if (refusal != 0) return refusal;
  if (Content(folder + "/cgroup.controllers").find(name) == std::string::npos) return ENOENT;
  if (!Content(folder + "/cgroup.procs").empty()) return EBUSY;
  Put(folder + "/cgroup.subtree_control", Content(folder + "/cgroup.subtree_control") + name + " ");
  return 0;
}

// From wherever it is in the tree, which is one folder above or the same.
void Enter(const std::string& folder, const std::string& pid) {
  const std::string above = FolderOf(folder) + "/cgroup.procs";
  std::string members = Content(above);
  const size_t at = members.find(pid + "\n");
  if (at != std::string::npos) Put(above, members.erase(at, pid.size() + 1));
  Put(folder + "/cgroup.procs", Content(folder + "/cgroup.procs") + pid + "\n");
}

std::string PathOf(int fd) {
  char path[4096];
  const ssize_t size =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : "";
}

}  // namespace

extern "C" int mkdir(const char* path, mode_t mode) {
  if (::syscall(SYS_mkdirat, AT_FDCWD, path, mode) != 0) return -1;
  if (InTree(path)) Populate(path, Content(FolderOf(path) + "/cgroup.subtree_control"));
  return 0;
}

extern "C" int rmdir(const char* path) {
  if (InTree(path)) {
    if (!Content(std::string(path) + "/cgroup.procs").empty()) {
      errno = EBUSY;
      return -1;
    }
    DIR* list = ::opendir(path);
    while (const dirent* entry = list != nullptr ? ::readdir(list) : nullptr) {
      if (entry->d_type == DT_REG) ::unlinkat(::dirfd(list), entry->d_name, 0);
    }
    if (list != nullptr) ::closedir(list);
  }
  return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}

extern "C" int access(const char* path, int mode) {
  if (InTree(path) && (mode & W_OK) != 0 && read_only.count(FileName(path)) != 0) {
    errno = EROFS;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_faccessat, AT_FDCWD, path, mode));
}

extern "C" ssize_t write(int fd, const void* data, size_t size) {
  const std::string path = tree.empty() ? "" : PathOf(fd);
  if (!InTree(path)) return ::syscall(SYS_write, fd, data, size);
  const std::string text(static_cast<const char*>(data), size);
  const std::string name = FileName(path);
  int error = 0;
  if (name == "cgroup.subtree_control") {
    error = EnableIn(FolderOf(path), text);
  } else if (name == "cgroup.procs") {
    Enter(FolderOf(path), text);
  } else if (interruptions > 0) {
    --interruptions;
    error = EINTR;
  } else {
    if (name == "cgroup.kill") Put(FolderOf(path) + "/cgroup.procs", "");
    Put(path, text);
  }
  errno = error;
  return error == 0 ? static_cast<ssize_t>(size) : -1;
}

namespace tvmffi::hostd {
namespace {

// Of a daemon in this pid namespace, or another.
std::string DaemonGroup(pid_t pid, ino_t other = 0) {
  struct stat info {};
  EXPECT_EQ(::stat("/proc/self/ns/pid", &info), 0);
  return "tvmffi-" + std::to_string(pid) + "-daemon-" + std::to_string(info.st_ino + other);
}

class CgroupsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/tvmffi-cgroups-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    root_ = folder;
    tree = root_ + "/cgroup";
    group_ = tree + "/unit";
    ASSERT_EQ(::syscall(SYS_mkdirat, AT_FDCWD, tree.c_str(), 0755), 0);
    Populate(tree, "cpu memory pids");
    Put(tree + "/cgroup.subtree_control", "cpu memory pids ");
    ASSERT_EQ(::mkdir(group_.c_str(), 0755), 0);
    places_ = {tree, root_ + "/memberships"};
    Put(places_.memberships, "0::/unit\n");
    Put(group_ + "/cgroup.procs", self_ + "\n");
  }
  void TearDown() override {
    tree.clear();
    read_only.clear();
    refusal = 0;
    interruptions = 0;
    EXPECT_EQ(::system(("rm -r " + root_).c_str()), 0);
  }

  std::string Leaf() const { return group_ + "/" + DaemonGroup(::getpid()); }

  std::string root_, group_;
  const std::string self_ = std::to_string(::getpid());
  CgroupPlaces places_;
};

TEST_F(CgroupsTest, ADaemonThatIsAloneInItsGroupMovesBelow) {
  const Cgroups cgroups = Cgroups::Find(places_);

  for (const auto* controller : {&cgroups.memory, &cgroups.pids, &cgroups.cpu}) {
    ASSERT_TRUE(controller->ok()) << controller->status().message;
    EXPECT_EQ(controller->value().folder, group_);
    EXPECT_TRUE(controller->value().unified);
  }
  EXPECT_EQ(Content(group_ + "/cgroup.procs"), "");
  EXPECT_EQ(Content(Leaf() + "/cgroup.procs"), self_ + "\n");
}

TEST_F(CgroupsTest, ADaemonAmongOthersSaysWhoIsInTheWay) {
  Put(group_ + "/cgroup.procs", self_ + "\n1\n2\n");

  const Cgroups cgroups = Cgroups::Find(places_);

  ASSERT_FALSE(cgroups.memory.ok());
  EXPECT_NE(cgroups.memory.status().message.find("3 processes"), std::string::npos)
      << cgroups.memory.status().message;
  EXPECT_NE(::access(Leaf().c_str(), F_OK), 0);
}

TEST_F(CgroupsTest, AControllerThatIsNotDelegatedIsMissingAlone) {
  Put(group_ + "/cgroup.controllers", "memory pids\n");

  const Cgroups cgroups = Cgroups::Find(places_);

  EXPECT_TRUE(cgroups.memory.ok());
  EXPECT_TRUE(cgroups.pids.ok());
  ASSERT_FALSE(cgroups.cpu.ok());
  EXPECT_EQ(cgroups.cpu.status().code, Code::kUnavailable);
  EXPECT_NE(cgroups.cpu.status().message.find("'cpu' is not delegated to " + group_),
            std::string::npos);
}

TEST_F(CgroupsTest, ARefusalIsTold) {
  for (int error : {ENOSPC, EROFS, EACCES}) {
    refusal = error;

    const Cgroups cgroups = Cgroups::Find(places_);

    ASSERT_FALSE(cgroups.pids.ok());
    EXPECT_NE(cgroups.pids.status().message.find("(" + std::to_string(error) + ")"),
              std::string::npos)
        << cgroups.pids.status().message;
  }
}

TEST_F(CgroupsTest, LimitsThatCannotBeSetAreMissing) {
  read_only = {"memory.max"};

  const Cgroups cgroups = Cgroups::Find(places_);

  ASSERT_FALSE(cgroups.memory.ok());
  EXPECT_NE(cgroups.memory.status().message.find("cannot set memory.max in " + group_),
            std::string::npos)
      << cgroups.memory.status().message;
  EXPECT_TRUE(cgroups.pids.ok());
}

TEST_F(CgroupsTest, AGroupThatCannotBeEnteredIsMissing) {
  read_only = {"cgroup.procs"};

  EXPECT_FALSE(Cgroups::Find(places_).pids.ok());
}

TEST_F(CgroupsTest, WithoutTheFileSystemAllAreMissing) {
  const Cgroups cgroups = Cgroups::Find({root_ + "/nothing", places_.memberships});

  ASSERT_FALSE(cgroups.memory.ok());
  EXPECT_EQ(cgroups.memory.status().message, "cgroups of version 2 are not mounted");
}

TEST_F(CgroupsTest, AWorkerHasOneGroupWithAllItsLimits) {
  const Cgroups cgroups = Cgroups::Find(places_);
  wire::Limits limits;
  limits.memory_bytes = 64u << 20;
  limits.processes = 10;
  limits.cpu_percent = 150;

  auto worker = WorkerCgroup::Create(cgroups, limits);

  ASSERT_TRUE(worker.ok()) << worker.status().message;
  const std::string group = [&] {
    std::string found;
    DIR* list = ::opendir(group_.c_str());
    while (const dirent* entry = ::readdir(list)) {
      const std::string name = entry->d_name;
      if (name.rfind("tvmffi-", 0) == 0 && group_ + "/" + name != Leaf()) found = name;
    }
    ::closedir(list);
    return group_ + "/" + found;
  }();
  EXPECT_EQ(Content(group + "/memory.max"), "67108864");
  EXPECT_EQ(Content(group + "/memory.swap.max"), "0");
  EXPECT_EQ(Content(group + "/pids.max"), "11");
  EXPECT_EQ(Content(group + "/cpu.max"), "150000 100000");
  ASSERT_TRUE((*worker)->Add(4711).ok());
  EXPECT_EQ(Content(group + "/cgroup.procs"), "4711\n");

  EXPECT_FALSE((*worker)->RanOutOfMemory());
  Put(group + "/memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 0\noom_group_kill 1\n");
  EXPECT_FALSE((*worker)->RanOutOfMemory());
  Put(group + "/memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n");
  EXPECT_TRUE((*worker)->RanOutOfMemory());

  // Whatever is left in it dies with it.
  worker->reset();
  EXPECT_NE(::access(group.c_str(), F_OK), 0);
}

TEST_F(CgroupsTest, ALimitThatASignalInterruptsIsSetAgain) {
  const Cgroups cgroups = Cgroups::Find(places_);
  wire::Limits limits;
  limits.memory_bytes = 64u << 20;
  interruptions = 3;

  auto worker = WorkerCgroup::Create(cgroups, limits);

  EXPECT_TRUE(worker.ok()) << worker.status().message;
  EXPECT_EQ(interruptions, 0);
}

TEST_F(CgroupsTest, UsualMemoryIsHalfOfWhatThereIs) {
  const uint64_t machine = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                           static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  Cgroups cgroups;
  EXPECT_EQ(UsualMemory(cgroups), machine / 2);
  for (const bool unified : {false, true}) {
    const std::string file = group_ + (unified ? "/memory.max" : "/memory.limit_in_bytes");
    cgroups.memory = CgroupController{group_, unified};
    EXPECT_EQ(UsualMemory(cgroups), machine / 2);
    Put(file, "67108864\n");
    EXPECT_EQ(UsualMemory(cgroups), 32u << 20);
    // As each version says that there is no limit.
    Put(file, unified ? "max\n" : "9223372036854771712\n");
    EXPECT_EQ(UsualMemory(cgroups), machine / 2);
  }
}

TEST_F(CgroupsTest, GroupsOfDaemonsThatDiedAreRemoved) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_EQ(::access(group_.c_str(), W_OK), 0);
  const std::string left = group_ + "/" + DaemonGroup(child);
  // Where that number may be somebody who lives.
  const std::string elsewhere = group_ + "/" + DaemonGroup(child, 1);
  ASSERT_EQ(::mkdir(left.c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(elsewhere.c_str(), 0755), 0);

  Cgroups::Find(places_);

  EXPECT_NE(::access(left.c_str(), F_OK), 0);
  EXPECT_EQ(::access(elsewhere.c_str(), F_OK), 0);
  // Nobody leaves a group empty for so long.
  const timespec long_ago[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, elsewhere.c_str(), long_ago, 0), 0);
  Cgroups::Find(places_);
  EXPECT_NE(::access(elsewhere.c_str(), F_OK), 0);
}

TEST_F(CgroupsTest, AnOlderHierarchyBesideItIsUsedForWhatItHas) {
  ASSERT_EQ(::syscall(SYS_mkdirat, AT_FDCWD, (tree + "/memory").c_str(), 0755), 0);
  Put(tree + "/memory/memory.limit_in_bytes", "");
  Put(places_.memberships, "4:memory:/\n0::/unit\n");

  const Cgroups cgroups = Cgroups::Find(places_);

  // Its own group would have to hold the file, which this tree does not make.
  EXPECT_FALSE(cgroups.memory.ok());
  ASSERT_TRUE(cgroups.pids.ok());
  EXPECT_TRUE(cgroups.pids.value().unified);
}

// 0: as it should; 77: this kernel, or user, has none to try it on.
int MoveInTheKernelsTree() {
  tree.clear();
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", "/tmp", "cgroup2", 0, nullptr) != 0) {
    return 77;
  }
  std::string controllers = Content("/tmp/cgroup.controllers");
  const std::string name = controllers.substr(0, controllers.find_first_of(" \n"));
  const std::string group = "/tmp/tvmffi-test-" + std::to_string(::getpid());
  if (name.empty()) return 77;
  const bool had = Content("/tmp/cgroup.subtree_control").find(name) != std::string::npos;
  std::ofstream("/tmp/cgroup.subtree_control") << "+" + name;
  if (::mkdir(group.c_str(), 0755) != 0) return 77;
  std::ofstream(group + "/cgroup.procs") << ::getpid();
  const Status status = EnableBelow(group, name);
  const bool enabled = Content(group + "/cgroup.subtree_control").find(name) != std::string::npos;
  const bool moved = Content(group + "/cgroup.procs").empty();
  std::ofstream("/tmp/cgroup.procs") << ::getpid();
  ::rmdir((group + "/" + DaemonGroup(::getpid())).c_str());
  ::rmdir(group.c_str());
  if (!had) std::ofstream("/tmp/cgroup.subtree_control") << "-" + name;
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message.c_str());
  return status.ok() && enabled && moved ? 0 : 1;
}

TEST(CgroupsOfTheKernel, ADaemonThatIsAloneInItsGroupMovesBelow) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(MoveInTheKernelsTree());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);

  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    GTEST_SKIP() << "no tree of version 2 with a free controller can be mounted here";
  }

  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tvmffi::hostd
