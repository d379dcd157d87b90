// The futex calls a lane needs, on words that other processes map: never the private kind.
#ifndef TVMFFI_PROTO_CHANNEL_FUTEX_H_
#define TVMFFI_PROTO_CHANNEL_FUTEX_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tvmffi {

inline constexpr size_t kMaxWatched = 3;

// A word and the value it had: the sleep ends when somebody wakes it, or does not begin if it
// differs by now.
struct Watched {
  const std::atomic<uint32_t>* word;
  uint32_t value;
};

// Wakes everybody who sleeps on `word`.
void FutexWake(const std::atomic<uint32_t>* word);

// Sleeps until one of `count` words is woken, differs, a signal came, or MonotonicNanos() reaches
// `until`; may wake for no reason. True if it was a signal. Without futex_waitv (Linux before 5.16,
// some sandboxes) it sleeps on the first word alone and, when there are more, for 2 ms at most, so
// that the caller looks at them that often.
bool FutexSleep(const Watched* watched, size_t count, int64_t until);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CHANNEL_FUTEX_H_
