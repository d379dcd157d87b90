#include "hostd/worker/result_memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "proto/channel/layout.h"

namespace tvmffi::hostd {

void ResultBlock::Free() {
  if (arena_ == nullptr) return;
  if (memory_->poison_) std::memset(data(), kPoison, size_);
  memory_->Free(arena_->id, offset_, size_);
  arena_.reset();
}

void ResultMemory::Grant(std::shared_ptr<const Arena> arena) {
  const uint64_t size = arena->segment.size() & ~(kAlignment - 1);
  std::lock_guard<std::mutex> lock(mutex_);
  Granted granted;
  granted.free.emplace(0, size);
  granted.arena = std::move(arena);
  granted_.push_back(std::move(granted));
}

void ResultMemory::Revoke(uint32_t arena_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  granted_.erase(
      std::remove_if(granted_.begin(), granted_.end(),
                     [&](const Granted& granted) { return granted.arena->id == arena_id; }),
      granted_.end());
}

ResultBlock ResultMemory::Allocate(uint64_t size) {
  if (size > ~uint64_t{0} - kAlignment) return {};
  const uint64_t wanted = RoundUp(size);
  std::lock_guard<std::mutex> lock(mutex_);
  for (Granted& granted : granted_) {
    for (auto range = granted.free.begin(); range != granted.free.end(); ++range) {
      const auto [offset, available] = *range;
      if (available < wanted) continue;
      granted.free.erase(range);
      if (available > wanted) granted.free.emplace(offset + wanted, available - wanted);
      return ResultBlock(this, granted.arena, offset, wanted);
    }
  }
  return {};
}

void ResultMemory::Free(uint32_t arena_id, uint64_t offset, uint64_t size) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto granted = std::find_if(granted_.begin(), granted_.end(), [&](const Granted& candidate) {
    return candidate.arena->id == arena_id;
  });
  if (granted == granted_.end()) return;
  auto after = granted->free.upper_bound(offset);
  if (after != granted->free.begin()) {
    auto before = std::prev(after);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      granted->free.erase(before);
    }
  }
  if (after != granted->free.end() && offset + size == after->first) {
    size += after->second;
    granted->free.erase(after);
  }
  granted->free.emplace(offset, size);
}

}  // namespace tvmffi::hostd
