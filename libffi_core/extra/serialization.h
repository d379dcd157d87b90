// What the two directions of JSON graphs must agree on.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_SERIALIZATION_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_SERIALIZATION_H_

#include <tvm/ffi/enum.h>
#include <tvm/ffi/reflection/accessor.h>

#include <string_view>

namespace tvmffi::core {

// Whether a node holds the value of such a field itself, and not the index of the value's node.
inline bool IsInlineField(const TVMFFIFieldInfo* field) {
  switch (field->field_static_type_index) {
    case kTVMFFIInt:
    case kTVMFFIBool:
    case kTVMFFIFloat:
    case kTVMFFIDataType:
      return true;
    default:
      return false;
  }
}

inline tvm::ffi::String FieldName(const TVMFFIFieldInfo* field) {
  return tvm::ffi::String(field->name.data, field->name.size);
}

inline std::string_view TypeKeyOf(const TVMFFITypeInfo* type_info) {
  return {type_info->type_key.data, type_info->type_key.size};
}

// The type's own entry in the column; None when it has none. Borrowed.
inline tvm::ffi::AnyView DataToJsonOf(int32_t type_index) {
  static const tvm::ffi::reflection::TypeAttrColumn column(
      tvm::ffi::reflection::type_attr::kDataToJson);
  return column[type_index];
}
inline tvm::ffi::AnyView DataFromJsonOf(int32_t type_index) {
  static const tvm::ffi::reflection::TypeAttrColumn column(
      tvm::ffi::reflection::type_attr::kDataFromJson);
  return column[type_index];
}

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_SERIALIZATION_H_
