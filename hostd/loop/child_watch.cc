#include "hostd/loop/child_watch.h"

namespace tvmffi::hostd {

Result<std::unique_ptr<ChildWatch>> ChildWatch::Create(EventLoop* loop, int pidfd,
                                                       std::function<void()> on_exit) {
  std::unique_ptr<ChildWatch> child(new ChildWatch(std::move(on_exit)));
  Result<std::unique_ptr<FdWatch>> watch = FdWatch::Create(loop, pidfd, [raw = child.get()](int) {
    // An ended process stays readable for ever.
    raw->watch_->SetEvents(0);
    raw->on_exit_();
  });
  if (!watch.ok()) return watch.status();
  child->watch_ = std::move(*watch);
  child->watch_->SetEvents(FdWatch::kReadable);
  return child;
}

}  // namespace tvmffi::hostd
