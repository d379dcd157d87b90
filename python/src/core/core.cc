// Extension module tvm_ffi.core. The library libtvm_ffi.so must be loaded with global symbols
// before it.
#include <cstring>

#include "container.h"
#include "dtype.h"
#include "error.h"
#include "function.h"
#include "object.h"
#include "owned_any.h"
#include "registry.h"
#include "state.h"
#include "tensor.h"
#include "text.h"

namespace tvmffi::python {
namespace {

struct Installable {
  const char* name;
  PyTypeObject** slot;
};

struct InstallableObject {
  const char* name;
  PyObject** slot;
};

const Installable kClasses[] = {
    {"Object", &g_state.object}, {"Function", &g_state.function},
    {"Tensor", &g_state.tensor}, {"Error", &g_state.error},
    {"Bytes", &g_state.bytes},   {"Shape", &g_state.shape},
    {"dtype", &g_state.dtype},   {"ObjectConvertible", &g_state.object_convertible},
};

const InstallableObject kObjects[] = {
    {"make_class", &g_state.make_class},
    {"torch_dtype_to_data_type", &g_state.torch_dtype_to_data_type},
    {"numpy_dtype_to_data_type", &g_state.numpy_dtype_to_data_type},
    {"_CLASS_TENSOR", &g_state.result_tensor},
    {"_CLASS_DTYPE", &g_state.result_dtype},
    {"_CLASS_DEVICE", &g_state.result_device},
};

bool InstallOne(const char* name, PyObject* value) {
  for (const Installable& known : kClasses) {
    if (std::strcmp(known.name, name) != 0) continue;
    if (!PyType_Check(value)) break;
    Py_INCREF(value);
    *known.slot = reinterpret_cast<PyTypeObject*>(value);
    return true;
  }
  for (const InstallableObject& known : kObjects) {
    if (std::strcmp(known.name, name) != 0) continue;
    Py_INCREF(value);
    PyRef old = PyRef::Steal(*known.slot);
    *known.slot = value;
    return true;
  }
  PyErr_Format(PyExc_TypeError, "cannot install %s = %R", name, value);
  return false;
}

// A subclass of a type with vectorcall inherits the fast path only from Python 3.12 on.
void KeepVectorcall(PyTypeObject* cls) {
  if (cls->tp_call == PyVectorcall_Call && cls->tp_vectorcall_offset != 0) {
    cls->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
  }
}

// core._install(**classes): the Python half of the module; names become attributes of core.
PyObject* Install(PyObject*, PyObject* args, PyObject* kwargs) {
  if (PyTuple_GET_SIZE(args) != 0 || kwargs == nullptr) {
    PyErr_SetString(PyExc_TypeError, "_install takes keywords");
    return nullptr;
  }
  PyObject *key, *value;
  Py_ssize_t position = 0;
  while (PyDict_Next(kwargs, &position, &key, &value)) {
    const char* name = PyUnicode_AsUTF8(key);
    if (name == nullptr || !InstallOne(name, value)) return nullptr;
    if (PyModule_AddObjectRef(g_state.module, name, value) != 0) return nullptr;
  }
  if (g_state.function != nullptr) KeepVectorcall(g_state.function);
  Py_RETURN_NONE;
}

PyMethodDef kMethods[] = {
    {"_install", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(Install)),
     METH_VARARGS | METH_KEYWORDS, "Set the classes and hooks that are written in Python."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef kModule = {PyModuleDef_HEAD_INIT,
                       "tvm_ffi.core",
                       "Objects, functions, tensors and errors of the TVM FFI convention.",
                       -1,
                       kMethods,
                       nullptr,
                       nullptr,
                       nullptr,
                       nullptr};

bool InitModule(PyObject* module) {
  PyRef version = PyRef::Steal(Py_BuildValue("(ii)", DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION));
  return InitState(module) && InitObjectTypes() && InitContainerTypes() && InitFunctionType() &&
         InitTensorType() && InitDlpack() && InitErrorType() && InitStringType() &&
         InitDataTypeType() && InitDeviceType() && InitOwnedAnyType() && InitReflection() &&
         InitTypeDefinition() && InitRegistry() && RegisterEnvironment() && version &&
         PyModule_AddObjectRef(module, "__dlpack_version__", version.get()) == 0;
}

}  // namespace
}  // namespace tvmffi::python

PyMODINIT_FUNC PyInit_core(void) {
  using tvmffi::python::PyRef;
  PyRef module = PyRef::Steal(PyModule_Create(&tvmffi::python::kModule));
  if (!module || !tvmffi::python::InitModule(module.get())) return nullptr;
  return module.release();
}
