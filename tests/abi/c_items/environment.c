#include <stdlib.h>

#include "c_items.h"

static void ExpectNoStream(void* unused) {
  (void)unused;
  CHECK(TVMFFIEnvGetStream(kDLCUDA, 3) == NULL);
}

static void c_abi_088_streams(void) {
  int stream = 0;
  void* previous = &stream;
  CHECK(TVMFFIEnvGetStream(kDLCUDA, 3) == NULL);
  CHECK(TVMFFIEnvSetStream(kDLCUDA, 3, &stream, &previous) == 0);
  CHECK(previous == NULL);
  CHECK(TVMFFIEnvGetStream(kDLCUDA, 3) == &stream);
  CHECK(TVMFFIEnvGetStream(kDLCUDA, 2) == NULL);
  RunOnThread(ExpectNoStream, NULL);
  CHECK(TVMFFIEnvSetStream(kDLCUDA, 3, NULL, &previous) == 0);
  CHECK(previous == &stream);
}

static int deleter_calls;
static float storage[6];

static void CountDeleter(DLManagedTensorVersioned* self) {
  (void)self;
  ++deleter_calls;
}

static int Allocate(DLTensor* prototype, DLManagedTensorVersioned** out, void* error_context,
                    void (*set_error)(void* context, const char* kind, const char* message)) {
  (void)error_context, (void)set_error;
  static DLManagedTensorVersioned managed;
  static int64_t shape[2];
  memset(&managed, 0, sizeof(managed));
  memcpy(shape, prototype->shape, sizeof(shape));
  managed.version.major = DLPACK_MAJOR_VERSION;
  managed.version.minor = DLPACK_MINOR_VERSION;
  managed.dl_tensor = *prototype;
  managed.dl_tensor.data = storage;
  managed.dl_tensor.shape = shape;
  managed.dl_tensor.strides = NULL;
  managed.deleter = CountDeleter;
  *out = &managed;
  return 0;
}

static int Refuse(DLTensor* prototype, DLManagedTensorVersioned** out, void* error_context,
                  void (*set_error)(void* context, const char* kind, const char* message)) {
  (void)prototype, (void)out;
  set_error(error_context, "MemoryError", "nope");
  return -1;
}

static int GiveNothing(DLTensor* prototype, DLManagedTensorVersioned** out, void* error_context,
                       void (*set_error)(void* context, const char* kind, const char* message)) {
  (void)prototype, (void)error_context, (void)set_error;
  *out = NULL;
  return 0;
}

static void UseAllocator(DLPackManagedTensorAllocator allocator, int everywhere) {
  CHECK(TVMFFIEnvSetDLPackManagedTensorAllocator(allocator, everywhere, NULL) == 0);
}

static int TensorAlloc(TVMFFIObjectHandle* out) {
  int64_t shape[2] = {2, 3};
  DLTensor prototype;
  memset(&prototype, 0, sizeof(prototype));
  prototype.device.device_type = kDLCPU;
  prototype.ndim = 2;
  prototype.dtype.code = kDLFloat;
  prototype.dtype.bits = 32;
  prototype.dtype.lanes = 1;
  prototype.shape = shape;
  return TVMFFIEnvTensorAlloc(&prototype, out);
}

static void c_abi_089_no_allocator(void) {
  TVMFFIObjectHandle tensor = NULL;
  CHECK_RAISED(TensorAlloc(&tensor), "RuntimeError",
               "TVMFFIEnvTensorAlloc: allocator is nullptr, likely because "
               "TVMFFIEnvSetDLPackManagedTensorAllocator has not been called.");
}

static void ExpectAllocator(void* expected) {
  CHECK(TVMFFIEnvGetDLPackManagedTensorAllocator() == *(DLPackManagedTensorAllocator*)expected);
}

static void c_abi_090_allocators_of_threads(void) {
  DLPackManagedTensorAllocator none = NULL;
  DLPackManagedTensorAllocator refuse = Refuse;
  UseAllocator(Allocate, 0);
  RunOnThread(ExpectAllocator, &none);
  UseAllocator(Refuse, 1);
  RunOnThread(ExpectAllocator, &refuse);
  UseAllocator(NULL, 0);
  CHECK(TVMFFIEnvGetDLPackManagedTensorAllocator() == Refuse);
  UseAllocator(NULL, 1);
  CHECK(TVMFFIEnvGetDLPackManagedTensorAllocator() == NULL);
}

static void c_abi_091_failing_allocators(void) {
  TVMFFIObjectHandle tensor = NULL;
  UseAllocator(Refuse, 0);
  CHECK_RAISED(TensorAlloc(&tensor), "MemoryError", "nope");
  UseAllocator(GiveNothing, 0);
  CHECK_RAISED(TensorAlloc(&tensor), "RuntimeError",
               "failed to allocate a tensor from the allocator");
  UseAllocator(NULL, 0);
}

