#include "tools/hostctl/doctor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/wire/socket.h"
#include "proto/wire/unix_path.h"
#include "tools/hostctl/daemon_link.h"
#include "tools/hostctl/exit_codes.h"
#include "tools/hostctl/text.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

extern char** environ;

namespace tvmffi::hostctl {
namespace {

using Json = nlohmann::ordered_json;

Check Present(std::string name, std::string detail) {
  return {std::move(name), Finding::kPresent, std::move(detail), ""};
}

Check Missing(std::string name, Finding finding, std::string detail, std::string advice) {
  return {std::move(name), finding, std::move(detail), std::move(advice)};
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Check CheckKernel() {
  utsname system{};
  ::uname(&system);
  int major = 0;
  int minor = 0;
  std::sscanf(system.release, "%d.%d", &major, &minor);
  const std::string release = std::string("Linux ") + system.release;
  const int version = major * 1000 + minor;
  if (version < 5005) {
    return Missing("kernel", Finding::kRequired, release + ", 5.5 is the least",
                   "boot a newer kernel");
  }
  if (version < 5016) {
    return Missing("kernel", Finding::kMissing, release + ", 5.16 for the full fast path",
                   "boot a newer kernel");
  }
  return Present("kernel", release);
}

Check CheckSeals() {
  const int fd = ::memfd_create("doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  const bool sealed =
      fd >= 0 && ::ftruncate(fd, 4096) == 0 &&
      ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (sealed) return Present("sealed memory", "memfd_create with F_SEAL_FUTURE_WRITE");
  return Missing("sealed memory", Finding::kRequired, std::strerror(error),
                 "needs Linux 5.5 and a container that allows memfd_create");
}

Check CheckPidfd() {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
    return Present("pidfd", "pidfd_open");
  }
  return Missing("pidfd", Finding::kRequired, std::strerror(error),
                 "allow pidfd_open in the container's seccomp profile");
}

Check CheckUserNamespaces() {
  const std::string maximum = FirstLine("/proc/sys/user/max_user_namespaces");
  const std::string clone = FirstLine("/proc/sys/kernel/unprivileged_userns_clone");
  const std::string apparmor = FirstLine("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  if (maximum == "0") {
    return Missing("user namespaces", Finding::kMissing, "user.max_user_namespaces is 0",
                   "sysctl user.max_user_namespaces=15000");
  }
  if (clone == "0") {
    return Missing("user namespaces", Finding::kMissing, "kernel.unprivileged_userns_clone is 0",
                   "sysctl kernel.unprivileged_userns_clone=1");
  }
  if (apparmor == "1") {
    return Missing("user namespaces", Finding::kMissing,
                   "AppArmor restricts them to programs with a profile",
                   "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile for "
                   "tvmffi-hostd that allows userns");
  }
  return Present("user namespaces", "nothing forbids them");
}

std::string FolderOfThisProgram() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path));
  if (size <= 0) return {};
  const std::string self(path, static_cast<size_t>(size));
  return self.substr(0, self.rfind('/'));
}

std::string DaemonProgram() {
  const char* named = std::getenv("TVMFFI_HOSTD");
  return named != nullptr && *named != '\0' ? named : FolderOfThisProgram() + "/tvmffi-hostd";
}

// What the daemon looks for in its own folder.
std::string BesideDaemon(const std::string& name) {
  const std::string daemon = DaemonProgram();
  return daemon.substr(0, daemon.rfind('/') + 1) + name;
}

Check CheckProgram(const std::string& name, const std::string& path, Finding finding,
                   const std::string& use) {
  if (::access(path.c_str(), X_OK) == 0) return Present(name, path);
  return Missing(name, finding, "'" + path + "' is no program", "install it there: " + use);
}

Check CheckRuntimeFolder() {
  const std::string path = DefaultSocketPath();
  const std::string folder = path.substr(0, path.rfind('/'));
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    return Present("runtime folder", "'" + folder + "' will be made by the first daemon");
  }
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return Missing("runtime folder", Finding::kMissing,
                   "'" + folder + "' belongs to uid " + std::to_string(info.st_uid),
                   "set XDG_RUNTIME_DIR to a folder of your own");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Missing("runtime folder", Finding::kMissing, "others may write to '" + folder + "'",
                   "chmod 700 " + folder);
  }
  return Present("runtime folder", folder);
}

Check CheckCores() {
  const std::string pattern = FirstLine("/proc/sys/kernel/core_pattern");
  return Present("core files", "workers leave none (core_pattern is '" + pattern + "')");
}

Check CheckGpu() {
  if (::access("/dev/nvidiactl", F_OK) != 0) {
    return Present("GPU", "none: workers use the CPU");
  }
  return Present("GPU", "there is one; workers of this version have no way to it");
}

