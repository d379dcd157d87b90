// Text and bytes: Python's own for short values, subclasses that remember their FFI object for
// longer ones.
#ifndef TVMFFI_PYTHON_CORE_TEXT_H_
#define TVMFFI_PYTHON_CORE_TEXT_H_

#include "any.h"

namespace tvmffi::python {

struct StringWrapper {
  PyUnicodeObject base;
  PyObject* cached_object;
};

// core.String, core.Bytes, Shape around an owned object that they keep. Take `owned` always.
PyObject* StringToPython(TVMFFIObjectHandle owned);
PyObject* BytesToPython(TVMFFIObjectHandle owned);
PyObject* ShapeToPython(TVMFFIObjectHandle owned);

// The FFI object a String, Bytes or Shape remembers; NULL without an exception when it has none.
TVMFFIObjectHandle CachedHandle(PyObject* native);

bool InitStringType();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_TEXT_H_
