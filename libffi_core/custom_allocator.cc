#include <tvm/ffi/c_api.h>

#include <atomic>
#include <cstdlib>

#include "libffi_core/guard.h"

namespace tvmffi::core {
namespace {

// The allocation header needs 8 bytes before the body; 16 keep the body as aligned as malloc's
// result.
constexpr size_t kBodyOffset = 16;
static_assert(sizeof(TVMFFIObjectAllocHeader) == 8);

void* BodyIn(void* memory, size_t offset, void (*delete_space)(void*)) {
  char* body = static_cast<char*>(memory) + offset;
  reinterpret_cast<TVMFFIObjectAllocHeader*>(body)[-1].delete_space = delete_space;
  return body;
}

void DeletePlainSpace(void* body) { std::free(static_cast<char*>(body) - kBodyOffset); }

// An over-aligned body starts one alignment behind the memory, whose address stands before the
// allocation header.
void DeleteAlignedSpace(void* body) { std::free(static_cast<void**>(body)[-2]); }

void* AllocateDefault(size_t size, size_t alignment, int32_t, void*) {
  if (alignment <= kBodyOffset) {
    void* memory = std::malloc(kBodyOffset + size);
    if (memory != nullptr) return BodyIn(memory, kBodyOffset, DeletePlainSpace);
  } else {
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, alignment + size) == 0) {
      void* body = BodyIn(memory, alignment, DeleteAlignedSpace);
      static_cast<void**>(body)[-2] = memory;
      return body;
    }
  }
  Raise("MemoryError", "cannot allocate an object of " + std::to_string(size) + " bytes");
  return nullptr;
}

TVMFFICustomAllocator default_allocator = {AllocateDefault, nullptr};
std::atomic<TVMFFICustomAllocator*> current_allocator{&default_allocator};

}  // namespace
}  // namespace tvmffi::core

extern "C" {

TVMFFICustomAllocator* TVMFFIGetCustomAllocator(void) {
  return tvmffi::core::current_allocator.load(std::memory_order_acquire);
}

int TVMFFISetCustomAllocator(TVMFFICustomAllocator* allocator) {
  if (allocator != nullptr && allocator->allocate == nullptr) {
    return tvmffi::core::Raise("InternalError",
                               "Check not null: TVMFFISetCustomAllocator: allocator->allocate");
  }
  tvmffi::core::current_allocator.store(
      allocator != nullptr ? allocator : &tvmffi::core::default_allocator,
      std::memory_order_release);
  return 0;
}

}  // extern "C"
