#include "hostd/sandbox/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {
namespace {

constexpr std::string_view kPrefix = "tvmffi-";
constexpr time_t kOldSeconds = 60;

// Small files only.
std::string ReadText(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(16384, '\0');
  const ssize_t size = file.valid() ? ::read(file.get(), text.data(), text.size()) : 0;
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

// 0, or what errno says.
int TryWrite(const std::string& path, const std::string& text) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return errno;
  // A limit of memory is not set while a signal, of a child that ended most often, waits.
  while (::write(file.get(), text.data(), text.size()) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

Status WriteText(const std::string& path, const std::string& text) {
  const int error = TryWrite(path, text);
  return error == 0 ? OkStatus() : ErrnoStatus(error, "cannot write '" + text + "' to " + path);
}

bool HasWord(std::string_view text, std::string_view word, std::string_view separators) {
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    if (text.substr(0, end) == word) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

// The group this process is in, per line of /proc/self/cgroup: "4:memory:/a/b", "0::/a/b".
struct Membership {
  std::string controllers;
  std::string path;
};

std::vector<Membership> Memberships(const std::string& file) {
  std::vector<Membership> memberships;
  const std::string text = ReadText(file);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    memberships.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return memberships;
}

bool IsFolder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// How names of groups end: with the pid namespace of their daemon. In another one nobody can tell
// whether it has died.
std::string NameEnd() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? "-" + std::to_string(info.st_ino) : "-0";
}

// "tvmffi-<pid>-<what>-<namespace>".
std::string GroupName(const std::string& what) {
  return std::string(kPrefix) + std::to_string(::getpid()) + "-" + what + NameEnd();
}

std::string NextGroupName() {
  static unsigned next = 0;
  return GroupName(std::to_string(next++));
}

// Of a daemon of this namespace that has died; or of another namespace, and old: whoever makes a
// group fills it at once, and one with processes is not removed.
bool IsAbandoned(int folder, const std::string& name) {
  const std::string end = NameEnd();
  if (name.size() > end.size() && name.substr(name.size() - end.size()) == end) {
    const int pid = std::atoi(name.c_str() + kPrefix.size());
    return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
  }
  struct stat info {};
  return ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         info.st_mtim.tv_sec < ::time(nullptr) - kOldSeconds;
}

void RemoveAbandoned(const std::string& folder) {
  DIR* list = ::opendir(folder.c_str());
  if (list == nullptr) return;
  while (const dirent* entry = ::readdir(list)) {
    const std::string name = entry->d_name;
    if (name.substr(0, kPrefix.size()) != kPrefix || !IsAbandoned(::dirfd(list), name)) continue;
    // Fails while somebody is in it.
    ::rmdir((folder + "/" + name).c_str());
  }
  ::closedir(list);
}

// Moves this process into a group below, if nobody else is in its own.
Status LeaveAlone(const std::string& folder) {
  const std::string self = std::to_string(::getpid());
  const std::string members = ReadText(folder + "/cgroup.procs");
  if (members != self + "\n") {
    return {Code::kUnavailable,
            folder + " has " + std::to_string(std::count(members.begin(), members.end(), '\n')) +
                " processes, so it cannot limit the memory of groups below it; "
                "give the daemon a group of its own"};
  }
  const std::string below = folder + "/" + GroupName("daemon");
  if (::mkdir(below.c_str(), 0755) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "cannot create " + below);
  }
  return WriteText(below + "/cgroup.procs", self);
}

// Of this process as it was when the search began: it may move.
class Finder {
 public:
  explicit Finder(const CgroupPlaces& places)
      : mounts_(places.mounts), memberships_(Memberships(places.memberships)) {}

  // A group in which the limit can be set: the folder alone may be writable to nobody's use.
  Result<CgroupController> Find(const std::string& name, const char* old_file,
                                const char* unified_file) const {
    Result<CgroupController> controller = Locate(name);
    if (!controller.ok()) return controller;
    const std::string file = controller->unified ? unified_file : old_file;
    RemoveAbandoned(controller->folder);
    const std::string group = controller->folder + "/" + NextGroupName();
    if (::mkdir(group.c_str(), 0755) != 0) return ErrnoStatus(errno, "cannot create " + group);
    const bool writable = ::access((group + "/" + file).c_str(), W_OK) == 0 &&
                          ::access((group + "/cgroup.procs").c_str(), W_OK) == 0;
    const int error = errno;
    ::rmdir(group.c_str());
    if (!writable) return ErrnoStatus(error, "cannot set " + file + " in " + group);
    return controller;
  }

 private:
  Result<std::string> UnifiedFolder(const std::string& path) const {
    for (const std::string& mount : {mounts_, mounts_ + "/unified"}) {
      if (::access((mount + "/cgroup.controllers").c_str(), F_OK) == 0) return mount + path;
    }
    return Status{Code::kUnavailable, "cgroups of version 2 are not mounted"};
  }

  Result<CgroupController> Locate(const std::string& controller) const {
    Status why{Code::kUnavailable,
               "this process is in no group of controller '" + controller + "'"};
    for (const Membership& membership : memberships_) {
      if (HasWord(membership.controllers, controller, ",")) {
        const std::string folder = mounts_ + "/" + membership.controllers + membership.path;
        if (IsFolder(folder)) return CgroupController{folder, false};
        why.message = "its folder " + folder + " is not there";
      } else if (membership.controllers.empty()) {
        Result<std::string> folder = UnifiedFolder(membership.path);
        Status enabled = folder.ok() ? EnableBelow(*folder, controller) : folder.status();
        if (enabled.ok()) return CgroupController{*folder, true};
        why = enabled;
      }
    }
    return why;
  }

  const std::string mounts_;
  const std::vector<Membership> memberships_;
};

}  // namespace

Status EnableBelow(const std::string& folder, const std::string& controller) {
  if (!HasWord(ReadText(folder + "/cgroup.controllers"), controller, " \n")) {
    return {Code::kUnavailable, "controller '" + controller + "' is not delegated to " + folder};
  }
  const std::string file = folder + "/cgroup.subtree_control";
  if (HasWord(ReadText(file), controller, " \n")) return OkStatus();
  const std::string word = "+" + controller;
  if (TryWrite(file, word) == EBUSY) TVMFFI_RETURN_IF_ERROR(LeaveAlone(folder));
  if (HasWord(ReadText(file), controller, " \n")) return OkStatus();
  return WriteText(file, word);
}

Cgroups Cgroups::Find(const CgroupPlaces& places) {
  const Finder finder(places);
  Cgroups cgroups;
  cgroups.memory = finder.Find("memory", "memory.limit_in_bytes", "memory.max");
  cgroups.pids = finder.Find("pids", "pids.max", "pids.max");
  cgroups.cpu = finder.Find("cpu", "cpu.cfs_quota_us", "cpu.max");
  return cgroups;
}

uint64_t UsualMemory(const Cgroups& cgroups) {
  uint64_t bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                   static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  if (cgroups.memory.ok()) {
    const CgroupController& memory = cgroups.memory.value();
    const std::string file =
        memory.folder + (memory.unified ? "/memory.max" : "/memory.limit_in_bytes");
    // 0 is "max", or nothing at all.
    const uint64_t limit = std::strtoull(ReadText(file).c_str(), nullptr, 10);
    if (limit != 0) bytes = std::min(bytes, limit);
  }
  return bytes / 2;
}

Status WorkerCgroup::Make(const CgroupController& controller, const std::string& name) {
  folder_ = controller.folder + "/" + name;
  if (std::find(folders_.begin(), folders_.end(), folder_) != folders_.end()) return OkStatus();
  if (::mkdir(folder_.c_str(), 0755) != 0) return ErrnoStatus(errno, "cannot create " + folder_);
  folders_.push_back(folder_);
  if (controller.unified) kill_files_.push_back(folder_ + "/cgroup.kill");
  return OkStatus();
}

Status WorkerCgroup::Limit(const std::string& file, const std::string& value) {
  return WriteText(folder_ + "/" + file, value);
}

Result<std::unique_ptr<WorkerCgroup>> WorkerCgroup::Create(const Cgroups& cgroups,
                                                           const wire::Limits& limits) {
  std::unique_ptr<WorkerCgroup> group(new WorkerCgroup());
  const std::string name = NextGroupName();
  if (limits.memory_bytes != 0) {
    if (!cgroups.memory.ok()) return cgroups.memory.status();
    const bool unified = cgroups.memory.value().unified;
    const std::string bytes = std::to_string(limits.memory_bytes);
    TVMFFI_RETURN_IF_ERROR(group->Make(cgroups.memory.value(), name));
    TVMFFI_RETURN_IF_ERROR(group->Limit(unified ? "memory.max" : "memory.limit_in_bytes", bytes));
    // Swap would only make the end slow. A kernel without it has no such file.
    Status no_swap = unified ? group->Limit("memory.swap.max", "0")
                             : group->Limit("memory.memsw.limit_in_bytes", bytes);
    if (!no_swap.ok() && no_swap.code != Code::kNotFound) return no_swap;
    group->memory_events_ = group->folder_ + (unified ? "/memory.events" : "/memory.oom_control");
  }
  if (limits.processes != 0) {
    if (!cgroups.pids.ok()) return cgroups.pids.status();
    TVMFFI_RETURN_IF_ERROR(group->Make(cgroups.pids.value(), name));
    // Process 1 of the namespace is not the worker's.
    TVMFFI_RETURN_IF_ERROR(
        group->Limit("pids.max", std::to_string(uint64_t{limits.processes} + 1)));
  }
  if (limits.cpu_percent != 0) {
    if (!cgroups.cpu.ok()) return cgroups.cpu.status();
    TVMFFI_RETURN_IF_ERROR(group->Make(cgroups.cpu.value(), name));
    const std::string quota = std::to_string(uint64_t{limits.cpu_percent} * 1000);
    TVMFFI_RETURN_IF_ERROR(cgroups.cpu.value().unified ? group->Limit("cpu.max", quota + " 100000")
                                                       : group->Limit("cpu.cfs_quota_us", quota));
  }
  return group;
}

WorkerCgroup::~WorkerCgroup() {
  Kill();
  for (const std::string& folder : folders_) ::rmdir(folder.c_str());
}

Status WorkerCgroup::Add(pid_t pid) {
  for (const std::string& folder : folders_) {
    TVMFFI_RETURN_IF_ERROR(WriteText(folder + "/cgroup.procs", std::to_string(pid)));
  }
  return OkStatus();
}

void WorkerCgroup::Kill() const {
  for (const std::string& file : kill_files_) TryWrite(file, "1");
}

bool WorkerCgroup::RanOutOfMemory() const {
  if (memory_events_.empty()) return false;
  const std::string events = ReadText(memory_events_);
  const size_t at = events.find("oom_kill ");
  return at != std::string::npos && std::atoi(events.c_str() + at + 9) > 0;
}

}  // namespace tvmffi::hostd
