#include "libffi_core/type_table.h"

#include <tvm/ffi/c_api.h>

#include <mutex>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"

namespace tvmffi::core {
namespace {

struct BuiltinType {
  int32_t index;
  std::string_view key;
};

constexpr BuiltinType kPlainTypes[] = {
    {kTVMFFINone, "None"},
    {kTVMFFIInt, "int"},
    {kTVMFFIBool, "bool"},
    {kTVMFFIFloat, "float"},
    {kTVMFFIOpaquePtr, "void*"},
    {kTVMFFIDataType, "DataType"},
    {kTVMFFIDevice, "Device"},
    {kTVMFFIDLTensorPtr, "DLTensor*"},
    {kTVMFFIRawStr, "const char*"},
    {kTVMFFIByteArrayPtr, "TVMFFIByteArray*"},
    {kTVMFFIObjectRValueRef, "ObjectRValueRef"},
    {kTVMFFISmallStr, "ffi.SmallStr"},
    {kTVMFFISmallBytes, "ffi.SmallBytes"},
    {kTVMFFIUnchanged, "ffi.Unchanged"},
};

constexpr BuiltinType kObjectTypes[] = {
    {kTVMFFIStr, "ffi.String"},
    {kTVMFFIBytes, "ffi.Bytes"},
    {kTVMFFIError, "ffi.Error"},
    {kTVMFFIFunction, "ffi.Function"},
    {kTVMFFIShape, "ffi.Shape"},
    {kTVMFFITensor, "ffi.Tensor"},
    {kTVMFFIArray, "ffi.Array"},
    {kTVMFFIMap, "ffi.Map"},
    {kTVMFFIModule, "ffi.Module"},
    {kTVMFFIOpaquePyObject, "ffi.OpaquePyObject"},
    {kTVMFFIList, "ffi.List"},
    {kTVMFFIDict, "ffi.Dict"},
    {kTVMFFIVisitInterrupt, "ffi.VisitInterrupt"},
    {kTVMFFIBigInt, "ffi.BigInt"},
};

}  // namespace

TypeTable& TypeTable::Global() {
  static auto* table = new TypeTable;
  return *table;
}

TypeTable::TypeTable() {
  for (const BuiltinType& type : kPlainTypes) AddBuiltin(type.index, type.key, kNoParent);
  AddBuiltin(kTVMFFIObject, "ffi.Object", kNoParent);
  for (const BuiltinType& type : kObjectTypes) AddBuiltin(type.index, type.key, kTVMFFIObject);
}

// Only the root may have subtypes.
void TypeTable::AddBuiltin(int32_t index, std::string_view key, int32_t parent_index) {
  Register(
      {key, index, parent_index == kNoParent ? 0 : 1, 0, index == kTVMFFIObject, parent_index});
}

TypeEntry* TypeTable::Entry(int32_t index) const noexcept {
  if (index < 0 || index >= kChunkSize * kNumChunks) return nullptr;
  const Chunk* chunk = chunks_[index / kChunkSize].load(std::memory_order_acquire);
  if (chunk == nullptr) return nullptr;
  return chunk->entries[index % kChunkSize].load(std::memory_order_acquire);
}

const TVMFFITypeInfo* TypeTable::Find(int32_t index) const noexcept {
  const TypeEntry* entry = Entry(index);
  return entry == nullptr ? nullptr : &entry->info;
}

TypeEntry& TypeTable::RequireEntry(int32_t index) const {
  TypeEntry* entry = Entry(index);
  if (entry == nullptr) {
    throw Failure("InternalError", "Cannot find type index " + std::to_string(index));
  }
  return *entry;
}

int32_t TypeTable::IndexOf(std::string_view key) const {
  std::shared_lock lock(mutex_);
  auto it = index_of_key_.find(key);
  if (it == index_of_key_.end()) {
    throw Failure("InternalError", "Cannot find type `" + std::string(key) + "`");
  }
  return it->second;
}

std::vector<std::string> TypeTable::Keys() const {
  std::shared_lock lock(mutex_);
  std::vector<std::pair<int32_t, std::string_view>> types;
  for (const auto& [key, index] : index_of_key_) types.emplace_back(index, key);
  std::sort(types.begin(), types.end());
  std::vector<std::string> keys;
  for (const auto& type : types) keys.emplace_back(type.second);
  return keys;
}

int32_t TypeTable::GetOrAlloc(const TypeRequest& request) {
  {
    std::shared_lock lock(mutex_);
    auto it = index_of_key_.find(request.key);
    if (it != index_of_key_.end()) return it->second;
  }
  if (request.parent_index == kQueryOnly) return kQueryOnly;
  std::unique_lock lock(mutex_);
  auto it = index_of_key_.find(request.key);
  return it != index_of_key_.end() ? it->second : Register(request);
}

int32_t TypeTable::Register(const TypeRequest& request) {
  TypeEntry* parent = request.parent_index >= 0 ? &RequireEntry(request.parent_index) : nullptr;
  const int32_t expected_depth = parent == nullptr ? 0 : parent->info.type_depth + 1;
  if (request.depth != expected_depth || request.num_child_slots < 0) {
    throw Failure("InternalError",
                  "Cannot register type `" + std::string(request.key) + "`: its depth is " +
                      std::to_string(request.depth) + " and it wants " +
                      std::to_string(request.num_child_slots) + " child slots, but its parent " +
                      (parent == nullptr ? "is none" : "is `" + parent->key + "`") +
                      ", which makes the depth " + std::to_string(expected_depth));
  }
  const int32_t index =
      request.static_index >= 0 ? ClaimStatic(request) : AllocateDynamic(request, parent);

  auto entry = std::make_unique<TypeEntry>();
  entry->key = request.key;
  entry->num_slots = request.num_child_slots + 1;
  entry->child_slots_can_overflow =
      request.child_slots_can_overflow && (parent == nullptr || parent->child_slots_can_overflow);
  if (parent != nullptr) {
    entry->ancestors = parent->ancestors;
    entry->ancestors.push_back(&parent->info);
  }
  Publish(index, std::move(entry));
  return index;
}

int32_t TypeTable::ClaimStatic(const TypeRequest& request) const {
  const int32_t index = request.static_index;
  const TypeEntry* holder = Entry(index);
  if (holder == nullptr && index < next_dynamic_index_) return index;
  throw Failure("InternalError",
                "Cannot give type `" + std::string(request.key) + "` the index " +
                    std::to_string(index) + ": " +
                    (holder != nullptr ? "`" + holder->key + "` has it"
                                       : "indices end at " + std::to_string(next_dynamic_index_)));
}

int32_t TypeTable::AllocateDynamic(const TypeRequest& request, TypeEntry* parent) {
  const std::string key(request.key);
  if (parent == nullptr) {
    throw Failure("InternalError", "Cannot register type `" + key + "` without a parent type");
  }
  const int64_t num_slots = int64_t{request.num_child_slots} + 1;
  if (parent->num_allocated_slots + num_slots <= parent->num_slots) {
    const int32_t index = parent->info.type_index + parent->num_allocated_slots;
    parent->num_allocated_slots += static_cast<int32_t>(num_slots);
    return index;
  }
  if (!parent->child_slots_can_overflow) {
    throw Failure("InternalError", "Reach maximum number of sub-classes for " + parent->key +
                                       ", cannot register type `" + key + "`");
  }
  if (next_dynamic_index_ + num_slots > int64_t{kChunkSize} * kNumChunks) {
    throw Failure("InternalError", "Cannot register type `" + key + "`: no type indices are left");
  }
  const int32_t index = next_dynamic_index_;
  next_dynamic_index_ += static_cast<int32_t>(num_slots);
  return index;
}

void TypeTable::Publish(int32_t index, std::unique_ptr<TypeEntry> entry) {
  TVMFFITypeInfo& info = entry->info;
  info.type_index = index;
  info.type_depth = static_cast<int32_t>(entry->ancestors.size());
  info.type_key = BytesOf(entry->key);
  info.type_key_hash = std::hash<std::string_view>{}(entry->key);
  info.type_ancestors = entry->ancestors.data();

  std::atomic<Chunk*>& slot = chunks_[index / kChunkSize];
  Chunk* chunk = slot.load(std::memory_order_acquire);
  if (chunk == nullptr) {
    chunk = new Chunk;
    slot.store(chunk, std::memory_order_release);
  }
  index_of_key_.emplace(entry->key, index);
  chunk->entries[index % kChunkSize].store(entry.release(), std::memory_order_release);
}

}  // namespace tvmffi::core

