#include "support.h"

static void expect_no_stream(void) { CHECK(TVMFFIEnvGetStream(kDLCUDA, 5) == NULL); }

static void c_abi_088_streams(void) {
  TVMFFIStreamHandle previous = (void*)1;
  expect_no_stream();
  CHECK(TVMFFIEnvSetStream(kDLCUDA, 5, (void*)0x55, &previous) == 0 && previous == NULL);
  CHECK(TVMFFIEnvGetStream(kDLCUDA, 5) == (void*)0x55 && TVMFFIEnvGetStream(kDLCUDA, 6) == NULL);
  c_item_on_thread(expect_no_stream);
  CHECK(TVMFFIEnvSetStream(kDLCUDA, 5, NULL, &previous) == 0 && previous == (void*)0x55);
}

static int64_t shape[2] = {4, 5};
static float storage[20];
static int deletions;
static void count_deletion(DLManagedTensorVersioned* self) {
  (void)self;
  ++deletions;
}

typedef void (*SetError)(void* context, const char* kind, const char* message);

static int allocate(DLTensor* prototype, DLManagedTensorVersioned** out, void* context,
                    SetError set_error) {
  static DLManagedTensorVersioned managed;
  (void)context, (void)set_error;
  memset(&managed, 0, sizeof(managed));
  managed.version.major = DLPACK_MAJOR_VERSION;
  managed.dl_tensor = *prototype;
  managed.dl_tensor.data = storage;
  managed.deleter = count_deletion;
  *out = &managed;
  return 0;
}
static int refuse(DLTensor* prototype, DLManagedTensorVersioned** out, void* context,
                  SetError set_error) {
  (void)prototype, (void)out;
  set_error(context, "MemoryError", "nope");
  return -1;
}
static int give_nothing(DLTensor* prototype, DLManagedTensorVersioned** out, void* context,
                        SetError set_error) {
  (void)prototype, (void)context, (void)set_error;
  *out = NULL;
  return 0;
}

static int use(DLPackManagedTensorAllocator allocator, int everywhere) {
  return TVMFFIEnvSetDLPackManagedTensorAllocator(allocator, everywhere, NULL);
}

static DLPackManagedTensorAllocator seen_elsewhere;
static void look_for_allocator(void) {
  seen_elsewhere = TVMFFIEnvGetDLPackManagedTensorAllocator();
}

static DLTensor new_prototype(void) {
  DLTensor prototype;
  memset(&prototype, 0, sizeof(prototype));
  prototype.device.device_type = kDLCPU;
  prototype.ndim = 2;
  prototype.dtype = (DLDataType){kDLFloat, 32, 1};
  prototype.shape = shape;
  return prototype;
}

static void c_abi_089_091_092_tensors_of_the_allocator(void) {
  DLTensor prototype = new_prototype();
  TVMFFIObjectHandle tensor = NULL;
  CHECK(TVMFFIEnvTensorAlloc(&prototype, &tensor) == -1);
  CHECK(raised("RuntimeError", "TVMFFIEnvTensorAlloc: allocator is nullptr"));
  use(refuse, 0);
  CHECK(TVMFFIEnvTensorAlloc(&prototype, &tensor) == -1 && raised("MemoryError", "nope"));
  use(give_nothing, 0);
  CHECK(TVMFFIEnvTensorAlloc(&prototype, &tensor) == -1);
  CHECK(raised("RuntimeError", "failed to allocate a tensor from the allocator"));
  use(allocate, 0);
  deletions = 0;
  CHECK(TVMFFIEnvTensorAlloc(&prototype, &tensor) == 0);
  CHECK(((const DLTensor*)cell_of(tensor))->strides[0] == 5 && deletions == 0);
  TVMFFIObjectDecRef(tensor);
  CHECK(deletions == 1);
  use(NULL, 0);
}

static void c_abi_090_thread_and_global_allocators(void) {
  use(refuse, 0);
  c_item_on_thread(look_for_allocator);
  CHECK(seen_elsewhere == NULL);
  use(allocate, 1);
  c_item_on_thread(look_for_allocator);
  CHECK(seen_elsewhere == allocate);
  use(refuse, 0);
  CHECK(TVMFFIEnvGetDLPackManagedTensorAllocator() == refuse);
  use(NULL, 0);
  CHECK(TVMFFIEnvGetDLPackManagedTensorAllocator() == allocate);
  use(NULL, 1);
}

static void c_abi_093_094_host_functions(void) {
  CHECK(TVMFFIEnvRegisterCAPI("Foo", NULL) == -1 && raised("ValueError", "Unknown env API Foo"));
  TVMFFIEnvRegisterCAPI("PyErr_CheckSignals", NULL);
  CHECK(TVMFFIEnvCheckSignals() == 0);
}

static int target, inits, deinits;
static int init_target(void** result) {
  ++inits;
  *result = &target;
  return 0;
}
static int deinit_target(void* handle) {
  deinits += handle == &target;
  return 0;
}
static int init_nothing(void** result) {
  *result = NULL;
  return 0;
}
static int init_seven(void** result) {
  (void)result;
  return 7;
}

static void c_abi_095_handles_are_made_once(void) {
  void* handle = NULL;
  inits = deinits = 0;
  CHECK(TVMFFIHandleInitOnce(&handle, init_seven) == 7 && handle == NULL);
  CHECK(TVMFFIHandleInitOnce(&handle, init_nothing) == -1);
  CHECK(raised("RuntimeError", "init_func must return a non-NULL handle"));
  CHECK(TVMFFIHandleInitOnce(&handle, init_target) == 0 &&
        TVMFFIHandleInitOnce(&handle, init_target) == 0);
  CHECK(inits == 1 && handle == &target);
  CHECK(TVMFFIHandleDeinitOnce(&handle, deinit_target) == 0 && handle == NULL);
  CHECK(TVMFFIHandleDeinitOnce(&handle, deinit_target) == 0 && deinits == 1);
}

static void c_abi_096_custom_allocators(void) {
  TVMFFICustomAllocator* builtin = TVMFFIGetCustomAllocator();
  void* body = builtin->allocate(40, 8, kTVMFFIObject, builtin->context);
  TVMFFIObjectAllocHeader* header = (TVMFFIObjectAllocHeader*)body - 1;
  CHECK((uintptr_t)body % 16 == 0 && header->delete_space != NULL);
  header->delete_space(body);
  static TVMFFICustomAllocator mine;
  mine = *builtin;
  CHECK(TVMFFISetCustomAllocator(&mine) == 0 && TVMFFIGetCustomAllocator() == &mine);
  CHECK(TVMFFISetCustomAllocator(NULL) == 0 && TVMFFIGetCustomAllocator() == builtin);
}

const CItem kEnvironmentItems[] = {
    ITEM(c_abi_088_streams),
    ITEM(c_abi_089_091_092_tensors_of_the_allocator),
    ITEM(c_abi_090_thread_and_global_allocators),
    ITEM(c_abi_093_094_host_functions),
    ITEM(c_abi_095_handles_are_made_once),
    ITEM(c_abi_096_custom_allocators),
    {NULL, NULL},
};
