/* The module the Python tests call: the plain C form of a packed function, no C++ header involved.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/extra/c_env_api.h>

#define EXPORT(name)                                                                             \
  TVM_FFI_DLL_EXPORT int __tvm_ffi_##name(void* handle, const TVMFFIAny* args, int32_t num_args, \
                                          TVMFFIAny* result)
#define UNUSED() ((void)handle, (void)args, (void)num_args, (void)result)

static int Raise(const char* kind, const char* message) {
  TVMFFIErrorSetRaisedFromCStr(kind, message);
  return -1;
}

static void ReturnInt(TVMFFIAny* result, int64_t value) {
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = value;
}

static TVMFFIByteArray Text(const char* text) {
  TVMFFIByteArray bytes = {text, strlen(text)};
  return bytes;
}

static const char* CopyText(const TVMFFIAny* any, char* buffer, size_t size) {
  const char* data = any->v_bytes;
  size_t length = any->small_str_len;
  if (any->type_index == kTVMFFIStr) {
    TVMFFIByteArray* bytes = (TVMFFIByteArray*)((char*)any->v_obj + sizeof(TVMFFIObject));
    data = bytes->data;
    length = bytes->size;
  }
  if (length >= size) length = size - 1;
  memcpy(buffer, data, length);
  buffer[length] = 0;
  return buffer;
}

static const DLTensor* TensorOf(const TVMFFIAny* any) {
  if (any->type_index == kTVMFFIDLTensorPtr) return (const DLTensor*)any->v_ptr;
  if (any->type_index == kTVMFFITensor) {
    return (const DLTensor*)((char*)any->v_obj + sizeof(TVMFFIObject));
  }
  return NULL;
}

EXPORT(nop) {
  UNUSED();
  return 0;
}

EXPORT(main) {
  UNUSED();
  ReturnInt(result, 4711);
  return 0;
}

EXPORT(echo) {
  UNUSED();
  if (num_args != 1) return Raise("TypeError", "echo takes one argument");
  return TVMFFIAnyViewToOwnedAny(&args[0], result);
}

EXPORT(count_args) {
  UNUSED();
  ReturnInt(result, num_args);
  return 0;
}

EXPORT(last_arg) {
  UNUSED();
  return TVMFFIAnyViewToOwnedAny(&args[num_args - 1], result);
}

EXPORT(type_index) {
  UNUSED();
  ReturnInt(result, args[0].type_index);
  return 0;
}

EXPORT(add_one) {
  UNUSED();
  if (num_args != 1 || args[0].type_index != kTVMFFIInt) {
    return Raise("TypeError", "add_one takes one int");
  }
  ReturnInt(result, args[0].v_int64 + 1);
  return 0;
}

EXPORT(raise_error) {
  char kind[64], message[256];
  UNUSED();
  return Raise(CopyText(&args[0], kind, sizeof(kind)),
               CopyText(&args[1], message, sizeof(message)));
}

EXPORT(raise_nothing) {
  UNUSED();
  return -7;
}

EXPORT(raise_from_line_42) {
  TVMFFIByteArray kind = Text("ValueError"), message = Text("deep");
  TVMFFIByteArray backtrace = Text(
      "  File \"inner \\\"file\\\".cc\", line 42, in tvm::Inner(int, char)\n"
      "not a frame\n"
      "  File \"outer.cc\", line 7, in Outer\n");
  TVMFFIObjectHandle error;
  UNUSED();
  TVMFFIErrorCreate(&kind, &message, &backtrace, &error);
  TVMFFIErrorSetRaised(error);
  TVMFFIObjectDecRef(error);
  return -1;
}

EXPORT(raise_with_context) {
  TVMFFIByteArray kind = Text("RuntimeError"), message = Text("with context"), backtrace = Text("");
  TVMFFIObjectHandle error;
  UNUSED();
  TVMFFIErrorCreateWithCauseAndExtraContext(&kind, &message, &backtrace, NULL, args[0].v_obj,
                                            &error);
  TVMFFIErrorSetRaised(error);
  TVMFFIObjectDecRef(error);
  return -1;
}

/* An error as made by modules built before the cause and context fields existed. */
typedef struct {
  TVMFFIObject header;
  TVMFFIByteArray kind, message, backtrace;
  void (*update)(TVMFFIObjectHandle, const TVMFFIByteArray*, int32_t);
  const char* kind_text;
  size_t kind_size;
} OldError;

