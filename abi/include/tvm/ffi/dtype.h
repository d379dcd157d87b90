/*!
 * \file tvm/ffi/dtype.h
 * \brief DLDataType as a value: text forms, comparison, printing.
 */
#ifndef TVM_FFI_DTYPE_H_
#define TVM_FFI_DTYPE_H_

#include <tvm/ffi/error.h>
#include <tvm/ffi/function_details.h>
#include <tvm/ffi/string.h>
#include <tvm/ffi/type_traits.h>

#include <optional>
#include <string>
#include <string_view>

namespace tvm {
namespace ffi {

/*! \brief Type codes of this ABI beyond DLPack's. */
enum DLExtDataTypeCode { kDLExtCustomBegin = 129 };

namespace details {

/*! \brief Name of a type code, without the width; ValueError for an unknown one. */
inline const char* DLDataTypeCodeAsCStr(DLDataTypeCode type_code) {
  switch (static_cast<int>(type_code)) {
    case kDLInt:
      return "int";
    case kDLUInt:
      return "uint";
    case kDLFloat:
      return "float";
    case kDLOpaqueHandle:
      return "handle";
    case kDLBfloat:
      return "bfloat";
    case kDLBool:
      return "bool";
    case kDLFloat8_e3m4:
      return "float8_e3m4";
    case kDLFloat8_e4m3:
      return "float8_e4m3";
    case kDLFloat8_e4m3b11fnuz:
      return "float8_e4m3b11fnuz";
    case kDLFloat8_e4m3fn:
      return "float8_e4m3fn";
    case kDLFloat8_e4m3fnuz:
      return "float8_e4m3fnuz";
    case kDLFloat8_e5m2:
      return "float8_e5m2";
    case kDLFloat8_e5m2fnuz:
      return "float8_e5m2fnuz";
    case kDLFloat8_e8m0fnu:
      return "float8_e8m0fnu";
    case kDLFloat6_e2m3fn:
      return "float6_e2m3fn";
    case kDLFloat6_e3m2fn:
      return "float6_e3m2fn";
    case kDLFloat4_e2m1fn:
      return "float4_e2m1fn";
    default:
      TVM_FFI_THROW(ValueError) << "DLDataType contains unknown type_code="
                                << static_cast<int>(type_code);
  }
  TVM_FFI_UNREACHABLE();
}

inline DLDataType ParseDLDataType(std::string_view text) {
  TVMFFIByteArray bytes{text.data(), text.size()};
  DLDataType result;
  if (TVMFFIDataTypeFromString(&bytes, &result) != 0) {
    throw MoveFromSafeCallRaised();
  }
  return result;
}
}  // namespace details

/*! \brief Parse text such as "float32", "bf16" or "int8x4"; ValueError when it is none. */
inline DLDataType StringToDLDataType(const String& text) {
  return details::ParseDLDataType(details::AsStringView(text));
}

/*! \brief The canonical text; ValueError for an unknown type code. */
inline String DLDataTypeToString(DLDataType dtype) {
  TVMFFIAny text;
  if (TVMFFIDataTypeToString(&dtype, &text) != 0) {
    throw details::MoveFromSafeCallRaised();
  }
  return TypeTraits<String>::MoveFromAnyAfterCheck(&text);
}

inline bool DTypeIsFloat(DLDataType dtype) { return dtype.code == kDLFloat; }
inline bool DTypeIsInt(DLDataType dtype) { return dtype.code == kDLInt; }
inline bool DTypeIsBool(DLDataType dtype) { return dtype.code == kDLBool; }

/*! \brief The canonical text with a short family name: f32, i8x2, bf16, f8_e4m3fn. */
inline std::string DTypeAbbrev(DLDataType dtype) {
  const std::string text = DLDataTypeToString(dtype);
  constexpr std::string_view kFamilies[][2] = {
      {"float", "f"}, {"int", "i"}, {"uint", "u"}, {"bfloat", "bf"}};
  for (const auto& family : kFamilies) {
    if (text.compare(0, family[0].size(), family[0]) == 0) {
      return std::string(family[1]).append(text, family[0].size(), std::string::npos);
    }
  }
  return text;
}

namespace details {
template <typename T>
struct DataTypeTypeTraits : public PODTypeTraits<T, kTVMFFIDataType> {
  TVM_FFI_INLINE static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    result->type_index = kTVMFFIDataType;
    result->zero_padding = 0;
    result->v_int64 = 0;
    result->v_dtype = src;
  }
  TVM_FFI_INLINE static void MoveToAny(T src, TVMFFIAny* result) { CopyToAnyView(src, result); }
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const TVMFFIAny* src) { return src->v_dtype; }
  static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFIDataType) {
      return src->v_dtype;
    }
    if (std::optional<String> text = TypeTraits<String>::TryCastFromAnyView(src)) {
      return StringToDLDataType(*text);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIDataType; }
  static std::string TypeSchema() { return TypeSchemaOf(StaticTypeKey::kTVMFFIDataType); }
};
}  // namespace details

template <>
struct TypeTraits<DLDataType> : public details::DataTypeTypeTraits<DLDataType> {};

}  // namespace ffi
}  // namespace tvm

// In the namespace of DLDataType itself, so that they are found for it everywhere.
template <typename Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& os,
                                             DLDataType dtype) {
  return os << tvm::ffi::DLDataTypeToString(dtype);
}
inline tvm::ffi::details::MessageStream& operator<<(tvm::ffi::details::MessageStream& os,
                                                    DLDataType dtype) {
  return os << tvm::ffi::DLDataTypeToString(dtype);
}
inline bool operator==(const DLDataType& lhs, const DLDataType& rhs) {
  return lhs.code == rhs.code && lhs.bits == rhs.bits && lhs.lanes == rhs.lanes;
}
inline bool operator!=(const DLDataType& lhs, const DLDataType& rhs) { return !(lhs == rhs); }

#endif  // TVM_FFI_DTYPE_H_
