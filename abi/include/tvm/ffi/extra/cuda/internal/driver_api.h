/*!
 * \file tvm/ffi/extra/cuda/internal/driver_api.h
 * \brief cuda_api over the CUDA driver, which is opened at run time. Include unified_api.h instead.
 */
#ifndef TVM_FFI_EXTRA_CUDA_INTERNAL_DRIVER_API_H_
#define TVM_FFI_EXTRA_CUDA_INTERNAL_DRIVER_API_H_

#include <cuda.h>
#include <dlfcn.h>
#include <tvm/ffi/extra/cuda/base.h>

#include <cstdint>
#include <string>

namespace tvm {
namespace ffi {
namespace cuda_api {

using StreamHandle = CUstream;
using DeviceHandle = CUdevice;
using LibraryHandle = CUlibrary;
using KernelHandle = CUkernel;
using LaunchConfig = CUlaunchConfig;
using ResultType = CUresult;
using LaunchAttrType = CUlaunchAttribute;
using DeviceAttrType = CUdevice_attribute;

inline constexpr ResultType kSuccess = CUDA_SUCCESS;

namespace details {

// cuda.h gives some functions the name of a version: both the type and the symbol follow it.
// clang-format off
#define TVM_FFI_CUDA_DRIVER_FUNCTIONS_(X) \
  X(cuInit)                               \
  X(cuGetErrorName)                       \
  X(cuGetErrorString)                     \
  X(cuDeviceGet)                          \
  X(cuDeviceGetCount)                     \
  X(cuDeviceGetAttribute)                 \
  X(cuCtxGetDevice)                       \
  X(cuLibraryLoadData)                    \
  X(cuLibraryUnload)                      \
  X(cuLibraryGetKernel)                   \
  X(cuKernelGetAttribute)                 \
  X(cuKernelSetAttribute)                 \
  X(cuLaunchKernel)                       \
  X(cuLaunchKernelEx)
// clang-format on
#define TVM_FFI_CUDA_DRIVER_FIELD_(name) decltype(&::name) name = nullptr;
#define TVM_FFI_CUDA_DRIVER_STR_(name) #name
#define TVM_FFI_CUDA_DRIVER_SYMBOL_(name) TVM_FFI_CUDA_DRIVER_STR_(name)
#define TVM_FFI_CUDA_DRIVER_FIND_(name) \
  Find(library, TVM_FFI_CUDA_DRIVER_SYMBOL_(name), &this->name);

/*! \brief The driver's functions, or why there are none. One per library that includes this. */
class Driver {
 public:
  TVM_FFI_CUDA_DRIVER_FUNCTIONS_(TVM_FFI_CUDA_DRIVER_FIELD_)

  TVM_FFI_HIDDEN_ static const Driver& Global() {
    static const Driver driver;
    return driver;
  }
  /*! \brief kSuccess when the functions can be called. */
  ResultType state() const { return state_; }
  /*! \brief Why there is no driver; empty if there is one, even one that finds no device. */
  const std::string& problem() const { return problem_; }

 private:
  Driver() {
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* reason = dlerror();
      problem_ = std::string("cannot load the CUDA driver: ") +
                 (reason != nullptr ? reason : "libcuda.so.1 does not load");
      state_ = CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
      return;
    }
    TVM_FFI_CUDA_DRIVER_FUNCTIONS_(TVM_FFI_CUDA_DRIVER_FIND_)
    if (state_ == kSuccess) {
      state_ = this->cuInit(0);
    }
  }
  template <typename F>
  void Find(void* library, const char* name, F* function) {
    *function = reinterpret_cast<F>(dlsym(library, name));
    if (*function == nullptr && state_ == kSuccess) {
      problem_ = std::string("the CUDA driver libcuda.so.1 has no ") + name +
                 ": CUDA 12.0 or later is needed";
      state_ = CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND;
    }
  }

