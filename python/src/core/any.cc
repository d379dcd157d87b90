#include "any.h"

#include <cstring>

#include "dtype.h"
#include "error.h"
#include "object.h"
#include "state.h"
#include "tensor.h"
#include "text.h"

namespace tvmffi::python {
namespace {

PyObject* OpaquePtrToPython(void* pointer) {
  if (pointer == nullptr) return PyObject_CallNoArgs(g_state.c_void_p);
  PyRef address = PyRef::Steal(PyLong_FromVoidPtr(pointer));
  return address ? PyObject_CallOneArg(g_state.c_void_p, address.get()) : nullptr;
}

PyObject* ObjectToPython(const TVMFFIAny& owned, const DLPackExchangeAPI* api) {
  switch (owned.type_index) {
    case kTVMFFIStr:
      return StringToPython(owned.v_obj);
    case kTVMFFIBytes:
      return BytesToPython(owned.v_obj);
    case kTVMFFIShape:
      return ShapeToPython(owned.v_obj);
    case kTVMFFITensor:
      return TensorToPython(owned.v_obj, api);
    case kTVMFFIOpaquePyObject: {
      HandleRef holder = HandleRef::Steal(owned.v_obj);
      auto* object = static_cast<PyObject*>(TVMFFIOpaqueObjectGetCellPtr(owned.v_obj)->handle);
      Py_INCREF(object);
      return object;
    }
    default:
      return WrapObject(owned.v_obj, api);
  }
}

}  // namespace

TVMFFIByteArray TextOf(const TVMFFIAny& any) {
  if (any.type_index == kTVMFFISmallStr || any.type_index == kTVMFFISmallBytes) {
    return TVMFFISmallBytesGetContentByteArray(&any);
  }
  return *TVMFFIBytesGetByteArrayPtr(any.v_obj);
}

PyObject* AnyToPython(const TVMFFIAny& owned, const DLPackExchangeAPI* api) {
  switch (owned.type_index) {
    case kTVMFFINone:
      Py_RETURN_NONE;
    case kTVMFFIInt:
      return PyLong_FromLongLong(owned.v_int64);
    case kTVMFFIBool:
      return PyBool_FromLong(owned.v_int64 != 0);
    case kTVMFFIFloat:
      return PyFloat_FromDouble(owned.v_float64);
    case kTVMFFIOpaquePtr:
      return OpaquePtrToPython(owned.v_ptr);
    case kTVMFFIDataType:
      return DataTypeToPython(owned.v_dtype);
    case kTVMFFIDevice:
      return DeviceToPython(owned.v_device);
    case kTVMFFIDLTensorPtr:
      return WrapTensorView(static_cast<DLTensor*>(owned.v_ptr));
    case kTVMFFISmallStr:
      return PyUnicode_DecodeUTF8(owned.v_bytes, owned.small_str_len, nullptr);
    case kTVMFFISmallBytes:
      return PyBytes_FromStringAndSize(owned.v_bytes, owned.small_str_len);
    default:
      break;
  }
  if (IsObject(owned)) return ObjectToPython(owned, api);
  PyErr_Format(PyExc_ValueError, "cannot return a value of type index %d: it is a borrowed view",
               owned.type_index);
  return nullptr;
}

PyObject* AnyViewToPython(const TVMFFIAny& view, const DLPackExchangeAPI* api) {
  switch (view.type_index) {
    case kTVMFFIRawStr:
      return PyUnicode_FromString(view.v_c_str);
    case kTVMFFIByteArrayPtr: {
      auto* bytes = static_cast<TVMFFIByteArray*>(view.v_ptr);
      return PyBytes_FromStringAndSize(bytes->data, static_cast<Py_ssize_t>(bytes->size));
    }
    case kTVMFFIObjectRValueRef: {
      TVMFFIAny moved;
      if (*static_cast<TVMFFIObject**>(view.v_ptr) == nullptr) {
        PyErr_SetString(PyExc_ValueError, "the argument's object was already moved");
        return nullptr;
      }
      if (!Check(TVMFFIAnyViewToOwnedAny(&view, &moved))) return nullptr;
      return AnyToPython(moved, api);
    }
    default:
      if (IsObject(view)) IncRef(view.v_obj);
      return AnyToPython(view, api);
  }
}

}  // namespace tvmffi::python
