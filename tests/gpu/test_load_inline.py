"""CUDA text compiled from Python for the GPU at hand, and device code that NVRTC makes, embedded in a library."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
tvm_ffi = pytest.importorskip("tvm_ffi")
cpp = pytest.importorskip("tvm_ffi.cpp")

SCALE = r"""
__global__ void ScaleKernel(float* x, float factor, int64_t n) {
  int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i < n) x[i] *= factor;
}
void scale(tvm::ffi::TensorView x, double factor) {
  DLDevice device = x.device();
  auto stream = static_cast<cudaStream_t>(TVMFFIEnvGetStream(device.device_type, device.device_id));
  int64_t n = x.numel();
  ScaleKernel<<<(n + 255) / 256, 256, 0, stream>>>(static_cast<float*>(x.data_ptr()), static_cast<float>(factor), n);
}
int64_t stream_of(tvm::ffi::TensorView x) {
  DLDevice device = x.device();
  return reinterpret_cast<int64_t>(TVMFFIEnvGetStream(device.device_type, device.device_id));
}
"""
ADD_ONE_KERNEL = 'extern "C" __global__ void add_one(float* x) { x[threadIdx.x] += 1; }'
ADD_ONE = r"""
#include <tvm/ffi/extra/cuda/cubin_launcher.h>
TVM_FFI_EMBED_CUBIN(kernels);
void add_one(tvm::ffi::TensorView x) {
  static tvm::ffi::CubinKernel kernel = TVM_FFI_EMBED_CUBIN_GET_KERNEL(kernels, "add_one");
  void* data = x.data_ptr();
  void* args[] = {&data};
  DLDevice device = x.device();
  auto stream = static_cast<tvm::ffi::cuda_api::StreamHandle>(TVMFFIEnvGetStream(device.device_type, device.device_id));
  TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(
      kernel.Launch(args, tvm::ffi::dim3(1), tvm::ffi::dim3(static_cast<unsigned>(x.numel())), stream));
}
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TVM_FFI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("TVM_FFI_CUDA_ARCH_LIST", raising=False)
        yield


@pytest.fixture(scope="module")
def inline(cache):
    return cpp.load_inline("gpu_inline", cuda_sources=SCALE, functions=["scale", "stream_of"])


def test_a_kernel_for_the_gpu_at_hand(inline):
    x = torch.arange(1000, dtype=torch.float32, device="cuda")
    inline.scale(x, 3.0)
    assert torch.equal(x.cpu(), torch.arange(1000, dtype=torch.float32) * 3)


def test_the_function_sees_torchs_stream(inline):
    x = torch.zeros(1, device="cuda")
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        assert inline.stream_of(x) == stream.cuda_stream
    assert inline.stream_of(x) == torch.cuda.current_stream().cuda_stream


def test_device_code_of_nvrtc_embedded_in_a_library(cache):
    try:
        cubin = cpp.nvrtc.nvrtc_compile(ADD_ONE_KERNEL)
    except RuntimeError as error:
        if "libnvrtc" not in str(error):
            raise
        pytest.skip(str(error))
    flags = ["-DTVM_FFI_CUBIN_LAUNCHER_USE_DRIVER_API=1", f"-I{cpp._toolchain.cuda_home() / 'include'}"]
    module = cpp.load_inline(
        "gpu_cubin", cpp_sources=ADD_ONE, functions="add_one", embed_cubin={"kernels": cubin}, extra_cflags=flags
    )
    x = torch.zeros(32, device="cuda")
    module.add_one(x)
    assert torch.equal(x.cpu(), torch.ones(32))
