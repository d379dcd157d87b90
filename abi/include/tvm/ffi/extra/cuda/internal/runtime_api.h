/*!
 * \file tvm/ffi/extra/cuda/internal/runtime_api.h
 * \brief cuda_api over the library functions of the CUDA runtime. Include unified_api.h instead.
 */
#ifndef TVM_FFI_EXTRA_CUDA_INTERNAL_RUNTIME_API_H_
#define TVM_FFI_EXTRA_CUDA_INTERNAL_RUNTIME_API_H_

#include <cuda_runtime.h>
#include <tvm/ffi/extra/cuda/base.h>

#include <cstdint>

static_assert(CUDART_VERSION >= 12080,
              "the runtime library API needs CUDA 12.8: set TVM_FFI_CUBIN_LAUNCHER_USE_DRIVER_API "
              "to 1");

namespace tvm {
namespace ffi {
namespace cuda_api {

using StreamHandle = cudaStream_t;
using DeviceHandle = int;
using LibraryHandle = cudaLibrary_t;
using KernelHandle = cudaKernel_t;
using LaunchConfig = cudaLaunchConfig_t;
using ResultType = cudaError_t;
using LaunchAttrType = cudaLaunchAttribute;
using DeviceAttrType = cudaDeviceAttr;

inline constexpr ResultType kSuccess = cudaSuccess;

/*! \brief Loads a cubin, fatbin or PTX image, which is copied. */
inline ResultType LoadLibrary(LibraryHandle* library, const void* image) {
  return cudaLibraryLoadData(library, image, nullptr, nullptr, 0, nullptr, nullptr, 0);
}
inline ResultType UnloadLibrary(LibraryHandle library) { return cudaLibraryUnload(library); }
inline ResultType GetKernel(KernelHandle* kernel, LibraryHandle library, const char* name) {
  return cudaLibraryGetKernel(kernel, library, name);
}
inline DeviceHandle GetDeviceHandle(int device_id) { return device_id; }

inline ResultType LaunchKernel(KernelHandle kernel, void** args, tvm::ffi::dim3 grid,
                               tvm::ffi::dim3 block, StreamHandle stream,
                               uint32_t dyn_smem_bytes = 0) {
  return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), ::dim3(grid.x, grid.y, grid.z),
                          ::dim3(block.x, block.y, block.z), args, dyn_smem_bytes, stream);
}
inline ResultType LaunchKernelEx(KernelHandle kernel, void** args, const LaunchConfig& config) {
  return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), args);
}

/*! \brief The shared memory that the kernel's code declares. The device must be the current one. */
inline ResultType GetKernelSharedMem(KernelHandle kernel, int& bytes,  // NOLINT(runtime/references)
                                     DeviceHandle /*device*/) {
  cudaFuncAttributes attributes;
  const ResultType result =
      cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel));
  if (result == kSuccess) {
    bytes = static_cast<int>(attributes.sharedSizeBytes);
  }
  return result;
}
inline ResultType SetKernelMaxDynamicSharedMem(KernelHandle kernel, int bytes,
                                               DeviceHandle device) {
  return cudaKernelSetAttributeForDevice(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes,
                                         device);
}
inline ResultType AllowNonPortableClusters(KernelHandle kernel) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                              cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
}
/*! \brief Fills `config`, which then points to `attr`; clusters of `cluster_dim` blocks along x. */
inline void FillLaunchConfig(StreamHandle stream, uint32_t smem_bytes, tvm::ffi::dim3 grid,
                             tvm::ffi::dim3 block, int cluster_dim, LaunchConfig* config,
                             LaunchAttrType* attr) {
  *config = LaunchConfig();
  config->gridDim = ::dim3(grid.x, grid.y, grid.z);
  config->blockDim = ::dim3(block.x, block.y, block.z);
  config->dynamicSmemBytes = smem_bytes;
  config->stream = stream;
  config->attrs = attr;
  *attr = LaunchAttrType();
  if (cluster_dim > 1) {
    attr->id = cudaLaunchAttributeClusterDimension;
    attr->val.clusterDim.x = static_cast<unsigned int>(cluster_dim);
    attr->val.clusterDim.y = 1;
    attr->val.clusterDim.z = 1;
    config->numAttrs = 1;
  }
}

inline ResultType GetDeviceCount(int* count) { return cudaGetDeviceCount(count); }
inline ResultType GetDeviceAttribute(int* value, DeviceAttrType attribute, DeviceHandle device) {
  return cudaDeviceGetAttribute(value, attribute, device);
}
inline constexpr DeviceAttrType kMaxSharedMemPerBlockOptin =
    cudaDevAttrMaxSharedMemoryPerBlockOptin;

/*! \brief CUDA's name and text of an error; they live as long as the process. */
inline void GetErrorString(ResultType error, const char** name, const char** text) {
  *name = cudaGetErrorName(error);
  *text = cudaGetErrorString(error);
}

}  // namespace cuda_api
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_CUDA_INTERNAL_RUNTIME_API_H_
