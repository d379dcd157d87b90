// Element types and devices.
#ifndef TVMFFI_PYTHON_CORE_DTYPE_H_
#define TVMFFI_PYTHON_CORE_DTYPE_H_

#include "py_ref.h"

namespace tvmffi::python {

struct DataTypeWrapper {
  PyObject_HEAD DLDataType value;
};

struct DeviceWrapper {
  PyObject_HEAD DLDevice value;
};

// core.DataType with this value.
PyObject* MakeDataType(DLDataType value);
// The program's dtype class, tvm_ffi.dtype unless replaced.
PyObject* DataTypeToPython(DLDataType value);
PyObject* DeviceToPython(DLDevice value);

// The dtype's canonical spelling.
PyObject* DataTypeText(DLDataType value);

// The value of a (code, bits, lanes) tuple. False with a Python exception.
bool DataTypeFromTuple(PyObject* tuple, DLDataType* out);
// The value of a (device_type, device_id) tuple. False with a Python exception.
bool DeviceFromTuple(PyObject* tuple, DLDevice* out);

bool InitDataTypeType();
bool InitDeviceType();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_DTYPE_H_