using tvmffi::core::Failure;
using tvmffi::core::NotNull;
using tvmffi::core::TypeTable;
using tvmffi::core::ViewOf;

extern "C" {

int TVMFFITypeKeyToIndex(const TVMFFIByteArray* type_key, int32_t* out_tindex) {
  return tvmffi::core::Guarded([&] {
    int32_t& index = NotNull(out_tindex, "TVMFFITypeKeyToIndex: out_tindex");
    index =
        TypeTable::Global().IndexOf(ViewOf(NotNull(type_key, "TVMFFITypeKeyToIndex: type_key")));
  });
}

int32_t TVMFFITypeGetOrAllocIndex(const TVMFFIByteArray* type_key, int32_t static_type_index,
                                  int32_t type_depth, int32_t num_child_slots,
                                  int32_t child_slots_can_overflow, int32_t parent_type_index) {
  return tvmffi::core::GuardedOrExit("TVMFFITypeGetOrAllocIndex", [&] {
    return TypeTable::Global().GetOrAlloc(
        {ViewOf(NotNull(type_key, "TVMFFITypeGetOrAllocIndex: type_key")), static_type_index,
         type_depth, num_child_slots, child_slots_can_overflow != 0, parent_type_index});
  });
}

const TVMFFITypeInfo* TVMFFIGetTypeInfo(int32_t type_index) {
  return tvmffi::core::GuardedOrExit("TVMFFIGetTypeInfo", [&] {
    const TVMFFITypeInfo* info = TypeTable::Global().Find(type_index);
    if (info == nullptr) {
      throw Failure("InternalError", "Cannot find type index " + std::to_string(type_index));
    }
    return info;
  });
}

}  // extern "C"
