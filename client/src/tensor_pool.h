// Memory of one worker for its callers' fresh tensors: faulted in and mapped there beforehand.
#ifndef TVMFFI_CLIENT_SRC_TENSOR_POOL_H_
#define TVMFFI_CLIENT_SRC_TENSOR_POOL_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "client/src/staging_pool.h"

namespace tvmffi::host {

class TensorPool;

// The memory of one tensor, shared by everything that aliases it. Its end gives it back.
class PoolBlock {
 public:
  PoolBlock(std::weak_ptr<TensorPool> pool, StagingBlock block, size_t size);
  ~PoolBlock();
  PoolBlock(const PoolBlock&) = delete;
  PoolBlock& operator=(const PoolBlock&) = delete;

  char* data() const { return slack_.begin; }
  size_t size() const { return static_cast<size_t>(slack_.end - slack_.begin); }
  // As Arena::FindOverrun.
  char* FindOverrun() const { return slack_.FindOverrun(); }

 private:
  const std::weak_ptr<TensorPool> pool_;
  const uint32_t epoch_;
  StagingBlock block_;
  Slack slack_;
};

// Thread-safe. Blocks that were given back are used again once the worker was seen idle since: a
// call still running may be writing to them.
class TensorPool : public std::enable_shared_from_this<TensorPool> {
 public:
  // As for StagingPool.
  TensorPool(StagingPool::Grow grow, bool poison) : blocks_(std::move(grow), poison) {}

  // Zeroed memory. `idle` tells whether no call of the worker is running that began before it was
  // asked.
  Result<std::shared_ptr<PoolBlock>> Allocate(size_t size, const std::function<bool()>& idle);
  // The block in use that contains [low, high), or null.
  std::shared_ptr<PoolBlock> Find(const char* low, const char* high);
  // The worker is gone: no block is used again.
  void Clear();

 private:
  friend class PoolBlock;
  void TakeBack(StagingBlock block);
  void ReuseIfIdle(const std::function<bool()>& idle);

  StagingPool blocks_;
  std::mutex lock_;
  std::map<const char*, std::weak_ptr<PoolBlock>> in_use_;
  std::vector<StagingBlock> resting_;
  bool closed_ = false;
};

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_TENSOR_POOL_H_
