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

Status EnterRoot(const wire::WorkerStart& start, const std::vector<std::string>& readable,
                 std::vector<FileLink>* links) {
  RootSpec root;
  root.paths = readable;
  root.tmpfs_bytes = start.grants.tmpfs_bytes;
  root.own_proc = Has(start.layers, kPidNamespace);
  TVMFFI_RETURN_IF_ERROR(EnterNewRoot(root, links));
  if (root.tmpfs_bytes != 0 && ::chdir(kTmp) != 0) {
    return ErrnoStatus(errno, "cannot enter the worker's own folder");
  }
  return OkStatus();
}

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

}  // namespace

Status LockSelf(const wire::WorkerStart& start, std::vector<FileLink>* links) {
  const std::vector<std::string> readable = ReadablePaths(start.grants);
  if (Has(start.layers, kMountNamespace)) TVMFFI_RETURN_IF_ERROR(EnterRoot(start, readable, links));
  if (Has(start.layers, kUser)) {
    TVMFFI_RETURN_IF_ERROR(BecomeNobody());
    // The change of user has undone it.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
      return ErrnoStatus(errno, "cannot end with the parent");
    }
  }
  TVMFFI_RETURN_IF_ERROR(ApplyRlimits(start.limits));
  TVMFFI_RETURN_IF_ERROR(DropCapabilities());
  TVMFFI_RETURN_IF_ERROR(SetNoNewPrivileges());
  TVMFFI_RETURN_IF_ERROR(RestrictAccess(start, readable));
  if (!Has(start.layers, kSeccomp)) return OkStatus();
  // A worker of one call could write into the modes and times of the files that the next one gets.
  const bool own_files = Has(start.layers, kMountNamespace) && !start.one_call;
  return ApplySeccomp({start.grants.network, own_files, start.audit});
}

}  // namespace tvmffi::hostd
