#include "hostd/sandbox/rlimits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace tvmffi::hostd {
namespace {

// Runs `check` in a child, whose limits are its own.
template <typename Check>
bool HoldsInChild(Check check) {
  pid_t child = ::fork();
  if (child == 0) std::_Exit(check() ? 0 : 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

rlimit Get(__rlimit_resource resource) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  return limit;
}

TEST(Rlimits, AreInForceForGood) {
  EXPECT_TRUE(HoldsInChild([] {
    wire::Limits limits;
    limits.open_files = 50;
    limits.file_size_bytes = 1 << 20;
    limits.cpu_seconds = 30;
    limits.address_space_bytes = uint64_t{1} << 46;
    if (!ApplyRlimits(limits).ok()) return false;
    return Get(RLIMIT_NOFILE).rlim_max == 50 && Get(RLIMIT_FSIZE).rlim_max == 1 << 20 &&
           Get(RLIMIT_CPU).rlim_cur == 30 && Get(RLIMIT_CPU).rlim_max == 31 &&
           Get(RLIMIT_AS).rlim_max == rlim_t{1} << 46 && Get(RLIMIT_CORE).rlim_max == 0;
  }));
}

TEST(Rlimits, ZeroLeavesWhatWasInherited) {
  EXPECT_TRUE(HoldsInChild([] {
    rlimit files = Get(RLIMIT_NOFILE), memory = Get(RLIMIT_AS);
    if (!ApplyRlimits({}).ok()) return false;
    return Get(RLIMIT_NOFILE).rlim_cur == files.rlim_cur &&
           Get(RLIMIT_AS).rlim_max == memory.rlim_max && Get(RLIMIT_CORE).rlim_max == 0;
  }));
}

TEST(Rlimits, NeverRaiseWhatWasInherited) {
  EXPECT_TRUE(HoldsInChild([] {
    wire::Limits low, high;
    low.open_files = 50;
    high.open_files = 5000;
    if (!ApplyRlimits(low).ok() || !ApplyRlimits(high).ok()) return false;
    return Get(RLIMIT_NOFILE).rlim_max == 50;
  }));
}

}  // namespace
}  // namespace tvmffi::hostd
