#include "hostd/loop/fd_watch.h"

#include <uv.h>

namespace tvmffi::hostd {

struct FdWatch::Handle {
  uv_poll_t poll;
  FdWatch* owner;

  static void OnEvent(uv_poll_t* poll, int status, int events) {
    FdWatch* owner = static_cast<Handle*>(poll->data)->owner;
    if (status >= 0) {
      owner->callback_(events);
      return;
    }
    // libuv stops a watch whose descriptor has an error. The owner's next read or write meets it.
    int waited_for = owner->events_;
    owner->callback_(waited_for);
    if (owner->events_ == waited_for) owner->SetEvents(waited_for);
  }
};

static_assert(FdWatch::kReadable == UV_READABLE && FdWatch::kWritable == UV_WRITABLE,
              "passed on as they are");

Result<std::unique_ptr<FdWatch>> FdWatch::Create(EventLoop* loop, int fd, Callback callback) {
  std::unique_ptr<FdWatch> watch(new FdWatch(std::move(callback)));
  auto handle = std::make_unique<Handle>();
  if (int error = ::uv_poll_init(loop->raw(), &handle->poll, fd); error != 0) {
    return ErrnoStatus(-error, "cannot watch descriptor " + std::to_string(fd));
  }
  handle->owner = watch.get();
  handle->poll.data = handle.get();
  watch->handle_ = handle.release();
  return watch;
}

FdWatch::~FdWatch() {
  if (handle_ == nullptr) return;
  ::uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
             [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void FdWatch::SetEvents(int events) {
  events_ = events;
  if (events == 0) {
    ::uv_poll_stop(&handle_->poll);
  } else {
    ::uv_poll_start(&handle_->poll, events, Handle::OnEvent);
  }
}

}  // namespace tvmffi::hostd
