// Functions of core over the global tables of the library.
#ifndef TVMFFI_PYTHON_CORE_REGISTRY_H_
#define TVMFFI_PYTHON_CORE_REGISTRY_H_

namespace tvmffi::python {

bool InitRegistry();

// Gives the library the interpreter's functions for signals and the GIL.
bool RegisterEnvironment();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_REGISTRY_H_
