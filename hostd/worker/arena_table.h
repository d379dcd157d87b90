// The shared memory this worker has been lent.
#ifndef TVMFFI_HOSTD_WORKER_ARENA_TABLE_H_
#define TVMFFI_HOSTD_WORKER_ARENA_TABLE_H_

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "proto/base/shm_segment.h"
#include "proto/base/status.h"

namespace tvmffi::hostd {

// How long a call waits for an arena that the daemon may not have passed on yet.
inline constexpr int64_t kArenaPatience = 5'000'000'000;

struct Arena {
  uint32_t id;
  bool read_only;
  ShmSegment segment;
};

// Thread-safe: the control thread shares and retires, lanes look up.
class ArenaTable {
 public:
  Status Share(uint32_t id, ShmSegment segment, bool read_only);
  // Unmapped as soon as nothing that was found here is held any more. Unknown ids are ignored.
  void Retire(uint32_t id);

  // Waits until `deadline` (MonotonicNanos) for an arena that may still be on its way; null when it
  // did not come.
  std::shared_ptr<const Arena> Await(uint32_t id, int64_t deadline);
  std::shared_ptr<const Arena> Find(uint32_t id) const;
  // The arena that holds all of [begin, begin + size), or null.
  std::shared_ptr<const Arena> FindRange(const void* begin, size_t size) const;

  // Changes whenever an arena is retired.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<uint32_t, std::shared_ptr<const Arena>> by_id_;
  std::map<uintptr_t, std::shared_ptr<const Arena>> by_address_;
  std::atomic<uint64_t> version_{1};
};

// One lane's memory of the arenas it used last, without locks. What it returns is not kept alive:
// the client retires no arena that a call in flight names.
class ArenaCache {
 public:
  explicit ArenaCache(ArenaTable* table) : table_(table) {}

  // Null when the arena does not come before `patience` nanoseconds have passed.
  const Arena* Find(uint32_t id, int64_t patience);

 private:
  struct Entry {
    uint32_t id;
    const Arena* arena;
  };

  ArenaTable* table_;
  uint64_t version_ = 0;
  size_t next_ = 0;
  std::array<Entry, 8> entries_ = {};
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_ARENA_TABLE_H_
