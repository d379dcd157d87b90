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

// The cells of an Array or List, NULL with a Python exception for anything else.
const TVMFFISeqCell* SequenceOf(PyObject* arg) {
  if (!IsWrapper(arg, g_state.c_container) || !RequireHandle(arg)) {
    if (!PyErr_Occurred()) {
      PyErr_Format(PyExc_TypeError, "'%s' is no FFI container", Py_TYPE(arg)->tp_name);
    }
    return nullptr;
  }
  int32_t type_index = TVMFFIObjectGetTypeIndex(HandleOf(arg));
  if (type_index != kTVMFFIArray && type_index != kTVMFFIList) {
    PyErr_Format(PyExc_TypeError, "'%s' is no FFI sequence", Py_TYPE(arg)->tp_name);
    return nullptr;
  }
  return reinterpret_cast<const TVMFFISeqCell*>(static_cast<char*>(HandleOf(arg)) +
                                                sizeof(TVMFFIObject));
}

// core._seq_size(sequence)
PyObject* SeqSize(PyObject*, PyObject* arg) {
  const TVMFFISeqCell* cell = SequenceOf(arg);
  return cell == nullptr ? nullptr : PyLong_FromLongLong(cell->size);
}

// core._seq_item(sequence, index): index may be negative.
PyObject* SeqItem(PyObject*, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs != 2) {
    PyErr_SetString(PyExc_TypeError, "_seq_item takes a sequence and an index");
    return nullptr;
  }
  const TVMFFISeqCell* cell = SequenceOf(args[0]);
  if (cell == nullptr) return nullptr;
  Py_ssize_t index = PyNumber_AsSsize_t(args[1], PyExc_IndexError);
  if (index == -1 && PyErr_Occurred()) return nullptr;
  // An index object may have run Python code; the size is read after it.
  Py_ssize_t at = index < 0 ? index + cell->size : index;
  if (at < 0 || at >= cell->size) {
    return PyErr_Format(PyExc_IndexError, "index %zd of a sequence of %lld", index,
                        static_cast<long long>(cell->size));
  }
  return AnyViewToPython(static_cast<const TVMFFIAny*>(cell->data)[at],
                         reinterpret_cast<ContainerWrapper*>(args[0])->api);
}

// core._call_for(container, function, argument): a call whose tensors come back as the container's
// do.
PyObject* CallFor(PyObject*, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs != 3 || !IsWrapper(args[0], g_state.c_container) ||
      !IsWrapper(args[1], g_state.c_function)) {
    PyErr_SetString(PyExc_TypeError, "_call_for takes a container, a Function and an argument");
    return nullptr;
  }
  ArgScope scope;
  TVMFFIAny argument;
  TVMFFIAny result = MakeNone();
  if (!RequireHandle(args[1]) || !SetArgument(scope, args[2], &argument) ||
      !Check(TVMFFIFunctionCall(HandleOf(args[1]), &argument, 1, &result))) {
    return nullptr;
  }
  return AnyToPython(result, reinterpret_cast<ContainerWrapper*>(args[0])->api);
}

PyMethodDef kMethods[] = {
    {"_call_for", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(CallFor)), METH_FASTCALL,
     "Call a function on behalf of a container."},
    {"_get_global_func", GetGlobalFunc, METH_O, "Global function of a name, or None."},
    {"_register_global_func", RegisterGlobalFunc, METH_VARARGS, "Publish a callable."},
    {"_convert", Convert, METH_O, "A value as the ABI sees it."},
    {"_convert_func", ConvertFunc, METH_VARARGS, "A callable as Function."},
    {"_make_shape", MakeShapeObject, METH_O, "A tuple of integers as ffi.Shape."},
    {"_env_set_stream", EnvSetStream, METH_VARARGS, "Set this thread's stream of a device."},
    {"_env_get_stream", EnvGetStream, METH_VARARGS, "This thread's stream of a device."},
    {"_seq_size", SeqSize, METH_O, "Number of elements."},
    {"_seq_item", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(SeqItem)), METH_FASTCALL,
     "One element."},
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
