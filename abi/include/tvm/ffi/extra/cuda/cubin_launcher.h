/*!
 * \file tvm/ffi/extra/cuda/cubin_launcher.h
 * \brief Kernels from compiled device code that is part of the library: load, look up, launch.
 *
 * \code
 * TVM_FFI_EMBED_CUBIN(my_kernels);
 *
 * void Run(ffi::TensorView x) {
 *   static ffi::CubinKernel kernel = TVM_FFI_EMBED_CUBIN_GET_KERNEL(my_kernels, "add_one");
 *   void* data = x.data_ptr();
 *   int64_t n = x.size(0);
 *   void* args[] = {&data, &n};
 *   TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(
 *       kernel.Launch(args, ffi::dim3(blocks), ffi::dim3(256), stream));
 * }
 * \endcode
 *
 * Which part of CUDA is called, and what must be linked: internal/unified_api.h.
 */
#ifndef TVM_FFI_EXTRA_CUDA_CUBIN_LAUNCHER_H_
#define TVM_FFI_EXTRA_CUDA_CUBIN_LAUNCHER_H_

#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/cuda/base.h>
#include <tvm/ffi/extra/cuda/internal/unified_api.h>
#include <tvm/ffi/string.h>

#include <cstdint>
#include <utility>

namespace tvm {
namespace ffi {
namespace cuda_api {

/*!
 * \brief Prepares LaunchKernelEx.
 * \param cluster_dim Blocks of a cluster along x; 1 for none. More than 8 is allowed for `kernel`
 *        here, for the current device.
 * \param config Receives the configuration. It points to `attr`, which must live as long.
 */
inline ResultType ConstructLaunchConfig(KernelHandle kernel, StreamHandle stream,
                                        uint32_t smem_bytes, tvm::ffi::dim3 grid,
                                        tvm::ffi::dim3 block, int cluster_dim,
                                        LaunchConfig& config,    // NOLINT(runtime/references)
                                        LaunchAttrType& attr) {  // NOLINT(runtime/references)
  constexpr int kMaxPortableCluster = 8;
  FillLaunchConfig(stream, smem_bytes, grid, block, cluster_dim, &config, &attr);
  return cluster_dim > kMaxPortableCluster ? AllowNonPortableClusters(kernel) : kSuccess;
}
}  // namespace cuda_api

/*! \brief A kernel of a CubinModule. Valid as long as the module. */
class CubinKernel {
 public:
  /*! \brief RuntimeError when the library has no kernel of this name. */
  CubinKernel(cuda_api::LibraryHandle library, const char* name) {
    TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(cuda_api::GetKernel(&kernel_, library, name));
  }
  CubinKernel(const CubinKernel&) = delete;
  CubinKernel& operator=(const CubinKernel&) = delete;
  CubinKernel(CubinKernel&& other) noexcept : kernel_(std::exchange(other.kernel_, nullptr)) {}
  CubinKernel& operator=(CubinKernel&& other) noexcept {
    kernel_ = std::exchange(other.kernel_, nullptr);
    return *this;
  }

  /*!
   * \brief Launches on `stream`, of the current device.
   * \param args One pointer to each argument's value.
   * \return What CUDA returned; faults of the kernel itself show later.
   */
  cuda_api::ResultType Launch(void** args, dim3 grid, dim3 block, cuda_api::StreamHandle stream,
                              uint32_t dyn_smem_bytes = 0) {
    return cuda_api::LaunchKernel(kernel_, args, grid, block, stream, dyn_smem_bytes);
  }
  /*! \brief Launches as cuda_api::ConstructLaunchConfig prepared it. */
  cuda_api::ResultType LaunchEx(void** args, const cuda_api::LaunchConfig& config) {
    return cuda_api::LaunchKernelEx(kernel_, args, config);
  }
  cuda_api::KernelHandle GetHandle() const { return kernel_; }

 private:
  cuda_api::KernelHandle kernel_ = nullptr;
};

/*! \brief Loaded device code: a cubin, a fatbin or PTX. Unloaded when it dies. */
class CubinModule {
 public:
  /*! \brief RuntimeError when CUDA does not load it. The image may be freed afterwards. */
  explicit CubinModule(const Bytes& image) { Load(image.data()); }
  explicit CubinModule(const char* image) { Load(image); }
  explicit CubinModule(const unsigned char* image) { Load(image); }
  ~CubinModule() { Unload(); }
  CubinModule(const CubinModule&) = delete;
  CubinModule& operator=(const CubinModule&) = delete;
  CubinModule(CubinModule&& other) noexcept : library_(std::exchange(other.library_, nullptr)) {}
  CubinModule& operator=(CubinModule&& other) noexcept {
    if (this != &other) {
      Unload();
      library_ = std::exchange(other.library_, nullptr);
    }
    return *this;
  }

