#include "tools/hostctl/values.h"

#include <tvm/ffi/tvm_ffi.h>
#include <tvmffi/host/client.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <type_traits>
#include <vector>

#include "tools/hostctl/npy.h"
#include "tools/hostctl/text.h"

namespace tvmffi::hostctl {
namespace {

using Json = nlohmann::ordered_json;
using tvm::ffi::Any;
using tvm::ffi::String;
using tvm::ffi::Tensor;

constexpr int64_t kShownElements = 8;
constexpr int64_t kJsonElements = 1000;

Status Bad(const std::string& text, const std::string& why) {
  return {Code::kInvalidArgument, "argument '" + text + "': " + why};
}

template <typename T>
std::optional<T> Parse(const std::string& text) {
  T value;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end ? std::optional<T>(value) : std::nullopt;
}

struct Bfloat16 {
  uint16_t upper = 0;

  Bfloat16() = default;
  explicit Bfloat16(double value) {
    const auto narrow = static_cast<float>(value);
    uint32_t bits;
    std::memcpy(&bits, &narrow, sizeof(bits));
    upper = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
  explicit operator double() const {
    const uint32_t bits = static_cast<uint32_t>(upper) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return static_cast<double>(value);
  }
};

constexpr int TypeId(DLDataTypeCode code, int bits) { return code << 8 | bits; }

// Calls `visit` with a zero of the elements' own type. False for the types that are none of a
// number in memory of its own.
template <typename Visit>
bool WithType(const DLDataType& dtype, Visit visit) {
  const auto as = [&](auto zero) {
    visit(zero);
    return true;
  };
  if (dtype.lanes != 1) return false;
  switch (TypeId(static_cast<DLDataTypeCode>(dtype.code), dtype.bits)) {
    case TypeId(kDLInt, 8):
      return as(int8_t{});
    case TypeId(kDLInt, 16):
      return as(int16_t{});
    case TypeId(kDLInt, 32):
      return as(int32_t{});
    case TypeId(kDLInt, 64):
      return as(int64_t{});
    case TypeId(kDLBool, 8):
    case TypeId(kDLUInt, 8):
      return as(uint8_t{});
    case TypeId(kDLUInt, 16):
      return as(uint16_t{});
    case TypeId(kDLUInt, 32):
      return as(uint32_t{});
    case TypeId(kDLUInt, 64):
      return as(uint64_t{});
    case TypeId(kDLFloat, 32):
      return as(float{});
    case TypeId(kDLFloat, 64):
      return as(double{});
    case TypeId(kDLBfloat, 16):
      return as(Bfloat16{});
    default:
      return false;
  }
}

bool IsNumber(const DLDataType& dtype) {
  return WithType(dtype, [](auto) {});
}

// `value` is one that the type can hold.
void SetElement(const DLDataType& dtype, char* place, double value) {
  if (dtype.code == kDLBool) value = value != 0 ? 1 : 0;
  WithType(dtype, [&](auto zero) {
    const auto element = static_cast<decltype(zero)>(value);
    std::memcpy(place, &element, sizeof(element));
  });
}

// An integer stays one: 64 bits of it do not fit a double.
Json GetElement(const DLDataType& dtype, const char* place) {
  Json number;
  WithType(dtype, [&](auto element) {
    std::memcpy(&element, place, sizeof(element));
    if constexpr (std::is_integral_v<decltype(element)>) {
      number = element;
    } else {
      number = static_cast<double>(element);
    }
  });
  return number;
}

// The largest that elements of the type can be, where it is a bound that one can count to.
std::optional<int64_t> LargestOf(const DLDataType& dtype) {
  if (dtype.code == kDLBool) return std::nullopt;
  std::optional<int64_t> largest;
  WithType(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T> && sizeof(T) < sizeof(int64_t)) {
      largest = std::numeric_limits<T>::max();
    }
  });
  return largest;
}

char* DataOf(const Tensor& tensor) {
  const DLTensor* raw = tensor.GetDLTensorPtr();
  return static_cast<char*>(raw->data) + raw->byte_offset;
}

Result<Tensor> NewTensor(const std::string& text, const std::vector<int64_t>& shape,
                         DLDataType dtype) {
  try {
    return host::Empty(tvm::ffi::Shape(shape), dtype);
  } catch (const tvm::ffi::Error& error) {
    return Bad(text, error.message());
  }
}

Result<Any> FromNpy(const std::string& text) {
  Result<NpyArray> array = ReadNpy(text.substr(1));
  if (!array.ok()) return Bad(text, array.status().message);
  Result<Tensor> tensor = NewTensor(text, array->shape, array->dtype);
  if (!tensor.ok()) return tensor.status();
  if (!array->data.empty()) std::memcpy(DataOf(*tensor), array->data.data(), array->data.size());
  return Any(*tensor);
}

enum class Fill { kZeros, kOnes, kArange, kRandom };

std::optional<Fill> FillOf(const std::string& word) {
  if (word == "zeros") return Fill::kZeros;
  if (word == "ones") return Fill::kOnes;
  if (word == "arange") return Fill::kArange;
  if (word == "random") return Fill::kRandom;
  return std::nullopt;
}

// "float32[2,3]"
Status ParseTensorType(const std::string& text, DLDataType* dtype, std::vector<int64_t>* shape) {
  const size_t open = text.find('[');
  if (open == std::string::npos || text.back() != ']') {
    return {Code::kInvalidArgument, "expected a type and a shape, as in float32[2,3]"};
  }
  const std::string name = text.substr(0, open);
  const TVMFFIByteArray bytes = {name.data(), name.size()};
  if (TVMFFIDataTypeFromString(&bytes, dtype) != 0) {
    tvm::ffi::details::MoveFromSafeCallRaised();
    return {Code::kInvalidArgument, "there is no type '" + name + "'"};
  }
  std::string rest = text.substr(open + 1, text.size() - open - 2);
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::optional<int64_t> extent = Parse<int64_t>(rest.substr(0, comma));
    if (!extent || *extent < 0) return {Code::kInvalidArgument, "its shape is no list of sizes"};
    shape->push_back(*extent);
    rest.erase(0, std::min(comma + 1, rest.size()));
  }
  return OkStatus();
}

