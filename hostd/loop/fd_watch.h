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
  friend class EventLoop;
  FdWatch(int fd, Callback callback) : fd_(fd), callback_(std::move(callback)) {}
  void OnReady(int events, bool error);

  const int fd_;
  const Callback callback_;
  int events_ = 0;
  EventLoop* loop_ = nullptr;  // null until it is entered there
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_FD_WATCH_H_
