// Libraries with device code on a machine without a driver: they load, and say what is missing.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "../expect_error.h"
#include "cuda_test_util.h"

namespace tvmffi_test {
namespace {

class WithoutDriver : public ::testing::Test {
 protected:
  void SetUp() override {
    if (void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
      dlclose(library);
      GTEST_SKIP() << "this machine has a CUDA driver";
    }
  }
  float x_[3] = {1, 2, 3};
  float y_[3] = {};
  BorrowedTensor x_tensor_{x_, 3, DLDevice{kDLCUDA, 0}};
  BorrowedTensor y_tensor_{y_, 3, DLDevice{kDLCUDA, 0}};
};

#define NO_DRIVER_TEXT                                                            \
  "CUDA Error: CUDA_ERROR_SHARED_OBJECT_INIT_FAILED (303): cannot load the CUDA " \
  "driver: libcuda.so.1: "

TEST_F(WithoutDriver, DriverModuleLoadsAndNamesTheMissingLibrary) {
  const tvm::ffi::Module module = LoadCudaModule("cubin_driver.so");

  for (const char* name : {"add_one", "add_one_from_bytes", "add_one"}) {
    EXPECT_ERROR_CONTAINS(GetFunction(module, name)(&x_tensor_.tensor, &y_tensor_.tensor),
                          "RuntimeError", NO_DRIVER_TEXT);
  }
  EXPECT_ERROR_CONTAINS(GetFunction(module, "device_count")(), "RuntimeError", NO_DRIVER_TEXT);
  EXPECT_ERROR_CONTAINS(GetFunction(module, "device_of")(0), "RuntimeError", NO_DRIVER_TEXT);
  EXPECT_EQ(GetFunction(module, "error_text")(700).cast<std::string>(),
            "unrecognized error code: unrecognized error code");
}

#define OLD_DRIVER_TEXT                                                             \
  "cudaErrorInsufficientDriver (35): CUDA driver version is insufficient for CUDA " \
  "runtime version"

TEST_F(WithoutDriver, RuntimeModuleLoadsAndReportsTheRuntimesWords) {
  const tvm::ffi::Module module = LoadCudaModule("cubin_runtime.so");

  EXPECT_ERROR(GetFunction(module, "add_one")(&x_tensor_.tensor, &y_tensor_.tensor), "RuntimeError",
               "CUDA Error: " OLD_DRIVER_TEXT);
  EXPECT_ERROR(GetFunction(module, "device_count")(), "RuntimeError",
               "CUDA Error: " OLD_DRIVER_TEXT);
  EXPECT_EQ(GetFunction(module, "error_text")(700).cast<std::string>(),
            "cudaErrorIllegalAddress: an illegal memory access was encountered");
}

TEST_F(WithoutDriver, DeviceGuardReportsTheRuntimesWords) {
  const tvm::ffi::Module module = LoadCudaModule("cubin_runtime.so");

  EXPECT_ERROR(GetFunction(module, "guard_device")(0), "RuntimeError",
               "CUDA Runtime Error: " OLD_DRIVER_TEXT);
}

TEST_F(WithoutDriver, NvccModuleLoadsAndChecksItsArguments) {
  const tvm::ffi::Module module = LoadCudaModule("nvcc_module.so");
  x_tensor_.tensor.ndim = 0;

  EXPECT_ERROR_CONTAINS(GetFunction(module, "add_one")(&x_tensor_.tensor, &y_tensor_.tensor),
                        "InternalError", "x must be a 1D tensor");
  x_tensor_.tensor.ndim = 1;
  EXPECT_ERROR_CONTAINS(GetFunction(module, "add_one")(&x_tensor_.tensor, &y_tensor_.tensor),
                        "RuntimeError", "CUDA Runtime Error: cudaErrorInsufficientDriver (35)");
}

}  // namespace
}  // namespace tvmffi_test
