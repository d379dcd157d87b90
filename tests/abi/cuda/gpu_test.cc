// The same libraries on a device.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <memory>

#include "../expect_error.h"
#include "cuda_test_util.h"

namespace tvmffi_test {
namespace {

struct CudaFree {
  void operator()(float* data) const { (void)cudaFree(data); }
};

class OnDevice : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr int kSize = 1000;

  void SetUp() override {
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess || count == 0) {
      GTEST_SKIP() << "no CUDA device: " << cudaGetErrorString(error);
    }
    x_.reset(Allocate());
    y_.reset(Allocate());
    std::vector<float> values(kSize);
    for (int i = 0; i < kSize; ++i) {
      values[i] = static_cast<float>(i);
    }
    ASSERT_EQ(cudaMemcpy(x_.get(), values.data(), sizeof(float) * kSize, cudaMemcpyHostToDevice),
              cudaSuccess);
  }
  static float* Allocate() {
    void* data = nullptr;
    EXPECT_EQ(cudaMalloc(&data, sizeof(float) * kSize), cudaSuccess);
    EXPECT_EQ(cudaMemset(data, 0, sizeof(float) * kSize), cudaSuccess);
    return static_cast<float*>(data);
  }
  template <typename... Args>
  void ExpectAddsOne(const char* function, Args... more) {
    BorrowedTensor x(x_.get(), kSize, DLDevice{kDLCUDA, 0});
    BorrowedTensor y(y_.get(), kSize, DLDevice{kDLCUDA, 0});
    GetFunction(LoadCudaModule(GetParam()), function)(&x.tensor, &y.tensor, more...);
    std::vector<float> result(kSize);
    ASSERT_EQ(cudaMemcpy(result.data(), y_.get(), sizeof(float) * kSize, cudaMemcpyDeviceToHost),
              cudaSuccess);
    for (int i = 0; i < kSize; ++i) {
      ASSERT_EQ(result[i], static_cast<float>(i) + 1.0f) << i;
    }
  }

  std::unique_ptr<float, CudaFree> x_;
  std::unique_ptr<float, CudaFree> y_;
};

TEST_P(OnDevice, AddsOne) { ExpectAddsOne("add_one"); }

TEST_P(OnDevice, AddsOneFromBytes) { ExpectAddsOne("add_one_from_bytes"); }

TEST_P(OnDevice, AddsOneInClusters) { ExpectAddsOne("add_one_with_cluster", 2, -1); }

TEST_P(OnDevice, ReportsAMissingKernel) {
  EXPECT_ERROR_CONTAINS(GetFunction(LoadCudaModule(GetParam()), "use_missing_kernel")(),
                        "RuntimeError", "CUDA Error: ");
}

TEST_P(OnDevice, GuardRestoresTheDevice) {
  GetFunction(LoadCudaModule(GetParam()), "guard_device")(0);
  EXPECT_ERROR_CONTAINS(GetFunction(LoadCudaModule(GetParam()), "guard_device")(4096),
                        "RuntimeError", "CUDA Runtime Error: cudaErrorInvalidDevice");
  int device = -1;
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
}

class NvccOnDevice : public OnDevice {};

TEST_P(NvccOnDevice, AddsOne) { ExpectAddsOne("add_one"); }

INSTANTIATE_TEST_SUITE_P(Modules, NvccOnDevice, ::testing::Values("nvcc_module.so"));
INSTANTIATE_TEST_SUITE_P(Modules, OnDevice,
                         ::testing::Values("cubin_driver.so", "cubin_runtime.so"));

}  // namespace
}  // namespace tvmffi_test
