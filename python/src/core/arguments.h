// Python arguments as values of the ABI, and what must live until the call is over.
#ifndef TVMFFI_PYTHON_CORE_ARGUMENTS_H_
#define TVMFFI_PYTHON_CORE_ARGUMENTS_H_

#include <tvm/ffi/extra/c_env_api.h>

#include <vector>

#include "any.h"
#include "object.h"
#include "py_ref.h"
#include "state.h"

namespace tvmffi::python {

// What the arguments say about the surroundings of the call.
struct CallContext {
  // Of the first tensor that is not in CPU memory.
  int32_t device_type = -1;
  int32_t device_id = 0;
  TVMFFIStreamHandle stream = nullptr;
  // Of the last argument whose class has one; a container's only counts when there is none yet.
  const DLPackExchangeAPI* api = nullptr;

  // Fills the context of a call from that of a nested value.
  void Merge(const CallContext& nested);
};

// Temporaries of one call and the context its arguments ask for. Destroyed with the GIL held.
class ArgScope {
 public:
  ArgScope() = default;
  ArgScope(const ArgScope&) = delete;
  ArgScope& operator=(const ArgScope&) = delete;
  ~ArgScope() {
    if (num_owned_ != 0 || num_borrowed_ != 0) ReleaseOwned();
  }

  // Released when the call is over.
  void Own(TVMFFIObjectHandle handle) {
    if (num_owned_ < kInline) {
      owned_[num_owned_++] = handle;
    } else {
      OwnMore(handle);
    }
  }
  // The same for a BorrowedTensor.
  void OwnBorrowed(TVMFFIObjectHandle tensor) {
    if (num_borrowed_ < kInline) {
      borrowed_[num_borrowed_++] = tensor;
    } else {
      OwnMore(tensor);
    }
  }
  void Keep(PyRef object) { kept_.push_back(std::move(object)); }

  CallContext context;

 private:
  static constexpr size_t kInline = 8;
  void OwnMore(TVMFFIObjectHandle handle);
  void ReleaseOwned();

  size_t num_owned_ = 0;
  size_t num_borrowed_ = 0;
  TVMFFIObjectHandle owned_[kInline];
  TVMFFIObjectHandle borrowed_[kInline];
  std::vector<TVMFFIObjectHandle> more_owned_;
  std::vector<PyRef> kept_;
};

// Room for the values of one call: on the stack when they are few.
class ArgArray {
 public:
  explicit ArgArray(size_t size) : data_(size <= kInline ? inline_ : Allocate(size)) {}
  ArgArray(const ArgArray&) = delete;
  ArgArray& operator=(const ArgArray&) = delete;
  ~ArgArray() {
    if (data_ != inline_) PyMem_Free(data_);
  }
  // NULL when there was no memory.
  TVMFFIAny* data() { return data_; }

 private:
  static constexpr size_t kInline = 8;
  static TVMFFIAny* Allocate(size_t size) {
    return static_cast<TVMFFIAny*>(PyMem_Malloc(size * sizeof(TVMFFIAny)));
  }
  TVMFFIAny inline_[kInline];
  TVMFFIAny* data_;
};

// Converts any argument by its exact type; rules and order as documented for Function.__call__.
bool SetArgumentByType(ArgScope& scope, PyObject* arg, TVMFFIAny* out);
bool SetArgumentText(ArgScope& scope, PyObject* arg, TVMFFIAny* out);
bool SetArgumentBigInt(PyObject* arg);

// The value of an int of one digit: most of them, and cheap to recognise.
inline bool SmallIntValue(PyObject* integer, int64_t* out) {
#if PY_VERSION_HEX >= 0x030C0000
  auto* digits = reinterpret_cast<PyLongObject*>(integer);
  if (!PyUnstable_Long_IsCompact(digits)) return false;
  *out = PyUnstable_Long_CompactValue(digits);
  return true;
#else
  Py_ssize_t size = Py_SIZE(integer);
  if (size < -1 || size > 1) return false;
  // Zero has no digit, but room for one.
  *out = size * static_cast<int64_t>(reinterpret_cast<PyLongObject*>(integer)->ob_digit[0]);
  return true;
#endif
}

// Converts an argument of which nothing needs to be kept for the call: False, without an
// exception, for every other. Part of SetArgument(), whose answer is the same.
inline bool SetPlainArgument(PyObject* arg, TVMFFIAny* out) {
  PyTypeObject* type = Py_TYPE(arg);
  if (type == &PyLong_Type) {
    int overflow = 0;
    int64_t value;
    if (!SmallIntValue(arg, &value)) value = PyLong_AsLongLongAndOverflow(arg, &overflow);
    SetInt(out, value);
    return overflow == 0;
  }
  if (type == &PyUnicode_Type) {
    if (!PyUnicode_IS_COMPACT_ASCII(arg) || PyUnicode_GET_LENGTH(arg) > 7) return false;
    SetSmallStr(out, static_cast<const char*>(PyUnicode_DATA(arg)),
                static_cast<size_t>(PyUnicode_GET_LENGTH(arg)));
    return true;
  }
  if (type == g_state.tensor) {
    if (HandleOf(arg) == nullptr) return false;
    SetObject(out, HandleOf(arg));
    return true;
  }
  if (type == &PyFloat_Type) {
    SetFloat(out, PyFloat_AS_DOUBLE(arg));
    return true;
  }
  if (type == &PyBool_Type) {
    SetBool(out, arg == Py_True);
    return true;
  }
  if (arg == Py_None) {
    *out = MakeNone();
    return true;
  }
  return false;
}

// Writes a view of `arg` that is valid while `scope` and `arg` are. False with a Python exception.
inline bool SetArgument(ArgScope& scope, PyObject* arg, TVMFFIAny* out) {
  return SetPlainArgument(arg, out) || SetArgumentByType(scope, arg, out);
}

// `arg` as an owned value. False with a Python exception.
bool PythonToAny(PyObject* arg, TVMFFIAny* out);

// An owned Array of the items, their findings added to `context`; empty with an exception on
// failure.
HandleRef MakeArray(PyObject* const* items, Py_ssize_t size, CallContext* context);
// An owned Map of the dict's items, in their order.
HandleRef MakeMap(PyObject* dict, CallContext* context);
// An owned Shape of a tuple of integers.
HandleRef MakeShape(PyObject* tuple);

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_ARGUMENTS_H_
