// Wrappers: a Python object that owns one reference to an FFI object, and the table from type index
// to class.
#ifndef TVMFFI_PYTHON_CORE_OBJECT_H_
#define TVMFFI_PYTHON_CORE_OBJECT_H_

#include "py_ref.h"

namespace tvmffi::python {

struct ObjectWrapper {
  PyObject_HEAD TVMFFIObjectHandle handle;
};

struct FunctionWrapper {
  ObjectWrapper base;
  vectorcallfunc vectorcall;
  bool release_gil;
};

struct TensorWrapper {
  ObjectWrapper base;
  // Inside `base.handle`, or with a NULL handle a view of memory that the producer keeps.
  DLTensor* tensor;
};

struct ContainerWrapper {
  ObjectWrapper base;
  const DLPackExchangeAPI* api;
};

inline TVMFFIObjectHandle HandleOf(PyObject* wrapper) {
  return reinterpret_cast<ObjectWrapper*>(wrapper)->handle;
}

inline bool IsWrapper(PyObject* object, PyTypeObject* c_type) {
  return PyObject_TypeCheck(object, c_type) != 0;
}

// Gives `wrapper` the object; it owned none before.
void AdoptHandle(PyObject* wrapper, TVMFFIObjectHandle owned);

// Wraps an owned reference in its registered class, in a generated one when there is none. Takes
// `owned` always.
PyObject* WrapObject(TVMFFIObjectHandle owned, const DLPackExchangeAPI* api);

// A wrapper of exactly this class around an owned reference. Takes `owned` always.
PyObject* WrapObjectAs(PyTypeObject* cls, TVMFFIObjectHandle owned);

// Releases the reference, frees the wrapper, drops its type: tp_dealloc of every wrapper type.
void DeallocWrapper(PyObject* self);

// Raises ValueError and returns false when the wrapper holds no object.
bool RequireHandle(PyObject* wrapper);

// Makes a type from its spec and adds it to the module; NULL with a Python exception on failure.
PyTypeObject* AddType(PyType_Spec* spec, PyTypeObject* base);

bool InitObjectTypes();
bool InitReflection();
bool InitTypeDefinition();

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_OBJECT_H_
