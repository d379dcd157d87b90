#include "hostd/worker/arena_table.h"

#include <chrono>
#include <string>

#include "hostd/worker/arena_ranges.h"
#include "proto/base/clock.h"

namespace tvmffi::hostd {

Status ArenaTable::Share(uint32_t id, ShmSegment segment, bool read_only) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(segment.data());
  auto arena = std::make_shared<const Arena>(Arena{id, read_only, std::move(segment)});
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!by_id_.emplace(id, arena).second) {
      return {Code::kInvalidArgument, "arena " + std::to_string(id) + " is shared already"};
    }
    Ranges().Add(id, arena->segment.data(), arena->segment.size());
    by_address_.emplace(begin, std::move(arena));
  }
  arrived_.notify_all();
  return OkStatus();
}

void ArenaTable::Retire(uint32_t id) {
  std::shared_ptr<const Arena> last;  // unmaps outside the lock
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  last = std::move(found->second);
  by_id_.erase(found);
  Ranges().Remove(id);
  by_address_.erase(reinterpret_cast<uintptr_t>(last->segment.data()));
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Arena> ArenaTable::Await(uint32_t id, int64_t deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    auto found = by_id_.find(id);
    if (found != by_id_.end()) return found->second;
    const int64_t left = deadline - MonotonicNanos();
    if (left <= 0) return nullptr;
    arrived_.wait_for(lock, std::chrono::nanoseconds(left));
  }
}

std::shared_ptr<const Arena> ArenaTable::Find(uint32_t id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::shared_ptr<const Arena> ArenaTable::FindRange(const void* begin, size_t size) const {
  const uintptr_t address = reinterpret_cast<uintptr_t>(begin);
  std::lock_guard<std::mutex> lock(mutex_);
  auto after = by_address_.upper_bound(address);
  if (after == by_address_.begin()) return nullptr;
  const auto& [start, arena] = *std::prev(after);
  const size_t offset = address - start;
  if (offset > arena->segment.size() || size > arena->segment.size() - offset) return nullptr;
  return arena;
}

const Arena* ArenaCache::Find(uint32_t id, int64_t patience) {
  const uint64_t version = table_->version();
  if (version != version_) {
    entries_ = {};
    version_ = version;
  }
  for (const Entry& entry : entries_) {
    if (entry.arena != nullptr && entry.id == id) return entry.arena;
  }
  std::shared_ptr<const Arena> arena = table_->Await(id, MonotonicNanos() + patience);
  if (arena == nullptr) return nullptr;
  entries_[next_++ % entries_.size()] = {id, arena.get()};
  return arena.get();
}

}  // namespace tvmffi::hostd
