#include <atomic>
#include <string>
#include <thread>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

void* const kStream = reinterpret_cast<void*>(0x1234);

TEST(CAbi, C088_StreamsBelongToThreadAndDevice) {
  EXPECT_EQ(TVMFFIEnvGetStream(kDLCUDA, 0), nullptr);
  TVMFFIStreamHandle original = kStream;
  EXPECT_EQ(TVMFFIEnvSetStream(kDLCUDA, 0, kStream, &original), 0);
  EXPECT_EQ(original, nullptr);
  EXPECT_EQ(TVMFFIEnvGetStream(kDLCUDA, 0), kStream);
  EXPECT_EQ(TVMFFIEnvGetStream(kDLCUDA, 1), nullptr);
  EXPECT_EQ(TVMFFIEnvGetStream(kDLROCM, 0), nullptr);
  std::thread([] { EXPECT_EQ(TVMFFIEnvGetStream(kDLCUDA, 0), nullptr); }).join();

  EXPECT_EQ(TVMFFIEnvSetStream(kDLCUDA, 0, nullptr, &original), 0);
  EXPECT_EQ(original, kStream);
  EXPECT_EQ(TVMFFIEnvSetStream(kDLCUDA, 0, nullptr, nullptr), 0);
}

TEST(CAbi, C088_NegativeDevicesAreRefused) {
  ExpectRaised(TVMFFIEnvSetStream(kDLCUDA, -1, kStream, nullptr), "ValueError", "id -1");
  ExpectRaised(TVMFFIEnvSetStream(-2, 0, kStream, nullptr), "ValueError", "device type -2");
  EXPECT_EQ(TVMFFIEnvGetStream(kDLCUDA, -1), nullptr);
  EXPECT_EQ(TVMFFIEnvGetStream(-2, 0), nullptr);
}

int deleter_calls = 0;
float storage[64];
int64_t storage_shape[2];

int AllocateFromStorage(DLTensor* prototype, DLManagedTensorVersioned** out, void*,
                        void (*)(void*, const char*, const char*)) {
  static DLManagedTensorVersioned managed;
  managed = {};
  managed.version = {1, 3};
  managed.dl_tensor = *prototype;
  managed.dl_tensor.data = storage;
  managed.dl_tensor.strides = nullptr;
  storage_shape[0] = prototype->shape[0];
  storage_shape[1] = prototype->shape[1];
  managed.dl_tensor.shape = storage_shape;
  managed.deleter = [](DLManagedTensorVersioned*) { ++deleter_calls; };
  *out = &managed;
  return 0;
}
int Refuse(DLTensor*, DLManagedTensorVersioned**, void* context,
           void (*set_error)(void*, const char*, const char*)) {
  set_error(context, "MemoryError", "nope");
  return -1;
}
int GiveNothing(DLTensor*, DLManagedTensorVersioned** out, void*,
                void (*)(void*, const char*, const char*)) {
  *out = nullptr;
  return 0;
}
int GivePadded(DLTensor* prototype, DLManagedTensorVersioned** out, void* context,
               void (*set_error)(void*, const char*, const char*)) {
  AllocateFromStorage(prototype, out, context, set_error);
  (*out)->flags = DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
  return 0;
}

class CAbiAllocator : public ::testing::Test {
 protected:
  void SetUp() override {
    deleter_calls = 0;
    prototype_.device = {kDLCPU, 0};
    prototype_.ndim = 2;
    prototype_.dtype = {kDLFloat, 32, 1};
    prototype_.shape = shape_;
  }
  void TearDown() override { TVMFFIEnvSetDLPackManagedTensorAllocator(nullptr, 1, nullptr); }
  static void Use(DLPackManagedTensorAllocator allocator, int global = 0) {
    EXPECT_EQ(TVMFFIEnvSetDLPackManagedTensorAllocator(allocator, global, nullptr), 0);
  }
  int64_t shape_[2] = {4, 5};
  DLTensor prototype_{};
  Ref tensor_;
};

