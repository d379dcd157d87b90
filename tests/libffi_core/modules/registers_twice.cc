// Registers what the library has already, while it is being loaded.
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

namespace {

TVM_FFI_STATIC_INIT_BLOCK() {
#ifdef REGISTERS_TYPE
  TVMFFITypeMetadata metadata{};
  TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterMetadata(kTVMFFIModule, &metadata));
#else
  tvm::ffi::Function::SetGlobal("ffi.ArraySize", tvm::ffi::Function::FromTyped([] {}));
#endif
}

}  // namespace
