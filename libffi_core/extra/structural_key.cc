// ffi.StructuralKey: its reflection, and how maps hash and compare it.
#include <tvm/ffi/extra/structural_key.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Function;
using tvm::ffi::StructuralKey;
using tvm::ffi::StructuralKeyObj;
using tvm::ffi::details::AnyUnsafe;
namespace reflection = tvm::ffi::reflection;

// A map calls these only with values of this type. They are registered as Functions: releases
// disagree about what a function pointer there returns.
int64_t HashKey(const Any& value) {
  return AnyUnsafe::CopyFromAnyViewAfterCheck<StructuralKey>(value)->hash_i64;
}
bool EqualKeys(const Any& lhs, const Any& rhs) {
  return AnyUnsafe::CopyFromAnyViewAfterCheck<StructuralKey>(lhs) ==
         AnyUnsafe::CopyFromAnyViewAfterCheck<StructuralKey>(rhs);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  reflection::ObjectDef<StructuralKeyObj>()
      .def_ro("key", &StructuralKeyObj::key)
      .def_ro("hash_i64", &StructuralKeyObj::hash_i64)
      .def(reflection::init<Any>())
      .def_type_attr(reflection::type_attr::kAnyHash, Function::FromTyped(HashKey))
      .def_type_attr(reflection::type_attr::kAnyEqual, Function::FromTyped(EqualKeys));
  GlobalDef()
      .Typed("ffi.StructuralKey", [](Any key) { return StructuralKey(std::move(key)); })
      .Typed("ffi.StructuralKeyEqual", [](Any lhs, Any rhs) {
        return lhs.same_as(rhs) || lhs.cast<StructuralKey>() == rhs.cast<StructuralKey>();
      });
}

}  // namespace
}  // namespace tvmffi::core