static void FreeOldError(void* self, int flags) {
  if (flags & kTVMFFIObjectDeleterFlagBitMaskWeak) free(self);
}

static void IgnoreBacktrace(TVMFFIObjectHandle self, const TVMFFIByteArray* text, int32_t mode) {
  (void)self, (void)text, (void)mode;
}

EXPORT(raise_old_error) {
  OldError* error = calloc(1, sizeof(OldError));
  UNUSED();
  error->header.combined_ref_count = 0x100000001u;
  error->header.type_index = kTVMFFIError;
  error->header.deleter = FreeOldError;
  error->kind = Text("KeyError");
  error->message = Text("from long ago");
  error->backtrace = Text("");
  error->update = IgnoreBacktrace;
  error->kind_text = error->kind.data;
  error->kind_size = error->kind.size;
  TVMFFIErrorSetRaised(error);
  TVMFFIObjectDecRef(error);
  return -1;
}

EXPORT(apply) {
  UNUSED();
  return TVMFFIFunctionCall(args[0].v_obj, (TVMFFIAny*)(args + 1), num_args - 1, result);
}

/* Calls f(raw string), f(byte array) and returns what the second call returned. */
EXPORT(apply_raw) {
  TVMFFIByteArray bytes = {"\0raw\xff", 5};
  TVMFFIAny text = {0}, view = {0}, first = {0};
  int code;
  UNUSED();
  text.type_index = kTVMFFIRawStr;
  text.v_c_str = "raw text";
  view.type_index = kTVMFFIByteArrayPtr;
  view.v_ptr = &bytes;
  code = TVMFFIFunctionCall(args[0].v_obj, &text, 1, &first);
  if (code != 0) return code;
  if (first.type_index >= kTVMFFIStaticObjectBegin) TVMFFIObjectDecRef(first.v_obj);
  return TVMFFIFunctionCall(args[0].v_obj, &view, 1, result);
}

/* Gives its argument's object away to f twice; the second time it is gone. */
EXPORT(apply_moved_twice) {
  void* object = args[1].v_obj;
  TVMFFIAny moved = {0}, first = {0};
  int code;
  UNUSED();
  TVMFFIObjectIncRef(object);
  moved.type_index = kTVMFFIObjectRValueRef;
  moved.v_ptr = &object;
  code = TVMFFIFunctionCall(args[0].v_obj, &moved, 1, &first);
  if (first.type_index >= kTVMFFIStaticObjectBegin) TVMFFIObjectDecRef(first.v_obj);
  return code != 0 ? code : TVMFFIFunctionCall(args[0].v_obj, &moved, 1, result);
}

typedef struct {
  const TVMFFIAny* args;
  int32_t num_args;
  TVMFFIAny* result;
  int code;
  TVMFFIObjectHandle error;
} ThreadCall;

static void* RunThreadCall(void* data) {
  ThreadCall* call = data;
  call->code = TVMFFIFunctionCall(call->args[0].v_obj, (TVMFFIAny*)(call->args + 1),
                                  call->num_args - 1, call->result);
  TVMFFIErrorMoveFromRaised(&call->error);
  return NULL;
}

EXPORT(apply_in_thread) {
  ThreadCall call = {args, num_args, result, 0, NULL};
  pthread_t thread;
  UNUSED();
  if (pthread_create(&thread, NULL, RunThreadCall, &call) != 0)
    return Raise("RuntimeError", "thread");
  pthread_join(thread, NULL);
  if (call.error != NULL) {
    TVMFFIErrorSetRaised(call.error);
    TVMFFIObjectDecRef(call.error);
  }
  return call.code;
}

