// Calls back while a descriptor is ready.
#ifndef TVMFFI_HOSTD_LOOP_FD_WATCH_H_
#define TVMFFI_HOSTD_LOOP_FD_WATCH_H_

#include <functional>
#include <memory>

#include "hostd/loop/event_loop.h"

namespace tvmffi::hostd {

// Borrows the descriptor, which must stay open until the watch is destroyed, and makes it
// non-blocking. Not to be destroyed inside its own callback.
class FdWatch {
 public:
  static constexpr int kReadable = 1;
  static constexpr int kWritable = 2;

  // Called with what is ready; with all of it when the descriptor has an error to report.
  using Callback = std::function<void(int events)>;

  static Result<std::unique_ptr<FdWatch>> Create(EventLoop* loop, int fd, Callback callback);
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;
  ~FdWatch();

  // Replaces what is waited for; zero waits for nothing. A new watch waits for nothing.
  void SetEvents(int events);

 private:
  struct Handle;
  explicit FdWatch(Callback callback) : callback_(std::move(callback)) {}

  Callback callback_;
  int events_ = 0;
  // Freed by libuv some time after the watch is gone.
  Handle* handle_ = nullptr;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_FD_WATCH_H_
