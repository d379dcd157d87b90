// A module as a C compiler writes one: exported functions, metadata, and the variables the loader
// fills.
#include <tvm/ffi/c_api.h>

TVM_FFI_DLL_EXPORT void* __tvm_ffi__library_ctx = NULL;
TVM_FFI_DLL_EXPORT void* tvmffi_test_context_symbol = NULL;

static int ReturnInt(int64_t value, TVMFFIAny* result) {
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = value;
  return 0;
}

static int ReturnPointer(void* value, TVMFFIAny* result) {
  result->type_index = kTVMFFIOpaquePtr;
  result->zero_padding = 0;
  result->v_ptr = value;
  return 0;
}

static int ReturnText(const char* text, size_t size, TVMFFIAny* result) {
  TVMFFIByteArray bytes;
  bytes.data = text;
  bytes.size = size;
  return TVMFFIStringFromByteArray(&bytes, result);
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_add(void* handle, const TVMFFIAny* args, int32_t num_args,
                                     TVMFFIAny* result) {
  if (num_args != 2 || args[0].type_index != kTVMFFIInt || args[1].type_index != kTVMFFIInt) {
    TVMFFIErrorSetRaisedFromCStr("TypeError", "add takes two ints");
    return -1;
  }
  if (handle != NULL) {
    TVMFFIErrorSetRaisedFromCStr("RuntimeError", "handle is not NULL");
    return -1;
  }
  return ReturnInt(args[0].v_int64 + args[1].v_int64, result);
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_main(void* handle, const TVMFFIAny* args, int32_t num_args,
                                      TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  return ReturnInt(17, result);
}

// Names of 117 and 118 characters: with the prefix one below and one at 128.
#define NAME_13 "xxxxxxxxxxxxx"
#define NAME_39 NAME_13 NAME_13 NAME_13
#define NAME_117 NAME_39 NAME_39 NAME_39
TVM_FFI_DLL_EXPORT int ReturnLong(void*, const TVMFFIAny*, int32_t,
                                  TVMFFIAny*) __asm__("__tvm_ffi_" NAME_117);
TVM_FFI_DLL_EXPORT int ReturnLonger(void*, const TVMFFIAny*, int32_t,
                                    TVMFFIAny*) __asm__("__tvm_ffi_" NAME_117 "x");

int ReturnLong(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  return ReturnInt(117, result);
}

int ReturnLonger(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  return ReturnInt(118, result);
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_fail5(void* handle, const TVMFFIAny* args, int32_t num_args,
                                       TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args, (void)result;
  TVMFFIErrorSetRaisedFromCStr("ValueError", "from fail5");
  return 5;
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_library_ctx_value(void* handle, const TVMFFIAny* args,
                                                   int32_t num_args, TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  return ReturnPointer(__tvm_ffi__library_ctx, result);
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_context_symbol_value(void* handle, const TVMFFIAny* args,
                                                      int32_t num_args, TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  return ReturnPointer(tvmffi_test_context_symbol, result);
}

TVM_FFI_DLL_EXPORT int __tvm_ffi__metadata_add(void* handle, const TVMFFIAny* args,
                                               int32_t num_args, TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  static const char text[] = "{\"type_schema\":\"{\\\"type\\\":\\\"ffi.Function\\\"}\"}";
  return ReturnText(text, sizeof(text) - 1, result);
}

TVM_FFI_DLL_EXPORT int __tvm_ffi__doc_add(void* handle, const TVMFFIAny* args, int32_t num_args,
                                          TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  return ReturnText("Adds.", 5, result);
}