  ResultType state_ = kSuccess;
  std::string problem_;
};

#undef TVM_FFI_CUDA_DRIVER_FIND_
#undef TVM_FFI_CUDA_DRIVER_SYMBOL_
#undef TVM_FFI_CUDA_DRIVER_STR_
#undef TVM_FFI_CUDA_DRIVER_FIELD_
#undef TVM_FFI_CUDA_DRIVER_FUNCTIONS_

/*! \brief Calls a function of the driver; without a driver, returns why. */
template <typename F, typename... Args>
ResultType CallDriver(F Driver::*function, Args... args) {
  const Driver& driver = Driver::Global();
  return driver.state() == kSuccess ? (driver.*function)(args...) : driver.state();
}
}  // namespace details

/*! \brief Loads a cubin, fatbin or PTX image, which is copied. */
inline ResultType LoadLibrary(LibraryHandle* library, const void* image) {
  return details::CallDriver(&details::Driver::cuLibraryLoadData, library, image, nullptr, nullptr,
                             0u, nullptr, nullptr, 0u);
}
inline ResultType UnloadLibrary(LibraryHandle library) {
  return details::CallDriver(&details::Driver::cuLibraryUnload, library);
}
inline ResultType GetKernel(KernelHandle* kernel, LibraryHandle library, const char* name) {
  return details::CallDriver(&details::Driver::cuLibraryGetKernel, kernel, library, name);
}
/*! \brief Launches in the current context, which the CUDA runtime or a framework has made. */
inline ResultType LaunchKernel(KernelHandle kernel, void** args, tvm::ffi::dim3 grid,
                               tvm::ffi::dim3 block, StreamHandle stream,
                               uint32_t dyn_smem_bytes = 0) {
  return details::CallDriver(&details::Driver::cuLaunchKernel, reinterpret_cast<CUfunction>(kernel),
                             grid.x, grid.y, grid.z, block.x, block.y, block.z, dyn_smem_bytes,
                             stream, args, nullptr);
}
inline ResultType LaunchKernelEx(KernelHandle kernel, void** args, const LaunchConfig& config) {
  return details::CallDriver(&details::Driver::cuLaunchKernelEx, &config,
                             reinterpret_cast<CUfunction>(kernel), args, nullptr);
}

/*! \brief The shared memory that the kernel's code declares. */
inline ResultType GetKernelSharedMem(KernelHandle kernel, int& bytes,  // NOLINT(runtime/references)
                                     DeviceHandle device) {
  return details::CallDriver(&details::Driver::cuKernelGetAttribute, &bytes,
                             CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, kernel, device);
}
inline ResultType SetKernelMaxDynamicSharedMem(KernelHandle kernel, int bytes,
                                               DeviceHandle device) {
  return details::CallDriver(&details::Driver::cuKernelSetAttribute,
                             CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes, kernel,
                             device);
}
inline ResultType AllowNonPortableClusters(KernelHandle kernel) {
  DeviceHandle device = 0;
  const ResultType result = details::CallDriver(&details::Driver::cuCtxGetDevice, &device);
  if (result != kSuccess) {
    return result;
  }
  return details::CallDriver(&details::Driver::cuKernelSetAttribute,
                             CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1, kernel,
                             device);
}
/*! \brief Fills `config`, which then points to `attr`; clusters of `cluster_dim` blocks along x. */
inline void FillLaunchConfig(StreamHandle stream, uint32_t smem_bytes, tvm::ffi::dim3 grid,
                             tvm::ffi::dim3 block, int cluster_dim, LaunchConfig* config,
                             LaunchAttrType* attr) {
  *config = LaunchConfig();
  config->gridDimX = grid.x;
  config->gridDimY = grid.y;
  config->gridDimZ = grid.z;
  config->blockDimX = block.x;
  config->blockDimY = block.y;
  config->blockDimZ = block.z;
  config->sharedMemBytes = smem_bytes;
  config->hStream = stream;
  config->attrs = attr;
  *attr = LaunchAttrType();
  if (cluster_dim > 1) {
    attr->id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    attr->value.clusterDim.x = static_cast<unsigned int>(cluster_dim);
    attr->value.clusterDim.y = 1;
    attr->value.clusterDim.z = 1;
    config->numAttrs = 1;
  }
}

inline ResultType GetDeviceCount(int* count) {
  return details::CallDriver(&details::Driver::cuDeviceGetCount, count);
}
inline ResultType GetDeviceAttribute(int* value, DeviceAttrType attribute, DeviceHandle device) {
  return details::CallDriver(&details::Driver::cuDeviceGetAttribute, value, attribute, device);
}
inline constexpr DeviceAttrType kMaxSharedMemPerBlockOptin =
    CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;

/*! \brief CUDA's name and text of an error; they live as long as this library. */
inline void GetErrorString(ResultType error, const char** name, const char** text) {
  *name = *text = "unrecognized error code";
  const details::Driver& driver = details::Driver::Global();
  if (!driver.problem().empty()) {
    if (error == driver.state()) {
      *name = error == CUDA_ERROR_SHARED_OBJECT_INIT_FAILED
                  ? "CUDA_ERROR_SHARED_OBJECT_INIT_FAILED"
                  : "CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND";
      *text = driver.problem().c_str();
    }
    return;
  }
  const char* found = nullptr;
  if (driver.cuGetErrorName(error, &found) == kSuccess) {
    *name = found;
  }
  if (driver.cuGetErrorString(error, &found) == kSuccess) {
    *text = found;
  }
}

/*! \brief The device of an ordinal; RuntimeError for one that does not exist. */
inline DeviceHandle GetDeviceHandle(int device_id) {
  DeviceHandle device = 0;
  const ResultType result = details::CallDriver(&details::Driver::cuDeviceGet, &device, device_id);
  if (result != kSuccess) {
    const char* name = nullptr;
    const char* text = nullptr;
    GetErrorString(result, &name, &text);
    TVM_FFI_THROW(RuntimeError) << "CUDA Error: " << name << " (" << static_cast<int>(result)
                                << "): " << text;
  }
  return device;
}

}  // namespace cuda_api
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_CUDA_INTERNAL_DRIVER_API_H_
