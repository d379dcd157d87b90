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

// How maps hash and compare keys. Functions, as releases disagree about what a pointer there
// returns; of the C kind, as maps call them often.
int HashKey(void*, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  TVM_FFI_SAFE_CALL_BEGIN();
  if (num_args != 1 || args[0].type_index != StructuralKeyObj::RuntimeTypeIndex()) {
    TVM_FFI_THROW(TypeError) << "the hash of ffi.StructuralKey takes one such key";
  }
  result->type_index = kTVMFFIInt;
  result->v_int64 = AnyUnsafe::RawObjectPtrFromUnowned<StructuralKeyObj>(args[0].v_obj)->hash_i64;
  TVM_FFI_SAFE_CALL_END();
}
bool EqualKeys(const StructuralKey& lhs, const StructuralKey& rhs) { return lhs == rhs; }

TVM_FFI_STATIC_INIT_BLOCK() {
  reflection::ObjectDef<StructuralKeyObj>()
      .def_ro("key", &StructuralKeyObj::key)
      .def_ro("hash_i64", &StructuralKeyObj::hash_i64)
      .def(reflection::init<Any>())
      .def_type_attr(reflection::type_attr::kAnyHash,
                     Function::FromExternC(nullptr, HashKey, nullptr))
      .def_type_attr(reflection::type_attr::kAnyEqual, Function::FromTyped(EqualKeys));
  GlobalDef()
      .Typed("ffi.StructuralKey", [](Any key) { return StructuralKey(std::move(key)); })
      .Typed("ffi.StructuralKeyEqual", [](Any lhs, Any rhs) {
        return lhs.same_as(rhs) || lhs.cast<StructuralKey>() == rhs.cast<StructuralKey>();
      });
}

}  // namespace
}  // namespace tvmffi::core