TEST_F(CAbiAllocator, C089_WithoutAllocatorThereIsNoTensor) {
  ExpectRaised(TVMFFIEnvTensorAlloc(&prototype_, tensor_.out()), "RuntimeError",
               "TVMFFIEnvTensorAlloc: allocator is nullptr, likely because "
               "TVMFFIEnvSetDLPackManagedTensorAllocator has not been called.");
}

TEST_F(CAbiAllocator, C090_ThreadsOwnAllocatorComesBeforeTheGlobalOne) {
  Use(Refuse);
  std::thread([] { EXPECT_EQ(TVMFFIEnvGetDLPackManagedTensorAllocator(), nullptr); }).join();

  Use(GiveNothing, 1);
  std::thread([] { EXPECT_EQ(TVMFFIEnvGetDLPackManagedTensorAllocator(), &GiveNothing); }).join();

  DLPackManagedTensorAllocator original = nullptr;
  TVMFFIEnvSetDLPackManagedTensorAllocator(Refuse, 0, &original);
  EXPECT_EQ(original, &GiveNothing);
  EXPECT_EQ(TVMFFIEnvGetDLPackManagedTensorAllocator(), &Refuse);

  Use(nullptr);
  EXPECT_EQ(TVMFFIEnvGetDLPackManagedTensorAllocator(), &GiveNothing);
}

TEST_F(CAbiAllocator, C091_TheAllocatorsFailureIsTheCallers) {
  Use(Refuse);
  ExpectRaised(TVMFFIEnvTensorAlloc(&prototype_, tensor_.out()), "MemoryError", "nope");
  Use(GiveNothing);
  ExpectRaised(TVMFFIEnvTensorAlloc(&prototype_, tensor_.out()), "RuntimeError",
               "failed to allocate a tensor from the allocator");
}

TEST_F(CAbiAllocator, C091_ARefusedTensorGoesBackToTheAllocator) {
  Use(GivePadded);
  ExpectRaised(TVMFFIEnvTensorAlloc(&prototype_, tensor_.out()), "RuntimeError", "Subbyte");
  EXPECT_EQ(deleter_calls, 1);
}

TEST_F(CAbiAllocator, C092_AllocatedTensorsHaveStridesAndGoBackAtTheLastReference) {
  Use(AllocateFromStorage);
  ASSERT_EQ(TVMFFIEnvTensorAlloc(&prototype_, tensor_.out()), 0);

  const DLTensor* tensor = TVMFFITensorGetDLTensorPtr(tensor_.get());
  EXPECT_EQ(tensor->data, storage);
  EXPECT_EQ(tensor->strides[0], 5);
  EXPECT_EQ(tensor->strides[1], 1);
  EXPECT_EQ(deleter_calls, 0);
  tensor_.Drop();
  EXPECT_EQ(deleter_calls, 1);
}

std::string signal_trace;
int pending_signal = 0;

TEST(CAbi, C093_SignalsAreCheckedUnderTheHostsLock) {
  EXPECT_EQ(TVMFFIEnvCheckSignals(), 0);

  auto* check = +[] {
    signal_trace += "check ";
    return pending_signal;
  };
  auto* ensure = +[]() -> void* {
    signal_trace += "ensure ";
    return &pending_signal;
  };
  auto* release =
      +[](void* state) { signal_trace += state == &pending_signal ? "release " : "wrong state "; };
  ASSERT_EQ(TVMFFIEnvRegisterCAPI("PyErr_CheckSignals", reinterpret_cast<void*>(check)), 0);
  ExpectRaised(TVMFFIEnvCheckSignals(), "RuntimeError", "PyGILState_Ensure");
  ASSERT_EQ(TVMFFIEnvRegisterCAPI("PyGILState_Ensure", reinterpret_cast<void*>(ensure)), 0);
  ASSERT_EQ(TVMFFIEnvRegisterCAPI("PyGILState_Release", reinterpret_cast<void*>(release)), 0);

  EXPECT_EQ(TVMFFIEnvCheckSignals(), 0);
  EXPECT_EQ(signal_trace, "ensure check release ");

  pending_signal = 1;
  EXPECT_EQ(TVMFFIEnvCheckSignals(), -1);
  EXPECT_FALSE(TakeRaised().present);
  pending_signal = 0;
}

