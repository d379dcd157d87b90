// Values of the ABI: building them, and turning them into Python objects.
#ifndef TVMFFI_PYTHON_CORE_ANY_H_
#define TVMFFI_PYTHON_CORE_ANY_H_

#include <tvm/ffi/c_api.h>

#include <cstring>

#include "py_ref.h"

namespace tvmffi::python {

inline TVMFFIAny MakeNone() {
  TVMFFIAny any;
  any.type_index = kTVMFFINone;
  any.zero_padding = 0;
  any.v_int64 = 0;
  return any;
}

inline void SetInt(TVMFFIAny* out, int64_t value) {
  out->type_index = kTVMFFIInt;
  out->zero_padding = 0;
  out->v_int64 = value;
}

inline void SetBool(TVMFFIAny* out, bool value) {
  out->type_index = kTVMFFIBool;
  out->zero_padding = 0;
  out->v_int64 = value ? 1 : 0;
}

inline void SetFloat(TVMFFIAny* out, double value) {
  out->type_index = kTVMFFIFloat;
  out->zero_padding = 0;
  out->v_float64 = value;
}

// At most 7 bytes.
inline void SetSmallStr(TVMFFIAny* out, const char* data, size_t size) {
  out->type_index = kTVMFFISmallStr;
  out->small_str_len = static_cast<uint32_t>(size);
  out->v_uint64 = 0;
  std::memcpy(out->v_bytes, data, size);
}

inline void SetOpaquePtr(TVMFFIAny* out, void* value) {
  out->type_index = kTVMFFIOpaquePtr;
  out->zero_padding = 0;
  out->v_ptr = value;
}

inline void SetDataType(TVMFFIAny* out, DLDataType value) {
  out->type_index = kTVMFFIDataType;
  out->zero_padding = 0;
  out->v_int64 = 0;
  out->v_dtype = value;
}

inline void SetDevice(TVMFFIAny* out, DLDevice value) {
  out->type_index = kTVMFFIDevice;
  out->zero_padding = 0;
  out->v_device = value;
}

// A view of the object; the caller keeps it alive.
inline void SetObject(TVMFFIAny* out, TVMFFIObjectHandle handle) {
  out->type_index = TVMFFIObjectGetTypeIndex(handle);
  out->zero_padding = 0;
  out->v_obj = static_cast<TVMFFIObject*>(handle);
}

inline bool IsObject(const TVMFFIAny& any) { return any.type_index >= kTVMFFIStaticObjectBegin; }

// Releases what an owned value holds.
inline void ReleaseAny(const TVMFFIAny& any) {
  if (IsObject(any)) TVMFFIObjectDecRef(any.v_obj);
}

// The text or bytes of a string or bytes value, small or not; valid while `any` is.
TVMFFIByteArray TextOf(const TVMFFIAny& any);

// An owned value as a Python object; takes the value also when it fails. With `api` a tensor
// becomes a tensor of that framework, and a container remembers the table for its elements. NULL
// with a Python exception on failure.
PyObject* AnyToPython(const TVMFFIAny& owned, const DLPackExchangeAPI* api);

// The same for a borrowed value, such as an argument of a callback.
PyObject* AnyViewToPython(const TVMFFIAny& view, const DLPackExchangeAPI* api);

}  // namespace tvmffi::python

#endif  // TVMFFI_PYTHON_CORE_ANY_H_
