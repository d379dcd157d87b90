// The constructor that a type gets from its fields.
#ifndef TVMFFI_LIBFFI_CORE_REFLECTION_AUTO_INIT_H_
#define TVMFFI_LIBFFI_CORE_REFLECTION_AUTO_INIT_H_

#include <tvm/ffi/c_api.h>
#include <tvm/ffi/function.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tvmffi::core {

// A packed callable. Positional arguments come first: the fields without a default, then those with
// one, each group ancestors first. After the keyword marker follow pairs of name and value.
class AutoInit {
 public:
  // Takes the fields that the type and its ancestors have now.
  explicit AutoInit(const TVMFFITypeInfo* type_info);

  void operator()(tvm::ffi::PackedArgs args, tvm::ffi::Any* result) const;

 private:
  class Call;

  const TVMFFITypeInfo* type_info_;
  std::vector<TVMFFIFieldInfo> fields_;
  std::vector<size_t> positional_;
  // Of the fields that share a name, the most derived one is meant.
  std::unordered_map<std::string_view, size_t> parameter_by_name_;
};

// Registers the constructor as the type attribute `__ffi_init__`; RuntimeError when there is one.
void RegisterAutoInit(int32_t type_index);

// The info of a registered type, or ValueError: TVMFFIGetTypeInfo would end the process.
const TVMFFITypeInfo* RequireTypeInfo(int64_t type_index);

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_REFLECTION_AUTO_INIT_H_
