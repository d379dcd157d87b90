#include "tools/hostctl/npy.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

namespace tvmffi::hostctl {
namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicSize = 6;
constexpr size_t kMaxDims = 32;

Status Bad(const std::string& what) { return {Code::kInvalidArgument, "no .npy file: " + what}; }

// NumPy's own: a tensor may have others, such as integers of 24 bits.
struct NumpyType {
  char kind;
  uint8_t code;
  uint8_t bytes;
};
constexpr NumpyType kTypes[] = {{'b', kDLBool, 1},    {'i', kDLInt, 1},     {'i', kDLInt, 2},
                                {'i', kDLInt, 4},     {'i', kDLInt, 8},     {'u', kDLUInt, 1},
                                {'u', kDLUInt, 2},    {'u', kDLUInt, 4},    {'u', kDLUInt, 8},
                                {'f', kDLFloat, 2},   {'f', kDLFloat, 4},   {'f', kDLFloat, 8},
                                {'c', kDLComplex, 8}, {'c', kDLComplex, 16}};

// "<f4", "|b1"
std::optional<DLDataType> TypeOf(std::string_view text) {
  if (text.size() < 3 || (text[0] != '<' && text[0] != '|')) return std::nullopt;
  int bytes = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + 2, end, bytes);
  if (error != std::errc() || rest != end) return std::nullopt;
  for (const NumpyType& type : kTypes) {
    if (type.kind == text[1] && type.bytes == bytes) {
      return DLDataType{type.code, static_cast<uint8_t>(bytes * 8), 1};
    }
  }
  return std::nullopt;
}

// The text after "'key':", without spaces before it.
std::optional<std::string_view> ValueOf(std::string_view header, std::string_view key) {
  const std::string quoted = "'" + std::string(key) + "':";
  const size_t at = header.find(quoted);
  if (at == std::string_view::npos) return std::nullopt;
  header.remove_prefix(at + quoted.size());
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

std::optional<std::vector<int64_t>> ShapeOf(std::string_view text) {
  if (text.empty() || text[0] != '(') return std::nullopt;
  const size_t close = text.find(')');
  if (close == std::string_view::npos) return std::nullopt;
  text = text.substr(1, close - 1);
  std::vector<int64_t> shape;
  while (!text.empty()) {
    int64_t extent = -1;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc() || extent < 0 || shape.size() == kMaxDims) return std::nullopt;
    shape.push_back(extent);
    text.remove_prefix(static_cast<size_t>(rest - text.data()));
    const size_t next = text.find_first_not_of(", ");
    if (next == 0) return std::nullopt;
    text.remove_prefix(std::min(next, text.size()));
  }
  return shape;
}

std::optional<uint64_t> SizeOf(const std::vector<int64_t>& shape, const DLDataType& dtype) {
  uint64_t size = dtype.bits / 8;
  for (int64_t extent : shape) {
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(extent), &size)) return std::nullopt;
  }
  return size;
}

Status ParseHeader(std::string_view header, NpyArray* array) {
  const auto descr = ValueOf(header, "descr");
  if (!descr || descr->empty() || (*descr)[0] != '\'') {
    return Bad("its header names no simple type");
  }
  const std::string_view type = descr->substr(1, descr->find('\'', 1) - 1);
  const std::optional<DLDataType> dtype = TypeOf(type);
  if (!dtype) return Bad("elements of type '" + std::string(type) + "' cannot be in a tensor");
  const auto order = ValueOf(header, "fortran_order");
  if (!order || order->substr(0, 5) != "False") return Bad("it is not in C order");
  const auto shape_text = ValueOf(header, "shape");
  const auto shape = shape_text ? ShapeOf(*shape_text) : std::nullopt;
  if (!shape) return Bad("its header has no shape");
  array->dtype = *dtype;
  array->shape = *shape;
  return OkStatus();
}

}  // namespace

Result<NpyArray> ParseNpy(const std::string& bytes_untrusted) {
  const std::string& bytes = bytes_untrusted;
  if (bytes.size() < 10 || bytes.compare(0, kMagicSize, kMagic, kMagicSize) != 0) {
    return Bad("it does not begin like one");
  }
  const int version = static_cast<unsigned char>(bytes[kMagicSize]);
  const size_t length_bytes = version == 1 ? 2 : 4;
  if (version < 1 || version > 3) return Bad("its version is " + std::to_string(version));
  const size_t begin = kMagicSize + 2 + length_bytes;
  if (bytes.size() < begin) return Bad("its header is cut off");
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + kMagicSize + 2, length_bytes);
  if (length > bytes.size() - begin) return Bad("its header is cut off");
  NpyArray array;
  TVMFFI_RETURN_IF_ERROR(ParseHeader(std::string_view(bytes).substr(begin, length), &array));
  const std::optional<uint64_t> size = SizeOf(array.shape, array.dtype);
  const size_t rest = bytes.size() - begin - length;
  if (!size || *size != rest) {
    return Bad("it has " + std::to_string(rest) + " bytes of elements, its shape says " +
               (size ? std::to_string(*size) : "too many"));
  }
  array.data = bytes.substr(begin + length);
  return array;
}

Result<NpyArray> ReadNpy(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return ErrnoStatus(errno, "cannot open '" + path + "'");
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Result<NpyArray> array = ParseNpy(bytes);
  if (array.ok()) return array;
  return Status{array.status().code, "'" + path + "': " + array.status().message};
}

Result<std::string> MakeNpy(const DLTensor& tensor) {
  const auto* type =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const NumpyType& known) {
        return known.code == tensor.dtype.code && known.bytes * 8 == tensor.dtype.bits;
      });
  if (type == std::end(kTypes) || tensor.dtype.lanes != 1) {
    return Status{Code::kInvalidArgument, "NumPy has no such type"};
  }
  std::string shape;
  const std::vector<int64_t> extents(tensor.shape, tensor.shape + tensor.ndim);
  for (int64_t extent : extents) shape += std::to_string(extent) + ", ";
  std::string header = std::string("{'descr': '") + (type->bytes == 1 ? '|' : '<') + type->kind +
                       std::to_string(type->bytes) + "', 'fortran_order': False, 'shape': (" +
                       shape + "), }";
  constexpr size_t kAlignment = 64;
  const size_t used = kMagicSize + 4 + header.size() + 1;
  header += std::string((kAlignment - used % kAlignment) % kAlignment, ' ') + "\n";
  const auto length = static_cast<uint16_t>(header.size());
  std::string bytes(kMagic, kMagicSize);
  bytes += std::string("\x01\x00", 2);
  bytes.append(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes += header;
  bytes.append(static_cast<const char*>(tensor.data) + tensor.byte_offset,
               SizeOf(extents, tensor.dtype).value_or(0));
  return bytes;
}

}  // namespace tvmffi::hostctl
