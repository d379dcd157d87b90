// Calls the library's JSON functions, whose C++ signatures changed over the releases, as each
// release declares them.
#include <tvm/ffi/any.h>
#include <tvm/ffi/extra/json.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

#include <cstdint>

namespace {

namespace ffi = tvm::ffi;

ffi::Any Parse(const ffi::String& text) { return ffi::json::Parse(text); }

ffi::String Stringify(ffi::Any value, int64_t indent) {
  ffi::Optional<int> spaces = std::nullopt;
  if (indent >= 0) spaces = static_cast<int>(indent);
  return ffi::json::Stringify(value, spaces);
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(parse, Parse)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(stringify, Stringify)

}  // namespace