// A daemon over a socket pair, for as long as this lives.
class BriefDaemon {
 public:
  BriefDaemon() = default;
  BriefDaemon(const BriefDaemon&) = delete;
  BriefDaemon& operator=(const BriefDaemon&) = delete;
  ~BriefDaemon() {
    if (pid_ <= 0) return;
    const bool answered = link_ != nullptr;
    link_.reset();
    // It ends with its last connection; one that does not, or that never answered, is no daemon.
    if (!answered || !EndsInTime()) ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  Status Start() {
    Result<std::pair<UniqueFd, UniqueFd>> ends = ControlSocketPair();
    if (!ends.ok()) return ends.status();
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    constexpr int kInherited = 20;
    ::posix_spawn_file_actions_adddup2(&actions, ends->second.get(), kInherited);
    std::string program = DaemonProgram();
    std::string flag = "--private-fd=" + std::to_string(kInherited);
    std::string observe = "--observe=none";
    char* argv[] = {program.data(), flag.data(), observe.data(), nullptr};
    const int error = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return ErrnoStatus(error, "cannot start '" + program + "'");
    ends->second.reset();
    Result<DaemonLink> link = DaemonLink::Open(std::move(ends->first), program);
    if (!link.ok()) return link.status();
    link_ = std::make_unique<DaemonLink>(std::move(*link));
    return OkStatus();
  }

  DaemonLink* link() { return link_.get(); }

 private:
  static constexpr int kPatienceMs = 5000;

  // Waits for its end, for a while.
  bool EndsInTime() const {
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    pollfd end{process.get(), POLLIN, 0};
    return process.valid() && ::poll(&end, 1, kPatienceMs) == 1;
  }

  pid_t pid_ = -1;
  std::unique_ptr<DaemonLink> link_;
};

void AddLayers(std::vector<Check>* checks) {
  BriefDaemon daemon;
  Status started = daemon.Start();
  Result<std::string> text = started.ok() ? daemon.link()->Document(wire::DocumentKind::kLayers)
                                          : Result<std::string>(started);
  if (!text.ok()) {
    checks->push_back(Missing("daemon", Finding::kRequired, text.status().message,
                              "run tvmffi-hostd by hand to see why"));
    return;
  }
  checks->push_back(Present("daemon", daemon.link()->welcome().daemon_version));
  const Json layers = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!layers.is_array()) return;
  const auto has = [&layers](const char* name) {
    return std::any_of(layers.begin(), layers.end(), [name](const Json& layer) {
      return layer.value("name", "") == name && layer.value("missing", "") == "";
    });
  };
  for (const Json& layer : layers) {
    const std::string name = layer.value("name", "");
    const std::string missing = layer.value("missing", "");
    if (name == "uid" && !missing.empty() && has("userns")) {
      checks->push_back(Present("layer uid", "not needed: " + missing));
    } else if (missing.empty()) {
      checks->push_back(Present("layer " + name, "every worker has it"));
    } else {
      checks->push_back(Missing("layer " + name, Finding::kMissing, missing, AdviceFor(name)));
    }
  }
}

const char* Word(Finding finding) {
  switch (finding) {
    case Finding::kPresent:
      return "ok";
    case Finding::kMissing:
      return "missing";
    case Finding::kRequired:
      return "REQUIRED";
  }
  return "";
}

}  // namespace

std::string AdviceFor(const std::string& layer) {
  static const std::map<std::string, std::string> advice = {
      {"userns",
       "see 'user namespaces'; in a container allow unshare and clone with CLONE_NEWUSER"},
      {"pidns", "needs userns, or a daemon that is root"},
      {"mountns",
       "needs userns, or a daemon that is root; in a container allow mount and pivot_root"},
      {"netns", "needs userns, or a daemon that is root"},
      {"ipcns", "needs userns, or a daemon that is root"},
      {"uid", ""},
      {"landlock", "boot with lsm=landlock,... (Linux 5.13); in a container allow landlock_*"},
      {"landlock-net", "Linux 6.7"},
      {"landlock-ioctl", "Linux 6.10"},
      {"landlock-scope", "Linux 6.12"},
      {"seccomp", "a kernel with CONFIG_SECCOMP_FILTER"},
      {"cgroup-memory", "run the daemon as a systemd unit with Delegate=yes, or as root"},
      {"cgroup-pids", "run the daemon as a systemd unit with Delegate=yes, or as root"},
      {"cgroup-cpu", "run the daemon as a systemd unit with Delegate=yes, or as root"},
      {"usage", "a kernel with CONFIG_PROC_CHILDREN, /proc without hidepid, and 'pidns'"},
      {"orphans",
       "start the daemon below another process 1 (docker run --init), or see 'userns' for pidns"},
  };
  const auto found = advice.find(layer);
  return found != advice.end() ? found->second : "";
}

std::vector<Check> Examine() {
  std::vector<Check> checks = {CheckKernel(), CheckSeals(), CheckPidfd(), CheckUserNamespaces()};
  const Check daemon =
      CheckProgram("tvmffi-hostd", DaemonProgram(), Finding::kRequired, "nothing runs without it");
  checks.push_back(daemon);
  checks.push_back(CheckProgram("tvmffi-worker", BesideDaemon("tvmffi-worker"), Finding::kRequired,
                                "it runs the plug-ins"));
  checks.push_back(CheckProgram("tvmffi-symbolizer", BesideDaemon("tvmffi-symbolizer"),
                                Finding::kMissing, "without it crash reports have no names"));
  checks.push_back(CheckRuntimeFolder());
  checks.push_back(CheckCores());
  checks.push_back(CheckGpu());
  if (daemon.finding == Finding::kPresent) AddLayers(&checks);
  return checks;
}

int Doctor(bool json, bool strict) {
  const std::vector<Check> checks = Examine();
  bool required = false;
  bool missing = false;
  Json list = Json::array();
  Table table({"", "WHAT", "FOUND", "WHAT TO DO"});
  for (const Check& check : checks) {
    required = required || check.finding == Finding::kRequired;
    missing = missing || check.finding != Finding::kPresent;
    table.Row({Word(check.finding), check.name, check.detail, check.advice});
    list.push_back({{"name", check.name},
                    {"present", check.finding == Finding::kPresent},
                    {"required", check.finding == Finding::kRequired},
                    {"detail", check.detail},
                    {"advice", check.advice}});
  }
  if (int code = Print(json ? Dump(list) : table.ToText()); code != kOk) return code;
  return required || (strict && missing) ? kFailed : kOk;
}

}  // namespace tvmffi::hostctl
