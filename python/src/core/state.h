// What the extension module knows for the life of the process: its classes, and names looked up
// once.
#ifndef TVMFFI_PYTHON_CORE_STATE_H_
#define TVMFFI_PYTHON_CORE_STATE_H_

#include "py_ref.h"

namespace tvmffi::python {

struct State {
  PyObject* module = nullptr;

  // C types.
  PyTypeObject* c_object = nullptr;
  PyTypeObject* c_function = nullptr;
  PyTypeObject* c_tensor = nullptr;
  PyTypeObject* c_container = nullptr;
  PyTypeObject* c_error = nullptr;
  PyTypeObject* rvalue_ref = nullptr;
  PyTypeObject* string = nullptr;
  PyTypeObject* data_type = nullptr;
  PyTypeObject* device = nullptr;
  PyTypeObject* owned_any = nullptr;

  // Classes defined in Python and installed with core._install; NULL before.
  PyTypeObject* object = nullptr;
  PyTypeObject* function = nullptr;
  PyTypeObject* tensor = nullptr;
  PyTypeObject* error = nullptr;
  PyTypeObject* bytes = nullptr;
  PyTypeObject* shape = nullptr;
  PyTypeObject* dtype = nullptr;
  PyTypeObject* object_convertible = nullptr;
  // Classes of results that a program may replace.
  PyObject* result_tensor = nullptr;
  PyObject* result_dtype = nullptr;
  PyObject* result_device = nullptr;
  // Called with the index of a type that has no class yet; registers one.
  PyObject* make_class = nullptr;
  // From a dtype of the framework to core.DataType.
  PyObject* torch_dtype_to_data_type = nullptr;
  PyObject* numpy_dtype_to_data_type = nullptr;

  PyObject* error_name_to_type = nullptr;
  PyObject* error_type_to_name = nullptr;
  PyObject* c_void_p = nullptr;
  PyObject* integral = nullptr;
  PyObject* real = nullptr;

  // Interned attribute names.
  PyObject* str_cached_object = nullptr;
  PyObject* str_tvm_ffi_dtype = nullptr;
  PyObject* str_tvm_ffi_error = nullptr;
  PyObject* str_dlpack = nullptr;
  PyObject* str_exchange_api = nullptr;
  PyObject* str_value = nullptr;

  bool release_gil = true;
  bool skip_exchange_api = false;
};

extern State g_state;

// Fills the parts that do not need the package's Python classes. False with a Python exception.
bool InitState(PyObject* module);

// Interned attribute `name` of a module imported at most once; new reference or NULL with an
// exception.
PyObject* ImportAttribute(const char* module, const char* name);

// Attribute `name` of `module` if that module was imported already; new reference, or NULL without
// an exception.
PyObject* LoadedAttribute(const char* module, const char* name);

// The global function `name`, looked up once per name and kept; borrowed. NULL with RuntimeError
// when there is none.
TVMFFIObjectHandle GlobalFunction(const char* name);

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_STATE_H_
