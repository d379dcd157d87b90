// DLDataType to and from text.
#include <tvm/ffi/c_api.h>

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "libffi_core/global_functions.h"
#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"
#include "libffi_core/string_object.h"

namespace tvmffi::core {
namespace {

constexpr int kFirstCustomCode = 129;

// Kinds with a number of bits behind the name. Without digits the long names have a default, the
// short ones mean nothing.
struct SizedName {
  std::string_view name;
  uint8_t code;
  int default_bits;
};

constexpr SizedName kSizedNames[] = {
    {"bfloat", kDLBfloat, 16}, {"float", kDLFloat, 32}, {"uint", kDLUInt, 32},
    {"int", kDLInt, 32},       {"bool", kDLBool, 8},    {"handle", kDLOpaqueHandle, 64},
    {"bf", kDLBfloat, 0},      {"f", kDLFloat, 0},      {"u", kDLUInt, 0},
    {"i", kDLInt, 0},
};

struct MiniFloat {
  std::string_view family;
  std::string_view variant;
  uint8_t code;
  uint8_t bits;
};

// A variant that starts like another stands before it.
constexpr MiniFloat kMiniFloats[] = {
    {"float8", "e4m3b11fnuz", kDLFloat8_e4m3b11fnuz, 8},
    {"float8", "e4m3fnuz", kDLFloat8_e4m3fnuz, 8},
    {"float8", "e4m3fn", kDLFloat8_e4m3fn, 8},
    {"float8", "e4m3", kDLFloat8_e4m3, 8},
    {"float8", "e3m4", kDLFloat8_e3m4, 8},
    {"float8", "e5m2fnuz", kDLFloat8_e5m2fnuz, 8},
    {"float8", "e5m2", kDLFloat8_e5m2, 8},
    {"float8", "e8m0fnu", kDLFloat8_e8m0fnu, 8},
    {"float6", "e2m3fn", kDLFloat6_e2m3fn, 6},
    {"float6", "e3m2fn", kDLFloat6_e3m2fn, 6},
    {"float4", "e2m1fn", kDLFloat4_e2m1fn, 4},
};

// Calls a global function of one argument that knows the custom codes.
TVMFFIAny CallCustomHook(const char* name, TVMFFIAny argument) {
  const Handle hook = GlobalFunctions::Global().Find(name);
  if (!hook) throw Failure("ValueError", std::string("Function ") + name + " not found");
  TVMFFIAny result = NoneAny();
  const int code = TVMFFIFunctionCall(hook.get(), &argument, 1, &result);
  if (code != 0) throw AlreadyRaised{code};
  return result;
}

uint8_t CustomCode(std::string_view name) {
  TVMFFIByteArray bytes = BytesOf(name);
  TVMFFIAny argument = NoneAny();
  if (TVMFFIStringFromByteArray(&bytes, &argument) != 0) throw AlreadyRaised{-1};
  TVMFFIAny result;
  try {
    result = CallCustomHook("dtype.get_custom_type_code", argument);
  } catch (...) {
    DestroyOwned(argument);
    throw;
  }
  DestroyOwned(argument);
  const bool in_range = result.type_index == kTVMFFIInt && result.v_int64 >= kFirstCustomCode &&
                        result.v_int64 <= 255;
  DestroyOwned(result);
  if (in_range) return static_cast<uint8_t>(result.v_int64);
  throw Failure("ValueError", "dtype.get_custom_type_code gave no code between " +
                                  std::to_string(kFirstCustomCode) + " and 255 for '" +
                                  std::string(name) + "'");
}

std::string CustomName(uint8_t code) {
  TVMFFIAny argument = NoneAny();
  argument.type_index = kTVMFFIInt;
  argument.v_int64 = code;
  const TVMFFIAny result = CallCustomHook("dtype.get_custom_type_name", argument);
  if (!IsString(result)) {
    DestroyOwned(result);
    throw Failure("ValueError", "dtype.get_custom_type_name gave no string for type_code=" +
                                    std::to_string(code));
  }
  std::string name(StringContent(result));
  DestroyOwned(result);
  return name;
}

class DTypeParser {
 public:
  explicit DTypeParser(std::string_view text) : text_(text), rest_(text) {}

  DLDataType Parse() {
    if (text_.empty() || text_ == "void") return {kDLOpaqueHandle, 0, 0};
    DLDataType dtype{0, 0, 1};
    if (!ParseMiniFloat(&dtype) && !ParseCustom(&dtype)) ParseSized(&dtype);
    ParseLanes(&dtype);
    if (!rest_.empty()) FailUnknown();
    return dtype;
  }

 private:
  [[noreturn]] void FailUnknown() const {
    throw Failure("ValueError", "unknown dtype `" + std::string(text_) + "`");
  }

  bool Skip(std::string_view prefix) {
    if (rest_.substr(0, prefix.size()) != prefix) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }

  bool ParseMiniFloat(DLDataType* dtype) {
    for (const char* bits : {"8", "6", "4"}) {
      for (const char* name : {"float", "fp", "f"}) {
        if (Skip(std::string(name) + bits + "_")) {
          ParseVariant(std::string("float") + bits, dtype);
          return true;
        }
      }
    }
    return false;
  }

