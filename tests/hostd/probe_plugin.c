/* A module in the raw C ABI: one function per thing a worker must get right. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/extra/c_env_api.h>

#define PROBE(name)                                                                     \
  TVM_FFI_DLL_EXPORT int __tvm_ffi_##name(void* self, const TVMFFIAny* args, int32_t n, \
                                          TVMFFIAny* result);                           \
  int __tvm_ffi_##name(void* self, const TVMFFIAny* args, int32_t n, TVMFFIAny* result)
#define UNUSED (void)self, (void)args, (void)n, (void)result

/* Written after a call, so that the call is no jump. */
static volatile int kept_code;

static int ReturnInt(TVMFFIAny* result, int64_t value) {
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = value;
  return 0;
}

static int ReturnObject(TVMFFIAny* result, int32_t type_index, TVMFFIObjectHandle object) {
  result->type_index = type_index;
  result->zero_padding = 0;
  result->v_obj = (TVMFFIObject*)object;
  return 0;
}

static DLTensor* TensorOf(const TVMFFIAny* arg) {
  if (arg->type_index == kTVMFFIDLTensorPtr) return (DLTensor*)arg->v_ptr;
  return (DLTensor*)(arg->v_obj + 1);
}

static const char* TextOf(const TVMFFIAny* arg) {
  switch (arg->type_index) {
    case kTVMFFIRawStr:
      return arg->v_c_str;
    case kTVMFFISmallStr:
      return arg->v_bytes;
    default:
      return ((TVMFFIByteArray*)(arg->v_obj + 1))->data;
  }
}

PROBE(add) {
  UNUSED;
  return ReturnInt(result, args[0].v_int64 + args[1].v_int64);
}

PROBE(echo) {
  UNUSED;
  return TVMFFIAnyViewToOwnedAny(&args[0], result);
}

PROBE(type_index) {
  UNUSED;
  return ReturnInt(result, args[0].type_index);
}

PROBE(fail) {
  UNUSED;
  TVMFFIErrorSetRaisedFromCStr(TextOf(&args[0]), TextOf(&args[1]));
  return -1;
}

PROBE(fail_without_error) {
  UNUSED;
  return 7;
}

PROBE(apply) {
  UNUSED;
  return TVMFFIFunctionCall(args[0].v_obj, (TVMFFIAny*)args + 1, n - 1, result);
}

/* As C++ code calls: without TVMFFIFunctionCall, which ends a backtrace. */
PROBE(apply_directly) {
  UNUSED;
  TVMFFIFunctionCell* cell = (TVMFFIFunctionCell*)(args[0].v_obj + 1);
  int code = cell->safe_call(args[0].v_obj, args + 1, n - 1, result);
  kept_code = code;
  return code;
}

struct ThreadCall {
  TVMFFIObjectHandle function;
  TVMFFIObjectHandle error;
  int code;
};

static void* CallOnThread(void* self) {
  struct ThreadCall* call = (struct ThreadCall*)self;
  TVMFFIAny result = {0};
  call->code = TVMFFIFunctionCall(call->function, NULL, 0, &result);
  TVMFFIErrorMoveFromRaised(&call->error);
  return NULL;
}

PROBE(apply_on_thread) {
  UNUSED;
  struct ThreadCall call = {args[0].v_obj, NULL, 0};
  pthread_t thread;
  pthread_create(&thread, NULL, CallOnThread, &call);
  pthread_join(thread, NULL);
  if (call.error != NULL) {
    TVMFFIErrorSetRaised(call.error);
    TVMFFIObjectDecRef(call.error);
  }
  return call.code;
}

static TVMFFIAny kept;

PROBE(keep) {
  UNUSED;
  return TVMFFIAnyViewToOwnedAny(&args[0], &kept);
}

PROBE(kept) {
  UNUSED;
  return TVMFFIAnyViewToOwnedAny(&kept, result);
}

PROBE(forget) {
  UNUSED;
  if (kept.type_index >= kTVMFFIStaticObjectBegin) TVMFFIObjectDecRef(kept.v_obj);
  memset(&kept, 0, sizeof(kept));
  return 0;
}

PROBE(apply_kept) {
  UNUSED;
  return TVMFFIFunctionCall(kept.v_obj, NULL, 0, result);
}

PROBE(sum) {
  UNUSED;
  DLTensor* tensor = TensorOf(&args[0]);
  double sum = 0;
  const char* data = (const char*)tensor->data + tensor->byte_offset;
  for (int64_t i = 0; i < tensor->shape[0]; ++i)
    sum += ((const float*)data)[i * tensor->strides[0]];
  result->type_index = kTVMFFIFloat;
  result->v_float64 = sum;
  return 0;
}

PROBE(fill) {
  UNUSED;
  DLTensor* tensor = TensorOf(&args[0]);
  float* data = (float*)((char*)tensor->data + tensor->byte_offset);
  for (int64_t i = 0; i < tensor->shape[0]; ++i)
    data[i * tensor->strides[0]] = (float)args[1].v_float64;
  return 0;
}

static DLTensor FloatVector(int64_t* shape) {
  DLTensor prototype = {0};
  prototype.device.device_type = kDLCPU;
  prototype.ndim = 1;
  prototype.dtype.code = kDLFloat;
  prototype.dtype.bits = 32;
  prototype.dtype.lanes = 1;
  prototype.shape = shape;
  return prototype;
}

static void Count(DLTensor* tensor) {
  for (int64_t i = 0; i < tensor->shape[0]; ++i) ((float*)tensor->data)[i] = (float)i;
}

