// The same plug-in in C, with nothing but the C ABI: what a kernel compiler would emit.

#include <stdio.h>
#include <tvm/ffi/c_api.h>

// Returns the tensor behind an argument, or NULL. A tensor arrives either as a borrowed DLTensor or
// as a Tensor object, whose DLTensor follows the object header.
static const DLTensor* AsTensor(const TVMFFIAny* arg) {
  if (arg->type_index == kTVMFFIDLTensorPtr) return (const DLTensor*)arg->v_ptr;
  if (arg->type_index == kTVMFFITensor) {
    return (const DLTensor*)((const char*)arg->v_ptr + sizeof(TVMFFIObject));
  }
  return NULL;
}

static int IsFloatVectorOnCpu(const DLTensor* t) {
  return t->device.device_type == kDLCPU && t->ndim == 1 && t->dtype.code == kDLFloat &&
         t->dtype.bits == 32 && t->dtype.lanes == 1 &&
         (t->strides == NULL || t->strides[0] == 1 || t->shape[0] <= 1);
}

static int Fail(const char* kind, const char* message) {
  TVMFFIErrorSetRaisedFromCStr(kind, message);
  return -1;
}

// The calling convention itself: 0 for success, else an error has been raised for this thread.
TVM_FFI_DLL_EXPORT int __tvm_ffi_add_one_cpu(void* handle, const TVMFFIAny* args, int32_t num_args,
                                             TVMFFIAny* result) {
  char message[128];
  (void)handle;
  (void)result;  // arrives as None and stays None
  if (num_args != 2) {
    snprintf(message, sizeof(message), "add_one_cpu: expected 2 arguments but got %d", num_args);
    return Fail("TypeError", message);
  }
  const DLTensor* x = AsTensor(&args[0]);
  const DLTensor* y = AsTensor(&args[1]);
  if (x == NULL || y == NULL) return Fail("TypeError", "add_one_cpu: x and y must be tensors");
  if (!IsFloatVectorOnCpu(x) || !IsFloatVectorOnCpu(y)) {
    return Fail("ValueError", "add_one_cpu: x and y must be contiguous float32 vectors on the CPU");
  }
  if (x->shape[0] != y->shape[0]) {
    snprintf(message, sizeof(message), "add_one_cpu: x has %lld elements, y has %lld",
             (long long)x->shape[0], (long long)y->shape[0]);
    return Fail("ValueError", message);
  }
  const float* from = (const float*)((const char*)x->data + x->byte_offset);
  float* to = (float*)((char*)y->data + y->byte_offset);
  for (int64_t i = 0; i < x->shape[0]; ++i) to[i] = from[i] + 1.0f;
  return 0;
}
