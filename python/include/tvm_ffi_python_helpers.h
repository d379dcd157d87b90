/*!
 * \file tvm_ffi_python_helpers.h
 * \brief For extension modules that hand Python objects to libtvm_ffi: how to give one away, how to
 * let go of it on whatever thread the last reference is dropped, and how to reach the object that a
 * wrapper of the package owns.
 *
 * For C11 and C++17. Needs the headers of Python and `tvm-ffi-config --cflags --ldflags --libs`;
 * nothing of the package's own extension module. Functions named TVMFFIPy* belong to this header.
 */
#ifndef TVM_FFI_PYTHON_HELPERS_H_
#define TVM_FFI_PYTHON_HELPERS_H_

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>
#include <tvm/ffi/c_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/*!
 * \brief Drops a reference to a PyObject. In the form of a deleter, for TVMFFIFunctionCreate and
 * TVMFFIObjectCreateOpaque.
 *
 * May be called by any thread, with the GIL or without: it attaches a thread state first. Once the
 * interpreter has ended, the object is left alone.
 */
static inline void TVMFFIPyReleaseObject(void* object) {
  PyGILState_STATE state;
  if (!Py_IsInitialized()) return;
  state = PyGILState_Ensure();
  Py_DECREF((PyObject*)object);
  PyGILState_Release(state);
}

/*!
 * \brief Wraps any Python object for the convention, as a call does with an argument of a class it
 * knows nothing about. \param object  Borrowed; the new handle owns a reference of its own. \param
 * out     A new handle; as a result of a call it becomes `object` again. \return 0, or -1 with the
 * thread's FFI error set. Needs the GIL.
 */
static inline int TVMFFIPyObjectToOpaque(PyObject* object, TVMFFIObjectHandle* out) {
  int code;
  Py_INCREF(object);
  code = TVMFFIObjectCreateOpaque(object, kTVMFFIOpaquePyObject, TVMFFIPyReleaseObject, out);
  if (code != 0) Py_DECREF(object);
  return code;
}

/*!
 * \brief The object that a wrapper (tvm_ffi.Object or a subclass) owns.
 * \param wrapper  Borrowed. The handle is valid while the wrapper keeps its object.
 * \return The handle, borrowed; NULL with a Python exception: TypeError when `wrapper` is no
 * wrapper, ValueError when it is empty. Needs the GIL.
 */
static inline TVMFFIObjectHandle TVMFFIPyBorrowHandle(PyObject* wrapper) {
  PyObject* address;
  void* handle;
  if (!PyObject_HasAttrString((PyObject*)Py_TYPE(wrapper), "__chandle__")) {
    PyErr_Format(PyExc_TypeError, "expected a tvm_ffi.Object, got '%s'", Py_TYPE(wrapper)->tp_name);
    return NULL;
  }
  address = PyObject_CallMethod(wrapper, "__chandle__", NULL);
  if (address == NULL) return NULL;
  handle = PyLong_AsVoidPtr(address);
  Py_DECREF(address);
  if (handle == NULL && !PyErr_Occurred()) {
    PyErr_Format(PyExc_ValueError, "this '%s' holds no object: it is empty or was moved",
                 Py_TYPE(wrapper)->tp_name);
  }
  return handle;
}

#ifdef __cplusplus
}
#endif

#endif /* TVM_FFI_PYTHON_HELPERS_H_ */
