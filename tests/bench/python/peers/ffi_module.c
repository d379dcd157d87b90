/* The functions every peer has, as a module of the C ABI: one binary for this package and the
 * published one. */
#include <tvm/ffi/c_api.h>

#define EXPORT(name)                                                                             \
  TVM_FFI_DLL_EXPORT int __tvm_ffi_##name(void* handle, const TVMFFIAny* args, int32_t num_args, \
                                          TVMFFIAny* result)

static int Refuse(const char* message) {
  TVMFFIErrorSetRaisedFromCStr("TypeError", message);
  return -1;
}

static const DLTensor* TensorOf(const TVMFFIAny* any) {
  if (any->type_index == kTVMFFIDLTensorPtr) return (const DLTensor*)any->v_ptr;
  if (any->type_index != kTVMFFITensor) return NULL;
  return (const DLTensor*)((char*)any->v_obj + sizeof(TVMFFIObject));
}

static void ReturnInt(TVMFFIAny* result, int64_t value) {
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = value;
}

EXPORT(nothing) {
  (void)handle, (void)args, (void)result;
  return num_args == 0 ? 0 : Refuse("expected no argument");
}

EXPORT(number) {
  (void)handle;
  if (num_args != 1 || args[0].type_index != kTVMFFIInt) return Refuse("expected an int");
  ReturnInt(result, args[0].v_int64 + 1);
  return 0;
}

EXPORT(text) {
  (void)handle;
  if (num_args == 1 && args[0].type_index == kTVMFFISmallStr) {
    ReturnInt(result, args[0].small_str_len);
    return 0;
  }
  if (num_args != 1 || args[0].type_index != kTVMFFIStr) return Refuse("expected a str");
  ReturnInt(result,
            (int64_t)((TVMFFIByteArray*)((char*)args[0].v_obj + sizeof(TVMFFIObject)))->size);
  return 0;
}

EXPORT(tensors) {
  (void)handle, (void)result;
  for (int32_t i = 0; i < num_args; ++i) {
    const DLTensor* tensor = TensorOf(&args[i]);
    if (tensor == NULL || tensor->ndim != 2) return Refuse("expected tensors of two dimensions");
  }
  return num_args == 3 ? 0 : Refuse("expected three tensors");
}

EXPORT(apply) {
  (void)handle;
  if (num_args != 2 || args[0].type_index != kTVMFFIFunction)
    return Refuse("expected a function and a value");
  return TVMFFIFunctionCall(args[0].v_obj, (TVMFFIAny*)&args[1], 1, result);
}

EXPORT(fail) {
  (void)handle, (void)args, (void)num_args, (void)result;
  TVMFFIErrorSetRaisedFromCStr("ValueError", "no such thing");
  return -1;
}