static void SleepMs(int64_t ms) {
  struct timespec time = {ms / 1000, (ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

EXPORT(sleep_ms) {
  UNUSED();
  SleepMs(args[0].v_int64);
  return 0;
}

/* Polls for signals for at most args[0] milliseconds. */
EXPORT(wait_for_signal) {
  int64_t ms;
  UNUSED();
  for (ms = 0; ms < args[0].v_int64; ++ms) {
    int code = TVMFFIEnvCheckSignals();
    if (code != 0) return code;
    SleepMs(1);
  }
  return 0;
}

/* Waits for a signal, then calls args[1] all the same. */
EXPORT(call_after_signal) {
  int64_t ms;
  UNUSED();
  for (ms = 0; ms < args[0].v_int64 && TVMFFIEnvCheckSignals() == 0; ++ms) SleepMs(1);
  return TVMFFIFunctionCall(args[1].v_obj, NULL, 0, result);
}

EXPORT(get_stream) {
  UNUSED();
  ReturnInt(result, (int64_t)(intptr_t)TVMFFIEnvGetStream((int32_t)args[0].v_int64,
                                                          (int32_t)args[1].v_int64));
  return 0;
}

EXPORT(has_allocator) {
  UNUSED();
  ReturnInt(result, TVMFFIEnvGetDLPackManagedTensorAllocator() != NULL);
  return 0;
}

EXPORT(alloc_like) {
  const DLTensor* like = TensorOf(&args[0]);
  DLTensor prototype = *like;
  TVMFFIObjectHandle tensor;
  int code;
  UNUSED();
  code = TVMFFIEnvTensorAlloc(&prototype, &tensor);
  if (code != 0) return code;
  result->type_index = kTVMFFITensor;
  result->zero_padding = 0;
  result->v_obj = tensor;
  return 0;
}

EXPORT(use_count) {
  UNUSED();
  ReturnInt(result, (int64_t)(args[0].v_obj->combined_ref_count & 0xffffffffu));
  return 0;
}

EXPORT(sum_float32) {
  const DLTensor* x = TensorOf(&args[0]);
  double sum = 0;
  int64_t i;
  UNUSED();
  if (x == NULL || x->ndim != 1 || x->dtype.code != kDLFloat || x->dtype.bits != 32) {
    return Raise("TypeError", "sum_float32 takes a float32 vector");
  }
  for (i = 0; i < x->shape[0]; ++i) {
    int64_t step = x->strides != NULL ? x->strides[0] : 1;
    sum += ((const float*)((const char*)x->data + x->byte_offset))[i * step];
  }
  result->type_index = kTVMFFIFloat;
  result->zero_padding = 0;
  result->v_float64 = sum;
  return 0;
}

static float g_view_data[6] = {0, 1, 2, 3, 4, 5};
static int64_t g_view_shape[2] = {2, 3};
static DLTensor g_view;

EXPORT(tensor_view) {
  UNUSED();
  memset(&g_view, 0, sizeof(g_view));
  g_view.data = g_view_data;
  g_view.device.device_type = kDLCPU;
  g_view.ndim = 2;
  g_view.dtype.code = kDLFloat;
  g_view.dtype.bits = 32;
  g_view.dtype.lanes = 1;
  g_view.shape = g_view_shape;
  result->type_index = kTVMFFIDLTensorPtr;
  result->zero_padding = 0;
  result->v_ptr = &g_view;
  return 0;
}

EXPORT(return_raw_str) {
  UNUSED();
  result->type_index = kTVMFFIRawStr;
  result->zero_padding = 0;
  result->v_c_str = "borrowed";
  return 0;
}

/* test.Point: two fields, one of them writable, and a method. */
typedef struct {
  TVMFFIObject header;
  int64_t x;
  double y;
} Point;

static atomic_long g_live_points;
static int32_t g_point_index = -1;

static void FreePoint(void* self, int flags) {
  if (flags & kTVMFFIObjectDeleterFlagBitMaskStrong) atomic_fetch_sub(&g_live_points, 1);
  if (flags & kTVMFFIObjectDeleterFlagBitMaskWeak) free(self);
}

static int GetInt(void* field, TVMFFIAny* result) {
  ReturnInt(result, *(int64_t*)field);
  return 0;
}

static int SetIntField(void* field, const TVMFFIAny* value) {
  if (value->type_index != kTVMFFIInt) return Raise("TypeError", "x is an int");
  *(int64_t*)field = value->v_int64;
  return 0;
}

static int GetFloat(void* field, TVMFFIAny* result) {
  result->type_index = kTVMFFIFloat;
  result->zero_padding = 0;
  result->v_float64 = *(double*)field;
  return 0;
}

static int PointNorm(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  const Point* point = (const Point*)args[0].v_obj;
  (void)self, (void)num_args;
  result->type_index = kTVMFFIFloat;
  result->zero_padding = 0;
  result->v_float64 = (double)point->x + point->y;
  return 0;
}

static int MakePoint(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  Point* point = calloc(1, sizeof(Point));
  (void)self, (void)num_args;
  point->header.combined_ref_count = 0x100000001u;
  point->header.type_index = g_point_index;
  point->header.deleter = FreePoint;
  point->x = args[0].v_int64;
  point->y = args[1].v_float64;
  atomic_fetch_add(&g_live_points, 1);
  result->type_index = g_point_index;
  result->zero_padding = 0;
  result->v_obj = &point->header;
  return 0;
}

static void RegisterMethod(const char* name, TVMFFISafeCallType call, int64_t flags) {
  TVMFFIMethodInfo method;
  TVMFFIObjectHandle function;
  memset(&method, 0, sizeof(method));
  TVMFFIFunctionCreate(NULL, call, NULL, &function);
  method.name = Text(name);
  method.flags = flags;
  method.method.type_index = kTVMFFIFunction;
  method.method.v_obj = function;
  TVMFFITypeRegisterMethod(g_point_index, &method);
  TVMFFIObjectDecRef(function);
}

static void RegisterField(const char* name, size_t offset, TVMFFIFieldGetter getter,
                          TVMFFIFieldSetter setter) {
  TVMFFIFieldInfo field;
  memset(&field, 0, sizeof(field));
  field.name = Text(name);
  field.doc = Text("A coordinate.");
  field.size = 8;
  field.alignment = 8;
  field.offset = (int64_t)offset;
  field.getter = getter;
  field.setter = (void*)setter;
  field.flags = setter != NULL ? kTVMFFIFieldFlagBitMaskWritable : 0;
  field.field_static_type_index = kTVMFFIAny;
  TVMFFITypeRegisterField(g_point_index, &field);
}

/* Registers type `args[0]`; the module's points are of the type registered last. */
EXPORT(register_point) {
  char key_text[64];
  TVMFFIByteArray key;
  UNUSED();
  key = Text(CopyText(&args[0], key_text, sizeof(key_text)));
  g_point_index = TVMFFITypeGetOrAllocIndex(&key, -1, 1, 0, 1, kTVMFFIObject);
  RegisterField("x", offsetof(Point, x), GetInt, SetIntField);
  RegisterField("y", offsetof(Point, y), GetFloat, NULL);
  RegisterMethod("norm", PointNorm, 0);
  RegisterMethod("__ffi_init__", MakePoint, kTVMFFIFieldFlagBitMaskIsStaticMethod);
  ReturnInt(result, g_point_index);
  return 0;
}

EXPORT(make_point) {
  UNUSED();
  return MakePoint(NULL, args, num_args, result);
}

EXPORT(live_points) {
  UNUSED();
  ReturnInt(result, atomic_load(&g_live_points));
  return 0;
}

static int IntAddOne(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self, (void)num_args;
  if (args[0].type_index != kTVMFFIInt) return Raise("TypeError", "needs an int");
  ReturnInt(result, args[0].v_int64 + 1);
  return 0;
}

EXPORT(add_one_address) {
  UNUSED();
  ReturnInt(result, (int64_t)(intptr_t)IntAddOne);
  return 0;
}

static void MlirAddOne(void** packed) {
  const TVMFFIAny* args = *(const TVMFFIAny**)packed[1];
  TVMFFIAny* result = *(TVMFFIAny**)packed[3];
  *(int*)packed[4] = IntAddOne(NULL, args, *(int32_t*)packed[2], result);
}

EXPORT(mlir_add_one_address) {
  UNUSED();
  ReturnInt(result, (int64_t)(intptr_t)MlirAddOne);
  return 0;
}

EXPORT(register_system_symbol) {
  UNUSED();
  return TVMFFIEnvModRegisterSystemLibSymbol("__tvm_ffi_pytest.add_one", (void*)IntAddOne);
}
