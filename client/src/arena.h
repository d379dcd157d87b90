// Shared memory the client owns and lends to workers.
#ifndef TVMFFI_CLIENT_SRC_ARENA_H_
#define TVMFFI_CLIENT_SRC_ARENA_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "proto/base/shm_segment.h"
#include "proto/base/status.h"

namespace tvmffi::host {

class Worker;

enum class ArenaUse {
  kTensor,   // one tensor of the caller, shared with any worker it is passed to
  kInput,    // the same, sealed: no worker can write it
  kStaging,  // one worker's: copies of plain tensors, large frames
  kResult,   // one worker's: what its functions allocate
  kPool,     // one worker's: tensors its callers made for it
};

// One segment. Lives as long as a tensor, a call or its worker's pool uses it; its end takes it
// away from all workers.
class Arena {
 public:
  // `owner` is 0 or the id of the one worker that may ever see it.
  static Result<std::shared_ptr<Arena>> Create(size_t size, ArenaUse use, uint64_t owner = 0);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Never reused within this process.
  uint32_t id() const { return id_; }
  char* data() const { return segment_.data(); }
  size_t size() const { return segment_.size(); }
  // Faults all pages in.
  Status Populate() { return segment_.Populate(); }
  int fd() const { return segment_.fd(); }
  ArenaUse use() const { return use_; }
  bool read_only() const { return use_ == ArenaUse::kInput; }
  bool VisibleTo(uint64_t worker) const { return owner_ == 0 || owner_ == worker; }
  bool Contains(const void* address) const {
    return static_cast<const char*>(address) >= data() &&
           static_cast<const char*>(address) < data() + size();
  }

  // Bytes from `offset` to the end belong to no tensor: whoever writes there went too far. Set
  // once, before the arena is lent.
  void SetSlack(size_t offset);
  // The first byte of the slack that was written since the last time, or null.
  char* FindOverrun();

  // `worker` has it mapped, or soon will have.
  void AddHolder(const std::shared_ptr<Worker>& worker);

 private:
  Arena(uint32_t id, ArenaUse use, uint64_t owner, ShmSegment segment)
      : id_(id), use_(use), owner_(owner), segment_(std::move(segment)) {}

  const uint32_t id_;
  const ArenaUse use_;
  const uint64_t owner_;
  ShmSegment segment_;
  size_t slack_ = SIZE_MAX;
  std::mutex lock_;
  std::vector<std::weak_ptr<Worker>> holders_;
};

// What slack holds while nobody has written it.
void FillSlack(char* begin, char* end);
// The first byte that had changed, or null. Restores what was there.
char* FindOverrun(char* begin, char* end);

// The arena `address` lies in, or null.
std::shared_ptr<Arena> FindArena(const void* address);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_ARENA_H_