double Generated(Fill fill, int64_t index, const std::function<double()>& random) {
  if (fill == Fill::kOnes) return 1;
  return fill == Fill::kArange ? static_cast<double>(index) : random();
}

Result<Any> Generate(const std::string& text, Fill fill, const std::string& type, uint64_t seed) {
  DLDataType dtype;
  std::vector<int64_t> shape;
  if (Status status = ParseTensorType(type, &dtype, &shape); !status.ok()) {
    return Bad(text, status.message);
  }
  if (fill != Fill::kZeros && !IsNumber(dtype)) return Bad(text, "only zeros of this type");
  Result<Tensor> tensor = NewTensor(text, shape, dtype);
  if (!tensor.ok()) return tensor.status();
  const int64_t count = tensor->numel();
  const std::optional<int64_t> largest = LargestOf(dtype);
  if (fill == Fill::kArange && largest && count - 1 > *largest) {
    return Bad(text, "it counts to " + std::to_string(count - 1) + ", the type ends at " +
                         std::to_string(*largest));
  }
  if (fill == Fill::kZeros) return Any(*tensor);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, dtype.code == kDLFloat ? 1 : 100);
  char* data = DataOf(*tensor);
  for (int64_t i = 0; i < count; ++i) {
    SetElement(dtype, data + i * (dtype.bits / 8),
               Generated(fill, i, [&] { return uniform(random); }));
  }
  return Any(*tensor);
}

std::string TypeText(const DLTensor& tensor) {
  std::string text = std::string(tvm::ffi::DLDataTypeToString(tensor.dtype)) + "[";
  for (int32_t i = 0; i < tensor.ndim; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  }
  return text + "]";
}

std::string NumberText(const Json& number) {
  if (!number.is_number_float()) return number.dump();
  char text[40];
  std::snprintf(text, sizeof(text), "%.6g", number.get<double>());
  return text;
}

// At most `limit` elements; null of a tensor whose elements are not numbers in a row.
Json Elements(const DLTensor& tensor, int64_t limit) {
  if (!IsNumber(tensor.dtype) || !tvm::ffi::IsContiguous(tensor)) return nullptr;
  Json elements = Json::array();
  int64_t count = 1;
  for (int32_t i = 0; i < tensor.ndim; ++i) count *= tensor.shape[i];
  const char* data = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  for (int64_t i = 0; i < std::min(count, limit); ++i) {
    elements.push_back(GetElement(tensor.dtype, data + i * (tensor.dtype.bits / 8)));
  }
  return elements;
}

std::string DescribeTensor(const DLTensor& tensor) {
  std::string text = "tensor " + TypeText(tensor) + ":";
  const Json elements = Elements(tensor, kShownElements + 1);
  if (elements.is_null()) return text + " elements that are not shown";
  for (size_t i = 0; i < elements.size(); ++i) {
    text += i == kShownElements ? " ..." : " " + NumberText(elements[i]);
  }
  return text;
}

std::string Repr(const Any& value) {
  static const tvm::ffi::Function print = tvm::ffi::Function::GetGlobalRequired("ffi.ReprPrint");
  return Printable(std::string(print(value).cast<String>()));
}

}  // namespace

Result<Any> ParseArgument(const std::string& text, uint64_t seed) {
  if (text == "none") return Any(nullptr);
  if (text == "true" || text == "false") return Any(text == "true");
  if (std::optional<int64_t> number = Parse<int64_t>(text)) return Any(*number);
  if (std::optional<double> number = Parse<double>(text)) return Any(*number);
  if (!text.empty() && text[0] == '@') return FromNpy(text);
  const size_t colon = text.find(':');
  if (colon != std::string::npos) {
    const std::string word = text.substr(0, colon);
    if (word == "str") return Any(String(text.substr(colon + 1)));
    if (std::optional<Fill> fill = FillOf(word)) {
      return Generate(text, *fill, text.substr(colon + 1), seed);
    }
  }
  return Any(String(text));
}

const DLTensor* TensorIn(const Any& value) {
  const std::optional<Tensor> tensor = value.as<Tensor>();
  return tensor ? tensor->GetDLTensorPtr() : nullptr;
}

std::string Describe(const Any& value) {
  if (const DLTensor* tensor = TensorIn(value)) return DescribeTensor(*tensor);
  return Repr(value);
}

Json ToJson(const Any& value) {
  switch (value.type_index()) {
    case kTVMFFINone:
      return nullptr;
    case kTVMFFIBool:
      return value.cast<bool>();
    case kTVMFFIInt:
      return value.cast<int64_t>();
    case kTVMFFIFloat:
      if (std::isfinite(value.cast<double>())) return value.cast<double>();
      break;
    case kTVMFFISmallStr:
    case kTVMFFIStr:
      return std::string(value.cast<String>());
    default:
      break;
  }
  const DLTensor* tensor = TensorIn(value);
  if (tensor == nullptr) return {{"type", value.GetTypeKey()}, {"repr", Repr(value)}};
  return {{"type", "tensor"},
          {"dtype", std::string(tvm::ffi::DLDataTypeToString(tensor->dtype))},
          {"shape", std::vector<int64_t>(tensor->shape, tensor->shape + tensor->ndim)},
          {"elements", Elements(*tensor, kJsonElements)}};
}

}  // namespace tvmffi::hostctl
