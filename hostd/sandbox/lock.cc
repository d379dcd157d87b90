#include "hostd/sandbox/lock.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/sandbox/landlock.h"
#include "hostd/sandbox/layers.h"
#include "hostd/sandbox/privileges.h"
#include "hostd/sandbox/reads.h"
#include "hostd/sandbox/rlimits.h"
#include "hostd/sandbox/seccomp.h"

namespace tvmffi::hostd {
namespace {

constexpr const char* kTmp = "/tmp";

Status RestrictAccess(const wire::WorkerStart& start, const std::vector<std::string>& readable) {
  LandlockRules rules;
  rules.files = Has(start.layers, kLandlock);
  rules.net = Has(start.layers, kLandlockNet) && !start.grants.network;
  rules.ioctl = Has(start.layers, kLandlockIoctl);
  rules.scope = Has(start.layers, kLandlockScope);
  rules.read = readable;
  rules.read_write = SystemDevices();
  const bool own_root = Has(start.layers, kMountNamespace);
  if (own_root && Has(start.layers, kPidNamespace)) {
    rules.read.emplace_back("/proc");
  } else {
    // Its own; another process's would be found there too.
    for (const char* path : {"/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
                             "/proc/version", "/proc/sys/vm/overcommit_memory"}) {
      rules.read.emplace_back(path);
    }
  }
  if (own_root && start.grants.tmpfs_bytes != 0) rules.all.emplace_back(kTmp);
  return ApplyLandlock(rules);
}

Status DropRights(const wire::WorkerStart& start) {
  if (Has(start.layers, kUser)) {
    TVMFFI_RETURN_IF_ERROR(BecomeNobody());
    // The change of user has undone it.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
      return ErrnoStatus(errno, "cannot end with the parent");
    }
  }
  TVMFFI_RETURN_IF_ERROR(ApplyRlimits(start.limits));
  TVMFFI_RETURN_IF_ERROR(DropCapabilities());
  return SetNoNewPrivileges();
}

}  // namespace

Status SelfLock::Prepare(const wire::WorkerPrepare& prepare, StartTimes* times) {
  if (Has(prepare.layers, kMountNamespace)) {
    TVMFFI_RETURN_IF_ERROR(root_.Make({prepare.tmpfs_bytes, Has(prepare.layers, kPidNamespace)}));
    TVMFFI_RETURN_IF_ERROR(root_.Bind(SystemPaths()));
  }
  times->Mark(StartStep::kRoot);
  if (Has(prepare.layers, kSeccomp)) {
    profile_ = {prepare.network, Has(prepare.layers, kMountNamespace), prepare.audit};
    Result<SeccompProgram> program = MakeSeccomp(profile_);
    if (!program.ok()) return program.status();
    program_ = std::move(*program);
  }
  times->Mark(StartStep::kFilter);
  return OkStatus();
}

Status SelfLock::FinishRoot(const wire::WorkerStart& start, std::vector<std::string>* readable,
                            std::vector<FileLink>* links) {
  TVMFFI_RETURN_IF_ERROR(root_.InOldTree([&] { *readable = ReadablePaths(start.grants); }));
  TVMFFI_RETURN_IF_ERROR(root_.Bind(*readable));
  TVMFFI_RETURN_IF_ERROR(root_.Enter(links));
  if (start.grants.tmpfs_bytes != 0 && ::chdir(kTmp) != 0) {
    return ErrnoStatus(errno, "cannot enter the worker's own folder");
  }
  return OkStatus();
}

Status SelfLock::Finish(const wire::WorkerStart& start, std::vector<FileLink>* links,
                        StartTimes* times) {
  std::vector<std::string> readable;
  if (Has(start.layers, kMountNamespace)) {
    TVMFFI_RETURN_IF_ERROR(FinishRoot(start, &readable, links));
  } else {
    readable = ReadablePaths(start.grants);
  }
  times->Mark(StartStep::kFiles);
  TVMFFI_RETURN_IF_ERROR(DropRights(start));
  times->Mark(StartStep::kLimits);
  TVMFFI_RETURN_IF_ERROR(RestrictAccess(start, readable));
  times->Mark(StartStep::kLandlock);
  if (Has(start.layers, kSeccomp)) {
    // A worker of one call could write into the modes and times of the files that the next one
    // gets. The stricter of two filters counts; after the second there can be no other.
    if (profile_.own_files && start.one_call) TVMFFI_RETURN_IF_ERROR(RefuseOwnFiles(start.audit));
    TVMFFI_RETURN_IF_ERROR(InstallSeccomp(program_));
  }
  times->Mark(StartStep::kSeccomp);
  return OkStatus();
}

}  // namespace tvmffi::hostd
