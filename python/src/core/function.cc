#include "function.h"

#include <tvm_ffi_python_helpers.h>

#include "error.h"
#include "object.h"
#include "state.h"
#include "tensor.h"

// Backtraces end at functions of this prefix: what lies above is the interpreter. Inlined, it still
// is a frame where there is debug information; where there is none, the functions that call modules
// bear such names themselves.
extern "C" {
__attribute__((always_inline)) static inline int TVMFFIFunctionCallWithGilAs(
    bool release_gil, TVMFFIObjectHandle function, TVMFFIAny* args, int32_t num_args,
    TVMFFIAny* result) {
  TVMFFISafeCallType call = TVMFFIFunctionGetCellPtr(function)->safe_call;
  if (!release_gil) return call(function, args, num_args, result);
  PyThreadState* thread = PyEval_SaveThread();
  int code = call(function, args, num_args, result);
  PyEval_RestoreThread(thread);
  return code;
}
}  // extern "C"

namespace tvmffi::python {
namespace {

// The stream and allocator of a call; what was there before comes back when the call is over.
class Surroundings {
 public:
  // False with a Python exception.
  bool Enter(const CallContext& context) {
    if (context.device_type >= 0) {
      if (!Check(TVMFFIEnvSetStream(context.device_type, context.device_id, context.stream,
                                    &old_stream_))) {
        return false;
      }
      context_ = &context;
    }
    if (context.api != nullptr && context.api->managed_tensor_allocator != nullptr) {
      allocator_ = context.api->managed_tensor_allocator;
      return Check(TVMFFIEnvSetDLPackManagedTensorAllocator(allocator_, 0, &old_allocator_));
    }
    return true;
  }

  // False when a setting did not come back; nothing is raised on the Python side.
  bool Leave() {
    int code = 0;
    if (context_ != nullptr && context_->stream != old_stream_) {
      code |= TVMFFIEnvSetStream(context_->device_type, context_->device_id, old_stream_, nullptr);
    }
    if (allocator_ != nullptr && allocator_ != old_allocator_) {
      code |= TVMFFIEnvSetDLPackManagedTensorAllocator(old_allocator_, 0, nullptr);
    }
    return code == 0;
  }

 private:
  const CallContext* context_ = nullptr;
  TVMFFIStreamHandle old_stream_ = nullptr;
  DLPackManagedTensorAllocator allocator_ = nullptr;
  DLPackManagedTensorAllocator old_allocator_ = nullptr;
};

// Part of its caller. False with a Python exception; `result` is owned.
__attribute__((always_inline)) inline bool CallInContext(TVMFFIObjectHandle function,
                                                         TVMFFIAny* args, int32_t num_args,
                                                         const CallContext& context,
                                                         bool release_gil, TVMFFIAny* result) {
  if (context.device_type < 0 && context.api == nullptr) {
    return Check(TVMFFIFunctionCallWithGilAs(release_gil, function, args, num_args, result));
  }
  Surroundings surroundings;
  if (!surroundings.Enter(context)) {
    surroundings.Leave();
    return false;
  }
  int code = TVMFFIFunctionCallWithGilAs(release_gil, function, args, num_args, result);
  bool restored = surroundings.Leave();
  if (!Check(code)) return false;
  if (restored) return true;
  ReleaseAny(*result);
  PyErr_SetString(PyExc_RuntimeError, "cannot restore the stream or allocator after the call");
  return false;
}

PyObject* RefuseKeywords() {
  PyErr_SetString(PyExc_TypeError, "an FFI function takes no keyword arguments");
  return nullptr;
}

constexpr size_t kMaxPlainArguments = 6;

bool ReleasesGil(PyObject* self) { return reinterpret_cast<FunctionWrapper*>(self)->release_gil; }

PyObject* GetReleaseGil(PyObject* self, void*) { return PyBool_FromLong(ReleasesGil(self)); }

int SetReleaseGil(PyObject* self, PyObject* value, void*) {
  if (value == nullptr) {
    PyErr_SetString(PyExc_AttributeError, "release_gil cannot be deleted");
    return -1;
  }
  int truth = PyObject_IsTrue(value);
  if (truth < 0) return -1;
  reinterpret_cast<FunctionWrapper*>(self)->release_gil = truth != 0;
  return 0;
}

struct ExternSymbol {
  TVMFFISafeCallType call;
  PyObject* keep_alive;
};

int CallExtern(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  return static_cast<ExternSymbol*>(self)->call(nullptr, args, num_args, result);
}

void DeleteExtern(void* self) {
  auto* symbol = static_cast<ExternSymbol*>(self);
  if (symbol->keep_alive != nullptr) TVMFFIPyReleaseObject(symbol->keep_alive);
  delete symbol;
}

using MlirPackedCall = void (*)(void**);

struct MlirSymbol {
  MlirPackedCall call;
  PyObject* keep_alive;
};

int CallMlir(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  void* handle = nullptr;
  int code = 0;
  void* packed[] = {&handle, &args, &num_args, &result, &code};
  static_cast<MlirSymbol*>(self)->call(packed);
  return code;
}

void DeleteMlir(void* self) {
  auto* symbol = static_cast<MlirSymbol*>(self);
  if (symbol->keep_alive != nullptr) TVMFFIPyReleaseObject(symbol->keep_alive);
  delete symbol;
}

// A Function around the address in `args`, of the form Symbol calls.
template <typename Symbol, typename Call>
PyObject* FromSymbol(PyObject* args, PyObject* kwargs, const char* format, TVMFFISafeCallType call,
                     void (*deleter)(void*)) {
  static const char* names[] = {"", "keep_alive_object", nullptr};
  PyObject* address;
  PyObject* keep_alive = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, const_cast<char**>(names), &address,
                                   &keep_alive)) {
    return nullptr;
  }
  void* pointer = PyLong_AsVoidPtr(address);
  if (pointer == nullptr) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "the function's address is 0");
    return nullptr;
  }
  auto* symbol = new Symbol{reinterpret_cast<Call>(pointer), nullptr};
  TVMFFIObjectHandle function = nullptr;
  if (!Check(TVMFFIFunctionCreate(symbol, call, deleter, &function))) {
    delete symbol;
    return nullptr;
  }
  if (keep_alive != Py_None) symbol->keep_alive = Py_NewRef(keep_alive);
  return WrapObject(function, nullptr);
}

