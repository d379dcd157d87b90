// Calling functions of the ABI, and handing Python callables out as such functions.
#ifndef TVMFFI_PYTHON_CORE_FUNCTION_H_
#define TVMFFI_PYTHON_CORE_FUNCTION_H_

#include "arguments.h"

extern "C" PyObject* TVMFFIFunctionCallFromPython(PyObject* self, PyObject* const* args,
                                                  size_t nargsf, PyObject* kwnames);

namespace tvmffi::python {

// A Function that calls `callable`; tensors reach it as tensors of the framework of `api` when that
// is not NULL.
HandleRef FunctionFromCallable(PyObject* callable, const DLPackExchangeAPI* api);

bool InitFunctionType();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_FUNCTION_H_
