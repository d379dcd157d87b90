// Containers: reading Array and List in place.
#ifndef TVMFFI_PYTHON_CORE_CONTAINER_H_
#define TVMFFI_PYTHON_CORE_CONTAINER_H_

namespace tvmffi::python {

bool InitContainerTypes();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_CONTAINER_H_
