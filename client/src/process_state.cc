#include "client/src/process_state.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>
#include <set>

namespace tvmffi::host {

namespace internal {
std::atomic<uint32_t> fork_epoch{0};
}  // namespace internal

namespace {

// Never destroyed: proxies may die after this library's static destructors would have run.
struct ProcessState {
  GlobalLocks locks;
  std::mutex descriptors_lock;
  std::set<int> descriptors;
};

ProcessState& State();

void BeforeFork() {
  ProcessState& state = State();
  state.locks.sessions.lock();
  state.locks.arenas.lock();
  state.locks.proxies.lock();
  state.locks.reports.lock();
  state.descriptors_lock.lock();
}

void Unlock(ProcessState* state) {
  state->descriptors_lock.unlock();
  state->locks.reports.unlock();
  state->locks.proxies.unlock();
  state->locks.arenas.unlock();
  state->locks.sessions.unlock();
}

void InParent() { Unlock(&State()); }

void InChild() {
  ProcessState& state = State();
  // A write lock belongs to the thread id that took it, and the child's only thread has another.
  state.locks.arenas.~shared_mutex();
  new (&state.locks.arenas) std::shared_mutex;
  state.locks.arenas.lock();
  internal::fork_epoch.fetch_add(1, std::memory_order_relaxed);
  for (int fd : state.descriptors) ::close(fd);
  state.descriptors.clear();
  Unlock(&state);
}

ProcessState& State() {
  static ProcessState* state = [] {
    ::pthread_atfork(&BeforeFork, &InParent, &InChild);
    return new ProcessState;
  }();
  return *state;
}

}  // namespace

GlobalLocks& Locks() { return State().locks; }

void CloseInChild(int fd) {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.descriptors_lock);
  state.descriptors.insert(fd);
}

void ForgetCloseInChild(int fd) {
  ProcessState& state = State();
  std::lock_guard<std::mutex> lock(state.descriptors_lock);
  state.descriptors.erase(fd);
}

bool OnMainThread() { return ::syscall(SYS_gettid) == ::getpid(); }

}  // namespace tvmffi::host
