// Backtrace text of FFI errors: one line `  File "f", line n, in g` per frame, innermost first.
#ifndef TVMFFI_PYTHON_CORE_BACKTRACE_H_
#define TVMFFI_PYTHON_CORE_BACKTRACE_H_

#include <string>
#include <string_view>

#include "py_ref.h"

namespace tvmffi::python {

// Adds a frame for every line of `text` to the traceback of the pending exception.
void AddFramesToPendingException(std::string_view text);

// The lines of a Python traceback (NULL or None: none). Never raises; what cannot be read is left
// out.
std::string TracebackText(PyObject* traceback);

// The C++ frames between the caller of a callback and this extension's own frames.
std::string CallerBacktrace();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_BACKTRACE_H_
