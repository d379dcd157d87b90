#include "hostd/loop/timer.h"

#include <uv.h>

namespace tvmffi::hostd {

struct Timer::Handle {
  uv_timer_t timer;
  Timer* owner;

  static void OnFire(uv_timer_t* timer) { static_cast<Handle*>(timer->data)->owner->callback_(); }
};

Timer::Timer(EventLoop* loop, std::function<void()> callback)
    : callback_(std::move(callback)), handle_(new Handle{}) {
  ::uv_timer_init(loop->raw(), &handle_->timer);
  handle_->owner = this;
  handle_->timer.data = handle_;
}

Timer::~Timer() {
  ::uv_close(reinterpret_cast<uv_handle_t*>(&handle_->timer),
             [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void Timer::Start(uint64_t milliseconds) {
  ::uv_timer_start(&handle_->timer, Handle::OnFire, milliseconds, 0);
}

void Timer::Stop() { ::uv_timer_stop(&handle_->timer); }

}  // namespace tvmffi::hostd
