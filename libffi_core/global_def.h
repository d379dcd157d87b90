// Registers the library's own global functions.
#ifndef TVMFFI_LIBFFI_CORE_GLOBAL_DEF_H_
#define TVMFFI_LIBFFI_CORE_GLOBAL_DEF_H_

#include <tvm/ffi/function.h>

#include <string>
#include <utility>

#include "libffi_core/guard.h"

namespace tvmffi::core {

class GlobalDef {
 public:
  // A function whose signature says how arguments and result convert.
  template <typename F>
  GlobalDef& Typed(const char* name, F function) {
    const std::string schema = tvm::ffi::details::FunctionInfo<F>::TypeSchema();
    return Set(name, tvm::ffi::Function::FromTyped(std::move(function), name), schema);
  }

  // `function(PackedArgs args, Any* result)`.
  template <typename F>
  GlobalDef& Packed(const char* name, F function) {
    return Set(name, tvm::ffi::Function::FromPacked(std::move(function)),
               "{\"type\":\"ffi.Function\"}");
  }

 private:
  GlobalDef& Set(const char* name, const tvm::ffi::Function& function, const std::string& schema) {
    const std::string metadata = tvm::ffi::details::FunctionMetadata(schema);
    TVMFFIMethodInfo info{};
    info.name = BytesOf(name);
    info.metadata = BytesOf(metadata);
    info.flags = kTVMFFIFieldFlagBitMaskIsStaticMethod;
    info.method.type_index = kTVMFFIFunction;
    info.method.v_obj = tvm::ffi::details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(function);
    TVM_FFI_CHECK_SAFE_CALL(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0));
    return *this;
  }
};

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_GLOBAL_DEF_H_
