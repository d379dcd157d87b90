#include "client/src/daemon_start.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/signals.h"
#include "proto/wire/socket.h"

extern char** environ;

#if defined(__SANITIZE_THREAD__)
// The sanitizer's clone() takes the child for one with its own memory and from then on ignores what
// the calling thread locks. The C library's own name for it goes past that.
extern "C" int __clone(int (*)(void*), void*, int, void*, ...) noexcept;
#define TVMFFI_CLONE ::__clone
#define TVMFFI_NO_TSAN __attribute__((no_sanitize("thread")))
#else
#define TVMFFI_CLONE ::clone
#define TVMFFI_NO_TSAN
#endif

namespace tvmffi::host {
namespace {

constexpr int kSocketNumber = 3;
constexpr int kParentNumber = 4;
constexpr size_t kStackSize = 64 * 1024;

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

bool IsExecutable(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

// Shared with the two children, which run in this process's memory while the calling thread is
// suspended.
struct Start {
  const char* path;
  char* const* argv;
  char* const* environment;
  int socket;
  int parent;
  int null;
  int log;
  char* daemon_stack;
  // errno of the step that failed, 0 if none did.
  volatile int error;
};

// Returning ends a child. Only system calls from here to exec: the memory is the caller's.

// Out of the way of the numbers the daemon expects them at.
bool MoveUp(int* fd) {
  *fd = ::fcntl(*fd, F_DUPFD, kParentNumber + 1);
  return *fd >= 0;
}

bool ArrangeDescriptors(Start* start) {
  int socket = start->socket;
  int parent = start->parent;
  int null = start->null;
  int log = start->log;
  if (!MoveUp(&socket) || !MoveUp(&parent) || !MoveUp(&null) || !MoveUp(&log)) return false;
  if (::dup2(null, 0) < 0 || ::dup2(null, 1) < 0 || ::dup2(log, 2) < 0) return false;
  if (::dup2(socket, kSocketNumber) < 0 || ::dup2(parent, kParentNumber) < 0) return false;
  return ::syscall(SYS_close_range, kParentNumber + 1, ~0U, 0) == 0;
}

TVMFFI_NO_TSAN int DaemonChild(void* argument) {
  Start* start = static_cast<Start*>(argument);
  ResetSignals();
  if (::setsid() < 0 || !ArrangeDescriptors(start)) {
    start->error = errno;
    return 127;
  }
  ::execve(start->path, start->argv, start->environment);
  start->error = errno;
  return 127;
}

TVMFFI_NO_TSAN int MiddleChild(void* argument) {
  Start* start = static_cast<Start*>(argument);
  if (TVMFFI_CLONE(&DaemonChild, start->daemon_stack + kStackSize, CLONE_VM | CLONE_VFORK, start) <
      0)
    start->error = errno;
  return 0;
}

class Stacks {
 public:
  Stacks() {
    void* memory = ::mmap(nullptr, 2 * kStackSize, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    memory_ = memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
  }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks() {
    if (memory_ != nullptr) ::munmap(memory_, 2 * kStackSize);
  }
  char* first() const { return memory_; }
  char* second() const { return memory_ + kStackSize; }

 private:
  char* memory_;
};

// What the daemon itself has to say goes to this process's stderr, like the output of plug-ins that
// is forwarded.
std::string LogLevel() {
  const char* level = ::getenv("TVMFFI_HOSTD_LOG");
  return level != nullptr && *level != '\0' ? level : "error";
}

int LogDescriptor(int null) { return ::fcntl(STDERR_FILENO, F_GETFD) >= 0 ? STDERR_FILENO : null; }

Status DoubleFork(Start* start) {
  Stacks stacks;
  if (stacks.first() == nullptr) return ErrnoStatus(errno, "cannot allocate a stack");
  start->daemon_stack = stacks.second();
  // No handler of this process may run in a child that shares its memory.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  // Exit signal 0: neither a SIGCHLD handler nor a wait() of this process hears of it.
  const pid_t middle =
      TVMFFI_CLONE(&MiddleChild, stacks.first() + kStackSize, CLONE_VM | CLONE_VFORK, start);
  const int clone_error = errno;
  if (middle > 0) {
    while (::waitpid(middle, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (middle < 0) return ErrnoStatus(clone_error, "cannot fork");
  if (start->error != 0)
    return ErrnoStatus(start->error, std::string("cannot start ") + start->path);
  return OkStatus();
}

}  // namespace

Result<std::string> FindDaemon() {
  if (const char* named = ::getenv("TVMFFI_HOSTD"); named != nullptr && *named != '\0') {
    if (IsExecutable(named)) return std::string(named);
    return Status{Code::kUnavailable, std::string("no daemon: $TVMFFI_HOSTD is '") + named +
                                          "', which is not an executable file"};
  }
  Dl_info self;
  if (::dladdr(reinterpret_cast<void*>(&FindDaemon), &self) == 0) {
    return Status{Code::kInternal, "cannot tell where libtvmffi_host.so lies"};
  }
  const std::string folder = FolderOf(self.dli_fname);
  std::string tried;
  std::string_view folders = TVMFFI_PROGRAM_FOLDERS;
  while (!folders.empty()) {
    const size_t end = std::min(folders.find(':'), folders.size());
    const std::string path = folder + "/" + std::string(folders.substr(0, end)) + "/tvmffi-hostd";
    if (IsExecutable(path)) return path;
    tried += (tried.empty() ? "neither '" : " nor '") + path + "'";
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return Status{Code::kUnavailable,
                "no daemon: " + tried + " is an executable file, and $TVMFFI_HOSTD is not set"};
}

Result<UniqueFd> StartPrivateDaemon(const std::vector<std::string>& without_layers, int prepared) {
  Result<std::string> path = FindDaemon();
  if (!path.ok()) return path.status();
  Result<std::pair<UniqueFd, UniqueFd>> ends = ControlSocketPair();
  if (!ends.ok()) return ends.status();
  UniqueFd parent(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!parent.valid() || !null.valid()) return ErrnoStatus(errno, "cannot start a private daemon");

  std::vector<std::string> words = {*path, "--private-fd=3", "--parent-pidfd=4",
                                    "--log-level=" + LogLevel()};
  for (const std::string& layer : without_layers) words.push_back("--without=" + layer);
  if (prepared >= 0) words.push_back("--prepared=" + std::to_string(prepared));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Start start = {};
  start.path = path->c_str();
  start.argv = argv.data();
  start.environment = environ;
  start.socket = ends->second.get();
  start.parent = parent.get();
  start.null = null.get();
  start.log = LogDescriptor(null.get());
  TVMFFI_RETURN_IF_ERROR(DoubleFork(&start));
  return std::move(ends->first);
}

}  // namespace tvmffi::host