  void ParseVariant(const std::string& family, DLDataType* dtype) {
    for (const MiniFloat& type : kMiniFloats) {
      if (type.family == family && Skip(type.variant)) {
        dtype->code = type.code;
        dtype->bits = type.bits;
        if (type.code == kDLFloat4_e2m1fn && rest_.substr(0, 2) == "_x") rest_.remove_prefix(1);
        return;
      }
    }
    throw Failure("ValueError",
                  "unknown " + family + " type `" + family + "_" + std::string(rest_) + "`");
  }

  bool ParseCustom(DLDataType* dtype) {
    if (!Skip("custom[")) return false;
    const size_t end = rest_.find(']');
    if (end == std::string_view::npos) FailUnknown();
    dtype->code = CustomCode(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    dtype->bits = ParseBits(32);
    return true;
  }

  void ParseSized(DLDataType* dtype) {
    for (const SizedName& type : kSizedNames) {
      if (!Skip(type.name)) continue;
      dtype->code = type.code;
      dtype->bits = ParseBits(type.default_bits);
      return;
    }
    FailUnknown();
  }

  // Nothing when no digit follows.
  std::optional<int64_t> ParseNumber() {
    size_t digits = 0;
    int64_t value = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') {
      value = value * 10 + (rest_[digits++] - '0');
      if (value > std::numeric_limits<uint32_t>::max()) {
        throw Failure("ValueError", "Integer value in dtype string '" + std::string(text_) +
                                        "' is out of range for uint32_t");
      }
    }
    if (digits == 0) return std::nullopt;
    rest_.remove_prefix(digits);
    return value;
  }

  uint8_t ParseBits(int default_bits) {
    const int64_t bits = ParseNumber().value_or(default_bits);
    if (bits == 0) FailUnknown();
    if (bits > 255) {
      throw Failure("ValueError", "Bits value " + std::to_string(bits) +
                                      " is out of range for uint8_t in dtype '" +
                                      std::string(text_) + "'");
    }
    return static_cast<uint8_t>(bits);
  }

  void ParseLanes(DLDataType* dtype) {
    const bool scalable = Skip("xvscale");
    if (!Skip("x")) {
      if (scalable) FailLanes();
      return;
    }
    const int64_t lanes = ParseNumber().value_or(0);
    if (lanes < 1) FailLanes();
    const int64_t limit = scalable ? 32768 : 65535;
    if (lanes > limit) {
      throw Failure("ValueError", "Lanes value " + std::to_string(lanes) +
                                      " is out of range for uint16_t in dtype '" +
                                      std::string(text_) + "'");
    }
    dtype->lanes = static_cast<uint16_t>(scalable ? -lanes : lanes);
  }

  [[noreturn]] void FailLanes() const {
    throw Failure("ValueError", "Invalid lanes specification in dtype '" + std::string(text_) +
                                    "'. Lanes must be a positive integer.");
  }

  std::string_view text_;
  std::string_view rest_;
};

std::string BaseName(const DLDataType& dtype) {
  for (const MiniFloat& type : kMiniFloats) {
    if (type.code == dtype.code) return std::string(type.family) + "_" + std::string(type.variant);
  }
  if (dtype.code == kDLOpaqueHandle) return "handle";
  if (dtype.code == kDLBool && dtype.bits == 8) return "bool";
  for (const SizedName& type : kSizedNames) {
    if (type.code == dtype.code) return std::string(type.name) + std::to_string(dtype.bits);
  }
  if (dtype.code >= kFirstCustomCode) {
    return "custom[" + CustomName(dtype.code) + "]";
  }
  throw Failure("ValueError",
                "DLDataType contains unknown type_code=" + std::to_string(dtype.code));
}

std::string Print(const DLDataType& dtype) {
  if (dtype.code == kDLOpaqueHandle && dtype.bits == 0 && dtype.lanes == 0) return "";
  const auto lanes = static_cast<int16_t>(dtype.lanes);
  std::string text = BaseName(dtype);
  if (lanes > 1) text += "x" + std::to_string(lanes);
  if (lanes < -1) text += "xvscalex" + std::to_string(-int{lanes});
  return text;
}

}  // namespace
}  // namespace tvmffi::core

using tvmffi::core::NotNull;

extern "C" {

int TVMFFIDataTypeFromString(const TVMFFIByteArray* str, DLDataType* out) {
  return tvmffi::core::Guarded([&] {
    DLDataType& result = NotNull(out, "TVMFFIDataTypeFromString: out");
    const auto text = tvmffi::core::ViewOf(NotNull(str, "TVMFFIDataTypeFromString: str"));
    result = tvmffi::core::DTypeParser(text).Parse();
  });
}

int TVMFFIDataTypeToString(const DLDataType* dtype, TVMFFIAny* out) {
  return tvmffi::core::Guarded([&] {
    TVMFFIAny& result = NotNull(out, "TVMFFIDataTypeToString: out");
    const DLDataType& source = NotNull(dtype, "TVMFFIDataTypeToString: dtype");
    result = tvmffi::core::NewString(tvmffi::core::Print(source));
  });
}

}  // extern "C"
