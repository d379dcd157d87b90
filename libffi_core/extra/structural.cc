#include "libffi_core/extra/structural.h"

#include <pthread.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

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

Any ReadField(const TVMFFIObject* object, const TVMFFIFieldInfo& field) {
  TVMFFIAny result;
  result.type_index = kTVMFFINone;
  result.zero_padding = 0;
  result.v_int64 = 0;
  void* address = reinterpret_cast<char*>(const_cast<TVMFFIObject*>(object)) + field.offset;
  TVM_FFI_CHECK_SAFE_CALL(field.getter(address, &result));
  return tvm::ffi::details::AnyUnsafe::MoveTVMFFIAnyToAny(&result);
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

StackGuard::StackGuard() {
  // A sixteenth of the stack, at most 256 KiB, stays free for hooks, getters and deleters.
  constexpr uintptr_t kMaxReserve = 256 << 10;
  thread_local const StackRange range = FindStack();
  const uintptr_t reserve = range.size / 16 < kMaxReserve ? range.size / 16 : kMaxReserve;
  end_ = range.end;
  lowest_ = range.end + reserve;
}

void StackGuard::ThrowTooDeep(const char* what) {
  TVM_FFI_THROW(RuntimeError) << "cannot " << what
                              << ": the value nests too deeply for the stack of this thread";
  TVM_FFI_UNREACHABLE();
}

}  // namespace tvmffi::core
