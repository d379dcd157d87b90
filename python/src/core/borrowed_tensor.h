// FFI tensors over memory that a Python object owns.
#ifndef TVMFFI_PYTHON_CORE_BORROWED_TENSOR_H_
#define TVMFFI_PYTHON_CORE_BORROWED_TENSOR_H_

#include "py_ref.h"

namespace tvmffi::python {

constexpr int kMaxBorrowedDims = 6;

// An ffi.Tensor, laid out as the ABI says, with what it needs behind. `extents` has room for shape
// and strides.
struct BorrowedTensor {
  TVMFFIObject header;
  DLTensor tensor;
  PyObject* owner;
  BorrowedTensor* next_free;
  int64_t extents[2 * kMaxBorrowedDims];
};

// A block with nothing filled in; NULL when there is no memory. Blocks are re-used: hold the GIL.
BorrowedTensor* AllocateBorrowedTensor();
// Gives back a block that was not finished.
void FreeBorrowedTensor(BorrowedTensor* block);
// Completes a block whose data, device, dtype, ndim and extents are set: one reference, which keeps
// `owner` alive.
HandleRef FinishBorrowedTensor(BorrowedTensor* block, PyObject* owner);

// A Tensor with this layout (shape and strides are copied) that keeps `owner` alive. Empty, without
// an exception, when it has too many dimensions or there is no memory.
HandleRef BorrowTensor(const DLTensor& layout, PyObject* owner);

// Drops such a reference with the GIL held; cheaper than TVMFFIObjectDecRef for the last one.
void ReleaseBorrowedTensor(TVMFFIObjectHandle tensor);

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_BORROWED_TENSOR_H_
