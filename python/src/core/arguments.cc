#include "arguments.h"

#include "borrowed_tensor.h"
#include "error.h"
#include "state.h"

namespace tvmffi::python {

void CallContext::Merge(const CallContext& nested) {
  if (device_type < 0 && nested.device_type >= 0) {
    device_type = nested.device_type;
    device_id = nested.device_id;
    stream = nested.stream;
  }
  if (nested.api != nullptr) api = nested.api;
}

void ArgScope::OwnMore(TVMFFIObjectHandle handle) { more_owned_.push_back(handle); }

void ArgScope::ReleaseOwned() {
  // A deleter may run Python code; an exception on its way must survive that.
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  for (size_t i = 0; i < num_borrowed_; ++i) ReleaseBorrowedTensor(borrowed_[i]);
  for (size_t i = 0; i < num_owned_; ++i) TVMFFIObjectDecRef(owned_[i]);
  for (TVMFFIObjectHandle handle : more_owned_) TVMFFIObjectDecRef(handle);
  PyErr_Restore(type, value, traceback);
}

bool SetArgumentText(ArgScope& scope, PyObject* arg, TVMFFIAny* out) {
  Py_ssize_t size;
  const char* data = PyUnicode_AsUTF8AndSize(arg, &size);
  if (data == nullptr) return false;
  if (size <= 7) {
    SetSmallStr(out, data, static_cast<size_t>(size));
    return true;
  }
  TVMFFIByteArray text{data, static_cast<size_t>(size)};
  if (!Check(TVMFFIStringFromByteArray(&text, out))) return false;
  scope.Own(out->v_obj);
  return true;
}

bool SetArgumentBigInt(PyObject* arg) {
  PyErr_Format(PyExc_OverflowError, "%R does not fit in a 64-bit integer", arg);
  return false;
}

bool PythonToAny(PyObject* arg, TVMFFIAny* out) {
  ArgScope scope;
  TVMFFIAny view;
  return SetArgument(scope, arg, &view) && Check(TVMFFIAnyViewToOwnedAny(&view, out));
}

namespace {

HandleRef Construct(const char* constructor, TVMFFIAny* values, size_t size) {
  TVMFFIObjectHandle function = GlobalFunction(constructor);
  if (function == nullptr) return HandleRef();
  if (size > INT32_MAX) {
    PyErr_Format(PyExc_OverflowError, "%zu values are too many for %s", size, constructor);
    return HandleRef();
  }
  TVMFFIAny result = MakeNone();
  if (!Check(TVMFFIFunctionCall(function, values, static_cast<int32_t>(size), &result))) {
    return HandleRef();
  }
  return HandleRef::Steal(result.v_obj);
}

// Guards against a container that contains itself.
class RecursionGuard {
 public:
  RecursionGuard() : entered_(Py_EnterRecursiveCall(" while converting a nested argument") == 0) {}
  ~RecursionGuard() {
    if (entered_) Py_LeaveRecursiveCall();
  }
  explicit operator bool() const { return entered_; }

 private:
  bool entered_;
};

}  // namespace

HandleRef MakeArray(PyObject* const* items, Py_ssize_t size, CallContext* context) {
  RecursionGuard guard;
  if (!guard) return HandleRef();
  auto count = static_cast<size_t>(size);
  ArgArray values(count);
  if (values.data() == nullptr) {
    PyErr_NoMemory();
    return HandleRef();
  }
  ArgScope scope;
  for (size_t i = 0; i < count; ++i) {
    if (!SetArgument(scope, items[i], values.data() + i)) return HandleRef();
  }
  context->Merge(scope.context);
  return Construct("ffi.Array", values.data(), count);
}

HandleRef MakeMap(PyObject* dict, CallContext* context) {
  RecursionGuard guard;
  if (!guard) return HandleRef();
  auto count = static_cast<size_t>(PyDict_Size(dict));
  ArgArray values(2 * count);
  if (values.data() == nullptr) {
    PyErr_NoMemory();
    return HandleRef();
  }
  ArgScope scope;
  PyObject *key, *value;
  Py_ssize_t position = 0;
  size_t filled = 0;
  while (filled < count && PyDict_Next(dict, &position, &key, &value)) {
    // Converting may run Python code that changes the dict.
    scope.Keep(PyRef::Borrow(key));
    scope.Keep(PyRef::Borrow(value));
    if (!SetArgument(scope, key, values.data() + 2 * filled) ||
        !SetArgument(scope, value, values.data() + 2 * filled + 1)) {
      return HandleRef();
    }
    ++filled;
  }
  context->Merge(scope.context);
  return Construct("ffi.Map", values.data(), 2 * filled);
}

HandleRef MakeShape(PyObject* tuple) {
  auto count = static_cast<size_t>(PyTuple_GET_SIZE(tuple));
  ArgArray values(count);
  if (values.data() == nullptr) {
    PyErr_NoMemory();
    return HandleRef();
  }
  ArgScope scope;
  for (size_t i = 0; i < count; ++i) {
    if (!SetArgument(scope, PyTuple_GET_ITEM(tuple, static_cast<Py_ssize_t>(i)),
                     values.data() + i)) {
      return HandleRef();
    }
  }
  return Construct("ffi.Shape", values.data(), count);
}

}  // namespace tvmffi::python