static void c_abi_092_allocated_tensors(void) {
  deleter_calls = 0;
  TVMFFIObjectHandle tensor = NULL;
  UseAllocator(Allocate, 0);
  CHECK(TensorAlloc(&tensor) == 0);
  const DLTensor* allocated = Body(tensor);
  CHECK(allocated->data == storage);
  CHECK(allocated->strides[0] == 3 && allocated->strides[1] == 1);
  CHECK(deleter_calls == 0);
  TVMFFIObjectDecRef(tensor);
  CHECK(deleter_calls == 1);
  UseAllocator(NULL, 0);
}

static char trace[64];
static int pending_signal;

static int CheckSignals(void) {
  strcat(trace, "check ");
  return pending_signal;
}
static void* Ensure(void) {
  strcat(trace, "ensure ");
  return trace;
}
static void ReleaseLock(void* state) { strcat(trace, state == trace ? "release " : "wrong "); }

typedef void (*AnyFunction)(void);

static void* AsPointer(AnyFunction function) {
  void* pointer = NULL;
  memcpy(&pointer, &function, sizeof(pointer));
  return pointer;
}

static void c_abi_093_signals(void) {
  CHECK(TVMFFIEnvCheckSignals() == 0);
  CHECK(TVMFFIEnvRegisterCAPI("PyGILState_Ensure", AsPointer((AnyFunction)Ensure)) == 0);
  CHECK(TVMFFIEnvRegisterCAPI("PyGILState_Release", AsPointer((AnyFunction)ReleaseLock)) == 0);
  CHECK(TVMFFIEnvRegisterCAPI("PyErr_CheckSignals", AsPointer((AnyFunction)CheckSignals)) == 0);
  trace[0] = '\0';
  CHECK(TVMFFIEnvCheckSignals() == 0);
  CHECK(strcmp(trace, "ensure check release ") == 0);
  pending_signal = 1;
  CHECK(TVMFFIEnvCheckSignals() == -1);
  CHECK(!TakeRaised());
  pending_signal = 0;
  trace[0] = '\0';
}

static void c_abi_094_unknown_host_functions(void) {
  CHECK_RAISED(TVMFFIEnvRegisterCAPI("Foo", NULL), "ValueError", "Unknown env API Foo");
}

static int init_calls;
static int deinit_calls;
static int target;

static int InitTarget(void** result) {
  ++init_calls;
  *result = &target;
  return 0;
}
static int DeinitTarget(void* handle) {
  deinit_calls += handle == &target;
  return 0;
}
static int InitFails(void** result) {
  (void)result;
  return 7;
}
static int InitGivesNull(void** result) {
  *result = NULL;
  return 0;
}

static void c_abi_095_handles_are_made_once(void) {
  void* handle = NULL;
  CHECK(TVMFFIHandleInitOnce(&handle, InitTarget) == 0);
  CHECK(TVMFFIHandleInitOnce(&handle, InitTarget) == 0);
  CHECK(init_calls == 1 && handle == &target);
  CHECK(TVMFFIHandleDeinitOnce(&handle, DeinitTarget) == 0);
  CHECK(TVMFFIHandleDeinitOnce(&handle, DeinitTarget) == 0);
  CHECK(deinit_calls == 1 && handle == NULL);
  CHECK(TVMFFIHandleInitOnce(&handle, InitFails) == 7);
  CHECK(handle == NULL);
  CHECK_RAISED(TVMFFIHandleInitOnce(&handle, InitGivesNull), "RuntimeError",
               "init_func must return a non-NULL handle");
}

static void c_abi_096_custom_allocators(void) {
  TVMFFICustomAllocator* builtin = TVMFFIGetCustomAllocator();
  void* body = builtin->allocate(40, 8, kTVMFFIObject, builtin->context);
  CHECK((uintptr_t)body % 16 == 0);
  const TVMFFIObjectAllocHeader* header = (TVMFFIObjectAllocHeader*)body - 1;
  CHECK(header->delete_space != NULL);
  memset(body, 0xAB, 40);
  header->delete_space(body);
  static TVMFFICustomAllocator mine;
  mine = *builtin;
  CHECK(TVMFFISetCustomAllocator(&mine) == 0);
  CHECK(TVMFFIGetCustomAllocator() == &mine);
  CHECK(TVMFFISetCustomAllocator(NULL) == 0);
  CHECK(TVMFFIGetCustomAllocator() == builtin);
}

C_ITEMS(kEnvironmentItems, C_ITEM(c_abi_088_streams), C_ITEM(c_abi_089_no_allocator),
        C_ITEM(c_abi_090_allocators_of_threads), C_ITEM(c_abi_091_failing_allocators),
        C_ITEM(c_abi_092_allocated_tensors), C_ITEM(c_abi_093_signals),
        C_ITEM(c_abi_094_unknown_host_functions), C_ITEM(c_abi_095_handles_are_made_once),
        C_ITEM(c_abi_096_custom_allocators));
