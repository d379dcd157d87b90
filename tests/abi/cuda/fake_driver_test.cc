// The launcher over the driver, against a driver of our own: LD_LIBRARY_PATH puts it first.
#include "fake_driver.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <tvm/ffi/extra/c_env_api.h>

#include "../expect_error.h"
#include "cuda_test_util.h"

namespace tvmffi_test {
namespace {

class FakeDriver : public ::testing::Test {
 protected:
  void SetUp() override {
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    void* get_state = library != nullptr ? dlsym(library, "FakeDriverGetState") : nullptr;
    ASSERT_NE(get_state, nullptr) << "libcuda.so.1 is not the fake one";
    state_ = reinterpret_cast<decltype(&FakeDriverGetState)>(get_state)();
  }
  void Call(const char* name) { GetFunction(module_, name)(&x_.tensor, &y_.tensor); }
  void ExpectAddedOne() {
    for (int i = 0; i < kSize; ++i) {
      EXPECT_EQ(y_data_[i], x_data_[i] + 1) << i;
    }
  }

  static constexpr int kSize = 300;
  float x_data_[kSize] = {1, 2, 3};
  float y_data_[kSize] = {};
  BorrowedTensor x_{x_data_, kSize, DLDevice{kDLCUDA, 0}};
  BorrowedTensor y_{y_data_, kSize, DLDevice{kDLCUDA, 0}};
  tvm::ffi::Module module_ = LoadCudaModule("cubin_driver.so");
  FakeDriverState* state_ = nullptr;
};

TEST_F(FakeDriver, LaunchPassesSizesStreamAndArguments) {
  int stream = 0;
  void* previous = nullptr;
  ASSERT_EQ(TVMFFIEnvSetStream(kDLCUDA, 0, &stream, &previous), 0);

  Call("add_one");

  ASSERT_EQ(TVMFFIEnvSetStream(kDLCUDA, 0, previous, nullptr), 0);
  ExpectAddedOne();
  EXPECT_EQ(state_->grid_x, 3u);
  EXPECT_EQ(state_->block_x, 128u);
  EXPECT_EQ(state_->smem_bytes, 0u);
  EXPECT_EQ(state_->stream, &stream);
}

TEST_F(FakeDriver, BytesOfTheFileWork) {
  Call("add_one_from_bytes");

  ExpectAddedOne();
  EXPECT_EQ(state_->smem_bytes, 16u);
}

TEST_F(FakeDriver, EmbeddedModulesAreLoadedOnce) {
  Call("add_one");
  Call("add_one_from_bytes");
  const int alive = state_->libraries_alive;

  Call("add_one");
  Call("add_one_from_bytes");

  EXPECT_EQ(state_->libraries_alive, alive);
}

TEST_F(FakeDriver, SharedMemoryIsWhatTheKernelLeavesUnlessGiven) {
  const tvm::ffi::Function launch = GetFunction(module_, "add_one_with_cluster");
  const int alive = state_->libraries_alive;

  launch(&x_.tensor, &y_.tensor, 1, -1);
  EXPECT_EQ(state_->max_dynamic_smem[0], kFakeSharedMemPerBlock - kFakeKernelSharedMem);
  EXPECT_EQ(state_->cluster_x, 0);
  launch(&x_.tensor, &y_.tensor, 1, 4096);

  EXPECT_EQ(state_->max_dynamic_smem[0], 4096);
  EXPECT_EQ(state_->libraries_alive, alive) << "a CubinModule unloads";
  ExpectAddedOne();
}

TEST_F(FakeDriver, SharedMemoryThatNoDeviceHasIsAnError) {
  EXPECT_ERROR(GetFunction(module_, "add_one_with_cluster")(&x_.tensor, &y_.tensor, 1,
                                                            kFakeMaxSettableSmem + 1),
               "RuntimeError", "CUDA Error: CUDA_ERROR_INVALID_VALUE (1): the text of the error");
}

TEST_F(FakeDriver, LargeClustersAreAllowedFirst) {
  const tvm::ffi::Function launch = GetFunction(module_, "add_one_with_cluster");

  launch(&x_.tensor, &y_.tensor, 8, -1);
  EXPECT_EQ(state_->cluster_x, 8);
  EXPECT_EQ(state_->non_portable_clusters, 0);
  launch(&x_.tensor, &y_.tensor, 16, -1);

  EXPECT_EQ(state_->cluster_x, 16);
  EXPECT_EQ(state_->non_portable_clusters, 1);
}

TEST_F(FakeDriver, ErrorsCarryTheDriversWords) {
  EXPECT_ERROR(GetFunction(module_, "use_missing_kernel")(), "RuntimeError",
               "CUDA Error: CUDA_ERROR_NOT_FOUND (500): the text of the error");
  EXPECT_ERROR(GetFunction(module_, "load_nonsense")(), "RuntimeError",
               "CUDA Error: CUDA_ERROR_INVALID_IMAGE (200): the text of the error");
  EXPECT_ERROR(GetFunction(module_, "device_of")(kFakeDevices), "RuntimeError",
               "CUDA Error: CUDA_ERROR_INVALID_DEVICE (101): the text of the error");
  EXPECT_EQ(GetFunction(module_, "error_text")(12345).cast<std::string>(),
            "unrecognized error code: unrecognized error code");
  EXPECT_EQ(GetFunction(module_, "device_count")().cast<int>(), kFakeDevices);
}

}  // namespace
}  // namespace tvmffi_test
