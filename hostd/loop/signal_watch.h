// Calls back, on the loop, when this process receives a signal.
#ifndef TVMFFI_HOSTD_LOOP_SIGNAL_WATCH_H_
#define TVMFFI_HOSTD_LOOP_SIGNAL_WATCH_H_

#include <functional>
#include <memory>

#include "hostd/loop/event_loop.h"

namespace tvmffi::hostd {

class SignalWatch {
 public:
  static Result<std::unique_ptr<SignalWatch>> Create(EventLoop* loop, int signal,
                                                     std::function<void()> callback);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

 private:
  struct Handle;
  explicit SignalWatch(std::function<void()> callback) : callback_(std::move(callback)) {}

  std::function<void()> callback_;
  Handle* handle_ = nullptr;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_SIGNAL_WATCH_H_
