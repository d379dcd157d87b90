#include "client/src/tensor_pool.h"

#include <cstring>
#include <iterator>
#include <utility>

#include "client/src/process_state.h"

namespace tvmffi::host {

PoolBlock::PoolBlock(std::weak_ptr<TensorPool> pool, StagingBlock block, size_t size)
    : pool_(std::move(pool)), epoch_(ForkEpoch()), block_(std::move(block)) {
  char* begin = block_.data() + kFront;
  slack_ = {begin - kFrontSlack, begin, begin + size, block_.data() + block_.size};
  std::memset(begin, 0, size);
  slack_.Fill();
}

PoolBlock::~PoolBlock() {
  // A forked child's copy of the pool is of no use to it, and its lock may be held forever.
  if (epoch_ != ForkEpoch()) return;
  if (std::shared_ptr<TensorPool> pool = pool_.lock()) pool->TakeBack(std::move(block_));
}

void TensorPool::ReuseIfIdle(const std::function<bool()>& idle) {
  std::vector<StagingBlock> rested;
  {
    std::lock_guard<std::mutex> lock(lock_);
    rested.swap(resting_);
  }
  if (rested.empty()) return;
  if (idle()) {
    for (StagingBlock& block : rested) blocks_.Free(std::move(block));
    return;
  }
  std::lock_guard<std::mutex> lock(lock_);
  if (closed_) return;
  resting_.insert(resting_.end(), std::make_move_iterator(rested.begin()),
                  std::make_move_iterator(rested.end()));
}

Result<std::shared_ptr<PoolBlock>> TensorPool::Allocate(size_t size,
                                                        const std::function<bool()>& idle) {
  ReuseIfIdle(idle);
  constexpr size_t kSlack = kFront + kBackSlack;
  if (size > SIZE_MAX - kSlack)
    return Status{Code::kResourceExhausted, "a tensor of " + std::to_string(size) + " bytes"};
  Result<StagingBlock> block = blocks_.Allocate(size + kSlack);
  if (!block.ok()) return block.status();
  auto made = std::make_shared<PoolBlock>(weak_from_this(), std::move(*block), size);
  std::lock_guard<std::mutex> lock(lock_);
  in_use_[made->data()] = made;
  return made;
}

std::shared_ptr<PoolBlock> TensorPool::Find(const char* low, const char* high) {
  // Outlives the lock, which a block's end takes.
  std::shared_ptr<PoolBlock> block;
  std::lock_guard<std::mutex> lock(lock_);
  auto after = in_use_.upper_bound(low);
  if (after == in_use_.begin()) return nullptr;
  block = std::prev(after)->second.lock();
  if (block == nullptr || high > block->data() + block->size()) return nullptr;
  return block;
}

void TensorPool::TakeBack(StagingBlock block) {
  blocks_.Poison(block);
  std::lock_guard<std::mutex> lock(lock_);
  in_use_.erase(block.data() + kFront);
  if (!closed_) resting_.push_back(std::move(block));
}

void TensorPool::Clear() {
  std::vector<StagingBlock> dropped;
  {
    std::lock_guard<std::mutex> lock(lock_);
    closed_ = true;
    dropped.swap(resting_);
  }
  blocks_.Clear();
}

}  // namespace tvmffi::host
