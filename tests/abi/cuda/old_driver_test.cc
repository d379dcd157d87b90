// A driver from before CUDA 12 has no library functions.
#include <gtest/gtest.h>

#include "../expect_error.h"
#include "cuda_test_util.h"

namespace tvmffi_test {
namespace {

TEST(OldDriver, TheMissingFunctionIsNamed) {
  const tvm::ffi::Module module = LoadCudaModule("cubin_driver.so");

  EXPECT_ERROR(GetFunction(module, "load_nonsense")(), "RuntimeError",
               "CUDA Error: CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND (302): the CUDA driver "
               "libcuda.so.1 has no cuLibraryLoadData: CUDA 12.0 or later is needed");
}

}  // namespace
}  // namespace tvmffi_test
