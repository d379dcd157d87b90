#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/cuda/cubin_launcher.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

namespace ffi = tvm::ffi;

TVM_FFI_EMBED_CUBIN(one_arch);
TVM_FFI_EMBED_CUBIN(more_archs);

namespace {

void Launch(ffi::CubinKernel& kernel, ffi::TensorView x) {
  void* data = x.data_ptr();
  void* args[] = {&data};
  auto stream = static_cast<ffi::cuda_api::StreamHandle>(
      TVMFFIEnvGetStream(x.device().device_type, x.device().device_id));
  TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(
      kernel.Launch(args, ffi::dim3(1), ffi::dim3(static_cast<unsigned>(x.numel())), stream));
}

void AddOne(ffi::TensorView x) {
  static ffi::CubinKernel kernel = TVM_FFI_EMBED_CUBIN_GET_KERNEL(one_arch, "add_one");
  Launch(kernel, x);
}

void AddOneFromFatbin(ffi::TensorView x) {
  static ffi::CubinKernel kernel = TVM_FFI_EMBED_CUBIN_GET_KERNEL(more_archs, "add_one");
  Launch(kernel, x);
}

ffi::Bytes CubinBytes() {
  return ffi::Bytes(__tvm_ffi__cubin_one_arch,
                    static_cast<size_t>(__tvm_ffi__cubin_one_arch_end - __tvm_ffi__cubin_one_arch));
}

ffi::Bytes FatbinBytes() {
  return ffi::Bytes(
      __tvm_ffi__cubin_more_archs,
      static_cast<size_t>(__tvm_ffi__cubin_more_archs_end - __tvm_ffi__cubin_more_archs));
}

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one, AddOne);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one_from_fatbin, AddOneFromFatbin);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(cubin_bytes, CubinBytes);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(fatbin_bytes, FatbinBytes);
