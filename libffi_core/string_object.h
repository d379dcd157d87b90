// Owned string and bytes values.
#ifndef TVMFFI_LIBFFI_CORE_STRING_OBJECT_H_
#define TVMFFI_LIBFFI_CORE_STRING_OBJECT_H_

#include <tvm/ffi/c_api.h>

#include <string_view>

namespace tvmffi::core {

// Up to 7 bytes live in the value itself; more become an object with a NUL behind the content.
TVMFFIAny NewString(std::string_view content);
TVMFFIAny NewBytes(std::string_view content);

// The content of any string form, owned or borrowed; `value` must be one.
std::string_view StringContent(const TVMFFIAny& value);
bool IsString(const TVMFFIAny& value);

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_STRING_OBJECT_H_
