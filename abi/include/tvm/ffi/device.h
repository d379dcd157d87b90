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

inline bool DeviceTypeFromName(std::string_view name, DLDeviceType* result) {
  struct Entry {
    const char* name;
    DLDeviceType type;
  };
  constexpr Entry kEntries[] = {
      {"cpu", kDLCPU},        {"cuda", kDLCUDA},       {"opencl", kDLOpenCL}, {"vulkan", kDLVulkan},
      {"metal", kDLMetal},    {"mps", kDLMetal},       {"vpi", kDLVPI},       {"rocm", kDLROCM},
      {"ext_dev", kDLExtDev}, {"hexagon", kDLHexagon}, {"wgpu", kDLWebGPU},   {"webgpu", kDLWebGPU},
      {"maia", kDLMAIA},      {"trn", kDLTrn},
  };
  for (const Entry& entry : kEntries) {
    if (name == entry.name) {
      *result = entry.type;
      return true;
    }
  }
  return false;
}

/*! \brief `<name>[:<ordinal>]`; what follows the first space is ignored. */
inline bool ParseDevice(std::string_view text, DLDevice* result) {
  text = text.substr(0, text.find(' '));
  const size_t colon = text.find(':');
  if (!DeviceTypeFromName(text.substr(0, colon), &result->device_type)) {
    return false;
  }
  int64_t ordinal = 0;
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    if (digits.empty()) {
      return false;
    }
    for (const char c : digits) {
      if (c < '0' || c > '9') {
        return false;
      }
      ordinal = ordinal * 10 + (c - '0');
      if (ordinal > INT32_MAX) {
        return false;
      }
    }
  }
  result->device_id = static_cast<int32_t>(ordinal);
  return true;
}

template <typename T>
struct DeviceTypeTraits : public PODTypeTraits<T, kTVMFFIDevice> {
  TVM_FFI_INLINE static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    result->type_index = kTVMFFIDevice;
    result->zero_padding = 0;
    result->v_device = src;
  }
  TVM_FFI_INLINE static void MoveToAny(T src, TVMFFIAny* result) { CopyToAnyView(src, result); }
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const TVMFFIAny* src) { return src->v_device; }
  static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFIDevice) {
      return src->v_device;
    }
    T device;
    std::optional<String> text = TypeTraits<String>::TryCastFromAnyView(src);
    if (text.has_value() && ParseDevice(AsStringView(*text), &device)) {
      return device;
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIDevice; }
  static std::string TypeSchema() { return TypeSchemaOf(StaticTypeKey::kTVMFFIDevice); }
};
}  // namespace details

template <>
struct TypeTraits<DLDevice> : public details::DeviceTypeTraits<DLDevice> {};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_DEVICE_H_
