#include "hostd/loop/signal_watch.h"

#include <uv.h>

namespace tvmffi::hostd {

struct SignalWatch::Handle {
  uv_signal_t signal;
  SignalWatch* owner;

  static void OnSignal(uv_signal_t* signal, int) {
    static_cast<Handle*>(signal->data)->owner->callback_();
  }
};

Result<std::unique_ptr<SignalWatch>> SignalWatch::Create(EventLoop* loop, int signal,
                                                         std::function<void()> callback) {
  std::unique_ptr<SignalWatch> watch(new SignalWatch(std::move(callback)));
  watch->handle_ = new Handle{};
  watch->handle_->owner = watch.get();
  ::uv_signal_init(loop->raw(), &watch->handle_->signal);
  watch->handle_->signal.data = watch->handle_;
  if (int error = ::uv_signal_start(&watch->handle_->signal, Handle::OnSignal, signal);
      error != 0) {
    return ErrnoStatus(-error, "cannot watch signal " + std::to_string(signal));
  }
  return watch;
}

SignalWatch::~SignalWatch() {
  ::uv_close(reinterpret_cast<uv_handle_t*>(&handle_->signal),
             [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

}  // namespace tvmffi::hostd
