// Dtype texts: any bytes parse or raise ValueError, and what parses prints as a text that parses to
// the same.
#include <tvm/ffi/c_api.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void RequireValueError() {
  TVMFFIObjectHandle error = nullptr;
  TVMFFIErrorMoveFromRaised(&error);
  Require(error != nullptr &&
          std::strcmp(TVMFFIErrorGetCellPtr(error)->kind.data, "ValueError") == 0);
  TVMFFIObjectDecRef(error);
}

std::string Print(const DLDataType& dtype) {
  TVMFFIAny text;
  Require(TVMFFIDataTypeToString(&dtype, &text) == 0);
  if (text.type_index == kTVMFFISmallStr) return std::string(text.v_bytes, text.small_str_len);
  const TVMFFIByteArray* bytes = TVMFFIBytesGetByteArrayPtr(text.v_obj);
  std::string result(bytes->data, bytes->size);
  TVMFFIObjectDecRef(text.v_obj);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const TVMFFIByteArray text{reinterpret_cast<const char*>(data), size};
  DLDataType parsed{};
  if (TVMFFIDataTypeFromString(&text, &parsed) != 0) {
    RequireValueError();
    return 0;
  }
  // These two are printed without what the text said: bits of a handle, and one scalable lane.
  if (parsed.code == kDLOpaqueHandle || parsed.lanes == 0xffff) return 0;
  const std::string printed = Print(parsed);
  const TVMFFIByteArray again{printed.data(), printed.size()};
  DLDataType reparsed{};
  Require(TVMFFIDataTypeFromString(&again, &reparsed) == 0);
  Require(parsed.code == reparsed.code && parsed.bits == reparsed.bits &&
          parsed.lanes == reparsed.lanes);
  return 0;
}
