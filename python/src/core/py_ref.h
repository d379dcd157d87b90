// Owning references: one to a Python object, one to an FFI object.
#ifndef TVMFFI_PYTHON_CORE_PY_REF_H_
#define TVMFFI_PYTHON_CORE_PY_REF_H_

#include <tvm/ffi/c_api.h>

#include <utility>

#include "python_api.h"

namespace tvmffi::python {

// Holds one strong reference to a Python object or nothing. Used with the GIL held.
class PyRef {
 public:
  PyRef() = default;
  static PyRef Steal(PyObject* object) {
    PyRef ref;
    ref.object_ = object;
    return ref;
  }
  static PyRef Borrow(PyObject* object) {
    Py_XINCREF(object);
    return Steal(object);
  }
  PyRef(PyRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  PyRef& operator=(PyRef&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  PyRef(const PyRef&) = delete;
  PyRef& operator=(const PyRef&) = delete;
  ~PyRef() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

// The reference counts of a new object.
constexpr uint64_t kOneStrongOneWeak = 0x100000001u;

inline void IncRef(TVMFFIObjectHandle handle) {
  __atomic_fetch_add(&static_cast<TVMFFIObject*>(handle)->combined_ref_count, 1, __ATOMIC_RELAXED);
}

// Holds one strong reference to an FFI object or nothing.
class HandleRef {
 public:
  HandleRef() = default;
  static HandleRef Steal(TVMFFIObjectHandle handle) {
    HandleRef ref;
    ref.handle_ = handle;
    return ref;
  }
  HandleRef(HandleRef&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  HandleRef& operator=(HandleRef&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  HandleRef(const HandleRef&) = delete;
  HandleRef& operator=(const HandleRef&) = delete;
  ~HandleRef() {
    if (handle_ != nullptr) TVMFFIObjectDecRef(handle_);
  }

  TVMFFIObjectHandle get() const { return handle_; }
  TVMFFIObjectHandle release() { return std::exchange(handle_, nullptr); }
  // For output parameters; what was held before is released.
  TVMFFIObjectHandle* out() {
    if (handle_ != nullptr) TVMFFIObjectDecRef(release());
    return &handle_;
  }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  TVMFFIObjectHandle handle_ = nullptr;
};

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_PY_REF_H_
