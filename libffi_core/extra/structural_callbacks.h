// Callbacks that another language gives to a structural walk, visit, map or mutation.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_CALLBACKS_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_CALLBACKS_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tuple.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

#include <utility>
#include <vector>

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

// The callbacks of one walk, visit, map or mutation.
class CallbackList {
 public:
  struct Callback {
    int64_t type_index;
    tvm::ffi::Function function;
    bool takes_more;  // an argument behind the value: the def-region kind, the mode
  };

  CallbackList() = default;
  // Those `with_kind` take the def-region kind too, and come last.
  CallbackList(const TypedCallbacks& callbacks, const TypedCallbacks& with_kind) {
    for (const auto& callback : callbacks) Add(callback.get<0>(), callback.get<1>(), false);
    for (const auto& callback : with_kind) Add(callback.get<0>(), callback.get<1>(), true);
  }
  void Add(int64_t type_index, tvm::ffi::Function function, bool takes_more) {
    callbacks_.push_back({type_index, std::move(function), takes_more});
  }

  // TypeError if a callback is None, naming what it was given to.
  void RefuseNone(const char* what) const {
    for (const Callback& callback : callbacks_) {
      if (callback.function == nullptr)
        TVM_FFI_THROW(TypeError) << "a callback of " << what << " is None";
    }
  }
  // The first that takes the value, null when none does.
  const Callback* Find(const tvm::ffi::AnyView& value) const {
    for (const Callback& callback : callbacks_) {
      if (Takes(callback.type_index, value.type_index())) return &callback;
    }
    return nullptr;
  }

 private:
  std::vector<Callback> callbacks_;
};

// ValueError unless `kind` is one of the three.
inline TVMFFIDefRegionKind CheckDefRegionKind(int64_t kind) {
  if (kind < kTVMFFIDefRegionKindNone || kind > kTVMFFIDefRegionKindNonRecursive) {
    TVM_FFI_THROW(ValueError) << "a def-region kind is 0, 1 or 2, not " << kind;
  }
  return static_cast<TVMFFIDefRegionKind>(kind);
}

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_CALLBACKS_H_