PROBE(make) {
  UNUSED;
  int64_t shape[1] = {args[0].v_int64};
  DLTensor prototype = FloatVector(shape);
  TVMFFIObjectHandle tensor = NULL;
  if (TVMFFIEnvTensorAlloc(&prototype, &tensor) != 0) return -1;
  Count((DLTensor*)((TVMFFIObject*)tensor + 1));
  return ReturnObject(result, kTVMFFITensor, tensor);
}

struct Private {
  DLManagedTensorVersioned managed;
  int64_t shape[1];
  int64_t strides[1];
};

static void DeletePrivate(DLManagedTensorVersioned* self) {
  free(self->dl_tensor.data);
  free(self->manager_ctx);
}

static int MakePrivate(int64_t size, TVMFFIObjectHandle* out) {
  struct Private* tensor = (struct Private*)calloc(1, sizeof(struct Private));
  tensor->shape[0] = size;
  tensor->strides[0] = 1;
  tensor->managed.version.major = DLPACK_MAJOR_VERSION;
  tensor->managed.manager_ctx = tensor;
  tensor->managed.deleter = DeletePrivate;
  tensor->managed.dl_tensor = FloatVector(tensor->shape);
  tensor->managed.dl_tensor.strides = tensor->strides;
  tensor->managed.dl_tensor.data = malloc((size_t)size * sizeof(float));
  Count(&tensor->managed.dl_tensor);
  return TVMFFITensorFromDLPackVersioned(&tensor->managed, 0, 0, out);
}

PROBE(make_private) {
  UNUSED;
  TVMFFIObjectHandle tensor = NULL;
  if (MakePrivate(args[0].v_int64, &tensor) != 0) return -1;
  return ReturnObject(result, kTVMFFITensor, tensor);
}

/* Passes memory of its own to a callback and returns what the callback left in its first element.
 */
PROBE(lend_private) {
  UNUSED;
  TVMFFIObjectHandle tensor = NULL;
  if (MakePrivate(4, &tensor) != 0) return -1;
  DLTensor* layout = (DLTensor*)((TVMFFIObject*)tensor + 1);
  TVMFFIAny lent[2] = {{0}, {0}};
  ReturnObject(&lent[0], kTVMFFITensor, tensor);
  lent[1].type_index = kTVMFFIDLTensorPtr;
  lent[1].v_ptr = layout;
  TVMFFIAny ignored = {0};
  int code = TVMFFIFunctionCall(args[0].v_obj, lent, 2, &ignored);
  result->type_index = kTVMFFIFloat;
  result->v_float64 = ((float*)layout->data)[0];
  TVMFFIObjectDecRef(tensor);
  return code;
}

PROBE(make_on_gpu) {
  UNUSED;
  int64_t shape[1] = {4};
  DLTensor prototype = FloatVector(shape);
  prototype.device.device_type = kDLCUDA;
  TVMFFIObjectHandle tensor = NULL;
  if (TVMFFIEnvTensorAlloc(&prototype, &tensor) != 0) return -1;
  return ReturnObject(result, kTVMFFITensor, tensor);
}

static TVMFFIObjectHandle thread_tensor;
static int thread_code;

static void* AllocateOnThread(void* self) {
  int64_t shape[1] = {*(int64_t*)self};
  DLTensor prototype = FloatVector(shape);
  thread_code = TVMFFIEnvTensorAlloc(&prototype, &thread_tensor);
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorMoveFromRaised(&error);
  *(TVMFFIObjectHandle*)self = error;
  return NULL;
}

PROBE(make_on_thread) {
  UNUSED;
  union {
    int64_t size;
    TVMFFIObjectHandle error;
  } shared = {args[0].v_int64};
  pthread_t thread;
  pthread_create(&thread, NULL, AllocateOnThread, &shared);
  pthread_join(thread, NULL);
  if (thread_code == 0) return ReturnObject(result, kTVMFFITensor, thread_tensor);
  TVMFFIErrorSetRaised(shared.error);
  TVMFFIObjectDecRef(shared.error);
  return thread_code;
}

PROBE(text) {
  UNUSED;
  size_t size = (size_t)args[0].v_int64;
  char* data = (char*)malloc(size + 1);
  for (size_t i = 0; i < size; ++i) data[i] = (char)('a' + i % 26);
  TVMFFIByteArray bytes = {data, size};
  int code = TVMFFIStringFromByteArray(&bytes, result);
  free(data);
  return code;
}

static int Answer(void* self, const TVMFFIAny* args, int32_t n, TVMFFIAny* result) {
  UNUSED;
  return ReturnInt(result, 42);
}

PROBE(make_function) {
  UNUSED;
  TVMFFIObjectHandle function = NULL;
  if (TVMFFIFunctionCreate(NULL, Answer, NULL, &function) != 0) return -1;
  return ReturnObject(result, kTVMFFIFunction, function);
}

static int Overflow(volatile int depth) {
  if (depth < 0) return 0;
  volatile char frame[4096];
  frame[0] = (char)depth;
  return Overflow(depth + 1) + frame[0];
}

PROBE(crash) {
  UNUSED;
  const char* how = TextOf(&args[0]);
  if (strcmp(how, "write") == 0) *(volatile int*)0x1230 = 1;
  if (strcmp(how, "read") == 0) return *(volatile int*)0x4560;
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "trap") == 0) __builtin_trap();
  if (strcmp(how, "stack") == 0) return Overflow(0);
  if (strcmp(how, "kill") == 0) raise(SIGKILL);
  return 0;
}

PROBE(print) {
  UNUSED;
  printf("printed: %s\n", TextOf(&args[0]));
  return 0;
}
