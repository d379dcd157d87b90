#include "hostd/sandbox/policy.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace tvmffi::hostd {
namespace {

// The dynamic linker and the C library act on these before main: they load code, or change how it
// runs.
bool ActsBeforeMain(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kNames = {"GLIBC_TUNABLES", "GCONV_PATH",
                                                             "LOCPATH", "NLSPATH", "MALLOC_CONF"};
  if (name == "LD_LIBRARY_PATH") return false;  // says where libraries are, not that they be loaded
  return name.substr(0, 3) == "LD_" ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

Result<Policy> MakePolicy(const wire::CreateWorker& request) {
  for (const std::string& entry : request.environment) {
    std::string_view name = std::string_view(entry).substr(0, entry.find('='));
    if (ActsBeforeMain(name)) {
      return Status{Code::kPermissionDenied, "cannot create worker '" + request.label +
                                                 "': environment variable '" + std::string(name) +
                                                 "' would act before the worker is locked"};
    }
  }
  for (const std::string& path : request.grants.read) {
    if (::access(path.c_str(), F_OK) == 0) continue;
    return ErrnoStatus(errno, "cannot let worker '" + request.label + "' read '" + path + "'");
  }
  return Policy{request.limits, request.environment, request.grants};
}

bool CanBeSetLater(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kPrefixes = {"LD_", "GLIBC", "MALLOC_",
                                                                "GLIBCXX_"};
  return std::none_of(kPrefixes.begin(), kPrefixes.end(), [name](std::string_view prefix) {
    return name.substr(0, prefix.size()) == prefix;
  });
}

}  // namespace tvmffi::hostd
