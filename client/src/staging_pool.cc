#include "client/src/staging_pool.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "client/src/process_state.h"
#include "proto/channel/layout.h"

namespace tvmffi::host {

StagingPool::StagingPool(Grow grow, bool poison)
    : grow_(std::move(grow)), poison_(poison), epoch_(ForkEpoch()) {}

StagingBlock StagingPool::TakeFrom(Room* room, size_t size) {
  for (auto extent = room->free.begin(); extent != room->free.end(); ++extent) {
    if (extent->second < size) continue;
    const size_t offset = extent->first;
    const size_t rest = extent->second - size;
    room->free.erase(extent);
    if (rest > 0) room->free.emplace(offset + size, rest);
    room->used += size;
    return {room->arena, offset, size};
  }
  return {};
}

StagingBlock StagingPool::TakeFromAny(size_t size) {
  std::lock_guard<std::mutex> lock(lock_);
  for (Room& room : rooms_) {
    if (StagingBlock block = TakeFrom(&room, size); block.valid()) return block;
  }
  return {};
}

Result<StagingBlock> StagingPool::Allocate(size_t size) {
  if (size > SIZE_MAX / 4)
    return Status{Code::kResourceExhausted, "a tensor of " + std::to_string(size) + " bytes"};
  size = std::max<size_t>((size + kAlignment - 1) / kAlignment * kAlignment, kAlignment);
  if (StagingBlock block = TakeFromAny(size); block.valid()) return block;
  std::lock_guard<std::mutex> grow_lock(grow_lock_);
  // Another thread may have grown the pool meanwhile.
  if (StagingBlock block = TakeFromAny(size); block.valid()) return block;
  Result<std::shared_ptr<Arena>> arena = grow_(std::max(size, next_arena_));
  if (!arena.ok()) return arena.status();
  std::lock_guard<std::mutex> lock(lock_);
  if (closed_) return Status{Code::kUnavailable, "the worker has ended"};
  next_arena_ = std::max(next_arena_, std::min(2 * (*arena)->size(), kKeptBytes / 8));
  rooms_.push_back({*arena, {{0, (*arena)->size()}}, 0});
  return TakeFrom(&rooms_.back(), size);
}

void StagingPool::GiveBack(Room* room, size_t offset, size_t size) {
  room->used -= size;
  auto after = room->free.lower_bound(offset);
  if (after != room->free.end() && offset + size == after->first) {
    size += after->second;
    after = room->free.erase(after);
  }
  if (after != room->free.begin()) {
    auto before = std::prev(after);
    if (before->first + before->second == offset) {
      before->second += size;
      return;
    }
  }
  room->free.emplace(offset, size);
}

std::shared_ptr<Arena> StagingPool::DropIfIdle(size_t index) {
  if (rooms_[index].used != 0) return nullptr;
  size_t total = 0;
  for (const Room& room : rooms_) total += room.arena->size();
  if (total <= kKeptBytes) return nullptr;
  std::shared_ptr<Arena> dropped = std::move(rooms_[index].arena);
  rooms_.erase(rooms_.begin() + static_cast<std::ptrdiff_t>(index));
  return dropped;
}

void StagingPool::Poison(const StagingBlock& block) const {
  // A forked child drops its copies of blocks that its parent goes on using.
  if (poison_ && epoch_ == ForkEpoch()) std::memset(block.data(), kPoison, block.size);
}

void StagingPool::Free(StagingBlock block) {
  if (!block.valid()) return;
  Poison(block);
  std::shared_ptr<Arena> dropped;  // ends outside the lock
  std::lock_guard<std::mutex> lock(lock_);
  for (size_t i = 0; i < rooms_.size(); ++i) {
    if (rooms_[i].arena != block.arena) continue;
    GiveBack(&rooms_[i], block.offset, block.size);
    dropped = DropIfIdle(i);
    return;
  }
}

void StagingPool::Clear() {
  std::vector<Room> dropped;
  std::lock_guard<std::mutex> lock(lock_);
  closed_ = true;
  dropped.swap(rooms_);
}

}  // namespace tvmffi::host
