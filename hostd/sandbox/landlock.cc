#include "hostd/sandbox/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {
namespace {

// The kernel's interface in our own words: installed headers are older than running kernels.
struct RulesetAttr {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
};
struct __attribute__((packed)) PathBeneathAttr {
  uint64_t allowed_access;
  int32_t parent_fd;
};
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr uint32_t kAskVersion = 1;
constexpr int kPathBeneath = 1;

constexpr uint64_t kExecute = 1u << 0;
constexpr uint64_t kWriteFile = 1u << 1;
constexpr uint64_t kReadFile = 1u << 2;
constexpr uint64_t kReadFolder = 1u << 3;
constexpr uint64_t kFirstVersion = (1u << 13) - 1;
constexpr uint64_t kMakeCharDevice = 1u << 6;
constexpr uint64_t kMakeBlockDevice = 1u << 11;
constexpr uint64_t kRefer = 1u << 13;        // since 2
constexpr uint64_t kTruncate = 1u << 14;     // since 3
constexpr uint64_t kIoctlDevice = 1u << 15;  // since 5
constexpr uint64_t kTcp = 3;                 // bind and connect, since 4
constexpr uint64_t kScopes = 3;              // abstract sockets and signals, since 6

constexpr uint64_t kRead = kReadFile | kReadFolder;
constexpr uint64_t kFileRights = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDevice;

uint64_t FileRights(int version, bool ioctl) {
  uint64_t rights = kFirstVersion;
  if (version >= 2) rights |= kRefer;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5 && ioctl) rights |= kIoctlDevice;
  return rights;
}

Status Allow(int ruleset, const std::vector<std::string>& paths, uint64_t rights) {
  for (const std::string& path : paths) {
    UniqueFd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info {};
    if (!file.valid() || ::fstat(file.get(), &info) != 0) continue;
    // A rule about a file may hold no right that is about folders.
    const uint64_t allowed = S_ISDIR(info.st_mode) ? rights : rights & kFileRights;
    PathBeneathAttr rule{allowed, file.get()};
    if (::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0) != 0) {
      return ErrnoStatus(errno, "cannot allow '" + path + "' with Landlock");
    }
  }
  return OkStatus();
}

}  // namespace

Result<int> LandlockVersion() {
  const long version = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  if (version < 1) return ErrnoStatus(errno, "the kernel does not offer Landlock");
  return static_cast<int>(version);
}

Status ApplyLandlock(const LandlockRules& rules) {
  if (!rules.files && !rules.net && !rules.scope) return OkStatus();
  Result<int> version = LandlockVersion();
  if (!version.ok()) return version.status();
  RulesetAttr attr{};
  if (rules.files) attr.handled_access_fs = FileRights(*version, rules.ioctl);
  if (rules.net) attr.handled_access_net = kTcp;
  if (rules.scope) attr.scoped = kScopes;
  // An older kernel knows a shorter struct.
  const size_t size = *version >= 6 ? 24 : *version >= 4 ? 16 : 8;
  UniqueFd ruleset(static_cast<int>(::syscall(kCreateRuleset, &attr, size, 0)));
  if (!ruleset.valid()) return ErrnoStatus(errno, "cannot make a Landlock ruleset");
  if (rules.files) {
    const uint64_t handled = attr.handled_access_fs;
    constexpr uint64_t kNever = kExecute | kMakeCharDevice | kMakeBlockDevice;
    TVMFFI_RETURN_IF_ERROR(Allow(ruleset.get(), rules.read, kRead));
    TVMFFI_RETURN_IF_ERROR(
        Allow(ruleset.get(), rules.read_write, (kReadFile | kWriteFile | kTruncate) & handled));
    TVMFFI_RETURN_IF_ERROR(Allow(ruleset.get(), rules.all, handled & ~kNever));
  }
  if (::syscall(kRestrictSelf, ruleset.get(), 0) != 0) {
    return ErrnoStatus(errno, "cannot enforce a Landlock ruleset");
  }
  return OkStatus();
}

}  // namespace tvmffi::hostd
