// Calls back once, later.
#ifndef TVMFFI_HOSTD_LOOP_TIMER_H_
#define TVMFFI_HOSTD_LOOP_TIMER_H_

#include <cstdint>
#include <functional>

#include "hostd/loop/event_loop.h"

namespace tvmffi::hostd {

class Timer {
 public:
  Timer(EventLoop* loop, std::function<void()> callback);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  // Fires `milliseconds` from now, once. Replaces an earlier start.
  void Start(uint64_t milliseconds);
  void Stop();

 private:
  struct Handle;
  std::function<void()> callback_;
  Handle* handle_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_TIMER_H_
