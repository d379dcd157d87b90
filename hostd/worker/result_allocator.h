// The tensor allocator of this process: TVMFFIEnvTensorAlloc takes result memory, so that what a
// function returns need not be copied.
#ifndef TVMFFI_HOSTD_WORKER_RESULT_ALLOCATOR_H_
#define TVMFFI_HOSTD_WORKER_RESULT_ALLOCATOR_H_

#include <dlpack/dlpack.h>

#include <cstdint>

#include "hostd/worker/result_memory.h"
#include "proto/base/status.h"
#include "proto/codec/any.h"
#include "proto/codec/tensor.h"

namespace tvmffi::hostd {

// How a thread that serves a call gets more memory from the client.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  // Returns once at least `bytes` in one piece were granted.
  virtual Status RequestMemory(uint64_t bytes) = 0;
};

// `source` serves the calling thread until replaced; null for none.
void SetMemorySource(MemorySource* source);

// `bytes` of result memory, asking for more where the thread may.
Result<ResultBlock> AllocateResultBlock(ResultMemory* memory, uint64_t bytes);

// A tensor in result memory with this layout's strides; everything between its elements is zero.

Result<ObjectRef> MakeResultTensor(ResultMemory* memory, const TensorLayout& layout);

// Makes `memory` what TVMFFIEnvTensorAlloc uses, in all threads. It lives as long as the process.
void InstallResultAllocator(ResultMemory* memory);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_RESULT_ALLOCATOR_H_
