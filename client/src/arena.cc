#include "client/src/arena.h"

#include <algorithm>
#include <atomic>
#include <cstring>
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

constexpr unsigned char kCanary = 0xC7;
constexpr uint64_t kCanaryWord = kCanary * (~uint64_t{0} / 0xFF);

bool IsCanary(char byte) { return static_cast<unsigned char>(byte) == kCanary; }

// This is done for every tensor of every call: whole words first, without a branch for each.
bool Untouched(const char* begin, const char* end) {
  uint64_t difference = 0;
  for (; end - begin >= static_cast<ptrdiff_t>(sizeof(uint64_t)); begin += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, begin, sizeof(word));
    difference |= word ^ kCanaryWord;
  }
  return difference == 0 && std::all_of(begin, end, IsCanary);
}

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

void Slack::Fill() const {
  std::fill(front, begin, static_cast<char>(kCanary));
  std::fill(end, back, static_cast<char>(kCanary));
}

char* Slack::FindOverrun() const {
  if (Untouched(end, back) && Untouched(front, begin)) return nullptr;
  char* changed = std::find_if_not(end, back, IsCanary);
  if (changed == back) {
    changed = begin;
    while (changed != front && IsCanary(*(changed - 1))) --changed;
    // It may have been restored meanwhile: then the first byte before the tensor stands for all.
    changed = changed == front ? begin - 1 : changed - 1;
  }
  Fill();
  return changed;
}

void Arena::SetTensor(size_t begin, size_t end) {
  slack_ = {data() + begin - std::min(begin, kFrontSlack), data() + begin, data() + end,
            data() + size()};
  slack_.Fill();
}

char* Arena::FindOverrun() { return read_only() ? nullptr : slack_.FindOverrun(); }

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
