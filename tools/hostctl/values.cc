#include "tools/hostctl/values.h"

#include <tvm/ffi/tvm_ffi.h>
#include <tvmffi/host/client.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <random>
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

bool IsNumber(const DLDataType& dtype) {
  const bool known = dtype.code == kDLInt || dtype.code == kDLUInt || dtype.code == kDLFloat ||
                     dtype.code == kDLBool || dtype.code == kDLBfloat;
  return known && dtype.lanes == 1 && dtype.bits % 8 == 0 && dtype.bits <= 64 &&
         !(dtype.code == kDLFloat && dtype.bits < 32);
}

// In the order in which they are tried.
template <typename Visit>
void WithElement(const DLDataType& dtype, char* place, Visit visit) {
  const auto as = [&](auto* element) { visit(element); };
  const bool is_signed = dtype.code == kDLInt;
  if (dtype.code == kDLFloat && dtype.bits == 32) return as(reinterpret_cast<float*>(place));
  if (dtype.code == kDLFloat) return as(reinterpret_cast<double*>(place));
  switch (dtype.bits) {
    case 8:
      return is_signed ? as(reinterpret_cast<int8_t*>(place))
                       : as(reinterpret_cast<uint8_t*>(place));
    case 16:
      return is_signed ? as(reinterpret_cast<int16_t*>(place))
                       : as(reinterpret_cast<uint16_t*>(place));
    case 32:
      return is_signed ? as(reinterpret_cast<int32_t*>(place))
                       : as(reinterpret_cast<uint32_t*>(place));
    default:
      return is_signed ? as(reinterpret_cast<int64_t*>(place))
                       : as(reinterpret_cast<uint64_t*>(place));
  }
}

void SetElement(const DLDataType& dtype, char* place, double value) {
  if (dtype.code == kDLBfloat) {
    const float narrow = static_cast<float>(value);
    uint32_t bits;
    std::memcpy(&bits, &narrow, sizeof(bits));
    const auto upper = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    std::memcpy(place, &upper, sizeof(upper));
    return;
  }
  WithElement(dtype, place, [&](auto* element) {
    using T = std::decay_t<decltype(*element)>;
    *element = dtype.code == kDLBool ? static_cast<T>(value != 0) : static_cast<T>(value);
  });
}

double GetElement(const DLDataType& dtype, const char* place) {
  if (dtype.code == kDLBfloat) {
    uint16_t upper;
    std::memcpy(&upper, place, sizeof(upper));
    const uint32_t bits = static_cast<uint32_t>(upper) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return static_cast<double>(value);
  }
  double value = 0;
  WithElement(dtype, const_cast<char*>(place),
              [&](const auto* element) { value = static_cast<double>(*element); });
  return value;
}

char* DataOf(const Tensor& tensor) {
  const DLTensor* raw = tensor.GetDLTensorPtr();
  return static_cast<char*>(raw->data) + raw->byte_offset;
}

Result<Any> FromNpy(const std::string& text) {
  Result<NpyArray> array = ReadNpy(text.substr(1));
  if (!array.ok()) return Bad(text, array.status().message);
  Tensor tensor = host::Empty(tvm::ffi::Shape(array->shape), array->dtype);
  if (!array->data.empty()) std::memcpy(DataOf(tensor), array->data.data(), array->data.size());
  return Any(tensor);
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

Result<Any> Generate(const std::string& text, Fill fill, const std::string& type, uint64_t seed) {
  DLDataType dtype;
  std::vector<int64_t> shape;
  if (Status status = ParseTensorType(type, &dtype, &shape); !status.ok()) {
    return Bad(text, status.message);
  }
  if (fill != Fill::kZeros && !IsNumber(dtype)) return Bad(text, "only zeros of this type");
  Tensor tensor = host::Empty(tvm::ffi::Shape(shape), dtype);
  if (fill == Fill::kZeros) return Any(tensor);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, dtype.code == kDLFloat ? 1 : 100);
  char* data = DataOf(tensor);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const double value = fill == Fill::kOnes     ? 1
                         : fill == Fill::kArange ? static_cast<double>(i)
                                                 : uniform(random);
    SetElement(dtype, data + i * (dtype.bits / 8), value);
  }
  return Any(tensor);
}

std::string TypeText(const DLTensor& tensor) {
  std::string text = std::string(tvm::ffi::DLDataTypeToString(tensor.dtype)) + "[";
  for (int32_t i = 0; i < tensor.ndim; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  }
  return text + "]";
}

std::string NumberText(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

// At most `limit` elements; none of a tensor whose elements are not numbers in a row.
std::vector<double> Elements(const DLTensor& tensor, int64_t limit) {
  std::vector<double> elements;
  if (!IsNumber(tensor.dtype) || !tvm::ffi::IsContiguous(tensor)) return elements;
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
  const std::vector<double> elements = Elements(tensor, kShownElements + 1);
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
