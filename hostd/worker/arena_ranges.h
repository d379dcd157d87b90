// Where arenas lie, in a form that a fault handler can read: no locks, no allocations.
#ifndef TVMFFI_HOSTD_WORKER_ARENA_RANGES_H_
#define TVMFFI_HOSTD_WORKER_ARENA_RANGES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tvmffi::hostd {

// Writers are serialised by their caller. What no longer fits is not remembered.
class ArenaRanges {
 public:
  static constexpr size_t kMaxRanges = 4096;

  void Add(uint32_t id, const void* begin, size_t size);
  void Remove(uint32_t id);

  // The arena that holds `address`, or has it in a guard page. False without one. `*offset` may be
  // negative or beyond the arena's size. Async-signal-safe.
  bool Find(uint64_t address, uint32_t* id, int64_t* offset) const;

 private:
  struct Range {
    std::atomic<uint64_t> begin{0};  // 0: free
    std::atomic<uint64_t> size{0};
    std::atomic<uint32_t> id{0};
  };
  std::array<Range, kMaxRanges> ranges_;
  size_t used_ = 0;  // entries that were ever taken
};

// Of this process.
ArenaRanges& Ranges();

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_ARENA_RANGES_H_
