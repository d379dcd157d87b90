// Errors across the boundary: FFI errors become Python exceptions and back.
#ifndef TVMFFI_PYTHON_CORE_ERROR_H_
#define TVMFFI_PYTHON_CORE_ERROR_H_

#include "py_ref.h"

namespace tvmffi::python {

// Sets the Python exception for a nonzero code of an ABI function, from the thread's raised error.
void RaiseFromCode(int code);

inline bool Check(int code) {
  if (code == 0) return true;
  RaiseFromCode(code);
  return false;
}

// Moves the pending Python exception into the thread's raised FFI error; what a failing callback
// does last.
void RaiseIntoFfi();

// The FFI error of an exception instance, with its Python traceback as backtrace; empty with an
// exception on failure.
HandleRef ErrorFromException(PyObject* exception);

// The exception for an FFI error, with frames for its backtrace lines; new reference. Takes
// nothing.
PyObject* ExceptionFromError(TVMFFIObjectHandle error);

// The same text, any bytes that are not UTF-8 replaced.
PyObject* DecodeText(TVMFFIByteArray text);

bool InitErrorType();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_ERROR_H_
