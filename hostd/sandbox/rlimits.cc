#include "hostd/sandbox/rlimits.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace tvmffi::hostd {
namespace {

// `grace` keeps the hard limit above the soft one, for a signal that comes before the kill.
Status Apply(__rlimit_resource resource, const char* name, rlim_t limit, rlim_t grace = 0) {
  rlimit current{};
  if (::getrlimit(resource, &current) != 0) {
    return ErrnoStatus(errno, std::string("cannot read limit ") + name);
  }
  rlim_t soft = std::min(limit, current.rlim_max);
  rlim_t hard =
      std::min(soft > RLIM_INFINITY - grace ? RLIM_INFINITY : soft + grace, current.rlim_max);
  rlimit wanted{soft, hard};
  if (::setrlimit(resource, &wanted) == 0) return OkStatus();
  return ErrnoStatus(errno,
                     std::string("cannot set limit ") + name + " to " + std::to_string(soft));
}

}  // namespace

Status ApplyRlimits(const wire::Limits& limits) {
  TVMFFI_RETURN_IF_ERROR(Apply(RLIMIT_CORE, "core", 0));
  if (limits.address_space_bytes != 0) {
    TVMFFI_RETURN_IF_ERROR(Apply(RLIMIT_AS, "address space", limits.address_space_bytes));
  }
  if (limits.file_size_bytes != 0) {
    TVMFFI_RETURN_IF_ERROR(Apply(RLIMIT_FSIZE, "file size", limits.file_size_bytes));
  }
  if (limits.open_files != 0) {
    TVMFFI_RETURN_IF_ERROR(Apply(RLIMIT_NOFILE, "open files", limits.open_files));
  }
  if (limits.cpu_seconds != 0) {
    TVMFFI_RETURN_IF_ERROR(Apply(RLIMIT_CPU, "cpu seconds", limits.cpu_seconds, 1));
  }
  return OkStatus();
}

}  // namespace tvmffi::hostd
