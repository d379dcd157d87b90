// Calls back when a child has ended, by its pidfd: a recycled pid can never be meant.
#ifndef TVMFFI_HOSTD_LOOP_CHILD_WATCH_H_
#define TVMFFI_HOSTD_LOOP_CHILD_WATCH_H_

#include <functional>
#include <memory>

#include "hostd/loop/fd_watch.h"

namespace tvmffi::hostd {

class ChildWatch {
 public:
  // Borrows `pidfd`. Calls back once; the child still has to be reaped then.
  static Result<std::unique_ptr<ChildWatch>> Create(EventLoop* loop, int pidfd,
                                                    std::function<void()> on_exit);

 private:
  explicit ChildWatch(std::function<void()> on_exit) : on_exit_(std::move(on_exit)) {}

  std::function<void()> on_exit_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_CHILD_WATCH_H_
