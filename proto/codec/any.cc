#include "proto/codec/any.h"

#include <cstring>

namespace tvmffi {
namespace {

std::string ToString(const TVMFFIByteArray& bytes) {
  return bytes.size == 0 ? std::string() : std::string(bytes.data, bytes.size);
}

}  // namespace

ErrorText ReadError(TVMFFIObjectHandle error) {
  const TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error);
  return {ToString(cell->kind), ToString(cell->message), ToString(cell->backtrace)};
}

bool TakeRaised(ErrorText* out) {
  TVMFFIObjectHandle raised = nullptr;
  TVMFFIErrorMoveFromRaised(&raised);
  if (raised == nullptr) return false;
  ObjectRef error(raised);
  *out = ReadError(error.get());
  return true;
}

Status RaisedStatus(Code code, const std::string& what) {
  ErrorText error;
  if (!TakeRaised(&error)) return {code, what + ": failed without an error"};
  return {code, what + ": " + error.kind + ": " + error.message};
}

bool ViewText(const TVMFFIAny& value, TVMFFIByteArray* out) {
  switch (value.type_index) {
    case kTVMFFIRawStr:
      *out = {value.v_c_str, std::strlen(value.v_c_str)};
      return true;
    case kTVMFFIByteArrayPtr:
      *out = *static_cast<const TVMFFIByteArray*>(value.v_ptr);
      return true;
    case kTVMFFISmallStr:
    case kTVMFFISmallBytes:
      *out = {value.v_bytes, value.small_str_len};
      return true;
    case kTVMFFIStr:
    case kTVMFFIBytes:
      *out = *TVMFFIBytesGetByteArrayPtr(value.v_obj);
      return true;
    default:
      *out = {nullptr, 0};
      return false;
  }
}

TVMFFIObjectHandle FindGlobal(const char* name) {
  const TVMFFIByteArray bytes = {name, std::strlen(name)};
  TVMFFIObjectHandle function = nullptr;
  if (TVMFFIFunctionGetGlobal(&bytes, &function) != 0) {
    ErrorText ignored;
    TakeRaised(&ignored);
    return nullptr;
  }
  return function;
}

}  // namespace tvmffi
