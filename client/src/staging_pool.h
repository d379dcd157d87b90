// Memory one worker shares for copies of its callers' plain tensors.
#ifndef TVMFFI_CLIENT_SRC_STAGING_POOL_H_
#define TVMFFI_CLIENT_SRC_STAGING_POOL_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "client/src/arena.h"

namespace tvmffi::host {

// A reserved range. Give it back to the pool it came from.
struct StagingBlock {
  std::shared_ptr<Arena> arena;
  size_t offset = 0;
  size_t size = 0;

  char* data() const { return arena->data() + offset; }
  bool valid() const { return arena != nullptr; }
};

// First fit over a few arenas, each twice the one before. Thread-safe.
class StagingPool {
 public:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kFirstArena = 4u << 20;
  // An unused arena is kept for the next call unless it and its like hold more than this.
  static constexpr size_t kKeptBytes = 512u << 20;

  // `grow` makes an arena of at least that size and shares it with the worker. With `poison` a
  // block that is given back is overwritten with kPoison.
  using Grow = std::function<Result<std::shared_ptr<Arena>>(size_t)>;
  StagingPool(Grow grow, bool poison);

  Result<StagingBlock> Allocate(size_t size);
  void Free(StagingBlock block);
  // Overwrites it, if that is what this pool does.
  void Poison(const StagingBlock& block) const;
  // The worker is gone: drops all arenas. Blocks in use keep theirs.
  void Clear();

 private:
  struct Room {
    std::shared_ptr<Arena> arena;
    std::map<size_t, size_t> free;  // offset -> size, never adjacent
    size_t used = 0;
  };
  static StagingBlock TakeFrom(Room* room, size_t size);
  StagingBlock TakeFromAny(size_t size);
  static void GiveBack(Room* room, size_t offset, size_t size);
  std::shared_ptr<Arena> DropIfIdle(size_t index);

  const Grow grow_;
  const bool poison_;
  const uint32_t epoch_;
  std::mutex grow_lock_;
  std::mutex lock_;
  std::vector<Room> rooms_;
  size_t next_arena_ = kFirstArena;
  bool closed_ = false;
};

// Before what lies in a block there is so much room, which keeps its alignment; and so much behind
// it, so that leaving it shows.
inline constexpr size_t kFront = StagingPool::kAlignment;
inline constexpr size_t kBackSlack = 16;

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_STAGING_POOL_H_
