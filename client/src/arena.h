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

// So much is looked at before a tensor, where there is room: two words, in every call.
inline constexpr size_t kFrontSlack = 16;

// The bytes beside a tensor, which hold a canary: [front, begin) and [end, back).
struct Slack {
  char* front = nullptr;
  char* begin = nullptr;
  char* end = nullptr;
  char* back = nullptr;

  void Fill() const;
  // A byte that had changed, the one nearest to the tensor, or null. Restores the canary.
  char* FindOverrun() const;
};

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

  // The only tensor in it lies at [begin, end). Whoever writes to the bytes beside it, between it
  // and the guard pages, went too far. Set once, before the arena is lent.
  void SetTensor(size_t begin, size_t end);
  // Where it lies and what is beside it; null before.
  const Slack& slack() const { return slack_; }
  // A byte beside the tensor that was written since the last time, or null.
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
  Slack slack_;
  std::mutex lock_;
  std::vector<std::weak_ptr<Worker>> holders_;
};

// The arena `address` lies in, or null.
std::shared_ptr<Arena> FindArena(const void* address);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_ARENA_H_
