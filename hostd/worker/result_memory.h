// Memory the client granted for what functions return.
#ifndef TVMFFI_HOSTD_WORKER_RESULT_MEMORY_H_
#define TVMFFI_HOSTD_WORKER_RESULT_MEMORY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "hostd/worker/arena_table.h"

namespace tvmffi::hostd {

class ResultMemory;

// One allocation; destruction frees it. May outlive its arena's grant, never the ResultMemory.
// Move-only.
class ResultBlock {
 public:
  ResultBlock() = default;
  ResultBlock(ResultMemory* memory, std::shared_ptr<const Arena> arena, uint64_t offset,
              uint64_t size)
      : memory_(memory), arena_(std::move(arena)), offset_(offset), size_(size) {}
  ResultBlock(ResultBlock&& other) noexcept = default;
  ResultBlock& operator=(ResultBlock&& other) noexcept {
    Free();
    memory_ = other.memory_;
    arena_ = std::move(other.arena_);
    offset_ = other.offset_;
    size_ = other.size_;
    return *this;
  }
  ~ResultBlock() { Free(); }

  bool valid() const { return arena_ != nullptr; }
  char* data() const { return arena_->segment.data() + offset_; }
  uint32_t arena_id() const { return arena_->id; }
  uint64_t offset() const { return offset_; }

 private:
  void Free();

  ResultMemory* memory_ = nullptr;
  std::shared_ptr<const Arena> arena_;
  uint64_t offset_ = 0;
  uint64_t size_ = 0;
};

// Thread-safe.
class ResultMemory {
 public:
  static constexpr uint64_t kAlignment = 64;

  // What a request for `size` bytes takes out of an arena.
  static uint64_t RoundUp(uint64_t size) {
    return size == 0 ? kAlignment : (size + kAlignment - 1) & ~(kAlignment - 1);
  }

  // Blocks that are freed are overwritten from now on. To be called before the first is made.
  void PoisonFreed() { poison_ = true; }

  // Allocates from `arena` from now on.
  void Grant(std::shared_ptr<const Arena> arena);
  // No longer. Blocks that are in use stay valid.
  void Revoke(uint32_t arena_id);

  // `size` bytes, aligned to kAlignment, uninitialised. Invalid when no granted arena has that much
  // in one piece.
  ResultBlock Allocate(uint64_t size);

 private:
  friend class ResultBlock;

  struct Granted {
    std::shared_ptr<const Arena> arena;
    std::map<uint64_t, uint64_t> free;  // offset -> size; neighbours are merged
  };

  void Free(uint32_t arena_id, uint64_t offset, uint64_t size);

  bool poison_ = false;
  std::mutex mutex_;
  std::vector<Granted> granted_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_RESULT_MEMORY_H_