PyObject* FromExternC(PyObject*, PyObject* args, PyObject* kwargs) {
  return FromSymbol<ExternSymbol, TVMFFISafeCallType>(args, kwargs, "O|$O:__from_extern_c__",
                                                      CallExtern, DeleteExtern);
}

PyObject* FromMlirPacked(PyObject*, PyObject* args, PyObject* kwargs) {
  return FromSymbol<MlirSymbol, MlirPackedCall>(args, kwargs, "O|$O:__from_mlir_packed_safe_call__",
                                                CallMlir, DeleteMlir);
}

PyMethodDef kFunctionMethods[] = {
    {"__from_extern_c__", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(FromExternC)),
     METH_VARARGS | METH_KEYWORDS | METH_STATIC, "A Function around the address of a C function."},
    {"__from_mlir_packed_safe_call__",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(FromMlirPacked)),
     METH_VARARGS | METH_KEYWORDS | METH_STATIC, "A Function around a void(void**) entry point."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kFunctionGetSet[] = {
    {"release_gil", GetReleaseGil, SetReleaseGil, "Whether calls run without the GIL.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef kFunctionMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(FunctionWrapper, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot kFunctionSlots[] = {
    {Py_tp_doc, const_cast<char*>("Callable FFI object.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocWrapper)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_methods, kFunctionMethods},
    {Py_tp_getset, kFunctionGetSet},
    {Py_tp_members, kFunctionMembers},
    {0, nullptr},
};

PyType_Spec kFunctionSpec = {"tvm_ffi.core.CFunction", sizeof(FunctionWrapper), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
                             kFunctionSlots};

}  // namespace
}  // namespace tvmffi::python

namespace py = tvmffi::python;

// Exported for its name: see above. What it calls on the way to the module is part of it.
extern "C" TVM_FFI_DLL_EXPORT __attribute__((noinline)) PyObject* TVMFFIFunctionCallFromPythonAny(
    PyObject* self, PyObject* const* args, size_t num_args) {
  TVMFFIObjectHandle handle = py::HandleOf(self);
  if (handle == nullptr && !py::RequireHandle(self)) return nullptr;
  py::ArgArray values(num_args);
  TVMFFIAny* data = values.data();
  if (data == nullptr) return PyErr_NoMemory();
  py::ArgScope scope;
  for (size_t i = 0; i < num_args; ++i) {
    if (!py::SetArgument(scope, args[i], data + i)) return nullptr;
  }
  TVMFFIAny result = py::MakeNone();
  if (!py::CallInContext(handle, data, static_cast<int32_t>(num_args), scope.context,
                         py::ReleasesGil(self), &result)) {
    return nullptr;
  }
  return py::AnyToPython(result, scope.context.api);
}

// The vectorcall of every Function. Arguments that ask for nothing need no ArgScope.
extern "C" TVM_FFI_DLL_EXPORT PyObject* TVMFFIFunctionCallFromPython(PyObject* self,
                                                                     PyObject* const* args,
                                                                     size_t nargsf,
                                                                     PyObject* kwnames) {
  if (kwnames != nullptr && PyTuple_GET_SIZE(kwnames) != 0) return py::RefuseKeywords();
  auto num_args = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
  if (num_args > py::kMaxPlainArguments || py::HandleOf(self) == nullptr) {
    return TVMFFIFunctionCallFromPythonAny(self, args, num_args);
  }
  TVMFFIAny values[py::kMaxPlainArguments];
  for (size_t i = 0; i < num_args; ++i) {
    if (py::SetPlainArgument(args[i], values + i)) continue;
    return TVMFFIFunctionCallFromPythonAny(self, args, num_args);
  }
  TVMFFIAny result = py::MakeNone();
  int code = TVMFFIFunctionCallWithGilAs(py::ReleasesGil(self), py::HandleOf(self), values,
                                         static_cast<int32_t>(num_args), &result);
  if (!py::Check(code)) return nullptr;
  if (result.type_index == kTVMFFINone) Py_RETURN_NONE;
  return py::AnyToPython(result, nullptr);
}

namespace tvmffi::python {

bool InitFunctionType() {
  g_state.c_function = AddType(&kFunctionSpec, g_state.c_object);
  return g_state.c_function != nullptr;
}

}  // namespace tvmffi::python
