// The types of the process. Registration takes a lock; finding a type by index does not.
#ifndef TVMFFI_LIBFFI_CORE_TYPE_TABLE_H_
#define TVMFFI_LIBFFI_CORE_TYPE_TABLE_H_

#include <tvm/ffi/c_api.h>

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libffi_core/published_array.h"

namespace tvmffi::core {

// The arguments of TVMFFITypeGetOrAllocIndex.
struct TypeRequest {
  std::string_view key;
  int32_t static_index;
  int32_t depth;
  int32_t num_child_slots;
  bool child_slots_can_overflow;
  int32_t parent_index;
};

constexpr int32_t kNoParent = -1;
constexpr int32_t kQueryOnly = -2;

// One type. Never destroyed, and `info` never moves: modules keep pointers to it.
struct TypeEntry {
  TVMFFITypeInfo info{};
  std::string key;
  std::vector<const TVMFFITypeInfo*> ancestors;
  int32_t num_slots = 1;
  int32_t num_allocated_slots = 1;
  bool child_slots_can_overflow = false;
  PublishedArray<TVMFFIFieldInfo> fields;
  PublishedArray<TVMFFIMethodInfo> methods;
  TVMFFITypeMetadata metadata{};
  std::deque<std::string> strings;
};

class TypeTable {
 public:
  // Lives as long as the process: objects are used in static destructors too.
  static TypeTable& Global();

  // The index of the key, registering it when unknown, or kQueryOnly. Throws Failure when it cannot
  // be registered.
  int32_t GetOrAlloc(const TypeRequest& request);

  // NULL when nobody registered the index.
  const TVMFFITypeInfo* Find(int32_t index) const noexcept;

  // Throws Failure when the key is unknown.
  int32_t IndexOf(std::string_view key) const;

  // In the order of the indices.
  std::vector<std::string> Keys() const;

  void AddField(int32_t index, const TVMFFIFieldInfo& field);
  void AddMethod(int32_t index, const TVMFFIMethodInfo& method);
  void SetMetadata(int32_t index, const TVMFFITypeMetadata& metadata);

 private:
  static constexpr int32_t kChunkSize = 1024;
  static constexpr int32_t kNumChunks = 4096;
  struct Chunk {
    std::array<std::atomic<TypeEntry*>, kChunkSize> entries{};
  };

  TypeTable();
  void AddBuiltin(int32_t index, std::string_view key, int32_t parent_index);
  TypeEntry* Entry(int32_t index) const noexcept;
  TypeEntry& RequireEntry(int32_t index) const;
  int32_t Register(const TypeRequest& request);
  int32_t ClaimStatic(const TypeRequest& request) const;
  int32_t AllocateDynamic(const TypeRequest& request, TypeEntry* parent);
  void Publish(int32_t index, std::unique_ptr<TypeEntry> entry);

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string_view, int32_t> index_of_key_;
  std::array<std::atomic<Chunk*>, kNumChunks> chunks_{};
  int32_t next_dynamic_index_ = kTVMFFIDynObjectBegin;
};

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_TYPE_TABLE_H_
