// Global functions, streams, sequence access: the functions of core that the package's Python
// modules build on.
#include "registry.h"

#include <tvm/ffi/extra/c_env_api.h>

#include "arguments.h"
#include "error.h"
#include "function.h"
#include "object.h"
#include "state.h"
#include "tensor.h"

namespace tvmffi::python {
namespace {

bool TextArgument(PyObject* arg, const char* what, TVMFFIByteArray* out) {
  if (!PyUnicode_Check(arg)) {
    PyErr_Format(PyExc_TypeError, "%s must be str, not '%s'", what, Py_TYPE(arg)->tp_name);
    return false;
  }
  Py_ssize_t size;
  out->data = PyUnicode_AsUTF8AndSize(arg, &size);
  out->size = static_cast<size_t>(size);
  return out->data != nullptr;
}

// core._get_global_func(name): the Function or None.
PyObject* GetGlobalFunc(PyObject*, PyObject* arg) {
  TVMFFIByteArray name;
  if (!TextArgument(arg, "function name", &name)) return nullptr;
  TVMFFIObjectHandle function = nullptr;
  if (!Check(TVMFFIFunctionGetGlobal(&name, &function))) return nullptr;
  if (function == nullptr) Py_RETURN_NONE;
  return WrapObject(function, nullptr);
}

// core._register_global_func(name, callable, override): the Function.
PyObject* RegisterGlobalFunc(PyObject*, PyObject* args) {
  PyObject *name_arg, *callable;
  int allow_override;
  if (!PyArg_ParseTuple(args, "OOp:_register_global_func", &name_arg, &callable, &allow_override)) {
    return nullptr;
  }
  TVMFFIByteArray name;
  if (!TextArgument(name_arg, "function name", &name)) return nullptr;
  PyRef function = PyRef::Borrow(callable);
  if (!IsWrapper(callable, g_state.c_function)) {
    HandleRef made = FunctionFromCallable(callable, nullptr);
    if (!made) return nullptr;
    function = PyRef::Steal(WrapObject(made.release(), nullptr));
  }
  if (!function || !RequireHandle(function.get())) return nullptr;
  if (!Check(TVMFFIFunctionSetGlobal(&name, HandleOf(function.get()), allow_override))) {
    return nullptr;
  }
  return function.release();
}

// core._convert(value): the value after a trip through the ABI.
PyObject* Convert(PyObject*, PyObject* arg) {
  TVMFFIAny value;
  return PythonToAny(arg, &value) ? AnyToPython(value, nullptr) : nullptr;
}

// core._convert_func(callable, tensor_class or None)
PyObject* ConvertFunc(PyObject*, PyObject* args) {
  PyObject *callable, *tensor_class;
  if (!PyArg_ParseTuple(args, "OO:_convert_func", &callable, &tensor_class)) return nullptr;
  const DLPackExchangeAPI* api = nullptr;
  if (tensor_class != Py_None) {
    if (PyType_Check(tensor_class)) {
      api = ExchangeApiOf(reinterpret_cast<PyTypeObject*>(tensor_class));
    }
    if (api == nullptr) {
      if (PyErr_Occurred()) return nullptr;
      return PyErr_Format(PyExc_TypeError,
                          "tensor_cls must be a class with __dlpack_c_exchange_api__, got %R",
                          tensor_class);
    }
  }
  HandleRef function = FunctionFromCallable(callable, api);
  return function ? WrapObject(function.release(), nullptr) : nullptr;
}

// core._make_shape(tuple): the ffi.Shape as a plain Object.
PyObject* MakeShapeObject(PyObject*, PyObject* arg) {
  if (!PyTuple_Check(arg)) {
    return PyErr_Format(PyExc_TypeError, "expected a tuple, got '%s'", Py_TYPE(arg)->tp_name);
  }
  HandleRef shape = MakeShape(arg);
  return shape ? WrapObjectAs(g_state.object, shape.release()) : nullptr;
}

// core._env_set_stream(device_type, device_id, stream): the previous stream.
PyObject* EnvSetStream(PyObject*, PyObject* args) {
  int device_type, device_id;
  PyObject* stream_arg;
  if (!PyArg_ParseTuple(args, "iiO:_env_set_stream", &device_type, &device_id, &stream_arg)) {
    return nullptr;
  }
  void* stream = PyLong_AsVoidPtr(stream_arg);
  if (stream == nullptr && PyErr_Occurred()) return nullptr;
  if (device_type < 0 || device_id < 0) {
    return PyErr_Format(PyExc_ValueError, "cannot set the stream of device (%d, %d)", device_type,
                        device_id);
  }
  TVMFFIStreamHandle old = nullptr;
  if (!Check(TVMFFIEnvSetStream(device_type, device_id, stream, &old))) return nullptr;
  return PyLong_FromVoidPtr(old);
}

// core._env_get_stream(device_type, device_id)
PyObject* EnvGetStream(PyObject*, PyObject* args) {
  int device_type, device_id;
  if (!PyArg_ParseTuple(args, "ii:_env_get_stream", &device_type, &device_id)) return nullptr;
  return PyLong_FromVoidPtr(TVMFFIEnvGetStream(device_type, device_id));
}

PyMethodDef kMethods[] = {
    {"_get_global_func", GetGlobalFunc, METH_O, "Global function of a name, or None."},
    {"_register_global_func", RegisterGlobalFunc, METH_VARARGS, "Publish a callable."},
    {"_convert", Convert, METH_O, "A value as the ABI sees it."},
    {"_convert_func", ConvertFunc, METH_VARARGS, "A callable as Function."},
    {"_make_shape", MakeShapeObject, METH_O, "A tuple of integers as ffi.Shape."},
    {"_env_set_stream", EnvSetStream, METH_VARARGS, "Set this thread's stream of a device."},
    {"_env_get_stream", EnvGetStream, METH_VARARGS, "This thread's stream of a device."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool InitRegistry() { return PyModule_AddFunctions(g_state.module, kMethods) == 0; }

bool RegisterEnvironment() {
  return Check(TVMFFIEnvRegisterCAPI("PyErr_CheckSignals",
                                     reinterpret_cast<void*>(PyErr_CheckSignals))) &&
         Check(TVMFFIEnvRegisterCAPI("PyGILState_Ensure",
                                     reinterpret_cast<void*>(PyGILState_Ensure))) &&
         Check(TVMFFIEnvRegisterCAPI("PyGILState_Release",
                                     reinterpret_cast<void*>(PyGILState_Release)));
}

}  // namespace tvmffi::python
