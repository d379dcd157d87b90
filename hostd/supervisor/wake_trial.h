// Measures what waking a sleeping thread costs on this machine, once for all workers.
#ifndef TVMFFI_HOSTD_SUPERVISOR_WAKE_TRIAL_H_
#define TVMFFI_HOSTD_SUPERVISOR_WAKE_TRIAL_H_

#include <sys/types.h>

#include <cstdint>

#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {

// In a child, because it takes a second thread, which this process may not have when it forks.
class WakeTrial {
 public:
  // Starts it.
  WakeTrial();
  WakeTrial(const WakeTrial&) = delete;
  WakeTrial& operator=(const WakeTrial&) = delete;
  ~WakeTrial();

  // Waits for it, some milliseconds in all. Nanoseconds, or 0: that could not be found out.
  int64_t Result();

 private:
  UniqueFd answer_;
  pid_t pid_ = -1;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_WAKE_TRIAL_H_
