// A library with embedded device code, compiled without nvcc: once over the driver, once over the
// runtime.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/cuda/cubin_launcher.h>
#include <tvm/ffi/extra/cuda/device_guard.h>
#include <tvm/ffi/function.h>

#include <string>

#include "kernels_image.h"

// What the build's embedding step leaves in the library.
__asm__(
    ".pushsection .rodata\n"
    ".global __tvm_ffi__cubin_test_kernels, __tvm_ffi__cubin_test_kernels_end\n"
    ".balign 16\n"
    "__tvm_ffi__cubin_test_kernels:\n"
    ".incbin \"" TVMFFI_TEST_CUBIN
    "\"\n"
    "__tvm_ffi__cubin_test_kernels_end:\n"
    ".byte 0\n"
    ".popsection\n");

namespace ffi = tvm::ffi;

TVM_FFI_EMBED_CUBIN(test_kernels);

namespace nested {
TVM_FFI_EMBED_CUBIN_FROM_BYTES(from_bytes, kernels_image)

ffi::CubinKernel AddOne() { return TVM_FFI_EMBED_CUBIN_GET_KERNEL(from_bytes, "add_one"); }
}  // namespace nested

namespace {

constexpr unsigned int kBlock = 128;

struct AddOneArgs {
  void* x;
  void* y;
  int n;
  void* pointers[3] = {&x, &y, &n};

  AddOneArgs(const ffi::TensorView& x, const ffi::TensorView& y)
      : x(x.data_ptr()), y(y.data_ptr()), n(static_cast<int>(x.numel())) {}
  ffi::dim3 grid() const { return ffi::dim3((static_cast<unsigned int>(n) + kBlock - 1) / kBlock); }
};

ffi::cuda_api::StreamHandle CurrentStream(const ffi::TensorView& x) {
  return static_cast<ffi::cuda_api::StreamHandle>(
      TVMFFIEnvGetStream(x.device().device_type, x.device().device_id));
}

void AddOne(ffi::TensorView x, ffi::TensorView y) {
  static ffi::CubinKernel kernel = TVM_FFI_EMBED_CUBIN_GET_KERNEL(test_kernels, "add_one");
  AddOneArgs args(x, y);
  TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(
      kernel.Launch(args.pointers, args.grid(), ffi::dim3(kBlock), CurrentStream(x)));
}

void AddOneFromBytes(ffi::TensorView x, ffi::TensorView y) {
  ffi::CubinKernel kernel = nested::AddOne();
  AddOneArgs args(x, y);
  TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(
      kernel.Launch(args.pointers, args.grid(), ffi::dim3(kBlock), CurrentStream(x), 16));
}

void AddOneWithCluster(ffi::TensorView x, ffi::TensorView y, int cluster_dim,
                       int64_t dynamic_smem_max) {
  ffi::CubinModule module(
      ffi::Bytes(reinterpret_cast<const char*>(kernels_image), sizeof(kernels_image)));
  ffi::CubinKernel kernel = module.GetKernelWithMaxDynamicSharedMemory("add_one", dynamic_smem_max);
  AddOneArgs args(x, y);
  ffi::cuda_api::LaunchConfig config;
  ffi::cuda_api::LaunchAttrType attribute;
  TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(
      ffi::cuda_api::ConstructLaunchConfig(kernel.GetHandle(), CurrentStream(x), 0, args.grid(),
                                           ffi::dim3(kBlock), cluster_dim, config, attribute));
  TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(kernel.LaunchEx(args.pointers, config));
}

void UseMissingKernel() { (void)EmbedCubinModule_test_kernels::Global()->mod["no_such_kernel"]; }

void LoadNonsense() { ffi::CubinModule module("not device code"); }

int DeviceCount() {
  int count = 0;
  TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(ffi::cuda_api::GetDeviceCount(&count));
  return count;
}

int DeviceOf(int ordinal) { return ffi::cuda_api::GetDeviceHandle(ordinal); }

std::string ErrorText(int code) {
  const char* name = nullptr;
  const char* text = nullptr;
  ffi::cuda_api::GetErrorString(static_cast<ffi::cuda_api::ResultType>(code), &name, &text);
  return std::string(name) + ": " + text;
}

void GuardDevice(int device) { ffi::CUDADeviceGuard guard(device); }

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one, AddOne);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one_from_bytes, AddOneFromBytes);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one_with_cluster, AddOneWithCluster);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(use_missing_kernel, UseMissingKernel);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(load_nonsense, LoadNonsense);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(device_count, DeviceCount);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(device_of, DeviceOf);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(error_text, ErrorText);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(guard_device, GuardDevice);
