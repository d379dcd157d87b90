// The objects of this worker that its client may name.
#ifndef TVMFFI_HOSTD_WORKER_HANDLE_TABLE_H_
#define TVMFFI_HOSTD_WORKER_HANDLE_TABLE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "proto/codec/any.h"

namespace tvmffi::hostd {

// Thread-safe. Ids are never used twice.
class HandleTable {
 public:
  // Keeps `object` alive until Release(id).
  uint64_t Insert(ObjectRef object);

  // A new reference; null for an unknown id.
  ObjectRef Find(uint64_t id) const;

  // False for an unknown id. The object's destructor may run here, on the calling thread.
  bool Release(uint64_t id);

  // Keeps `object` alive for the life of the process: code of a module must never be unmapped.
  void Pin(ObjectRef object);

  // Changes with every Release.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<uint64_t, ObjectRef> objects_;
  std::vector<ObjectRef> pinned_;
  uint64_t next_id_ = 1;
  std::atomic<uint64_t> version_{1};
};

// One lane's memory of the function it called last, without locks. Not kept alive: the client
// releases no handle that a call in flight names.
class FunctionCache {
 public:
  explicit FunctionCache(const HandleTable* table) : table_(table) {}

  // A borrowed Function; null when `id` is unknown or no function.
  TVMFFIObjectHandle Find(uint64_t id) {
    return id == id_ && version_ == table_->version() ? function_ : LookUp(id);
  }

 private:
  TVMFFIObjectHandle LookUp(uint64_t id);

  const HandleTable* table_;
  uint64_t version_ = 0;
  uint64_t id_ = 0;
  TVMFFIObjectHandle function_ = nullptr;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_HANDLE_TABLE_H_
