#include "hostd/loop/fd_watch.h"

#include <fcntl.h>

#include <cerrno>

namespace tvmffi::hostd {

Result<std::unique_ptr<FdWatch>> FdWatch::Create(EventLoop* loop, int fd, Callback callback) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "cannot watch descriptor " + std::to_string(fd));
  }
  std::unique_ptr<FdWatch> watch(new FdWatch(fd, std::move(callback)));
  TVMFFI_RETURN_IF_ERROR(loop->Enter(fd, watch.get()));
  watch->loop_ = loop;
  return watch;
}

FdWatch::~FdWatch() {
  if (loop_ != nullptr) loop_->Leave(fd_, this);
}

void FdWatch::SetEvents(int events) {
  if (events == events_) return;
  events_ = events;
  loop_->Change(fd_, this, events);
}

void FdWatch::OnReady(int events, bool error) {
  // The owner's next read or write meets the error.
  if (error) events = events_;
  // An earlier callback of the same round may have changed what is waited for.
  if ((events &= events_) != 0) callback_(events);
}

}  // namespace tvmffi::hostd