  /*! \brief The kernel of this (mangled) name, or RuntimeError. */
  CubinKernel GetKernel(const char* name) { return CubinKernel(library_, name); }
  CubinKernel operator[](const char* name) { return GetKernel(name); }
  /*!
   * \brief The same, allowed to use more dynamic shared memory than the default, on every device
   * that runs it.
   * \param dynamic_smem_max In bytes; -1 for all that the kernel's own shared memory leaves.
   * \throw RuntimeError when no device accepts it.
   */
  CubinKernel GetKernelWithMaxDynamicSharedMemory(const char* name, int64_t dynamic_smem_max = -1) {
    CubinKernel kernel = GetKernel(name);
    int num_devices = 0;
    TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(cuda_api::GetDeviceCount(&num_devices));
    // Code for one architecture does not load on devices of another.
    cuda_api::ResultType last_error = cuda_api::kSuccess;
    bool accepted = false;
    for (int i = 0; i < num_devices; ++i) {
      const cuda_api::ResultType result =
          AllowSharedMemory(kernel.GetHandle(), dynamic_smem_max, cuda_api::GetDeviceHandle(i));
      if (result == cuda_api::kSuccess) {
        accepted = true;
      } else {
        last_error = result;
      }
    }
    if (!accepted) {
      TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(last_error);
    }
    return kernel;
  }
  cuda_api::LibraryHandle GetHandle() const { return library_; }

 private:
  void Load(const void* image) {
    TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(cuda_api::LoadLibrary(&library_, image));
  }
  // At the end of the process the driver may be gone before: nothing is left to unload then.
  void Unload() {
    if (library_ != nullptr) {
      (void)cuda_api::UnloadLibrary(std::exchange(library_, nullptr));
    }
  }
  static cuda_api::ResultType AllowSharedMemory(cuda_api::KernelHandle kernel, int64_t bytes,
                                                cuda_api::DeviceHandle device) {
    if (bytes < 0) {
      int all = 0;
      int fixed = 0;
      cuda_api::ResultType result =
          cuda_api::GetDeviceAttribute(&all, cuda_api::kMaxSharedMemPerBlockOptin, device);
      if (result == cuda_api::kSuccess) {
        result = cuda_api::GetKernelSharedMem(kernel, fixed, device);
      }
      if (result != cuda_api::kSuccess) {
        return result;
      }
      bytes = all - fixed;
    }
    return cuda_api::SetKernelMaxDynamicSharedMem(kernel, static_cast<int>(bytes), device);
  }

  cuda_api::LibraryHandle library_ = nullptr;
};

}  // namespace ffi
}  // namespace tvm

#define TVM_FFI_EMBED_CUBIN_MODULE_(name, image) \
  namespace {                                    \
  struct EmbedCubinModule_##name {               \
    ::tvm::ffi::CubinModule mod{image};          \
    static EmbedCubinModule_##name* Global() {   \
      static EmbedCubinModule_##name instance;   \
      return &instance;                          \
    }                                            \
  };                                             \
  }  // NOLINT(readability/namespace)

/*!
 * \brief Makes embedded device code known to this file, as `EmbedCubinModule_<name>`.
 *
 * At namespace scope. The build puts the image behind the symbol `__tvm_ffi__cubin_<name>` (ending
 * before `__tvm_ffi__cubin_<name>_end`): the CMake function add_tvm_ffi_cubin or
 * `python -m tvm_ffi.utils.embed_cubin`. It is loaded at the first use of
 * `EmbedCubinModule_<name>::Global()`, which throws RuntimeError when CUDA does not load it.
 */
#define TVM_FFI_EMBED_CUBIN(name)                        \
  extern "C" const char __tvm_ffi__cubin_##name[];       \
  extern "C" const char __tvm_ffi__cubin_##name##_end[]; \
  TVM_FFI_EMBED_CUBIN_MODULE_(name, __tvm_ffi__cubin_##name)

/*! \brief The same for an array of bytes of this file, such as bin2c writes. */
#define TVM_FFI_EMBED_CUBIN_FROM_BYTES(name, imageBytes) \
  TVM_FFI_EMBED_CUBIN_MODULE_(name, imageBytes)

/*! \brief The kernel of this name in an embedded module. Keep it: looking it up is slow. */
#define TVM_FFI_EMBED_CUBIN_GET_KERNEL(name, kernel_name) \
  (EmbedCubinModule_##name::Global()->mod[kernel_name])

#endif  // TVM_FFI_EXTRA_CUDA_CUBIN_LAUNCHER_H_
