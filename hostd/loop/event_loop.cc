#include "hostd/loop/event_loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "hostd/loop/fd_watch.h"

namespace tvmffi::hostd {
namespace {

constexpr int kRound = 64;

// What a watch that waits for nothing has: errors are always reported, and would be without end.
constexpr uint32_t kNothing = EPOLLET;

// The kernel has no reason to refuse what is entered already a change or its end. Were it to, a
// watch would be deaf, or called after its end.
void Insist(int set, int operation, int fd, epoll_event* event) {
  constexpr int kAttempts = 3;
  for (int i = 0; i < kAttempts && ::epoll_ctl(set, operation, fd, event) != 0; ++i) {
  }
}

// Whether libuv will get the descriptors that it cannot do without and ends the process for: an
// epoll set, two pipes for signals and an eventfd, all of them watched but the first pipe.
Status TryDescriptors() {
  const std::string what = "no descriptors for the event loop";
  UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  if (!set.valid()) return ErrnoStatus(errno, what);
  std::vector<UniqueFd> held;
  const auto watch = [&](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    return ::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  };
  for (int pipe = 0; pipe < 2; ++pipe) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, what);
    held.emplace_back(ends[0]);
    held.emplace_back(ends[1]);
    if (!watch(ends[0])) return ErrnoStatus(errno, what);
  }
  held.emplace_back(::eventfd(0, EFD_CLOEXEC));
  if (!held.back().valid() || !watch(held.back().get())) {
    return ErrnoStatus(errno, what);
  }
  return OkStatus();
}

}  // namespace

EventLoop::EventLoop()
    : loop_(std::make_unique<uv_loop_s>()),
      idle_(std::make_unique<uv_idle_s>()),
      ready_(std::make_unique<uv_poll_s>()) {}

Result<std::unique_ptr<EventLoop>> EventLoop::Create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoStatus(errno, "cannot create the event loop");
  TVMFFI_RETURN_IF_ERROR(TryDescriptors());
  std::unique_ptr<EventLoop> loop(new EventLoop());
  if (int error = ::uv_loop_init(loop->raw()); error != 0) {
    loop->loop_.reset();
    return ErrnoStatus(-error, "cannot create the event loop");
  }
  ::uv_idle_init(loop->raw(), loop->idle_.get());
  loop->idle_->data = loop.get();
  loop->epoll_ = std::move(epoll);
  TVMFFI_RETURN_IF_ERROR(loop->StartDescriptors());
  return loop;
}

Status EventLoop::StartDescriptors() {
  int error = ::uv_poll_init(raw(), ready_.get(), epoll_.get());
  if (error != 0) {
    ready_.reset();
    return ErrnoStatus(-error, "cannot watch an epoll set");
  }
  ready_->data = this;
  error = ::uv_poll_start(ready_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) {
    static_cast<EventLoop*>(poll->data)->Dispatch();
  });
  if (error != 0) return ErrnoStatus(-error, "cannot watch an epoll set");
  // A first round enters what libuv watches, its own descriptors too: nothing is entered later.
  ::uv_run(raw(), UV_RUN_NOWAIT);
  return OkStatus();
}

EventLoop::~EventLoop() {
  if (loop_ == nullptr) return;
  // What they would act on is gone, but they may own watches.
  deferred_.clear();
  ::uv_close(reinterpret_cast<uv_handle_t*>(idle_.get()), nullptr);
  if (ready_ != nullptr) ::uv_close(reinterpret_cast<uv_handle_t*>(ready_.get()), nullptr);
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

Status EventLoop::Enter(int fd, FdWatch* watch) {
  epoll_event event{};
  event.events = kNothing;
  event.data.ptr = watch;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return OkStatus();
  return ErrnoStatus(errno, "cannot watch descriptor " + std::to_string(fd));
}

void EventLoop::Change(int fd, FdWatch* watch, int events) {
  epoll_event event{};
  if ((events & FdWatch::kReadable) != 0) event.events |= EPOLLIN;
  if ((events & FdWatch::kWritable) != 0) event.events |= EPOLLOUT;
  if (event.events == 0) event.events = kNothing;
  event.data.ptr = watch;
  Insist(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::Leave(int fd, FdWatch* watch) {
  Insist(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  for (int i = 0; i < round_size_; ++i) {
    if (round_[i].data.ptr == watch) round_[i].data.ptr = nullptr;
  }
}

void EventLoop::Dispatch() {
  epoll_event events[kRound];
  round_ = events;
  // One that fails is tried again in the next turn: what is ready stays so.
  round_size_ = std::max(::epoll_wait(epoll_.get(), events, kRound, 0), 0);
  for (int i = 0; i < round_size_; ++i) {
    auto* watch = static_cast<FdWatch*>(events[i].data.ptr);
    if (watch == nullptr) continue;
    int ready = 0;
    if ((events[i].events & EPOLLIN) != 0) ready |= FdWatch::kReadable;
    if ((events[i].events & EPOLLOUT) != 0) ready |= FdWatch::kWritable;
    watch->OnReady(ready, (events[i].events & (EPOLLERR | EPOLLHUP)) != 0);
  }
  round_size_ = 0;
}

}  // namespace tvmffi::hostd
