#include "arguments.h"
#include "error.h"
#include "function.h"

namespace tvmffi::python {
namespace {

// An ffi.Function made here, laid out as the ABI says, with what it needs behind.
struct Callback {
  TVMFFIObject header;
  TVMFFIFunctionCell cell;
  PyObject* callable;
  const DLPackExchangeAPI* api;
};

class GilHolder {
 public:
  GilHolder() : state_(PyGILState_Ensure()) {}
  ~GilHolder() { PyGILState_Release(state_); }
  GilHolder(const GilHolder&) = delete;
  GilHolder& operator=(const GilHolder&) = delete;

 private:
  PyGILState_STATE state_;
};

// The arguments as new references, with a free place in front as vectorcall likes it.
class PyArguments {
 public:
  explicit PyArguments(size_t size) : data_(inline_) {
    if (size + 1 > kInline) {
      data_ = static_cast<PyObject**>(PyMem_Malloc((size + 1) * sizeof(PyObject*)));
    }
  }
  ~PyArguments() {
    for (size_t i = 0; i < filled_; ++i) Py_DECREF(data_[i + 1]);
    if (data_ != inline_) PyMem_Free(data_);
  }
  PyArguments(const PyArguments&) = delete;
  PyArguments& operator=(const PyArguments&) = delete;

  bool Fill(const Callback& callback, const TVMFFIAny* args, size_t size) {
    if (data_ == nullptr) {
      PyErr_NoMemory();
      return false;
    }
    for (; filled_ < size; ++filled_) {
      PyObject* argument = AnyViewToPython(args[filled_], callback.api);
      if (argument == nullptr) return false;
      data_[filled_ + 1] = argument;
    }
    return true;
  }
  PyObject* const* data() const { return data_ + 1; }

 private:
  static constexpr size_t kInline = 9;
  PyObject* inline_[kInline];
  PyObject** data_;
  size_t filled_ = 0;
};

bool Invoke(const Callback& callback, const TVMFFIAny* args, size_t num_args, TVMFFIAny* result) {
  PyArguments arguments(num_args);
  if (!arguments.Fill(callback, args, num_args)) return false;
  PyRef value = PyRef::Steal(PyObject_Vectorcall(
      callback.callable, arguments.data(), num_args | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  if (!value) return false;
  return value.get() == Py_None || PythonToAny(value.get(), result);
}

// Runs on whatever thread drops the last reference. A finalized interpreter no longer owns the
// callable.
void DeleteCallback(void* self, int flags) {
  auto* callback = static_cast<Callback*>(self);
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0 && Py_IsInitialized()) {
    GilHolder gil;
    Py_DECREF(callback->callable);
  }
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) delete callback;
}

}  // namespace
}  // namespace tvmffi::python

// Entered by C++ for every call of a Python callable. Backtraces name it, hence exported: see
// CallerBacktrace().
extern "C" TVM_FFI_DLL_EXPORT __attribute__((noinline)) int TVMFFIPythonCallback(
    void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  namespace py = tvmffi::python;
  py::GilHolder gil;
  // A signal noticed by TVMFFIEnvCheckSignals is still pending: no Python code runs before it is
  // delivered.
  if (PyErr_Occurred() != nullptr) {
    TVMFFIErrorSetRaisedFromCStr("EnvErrorAlreadySet", "");
    return -1;
  }
  const auto& callback = *static_cast<py::Callback*>(self);
  if (py::Invoke(callback, args, static_cast<size_t>(num_args), result)) return 0;
  py::RaiseIntoFfi();
  return -1;
}

namespace tvmffi::python {

HandleRef FunctionFromCallable(PyObject* callable, const DLPackExchangeAPI* api) {
  auto* callback = new Callback{};
  callback->header.combined_ref_count = kOneStrongOneWeak;
  callback->header.type_index = kTVMFFIFunction;
  callback->header.deleter = DeleteCallback;
  callback->cell.safe_call = TVMFFIPythonCallback;
  Py_INCREF(callable);
  callback->callable = callable;
  callback->api = api;
  return HandleRef::Steal(callback);
}

}  // namespace tvmffi::python
