#include "hostd/worker/arena_ranges.h"

#include "proto/channel/layout.h"

namespace tvmffi::hostd {

void ArenaRanges::Add(uint32_t id, const void* begin, size_t size) {
  size_t at = 0;
  while (at < used_ && ranges_[at].begin.load(std::memory_order_relaxed) != 0) ++at;
  if (at == kMaxRanges) return;
  if (at == used_) ++used_;
  Range& range = ranges_[at];
  range.id.store(id, std::memory_order_relaxed);
  range.size.store(size, std::memory_order_relaxed);
  range.begin.store(reinterpret_cast<uintptr_t>(begin), std::memory_order_release);
}

void ArenaRanges::Remove(uint32_t id) {
  for (size_t i = 0; i < used_; ++i) {
    Range& range = ranges_[i];
    if (range.begin.load(std::memory_order_relaxed) == 0) continue;
    if (range.id.load(std::memory_order_relaxed) != id) continue;
    range.begin.store(0, std::memory_order_release);
    return;
  }
}

bool ArenaRanges::Find(uint64_t address, uint32_t* id, int64_t* offset) const {
  for (const Range& range : ranges_) {
    const uint64_t begin = range.begin.load(std::memory_order_acquire);
    if (begin == 0) continue;
    const uint64_t size = range.size.load(std::memory_order_relaxed);
    if (address < begin - kPage || address >= begin + size + kPage) continue;
    *id = range.id.load(std::memory_order_relaxed);
    *offset = static_cast<int64_t>(address - begin);
    return true;
  }
  return false;
}

ArenaRanges& Ranges() {
  // Never destroyed: a thread may crash while the process ends.
  static ArenaRanges* const ranges = new ArenaRanges;
  return *ranges;
}

}  // namespace tvmffi::hostd
