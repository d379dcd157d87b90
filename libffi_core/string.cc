#include <tvm/ffi/c_api.h>

#include <cstring>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"
#include "libffi_core/string_object.h"

namespace tvmffi::core {
namespace {

constexpr size_t kMaxSmallSize = 7;

struct ByteObject {
  TVMFFIObject header;
  TVMFFIByteArray bytes;
};
static_assert(sizeof(ByteObject) == 40 && offsetof(ByteObject, bytes) == 24);

TVMFFIAny NewByteValue(std::string_view content, int32_t small_index, int32_t object_index) {
  TVMFFIAny value = NoneAny();
  if (content.size() <= kMaxSmallSize) {
    value.type_index = small_index;
    value.small_str_len = static_cast<uint32_t>(content.size());
    if (!content.empty()) std::memcpy(value.v_bytes, content.data(), content.size());
    return value;
  }
  auto* object = NewObject<ByteObject>(object_index, content.size() + 1, TVMFFIByteArray{});
  char* data = reinterpret_cast<char*>(object + 1);
  std::memcpy(data, content.data(), content.size());
  data[content.size()] = '\0';
  object->bytes = {data, content.size()};
  value.type_index = object_index;
  value.v_obj = &object->header;
  return value;
}

}  // namespace

TVMFFIAny NewString(std::string_view content) {
  return NewByteValue(content, kTVMFFISmallStr, kTVMFFIStr);
}

TVMFFIAny NewBytes(std::string_view content) {
  return NewByteValue(content, kTVMFFISmallBytes, kTVMFFIBytes);
}

bool IsString(const TVMFFIAny& value) {
  return value.type_index == kTVMFFISmallStr || value.type_index == kTVMFFIStr ||
         value.type_index == kTVMFFIRawStr;
}

std::string_view StringContent(const TVMFFIAny& value) {
  switch (value.type_index) {
    case kTVMFFIRawStr:
      return value.v_c_str;
    case kTVMFFISmallStr:
      return {value.v_bytes, value.small_str_len};
    default:
      return ViewOf(*TVMFFIBytesGetByteArrayPtr(value.v_obj));
  }
}

}  // namespace tvmffi::core

using tvmffi::core::NotNull;
using tvmffi::core::ViewOf;

extern "C" {

int TVMFFIStringFromByteArray(const TVMFFIByteArray* input, TVMFFIAny* out) {
  return tvmffi::core::Guarded([&] {
    TVMFFIAny& result = NotNull(out, "TVMFFIStringFromByteArray: out");
    result = tvmffi::core::NewString(ViewOf(NotNull(input, "TVMFFIStringFromByteArray: input")));
  });
}

int TVMFFIBytesFromByteArray(const TVMFFIByteArray* input, TVMFFIAny* out) {
  return tvmffi::core::Guarded([&] {
    TVMFFIAny& result = NotNull(out, "TVMFFIBytesFromByteArray: out");
    result = tvmffi::core::NewBytes(ViewOf(NotNull(input, "TVMFFIBytesFromByteArray: input")));
  });
}

}  // extern "C"
