#include "client/src/arena.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "client/src/process_state.h"
#include "client/src/worker.h"

namespace tvmffi::host {
namespace {

// By first address. Guarded by Locks().arenas.
using ArenaMap = std::map<const char*, std::weak_ptr<Arena>>;
ArenaMap& AllArenas() {
  static ArenaMap* arenas = new ArenaMap;
  return *arenas;
}

constexpr char kSlackByte = '\xC7';

// So that calls on plain tensors, in a process without arenas, take no lock.
std::atomic<size_t> num_arenas{0};

const char* NameOf(ArenaUse use) {
  switch (use) {
    case ArenaUse::kTensor:
      return "tvmffi-tensor";
    case ArenaUse::kInput:
      return "tvmffi-input";
    case ArenaUse::kStaging:
      return "tvmffi-staging";
    case ArenaUse::kPool:
      return "tvmffi-pool";
    default:
      return "tvmffi-result";
  }
}

}  // namespace

Result<std::shared_ptr<Arena>> Arena::Create(size_t size, ArenaUse use, uint64_t owner) {
  static std::atomic<uint32_t> next_id{1};
  Result<ShmSegment> segment = use == ArenaUse::kInput ? ShmSegment::CreateInput(size, NameOf(use))
                                                       : ShmSegment::Create(size, NameOf(use));
  if (!segment.ok()) return segment.status();
  std::shared_ptr<Arena> arena(
      new Arena(next_id.fetch_add(1, std::memory_order_relaxed), use, owner, std::move(*segment)));
  std::lock_guard<std::shared_mutex> lock(Locks().arenas);
  AllArenas()[arena->data()] = arena;
  num_arenas.store(AllArenas().size(), std::memory_order_relaxed);
  return arena;
}

Arena::~Arena() {
  {
    std::lock_guard<std::shared_mutex> lock(Locks().arenas);
    AllArenas().erase(data());
    num_arenas.store(AllArenas().size(), std::memory_order_relaxed);
  }
  for (const std::weak_ptr<Worker>& holder : holders_) {
    if (std::shared_ptr<Worker> worker = holder.lock()) worker->Retire(id_);
  }
}

void Arena::SetSlack(size_t offset) {
  slack_ = offset;
  FillSlack(data() + offset, data() + size());
}

char* Arena::FindOverrun() {
  return slack_ < size() ? host::FindOverrun(data() + slack_, data() + size()) : nullptr;
}

void FillSlack(char* begin, char* end) { std::fill(begin, end, kSlackByte); }

char* FindOverrun(char* begin, char* end) {
  char* changed = std::find_if(begin, end, [](char byte) { return byte != kSlackByte; });
  if (changed == end) return nullptr;
  FillSlack(begin, end);
  return changed;
}

void Arena::AddHolder(const std::shared_ptr<Worker>& worker) {
  std::lock_guard<std::mutex> lock(lock_);
  // Keeps the list as short as the number of workers alive, for an arena that many have seen.
  for (std::weak_ptr<Worker>& holder : holders_) {
    if (holder.expired()) {
      holder = worker;
      return;
    }
  }
  holders_.push_back(worker);
}

std::shared_ptr<Arena> FindArena(const void* address) {
  if (num_arenas.load(std::memory_order_relaxed) == 0) return nullptr;
  // Outlives the lock: this may become the last owner, and an arena's end takes the lock.
  std::shared_ptr<Arena> arena;
  std::shared_lock<std::shared_mutex> lock(Locks().arenas);
  const ArenaMap& arenas = AllArenas();
  auto after = arenas.upper_bound(static_cast<const char*>(address));
  if (after == arenas.begin()) return nullptr;
  arena = std::prev(after)->second.lock();
  if (arena == nullptr || !arena->Contains(address)) return nullptr;
  return arena;
}

}  // namespace tvmffi::host
