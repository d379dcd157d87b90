// NumPy arrays as tensors without a capsule in between.
#ifndef TVMFFI_PYTHON_CORE_NUMPY_H_
#define TVMFFI_PYTHON_CORE_NUMPY_H_

#include "py_ref.h"

namespace tvmffi::python {

// Whether instances of exactly this class may be given to NumpyTensor(): it is numpy.ndarray, and
// its memory layout was checked against what NumPy says of a sample array.
bool IsNumpyArrayType(PyTypeObject* type);

// A Tensor over the array's memory that keeps the array alive, made by BorrowTensor(). Empty,
// without an exception, for an array that only NumPy's own export can judge: read-only, swapped,
// odd strides, rare element types, many dimensions.
HandleRef NumpyTensor(PyObject* array);

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_NUMPY_H_
