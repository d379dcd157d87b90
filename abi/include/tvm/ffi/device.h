/*!
 * \file tvm/ffi/device.h
 * \brief DLDevice as a value; text such as "cuda:1" converts to one.
 */
#ifndef TVM_FFI_DEVICE_H_
#define TVM_FFI_DEVICE_H_

#include <tvm/ffi/string.h>
#include <tvm/ffi/type_traits.h>

#include <optional>
#include <string>
#include <string_view>

namespace tvm {
namespace ffi {
namespace details {

inline std::optional<DLDeviceType> DeviceTypeFromName(std::string_view name) {
  struct Entry {
    std::string_view name;
    DLDeviceType type;
  };
  constexpr Entry kEntries[] = {
      {"cpu", kDLCPU},        {"cuda", kDLCUDA},       {"opencl", kDLOpenCL}, {"vulkan", kDLVulkan},
      {"metal", kDLMetal},    {"mps", kDLMetal},       {"vpi", kDLVPI},       {"rocm", kDLROCM},
      {"ext_dev", kDLExtDev}, {"hexagon", kDLHexagon}, {"wgpu", kDLWebGPU},   {"webgpu", kDLWebGPU},
      {"maia", kDLMAIA},      {"trn", kDLTrn},
  };
  for (const Entry& entry : kEntries) {
    if (entry.name == name) {
      return entry.type;
    }
  }
  return std::nullopt;
}

/*! \brief `<name>[:<ordinal>]`; what follows the first space is ignored. */
inline std::optional<DLDevice> ParseDevice(std::string_view text) {
  text = text.substr(0, text.find(' '));
  const size_t colon = text.find(':');
  const std::optional<DLDeviceType> type = DeviceTypeFromName(text.substr(0, colon));
  if (!type.has_value()) {
    return std::nullopt;
  }
  int64_t ordinal = 0;
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    if (digits.empty()) {
      return std::nullopt;
    }
    for (const char c : digits) {
      if (c < '0' || c > '9') {
        return std::nullopt;
      }
      ordinal = ordinal * 10 + (c - '0');
      if (ordinal > INT32_MAX) {
        return std::nullopt;
      }
    }
  }
  return DLDevice{*type, static_cast<int32_t>(ordinal)};
}
}  // namespace details

template <>
struct TypeTraits<DLDevice> : public details::PODTypeTraits<kTVMFFIDevice> {
  TVM_FFI_INLINE static void CopyToAnyView(const DLDevice& src, TVMFFIAny* result) {
    result->type_index = kTVMFFIDevice;
    result->zero_padding = 0;
    result->v_device = src;
  }
  TVM_FFI_INLINE static void MoveToAny(DLDevice src, TVMFFIAny* result) {
    CopyToAnyView(src, result);
  }
  TVM_FFI_INLINE static DLDevice CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return src->v_device;
  }
  TVM_FFI_INLINE static DLDevice MoveFromAnyAfterCheck(TVMFFIAny* src) { return src->v_device; }
  static std::optional<DLDevice> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFIDevice) {
      return src->v_device;
    }
    if (std::optional<String> text = TypeTraits<String>::TryCastFromAnyView(src)) {
      return details::ParseDevice(details::AsStringView(*text));
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIDevice; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIDevice); }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_DEVICE_H_
