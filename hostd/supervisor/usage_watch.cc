#include "hostd/supervisor/usage_watch.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "proto/base/clock.h"
#include "proto/channel/layout.h"

namespace tvmffi::hostd {
namespace {

constexpr uint64_t kShortPauseMs = 50;
constexpr uint64_t kLongPauseMs = 1'000;
// By then a worker has unmapped what it was told to.
constexpr int64_t kLeaveNanos = 2'000'000'000;
// What changes by less is noise.
constexpr uint64_t kSameBytes = 1u << 20;

bool Same(const Usage& a, const Usage& b) {
  const auto [low, high] = std::minmax(a.memory_bytes, b.memory_bytes);
  return a.processes == b.processes && high - low <= kSameBytes;
}

}  // namespace

UsageWatch::UsageWatch(EventLoop* loop, pid_t root, const UsageLimits& limits,
                       std::function<void(const char* limit)> on_excess)
    : root_(root),
      limits_(limits),
      on_excess_(std::move(on_excess)),
      lent_bytes_(kChannelSize),
      pause_ms_(kShortPauseMs),
      timer_(loop, [this] { Look(); }) {
  timer_.Start(pause_ms_);
}

void UsageWatch::Lend(uint32_t arena, uint64_t bytes) {
  if (arenas_.emplace(arena, bytes).second) lent_bytes_ += bytes;
}

void UsageWatch::TakeBack(uint32_t arena) {
  auto found = arenas_.find(arena);
  if (found == arenas_.end()) return;
  leaving_.push_back({MonotonicNanos() + kLeaveNanos, found->second});
  arenas_.erase(found);
}

const char* UsageWatch::Excess(const Usage& usage) const {
  if (limits_.processes != 0 && usage.processes > limits_.processes) return "processes";
  if (limits_.memory_bytes != 0 && usage.memory_bytes > limits_.memory_bytes) return "memory";
  return nullptr;
}

void UsageWatch::Look() {
  for (const int64_t now = MonotonicNanos(); !leaving_.empty() && leaving_.front().until <= now;) {
    lent_bytes_ -= leaving_.front().bytes;
    leaving_.pop_front();
  }
  const uint64_t no_limit = std::numeric_limits<uint64_t>::max();
  const Usage usage =
      UsageOf(root_, lent_bytes_, limits_.processes != 0 ? limits_.processes : no_limit);
  if (const char* limit = Excess(usage)) return on_excess_(limit);
  pause_ms_ = Same(usage, last_) ? std::min(pause_ms_ * 2, kLongPauseMs) : kShortPauseMs;
  last_ = usage;
  timer_.Start(pause_ms_);
}

}  // namespace tvmffi::hostd
