// core.CAny: one owned value of the ABI, kept as it is.
#ifndef TVMFFI_PYTHON_CORE_OWNED_ANY_H_
#define TVMFFI_PYTHON_CORE_OWNED_ANY_H_

#include "any.h"

namespace tvmffi::python {

struct OwnedAnyWrapper {
  PyObject_HEAD TVMFFIAny value;
};

bool InitOwnedAnyType();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_OWNED_ANY_H_
