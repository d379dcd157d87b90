// The daemon's one loop. Everything in hostd/loop runs on its thread; only the .cc files here know
// libuv.
//
// libuv ends the process when epoll refuses to watch a descriptor, and asks epoll long after its
// own call has succeeded. So it watches one descriptor only, an epoll set of ours, in which a watch
// is entered when it is made: a refusal is an error then, and changing a watch takes no memory.
#ifndef TVMFFI_HOSTD_LOOP_EVENT_LOOP_H_
#define TVMFFI_HOSTD_LOOP_EVENT_LOOP_H_

#include <functional>
#include <memory>
#include <vector>

#include "proto/base/status.h"
#include "proto/base/unique_fd.h"

struct epoll_event;
struct uv_loop_s;
struct uv_idle_s;
struct uv_poll_s;

namespace tvmffi::hostd {

class FdWatch;

// Outlives every watch and timer made on it.
class EventLoop {
 public:
  // Everything libuv ever needs of the kernel it gets here.
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
  friend class FdWatch;
  EventLoop();
  Status StartDescriptors();
  void RunDeferred();
  // A watch in the set; it waits for nothing yet.
  Status Enter(int fd, FdWatch* watch);
  // Of kReadable and kWritable.
  void Change(int fd, FdWatch* watch, int events);
  void Leave(int fd, FdWatch* watch);
  void Dispatch();

  std::unique_ptr<uv_loop_s> loop_;
  // Active only while something is deferred, so that an idle daemon sleeps.
  std::unique_ptr<uv_idle_s> idle_;
  std::vector<std::function<void()>> deferred_;
  UniqueFd epoll_;
  std::unique_ptr<uv_poll_s> ready_;
  // While it dispatches: what is left of this round.
  epoll_event* round_ = nullptr;
  int round_size_ = 0;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_EVENT_LOOP_H_
