#include "hostd/worker/handle_table.h"

#include <utility>

namespace tvmffi::hostd {

uint64_t HandleTable::Insert(ObjectRef object) {
  std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t id = next_id_++;
  objects_.emplace(id, std::move(object));
  return id;
}

ObjectRef HandleTable::Find(uint64_t id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = objects_.find(id);
  return found == objects_.end() ? ObjectRef() : ObjectRef::Share(found->second.get());
}

bool HandleTable::Release(uint64_t id) {
  ObjectRef
      released;  // declared first: its destructor may call back in here and runs without the lock
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = objects_.find(id);
  if (found == objects_.end()) return false;
  released = std::move(found->second);
  objects_.erase(found);
  version_.fetch_add(1, std::memory_order_release);
  return true;
}

void HandleTable::Pin(ObjectRef object) {
  std::lock_guard<std::mutex> lock(mutex_);
  pinned_.push_back(std::move(object));
}

TVMFFIObjectHandle FunctionCache::LookUp(uint64_t id) {
  const uint64_t version = table_->version();
  ObjectRef found = table_->Find(id);
  if (!found || TVMFFIObjectGetTypeIndex(found.get()) != kTVMFFIFunction) return nullptr;
  version_ = version;
  id_ = id;
  function_ = found.get();
  return function_;
}

}  // namespace tvmffi::hostd
