// Plain values, strings, containers and what surrounds a call.

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>

// Some releases declare how a DLDevice travels in a header of its own.
#if __has_include(<tvm/ffi/device.h>)
#include <tvm/ffi/device.h>
#endif

namespace values {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Bytes;
using tvm::ffi::Dict;
using tvm::ffi::List;
using tvm::ffi::Map;
using tvm::ffi::Optional;
using tvm::ffi::Shape;
using tvm::ffi::String;

template <typename T>
T Echo(T value) {
  return value;
}

String TypeKey(AnyView value) { return value.GetTypeKey(); }

void Nothing() {}

int64_t Sum8(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g,
             int64_t h) {
  return a + b + c + d + e + f + g + h;
}

Any MakeNone() { return Any(); }

// Printable characters in a cycle, so that a shifted or cut copy is told from a good one.
std::string Letters(int64_t size) {
  TVM_FFI_CHECK_GE(size, 0, ValueError) << "the size of a string";
  std::string text(static_cast<size_t>(size), ' ');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

String MakeStr(int64_t size) { return String(Letters(size)); }

// Every byte value, zero first.
Bytes MakeBytes(int64_t size) {
  std::string bytes = Letters(size);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 256);
  return Bytes(bytes);
}

Array<int64_t> MakeArray(int64_t size) {
  Array<int64_t> array;
  for (int64_t i = 0; i < size; ++i) array.push_back(i);
  return array;
}

List<int64_t> MakeList(int64_t size) {
  List<int64_t> list;
  for (int64_t i = 0; i < size; ++i) list.push_back(i);
  return list;
}

Map<String, int64_t> MakeMap(int64_t size) {
  Map<String, int64_t> map;
  for (int64_t i = 0; i < size; ++i) map.Set("key" + std::to_string(i), i);
  return map;
}

Dict<String, int64_t> MakeDict(int64_t size) {
  Dict<String, int64_t> dict;
  for (int64_t i = 0; i < size; ++i) dict.Set("key" + std::to_string(i), i);
  return dict;
}

// [depth, {"inner": [depth - 1, ... [0, {}]]}].
Array<Any> MakeNested(int64_t depth) {
  Array<Any> nested{int64_t{0}, Map<String, Any>()};
  for (int64_t i = 1; i <= depth; ++i) {
    nested = Array<Any>{i, Map<String, Any>{{String("inner"), nested}}};
  }
  return nested;
}

DLDataType MakeDtype() { return DLDataType{kDLFloat, 16, 4}; }
DLDevice MakeDevice() { return DLDevice{kDLCUDA, 3}; }
Shape MakeShape() { return Shape({2, 3, 5}); }

int64_t ArraySum(Array<int64_t> array) {
  int64_t sum = 0;
  for (int64_t value : array) sum += value;
  return sum;
}

int64_t MapTotal(Map<String, int64_t> map) {
  int64_t total = 0;
  for (auto entry : map) total += entry.second;
  return total;
}

int64_t StrSize(String text) { return static_cast<int64_t>(text.size()); }
int64_t BytesSize(Bytes bytes) { return static_cast<int64_t>(bytes.size()); }

int64_t Pid() { return getpid(); }

int64_t ThreadId() {
  return static_cast<int64_t>(std::hash<std::thread::id>()(std::this_thread::get_id()) >> 1);
}

void Sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

int64_t Stream(int32_t device_type, int32_t device_id) {
  return reinterpret_cast<int64_t>(TVMFFIEnvGetStream(device_type, device_id));
}

void Print(std::FILE* file, const String& text, int64_t times) {
  for (int64_t i = 0; i < times; ++i) std::fprintf(file, "%s\n", text.c_str());
  std::fflush(file);
}

void PrintOut(String text, int64_t times) { Print(stdout, text, times); }
void PrintErr(String text, int64_t times) { Print(stderr, text, times); }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo, Echo<Any>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_int, Echo<int64_t>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_float, Echo<double>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_bool, Echo<bool>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_str, Echo<String>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_bytes, Echo<Bytes>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_dtype, Echo<DLDataType>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_device, Echo<DLDevice>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_shape, Echo<Shape>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_optional_int, Echo<Optional<int64_t>>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_optional_str, Echo<Optional<String>>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_array, Echo<Array<Any>>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_list, Echo<List<Any>>);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_map, (Echo<Map<Any, Any>>));
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_dict, (Echo<Dict<Any, Any>>));
TVM_FFI_DLL_EXPORT_TYPED_FUNC(type_key, TypeKey);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(nothing, Nothing);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sum8, Sum8);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_none, MakeNone);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_str, MakeStr);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_bytes, MakeBytes);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_array, MakeArray);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_list, MakeList);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_map, MakeMap);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_dict, MakeDict);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_nested, MakeNested);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_dtype, MakeDtype);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_device, MakeDevice);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_shape, MakeShape);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(array_sum, ArraySum);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(map_total, MapTotal);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(str_size, StrSize);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(bytes_size, BytesSize);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(pid, Pid);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(thread_id, ThreadId);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sleep, Sleep);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(stream, Stream);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(print_out, PrintOut);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(print_err, PrintErr);

}  // namespace values
