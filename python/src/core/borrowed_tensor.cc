#include "borrowed_tensor.h"

#include <tvm_ffi_python_helpers.h>

#include <cstdlib>
#include <cstring>

namespace tvmffi::python {
namespace {

constexpr int kMaxFreeBlocks = 64;
BorrowedTensor* g_free_blocks = nullptr;
int g_num_free_blocks = 0;

// Runs on whatever thread drops the last reference.
void DeleteBlock(void* self, int flags) {
  auto* block = static_cast<BorrowedTensor*>(self);
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) TVMFFIPyReleaseObject(block->owner);
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) std::free(block);
}

}  // namespace

BorrowedTensor* AllocateBorrowedTensor() {
  BorrowedTensor* block = g_free_blocks;
  if (block == nullptr) return static_cast<BorrowedTensor*>(std::malloc(sizeof(BorrowedTensor)));
  g_free_blocks = block->next_free;
  --g_num_free_blocks;
  return block;
}

void FreeBorrowedTensor(BorrowedTensor* block) {
  if (g_num_free_blocks >= kMaxFreeBlocks) return std::free(block);
  block->next_free = g_free_blocks;
  g_free_blocks = block;
  ++g_num_free_blocks;
}

HandleRef FinishBorrowedTensor(BorrowedTensor* block, PyObject* owner) {
  block->header.combined_ref_count = kOneStrongOneWeak;
  block->header.type_index = kTVMFFITensor;
  block->header.__padding = 0;
  block->header.deleter = DeleteBlock;
  block->tensor.shape = block->extents;
  block->tensor.strides = block->extents + block->tensor.ndim;
  Py_INCREF(owner);
  block->owner = owner;
  return HandleRef::Steal(block);
}

HandleRef BorrowTensor(const DLTensor& layout, PyObject* owner) {
  if (layout.ndim > kMaxBorrowedDims) return HandleRef();
  BorrowedTensor* block = AllocateBorrowedTensor();
  if (block == nullptr) return HandleRef();
  block->tensor = layout;
  int64_t step = 1;
  for (int32_t i = layout.ndim - 1; i >= 0; --i) {
    block->extents[i] = layout.shape[i];
    block->extents[layout.ndim + i] = layout.strides != nullptr ? layout.strides[i] : step;
    step *= layout.shape[i];
  }
  return FinishBorrowedTensor(block, owner);
}

void ReleaseBorrowedTensor(TVMFFIObjectHandle tensor) {
  auto* block = static_cast<BorrowedTensor*>(tensor);
  uint64_t count = __atomic_load_n(&block->header.combined_ref_count, __ATOMIC_ACQUIRE);
  if (count != kOneStrongOneWeak) {
    TVMFFIObjectDecRef(tensor);
    return;
  }
  // Nobody else can reach it any more.
  PyObject* owner = block->owner;
  FreeBorrowedTensor(block);
  Py_DECREF(owner);
}

}  // namespace tvmffi::python
