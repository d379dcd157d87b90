#include "libffi_core/extra/structural.h"

#include <pthread.h>

#include <algorithm>

namespace tvmffi::core {

using tvm::ffi::Any;

TVMFFISEqHashKind RequireStructuralKind(const TVMFFITypeInfo& info) {
  if (info.metadata == nullptr) {
    TVM_FFI_THROW(TypeError) << "Type metadata is not set for type `" << info.type_key.data
                             << "`, so StructuralHash is not supported for this type";
  }
  if (info.metadata->structural_eq_hash_kind == kTVMFFISEqHashKindUnsupported) {
    TVM_FFI_THROW(TypeError) << "_type_s_eq_hash_kind is not set for type `" << info.type_key.data
                             << "`, so StructuralHash is not supported for this type";
  }
  return info.metadata->structural_eq_hash_kind;
}

TVMFFIDefRegionKind RequireDefRegion(int64_t kind) {
  if (kind < kTVMFFIDefRegionKindNone || kind > kTVMFFIDefRegionKindNonRecursive) {
    TVM_FFI_THROW(ValueError) << "the definition region of a structural hook is 0, 1 or 2, not "
                              << kind;
  }
  return static_cast<TVMFFIDefRegionKind>(kind);
}

Any CallHook(const TVMFFIAny& hook, const TVMFFIAny* args, int32_t num_args) {
  return tvm::ffi::details::CallTypeAttrFunction(&hook, args, num_args);
}

namespace {

struct StackRange {
  uintptr_t end = 0;
  uintptr_t size = 0;
};

// The stack grows down from end + size to end.
StackRange FindStack() {
  StackRange range;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return range;
  void* end = nullptr;
  size_t size = 0;
  if (pthread_attr_getstack(&attributes, &end, &size) == 0) {
    range.end = reinterpret_cast<uintptr_t>(end);
    range.size = size;
  }
  pthread_attr_destroy(&attributes);
  return range;
}

}  // namespace

void StackGuard::CheckSlow(uintptr_t here, const char* what) {
  // A sixteenth of the stack, at most 256 KiB, stays free for hooks, getters and deleters.
  constexpr uintptr_t kMaxReserve = 256 << 10;
  thread_local const StackRange range = FindStack();
  if (here - range.end >= range.size) {
    limit_ = 0;
    return;
  }
  limit_ = range.end + std::min(range.size / 16, kMaxReserve);
  if (here >= limit_) return;
  TVM_FFI_THROW(RuntimeError) << "cannot " << what
                              << ": the value nests too deeply for the stack of this thread";
}

}  // namespace tvmffi::core