TEST(CAbi, C094_UnknownHostFunctionsAreRefused) {
  ExpectRaised(TVMFFIEnvRegisterCAPI("Foo", nullptr), "ValueError", "Unknown env API Foo");
}

std::atomic<int> init_calls{0};
std::atomic<int> deinit_calls{0};
int handle_target = 0;

int InitTarget(void** result) {
  ++init_calls;
  *result = &handle_target;
  return 0;
}
int DeinitTarget(void* handle) {
  ++deinit_calls;
  return handle == &handle_target ? 0 : 3;
}

TEST(CAbi, C095_HandlesAreInitialisedAndReleasedOnce) {
  init_calls = deinit_calls = 0;
  void* handle = nullptr;
  EXPECT_EQ(TVMFFIHandleInitOnce(&handle, InitTarget), 0);
  EXPECT_EQ(TVMFFIHandleInitOnce(&handle, InitTarget), 0);
  EXPECT_EQ(init_calls, 1);
  EXPECT_EQ(handle, &handle_target);

  EXPECT_EQ(TVMFFIHandleDeinitOnce(&handle, DeinitTarget), 0);
  EXPECT_EQ(TVMFFIHandleDeinitOnce(&handle, DeinitTarget), 0);
  EXPECT_EQ(deinit_calls, 1);
  EXPECT_EQ(handle, nullptr);
}

TEST(CAbi, C095_AFailedInitLeavesTheHandleEmpty) {
  void* handle = nullptr;
  EXPECT_EQ(TVMFFIHandleInitOnce(&handle, [](void**) { return 7; }), 7);
  EXPECT_EQ(handle, nullptr);
  ExpectRaised(TVMFFIHandleInitOnce(&handle, [](void** result) { return *result = nullptr, 0; }),
               "RuntimeError", "init_func must return a non-NULL handle");
  EXPECT_EQ(TVMFFIHandleInitOnce(&handle, InitTarget), 0);
}

TEST(CAbi, C095_ThreadsShareOneInit) {
  init_calls = 0;
  void* handle = nullptr;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(TVMFFIHandleInitOnce(&handle, InitTarget), 0); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(init_calls, 1);
}

void* outer_handle = nullptr;
void* inner_handle = nullptr;

TEST(CAbi, C095_AnInitMayNeedAnotherHandleButNotItsOwn) {
  EXPECT_EQ(TVMFFIHandleInitOnce(&outer_handle,
                                 [](void** result) {
                                   *result = &outer_handle;
                                   return TVMFFIHandleInitOnce(&inner_handle, InitTarget);
                                 }),
            0);
  EXPECT_EQ(inner_handle, &handle_target);

  static void* own_handle = nullptr;
  ExpectRaised(
      TVMFFIHandleInitOnce(&own_handle,
                           [](void**) { return TVMFFIHandleInitOnce(&own_handle, InitTarget); }),
      "RuntimeError", "init_func needs the handle that it is making");
}

TEST(CAbi, C096_TheDefaultAllocatorPutsAHeaderBeforeTheBody) {
  TVMFFICustomAllocator* builtin = TVMFFIGetCustomAllocator();
  ASSERT_NE(builtin, nullptr);
  EXPECT_EQ(builtin->context, nullptr);
  for (size_t alignment : {8, 64}) {
    void* body = builtin->allocate(40, alignment, kTVMFFIObject, builtin->context);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(body) % (alignment == 8 ? 16 : alignment), 0u);
    std::memset(body, 0xAB, 40);
    auto* header = static_cast<TVMFFIObjectAllocHeader*>(body) - 1;
    ASSERT_NE(header->delete_space, nullptr);
    header->delete_space(body);
  }

  TVMFFICustomAllocator mine{builtin->allocate, &mine};
  EXPECT_EQ(TVMFFISetCustomAllocator(&mine), 0);
  EXPECT_EQ(TVMFFIGetCustomAllocator(), &mine);
  EXPECT_EQ(TVMFFISetCustomAllocator(nullptr), 0);
  EXPECT_EQ(TVMFFIGetCustomAllocator(), builtin);
}

}  // namespace
}  // namespace tvmffi::test
