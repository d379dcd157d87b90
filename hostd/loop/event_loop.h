// The daemon's one loop. Everything in hostd/loop runs on its thread; only the .cc files here know
// libuv.
#ifndef TVMFFI_HOSTD_LOOP_EVENT_LOOP_H_
#define TVMFFI_HOSTD_LOOP_EVENT_LOOP_H_

#include <functional>
#include <memory>
#include <vector>

#include "proto/base/status.h"

struct uv_loop_s;
struct uv_idle_s;

namespace tvmffi::hostd {

// Outlives every watch and timer made on it.
class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> Create();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  // Returns after Stop().
  void Run();
  void Stop();

  // Runs `action` once the running callback has returned: the way to destroy what is calling.
  void Defer(std::function<void()> action);

  uv_loop_s* raw() { return loop_.get(); }

 private:
  EventLoop();
  void RunDeferred();

  std::unique_ptr<uv_loop_s> loop_;
  // Active only while something is deferred, so that an idle daemon sleeps.
  std::unique_ptr<uv_idle_s> idle_;
  std::vector<std::function<void()>> deferred_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_EVENT_LOOP_H_
