// Ends what takes more than it may, where no control group would.
#ifndef TVMFFI_HOSTD_SUPERVISOR_USAGE_WATCH_H_
#define TVMFFI_HOSTD_SUPERVISOR_USAGE_WATCH_H_

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>

#include "hostd/loop/event_loop.h"
#include "hostd/loop/timer.h"
#include "hostd/sandbox/usage.h"

namespace tvmffi::hostd {

// Zero: none.
struct UsageLimits {
  uint64_t memory_bytes = 0;
  uint64_t processes = 0;
};

// Looks every 50 ms while what is taken changes, every second while it does not.
class UsageWatch {
 public:
  // `on_excess` is called at most once, from the loop, with the limit's name in a policy.
  UsageWatch(EventLoop* loop, pid_t root, const UsageLimits& limits,
             std::function<void(const char* limit)> on_excess);

  // Shared memory that the worker was lent does not count, nor for 2 s after it was told to give it
  // back.
  void Lend(uint32_t arena, uint64_t bytes);
  void TakeBack(uint32_t arena);

 private:
  void Look();
  // Null while all is within its limits.
  const char* Excess(const Usage& usage) const;

  const pid_t root_;
  const UsageLimits limits_;
  const std::function<void(const char*)> on_excess_;
  struct Leaving {
    int64_t until;
    uint64_t bytes;
  };
  std::map<uint32_t, uint64_t> arenas_;
  std::deque<Leaving> leaving_;
  uint64_t lent_bytes_;
  Usage last_;
  uint64_t pause_ms_;
  Timer timer_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_USAGE_WATCH_H_
