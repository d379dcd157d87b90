// A stand-in for libcuda.so.1 that runs "kernels" on the host and notes what it was asked for.
#ifndef TVMFFI_TESTS_ABI_CUDA_FAKE_DRIVER_H_
#define TVMFFI_TESTS_ABI_CUDA_FAKE_DRIVER_H_

struct FakeDriverState {
  int libraries_alive;
  unsigned int grid_x;
  unsigned int block_x;
  unsigned int smem_bytes;
  void* stream;
  int max_dynamic_smem[2];
  int cluster_x;
  int non_portable_clusters;
};

constexpr int kFakeDevices = 2;
constexpr int kFakeSharedMemPerBlock = 232448;
constexpr int kFakeKernelSharedMem = 1024;
constexpr int kFakeMaxSettableSmem = 300000;

extern "C" FakeDriverState* FakeDriverGetState();

#endif  // TVMFFI_TESTS_ABI_CUDA_FAKE_DRIVER_H_
