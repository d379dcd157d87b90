// Calling functions of the ABI, and handing Python callables out as such functions.
#ifndef TVMFFI_PYTHON_CORE_FUNCTION_H_
#define TVMFFI_PYTHON_CORE_FUNCTION_H_

#include "arguments.h"

namespace tvmffi::python {

PyObject* FunctionVectorcall(PyObject* self, PyObject* const* args, size_t nargsf,
                             PyObject* kwnames);

// Calls with the stream and allocator that `context` asks for. False with a Python exception;
// `result` is owned.
bool CallInContext(TVMFFIObjectHandle function, TVMFFIAny* args, int32_t num_args,
                   const CallContext& context, bool release_gil, TVMFFIAny* result);

// A Function that calls `callable`; tensors reach it as tensors of the framework of `api` when that
// is not NULL.
HandleRef FunctionFromCallable(PyObject* callable, const DLPackExchangeAPI* api);

bool InitFunctionType();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_FUNCTION_H_
