#include "hostd/loop/event_loop.h"

#include <uv.h>

#include <cstdio>
#include <cstdlib>

namespace tvmffi::hostd {

EventLoop::EventLoop()
    : loop_(std::make_unique<uv_loop_s>()), idle_(std::make_unique<uv_idle_s>()) {}

Result<std::unique_ptr<EventLoop>> EventLoop::Create() {
  std::unique_ptr<EventLoop> loop(new EventLoop());
  if (int error = ::uv_loop_init(loop->raw()); error != 0) {
    loop->loop_.reset();
    return ErrnoStatus(-error, "cannot create the event loop");
  }
  ::uv_idle_init(loop->raw(), loop->idle_.get());
  loop->idle_->data = loop.get();
  return loop;
}

EventLoop::~EventLoop() {
  if (loop_ == nullptr) return;
  // What they would act on is gone, but they may own watches.
  deferred_.clear();
  ::uv_close(reinterpret_cast<uv_handle_t*>(idle_.get()), nullptr);
  // Close callbacks of everything that was destroyed before; that of a signal may take a second
  // round.
  int error = UV_EBUSY;
  for (int round = 0; round < 8 && error == UV_EBUSY; ++round) {
    ::uv_run(loop_.get(), UV_RUN_NOWAIT);
    error = ::uv_loop_close(loop_.get());
  }
  if (error != 0) {
    std::fprintf(stderr, "event loop destroyed before its watches: %s\n", ::uv_strerror(error));
    std::abort();
  }
}

void EventLoop::Run() { ::uv_run(loop_.get(), UV_RUN_DEFAULT); }

void EventLoop::Stop() { ::uv_stop(loop_.get()); }

void EventLoop::Defer(std::function<void()> action) {
  deferred_.push_back(std::move(action));
  ::uv_idle_start(idle_.get(),
                  [](uv_idle_t* idle) { static_cast<EventLoop*>(idle->data)->RunDeferred(); });
}

void EventLoop::RunDeferred() {
  ::uv_idle_stop(idle_.get());
  // An action may defer another.
  while (!deferred_.empty()) {
    std::vector<std::function<void()>> actions;
    actions.swap(deferred_);
    for (auto& action : actions) action();
  }
  ::uv_idle_stop(idle_.get());
}

}  // namespace tvmffi::hostd
