#include "hostd/supervisor/spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>

namespace tvmffi::hostd {
namespace {

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }

  // Zero, or the error of the call that ran out of memory.
  int Fill(const ProgramFds& fds) {
    int error = 0;
    auto keep_first = [&error](int result) { error = error != 0 ? error : result; };
    keep_first(::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0));
    keep_first(::posix_spawn_file_actions_adddup2(&actions_, fds.log, 1));
    keep_first(::posix_spawn_file_actions_adddup2(&actions_, fds.log, 2));
    keep_first(::posix_spawn_file_actions_adddup2(&actions_, fds.control, 3));
    keep_first(::posix_spawn_file_actions_addclosefrom_np(&actions_, 4));
    keep_first(::posix_spawn_file_actions_addchdir_np(&actions_, "/"));
    return error;
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<pid_t> SpawnProgram(const std::string& program, const std::vector<std::string>& environment,
                           const ProgramFds& fds) {
  if (fds.log < 3 || fds.control < 3) {
    return Status{Code::kInternal, "cannot start a program with descriptors " +
                                       std::to_string(fds.log) + " and " +
                                       std::to_string(fds.control) + ": they stand in the way"};
  }
  FileActions actions;
  if (int error = actions.Fill(fds); error != 0) {
    return ErrnoStatus(error, "cannot prepare to start '" + program + "'");
  }
  Attributes attributes;
  std::string name = program.substr(program.rfind('/') + 1);
  char* argv[] = {name.data(), nullptr};
  std::vector<char*> envp;
  for (const std::string& entry : environment) envp.push_back(const_cast<char*>(entry.c_str()));
  envp.push_back(nullptr);

  pid_t pid = 0;
  // Shares this memory until the exec, so it costs the same however large the daemon is.
  int error =
      ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), argv, envp.data());
  if (error != 0) return ErrnoStatus(error, "cannot start '" + program + "'");
  return pid;
}

Result<std::string> ProgramBesideThisOne(const std::string& name) {
  char path[PATH_MAX];
  ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path));
  if (size < 0) return ErrnoStatus(errno, "cannot read /proc/self/exe");
  std::string self(path, static_cast<size_t>(size));
  return self.substr(0, self.rfind('/') + 1) + name;
}

}  // namespace tvmffi::hostd
