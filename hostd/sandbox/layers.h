// The layers of a worker's sandbox: their names, and which of them this machine has.
#ifndef TVMFFI_HOSTD_SANDBOX_LAYERS_H_
#define TVMFFI_HOSTD_SANDBOX_LAYERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "hostd/sandbox/cgroups.h"
#include "proto/base/status.h"

namespace tvmffi::hostd {

// A new process with the environment, the descriptors and the limits it is given: always there.
inline constexpr std::string_view kProcess = "process";
inline constexpr std::string_view kEnvironment = "environment";
inline constexpr std::string_view kDescriptors = "descriptors";
inline constexpr std::string_view kRlimits = "rlimits";
// The daemon ends what a worker left behind. Not to be left out, but a daemon that is process 1 has
// too many children that are nobody's.
inline constexpr std::string_view kOrphans = "orphans";
// Namespaces. The user namespace maps the daemon's user, without any capability outside.
inline constexpr std::string_view kUserNamespace = "userns";
inline constexpr std::string_view kPidNamespace = "pidns";
inline constexpr std::string_view kMountNamespace = "mountns";
inline constexpr std::string_view kNetNamespace = "netns";
inline constexpr std::string_view kIpcNamespace = "ipcns";
// The daemon is root and its workers are not.
inline constexpr std::string_view kUser = "uid";
// Landlock: files, then what later versions of it added.
inline constexpr std::string_view kLandlock = "landlock";
inline constexpr std::string_view kLandlockNet = "landlock-net";
inline constexpr std::string_view kLandlockIoctl = "landlock-ioctl";
inline constexpr std::string_view kLandlockScope = "landlock-scope";
inline constexpr std::string_view kSeccomp = "seccomp";
inline constexpr std::string_view kCgroupMemory = "cgroup-memory";
inline constexpr std::string_view kCgroupPids = "cgroup-pids";
inline constexpr std::string_view kCgroupCpu = "cgroup-cpu";
// The daemon looks what a worker takes, where no control group counts that, and ends it.
inline constexpr std::string_view kUsage = "usage";

struct Layer {
  std::string name;
  // Empty for one that every worker gets.
  std::string missing;
};

bool Has(const std::vector<std::string>& layers, std::string_view name);

// All layers, in the order in which a worker gets them.
class LayerReport {
 public:
  void Add(std::string_view name, const Status& probed);
  void Miss(std::string_view name, const std::string& why);
  // As if the machine did not have them; "all" names everything that can be left out.
  // InvalidArgument for a name that is none, or of a layer that is always there.
  Status SwitchOff(const std::vector<std::string>& names);

  // Names of those a worker gets.
  std::vector<std::string> Active() const;
  const std::vector<Layer>& layers() const { return layers_; }
  // Unavailable, naming the first layer of `required` that a worker does not get, and why.
  Status Require(const std::vector<std::string>& required) const;

 private:
  std::vector<Layer> layers_;
};

// Tries what can be tried in a child, once; `without` as for SwitchOff. Workers of a root daemon
// run in a user namespace, else as a user without rights, unless both are switched off.
Result<LayerReport> ProbeLayers(const Cgroups& cgroups, const std::vector<std::string>& without);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_LAYERS_H_
