// Callbacks that another language gives to a structural walk, visit, map or mutation.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_CALLBACKS_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_CALLBACKS_H_

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tuple.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

namespace tvmffi::core {

// The types that callbacks take, as type indices, and the callbacks.
using TypedCallbacks = tvm::ffi::Array<tvm::ffi::Tuple<int64_t, tvm::ffi::Function>>;

// Whether a callback for the type takes the value. The types of strings and bytes stand for both
// of their forms, the Any index for everything.
inline bool Takes(int64_t type_index, int32_t value_index) {
  if (type_index == kTVMFFIAny || type_index == value_index) return true;
  if (value_index == kTVMFFISmallStr) return type_index == kTVMFFIStr;
  if (value_index == kTVMFFISmallBytes) return type_index == kTVMFFIBytes;
  if (value_index < kTVMFFIStaticObjectBegin || type_index < kTVMFFIStaticObjectBegin) return false;
  if (type_index == kTVMFFIObject) return true;
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(value_index);
  for (int32_t i = 0; i < info->type_depth; ++i) {
    if (info->type_ancestors[i]->type_index == type_index) return true;
  }
  return false;
}

// ValueError unless `kind` is one of the three.
inline TVMFFIDefRegionKind CheckDefRegionKind(int64_t kind) {
  if (kind < kTVMFFIDefRegionKindNone || kind > kTVMFFIDefRegionKindNonRecursive) {
    TVM_FFI_THROW(ValueError) << "a def-region kind is 0, 1 or 2, not " << kind;
  }
  return static_cast<TVMFFIDefRegionKind>(kind);
}

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_CALLBACKS_H_
