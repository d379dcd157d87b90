// Tensors: DLPack in and out.
#ifndef TVMFFI_PYTHON_CORE_TENSOR_H_
#define TVMFFI_PYTHON_CORE_TENSOR_H_

#include "arguments.h"

namespace tvmffi::python {

// The table in the class attribute __dlpack_c_exchange_api__. NULL without an exception when the
// class has none or the environment forbids its use; NULL with an exception when the attribute is
// malformed.
const DLPackExchangeAPI* ExchangeApiOf(PyTypeObject* type);

// A Tensor over the producer's memory; empty with a Python exception on failure.
HandleRef TensorFromExchangeApi(const DLPackExchangeAPI* api, PyObject* object, int32_t alignment,
                                bool contiguous);
// `capsule` is marked used on success.
HandleRef TensorFromCapsule(PyObject* capsule, int32_t alignment, bool contiguous);
// Through __dlpack__().
HandleRef TensorFromProducer(PyObject* object, int32_t alignment, bool contiguous);

// Methods of Tensor: __dlpack__, _to_dlpack, _to_dlpack_versioned.
PyObject* TensorDlpack(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* names);
PyObject* TensorToCapsule(PyObject* self, PyObject*);
PyObject* TensorToVersionedCapsule(PyObject* self, PyObject*);

// The tensor as a tensor of the table's framework, or as a Tensor when the framework refuses. Takes
// `owned` always.
PyObject* TensorToPython(TVMFFIObjectHandle owned, const DLPackExchangeAPI* api);

// A Tensor wrapper that only points at memory its producer keeps.
PyObject* WrapTensorView(DLTensor* view);

// A table for torch versions without one of their own: it can only export.
const DLPackExchangeAPI* TorchFallbackApi();

bool InitTensorType();
bool InitDlpack();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_TENSOR_H_
