#include "fake_driver.h"

#include <cuda.h>

#include <cstring>

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

FakeDriverState state;

CUkernel AddOneKernel() { return reinterpret_cast<CUkernel>(&state.grid_x); }

// kernels.cu, on the host.
CUresult RunAddOne(CUfunction function, void** args) {
  if (reinterpret_cast<CUkernel>(function) != AddOneKernel()) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  const float* x = *static_cast<const float**>(args[0]);
  float* y = *static_cast<float**>(args[1]);
  const int n = *static_cast<int*>(args[2]);
  for (int i = 0; i < n; ++i) {
    y[i] = x[i] + 1.0f;
  }
  return CUDA_SUCCESS;
}
}  // namespace

FAKE_EXPORT FakeDriverState* FakeDriverGetState() { return &state; }

FAKE_EXPORT CUresult cuInit(unsigned int) { return CUDA_SUCCESS; }

FAKE_EXPORT CUresult cuGetErrorName(CUresult error, const char** name) {
  switch (error) {
    case CUDA_ERROR_NOT_FOUND:
      *name = "CUDA_ERROR_NOT_FOUND";
      return CUDA_SUCCESS;
    case CUDA_ERROR_INVALID_IMAGE:
      *name = "CUDA_ERROR_INVALID_IMAGE";
      return CUDA_SUCCESS;
    case CUDA_ERROR_INVALID_DEVICE:
      *name = "CUDA_ERROR_INVALID_DEVICE";
      return CUDA_SUCCESS;
    case CUDA_ERROR_INVALID_VALUE:
      *name = "CUDA_ERROR_INVALID_VALUE";
      return CUDA_SUCCESS;
    default:
      *name = nullptr;
      return CUDA_ERROR_INVALID_VALUE;
  }
}

FAKE_EXPORT CUresult cuGetErrorString(CUresult error, const char** text) {
  const CUresult result = cuGetErrorName(error, text);
  if (result == CUDA_SUCCESS) {
    *text = "the text of the error";
  }
  return result;
}

FAKE_EXPORT CUresult cuDeviceGetCount(int* count) {
  *count = kFakeDevices;
  return CUDA_SUCCESS;
}

FAKE_EXPORT CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  if (ordinal < 0 || ordinal >= kFakeDevices) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  *device = ordinal;
  return CUDA_SUCCESS;
}

FAKE_EXPORT CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
  if (attribute != CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *value = kFakeSharedMemPerBlock;
  return CUDA_SUCCESS;
}

FAKE_EXPORT CUresult cuCtxGetDevice(CUdevice* device) {
  *device = 0;
  return CUDA_SUCCESS;
}

#ifndef FAKE_DRIVER_BEFORE_CUDA_12
FAKE_EXPORT CUresult cuLibraryLoadData(CUlibrary* library, const void* code, CUjit_option*, void**,
                                       unsigned int, CUlibraryOption*, void**, unsigned int) {
  if (std::memcmp(code,
                  "\x7f"
                  "ELF",
                  4) != 0) {
    return CUDA_ERROR_INVALID_IMAGE;
  }
  ++state.libraries_alive;
  *library = reinterpret_cast<CUlibrary>(&state);
  return CUDA_SUCCESS;
}
#endif

FAKE_EXPORT CUresult cuLibraryUnload(CUlibrary) {
  --state.libraries_alive;
  return CUDA_SUCCESS;
}

FAKE_EXPORT CUresult cuLibraryGetKernel(CUkernel* kernel, CUlibrary, const char* name) {
  if (std::strcmp(name, "add_one") != 0) {
    return CUDA_ERROR_NOT_FOUND;
  }
  *kernel = AddOneKernel();
  return CUDA_SUCCESS;
}

FAKE_EXPORT CUresult cuKernelGetAttribute(int* value, CUfunction_attribute attribute, CUkernel,
                                          CUdevice) {
  if (attribute != CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *value = kFakeKernelSharedMem;
  return CUDA_SUCCESS;
}

FAKE_EXPORT CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel,
                                          CUdevice device) {
  if (attribute == CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED) {
    state.non_portable_clusters = value;
    return CUDA_SUCCESS;
  }
  // Device 1 takes no more than the default, as a device without this kernel's code would not.
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES ||
      value > kFakeMaxSettableSmem || device == 1) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  state.max_dynamic_smem[device] = value;
  return CUDA_SUCCESS;
}

FAKE_EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int,
                                    unsigned int, unsigned int block_x, unsigned int, unsigned int,
                                    unsigned int smem_bytes, CUstream stream, void** args,
                                    void** extra) {
  if (extra != nullptr) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  state.grid_x = grid_x;
  state.block_x = block_x;
  state.smem_bytes = smem_bytes;
  state.stream = stream;
  return RunAddOne(function, args);
}

FAKE_EXPORT CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function,
                                      void** args, void** extra) {
  state.cluster_x = 0;
  for (unsigned int i = 0; i < config->numAttrs; ++i) {
    if (config->attrs[i].id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
      state.cluster_x = static_cast<int>(config->attrs[i].value.clusterDim.x);
    }
  }
  return cuLaunchKernel(function, config->gridDimX, config->gridDimY, config->gridDimZ,
                        config->blockDimX, config->blockDimY, config->blockDimZ,
                        config->sharedMemBytes, config->hStream, args, extra);
}
