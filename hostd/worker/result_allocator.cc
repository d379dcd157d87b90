#include "hostd/worker/result_allocator.h"

#include <tvm/ffi/extra/c_env_api.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tvmffi::hostd {
namespace {

constexpr int kMaxRequests = 4;

thread_local MemorySource* memory_source = nullptr;

// The ABI's allocator has no context argument.
ResultMemory* installed_memory = nullptr;

// What a DLManagedTensorVersioned in result memory owns.
struct ResultTensor {
  DLManagedTensorVersioned managed;
  ResultBlock block;
  std::vector<int64_t> extents;
};

void DeleteResultTensor(DLManagedTensorVersioned* self) {
  delete static_cast<ResultTensor*>(self->manager_ctx);
}

Result<std::unique_ptr<ResultTensor>> NewResultTensor(ResultMemory* memory,
                                                      const TensorLayout& layout) {
  TensorSpan span;
  TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
  Result<ResultBlock> block = AllocateResultBlock(memory, static_cast<uint64_t>(span.nbytes()));
  if (!block.ok()) return block.status();
  auto tensor = std::make_unique<ResultTensor>();
  tensor->block = std::move(*block);
  tensor->extents.assign(layout.shape, layout.shape + layout.ndim);
  tensor->extents.insert(tensor->extents.end(), layout.strides, layout.strides + layout.ndim);
  DLManagedTensorVersioned& managed = tensor->managed;
  managed.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
  managed.manager_ctx = tensor.get();
  managed.deleter = DeleteResultTensor;
  managed.flags = 0;
  managed.dl_tensor.data = tensor->block.data() - span.low;
  managed.dl_tensor.device = {kDLCPU, 0};
  managed.dl_tensor.ndim = static_cast<int32_t>(layout.ndim);
  managed.dl_tensor.dtype = layout.dtype;
  managed.dl_tensor.shape = tensor->extents.data();
  managed.dl_tensor.strides = tensor->extents.data() + layout.ndim;
  managed.dl_tensor.byte_offset = 0;
  return tensor;
}

Status CheckPrototype(const DLTensor& prototype) {
  if (prototype.device.device_type == kDLCPU) return OkStatus();
  return {Code::kInvalidArgument,
          "an isolated function can allocate CPU tensors only, not on device type " +
              std::to_string(prototype.device.device_type)};
}

Result<std::unique_ptr<ResultTensor>> AllocateLike(const DLTensor& prototype) {
  TVMFFI_RETURN_IF_ERROR(CheckPrototype(prototype));
  DLTensor dense = prototype;
  dense.strides = nullptr;
  int64_t strides[kMaxNdim];
  TensorLayout layout;
  TVMFFI_RETURN_IF_ERROR(LayoutOf(dense, strides, &layout));
  return NewResultTensor(installed_memory, layout);
}

int Allocate(DLTensor* prototype, DLManagedTensorVersioned** out, void* error_ctx,
             void (*set_error)(void* error_ctx, const char* kind, const char* message)) {
  Result<std::unique_ptr<ResultTensor>> made = AllocateLike(*prototype);
  if (!made.ok()) {
    const char* kind = made.status().code == Code::kInvalidArgument ? "ValueError" : "MemoryError";
    set_error(error_ctx, kind, made.status().message.c_str());
    return -1;
  }
  *out = &made.value().release()->managed;
  return 0;
}

}  // namespace

void SetMemorySource(MemorySource* source) { memory_source = source; }

Result<ResultBlock> AllocateResultBlock(ResultMemory* memory, uint64_t bytes) {
  // Another lane may take what was granted to this one.
  for (int attempt = 0; attempt < kMaxRequests; ++attempt) {
    ResultBlock block = memory->Allocate(bytes);
    if (block.valid()) return block;
    if (memory_source == nullptr) {
      return Status{Code::kResourceExhausted,
                    "no result memory for " + std::to_string(bytes) +
                        " bytes is left, and this thread serves no call that could ask for "
                        "more"};
    }
    TVMFFI_RETURN_IF_ERROR(memory_source->RequestMemory(ResultMemory::RoundUp(bytes)));
  }
  ResultBlock block = memory->Allocate(bytes);
  if (block.valid()) return block;
  return Status{Code::kResourceExhausted, "the result memory granted has no " +
                                              std::to_string(bytes) + " bytes in one piece"};
}

Result<ObjectRef> MakeResultTensor(ResultMemory* memory, const TensorLayout& layout) {
  Result<std::unique_ptr<ResultTensor>> made = NewResultTensor(memory, layout);
  if (!made.ok()) return made.status();
  ResultTensor* tensor = made.value().get();
  if (!IsCompact(layout)) {
    TensorSpan span;
    TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
    std::memset(tensor->block.data(), 0, static_cast<size_t>(span.nbytes()));
  }
  TVMFFIObjectHandle object = nullptr;
  if (TVMFFITensorFromDLPackVersioned(&tensor->managed, 0, 0, &object) != 0) {
    return RaisedStatus(Code::kInternal, "cannot make a tensor in result memory");
  }
  made.value().release();
  return ObjectRef(object);
}

void InstallResultAllocator(ResultMemory* memory) {
  installed_memory = memory;
  TVMFFIEnvSetDLPackManagedTensorAllocator(Allocate, 1, nullptr);
}

}  // namespace tvmffi::hostd
