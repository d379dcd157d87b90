// What of the library is one per process, and what a fork() does to it.
//
// A forked child inherits the mappings and the objects of its parent, but neither its threads nor
// the right to use its connections: everything a session owns remembers the epoch it was made in
// and is dead in any other. The child's copies of the daemons' sockets are closed before fork()
// returns there, so that a daemon sees its client's end.
#ifndef TVMFFI_CLIENT_SRC_PROCESS_STATE_H_
#define TVMFFI_CLIENT_SRC_PROCESS_STATE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>

namespace tvmffi::host {

namespace internal {
extern std::atomic<uint32_t> fork_epoch;
}  // namespace internal

// How many fork()s lie between the process that loaded the library and this one.
inline uint32_t ForkEpoch() { return internal::fork_epoch.load(std::memory_order_relaxed); }

// The process-wide locks. fork() waits for each, in this order, so a child finds them free.
struct GlobalLocks {
  std::mutex sessions;
  std::shared_mutex arenas;
  std::mutex proxies;
  std::mutex reports;
};
GlobalLocks& Locks();

// A descriptor that a forked child closes. Both are no-ops for the wrong epoch.
void CloseInChild(int fd);
void ForgetCloseInChild(int fd);

// True on the thread main() runs on, the only one that may run signal handlers of the language.
bool OnMainThread();

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_PROCESS_STATE_H_
