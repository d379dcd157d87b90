// Results that are not what they claim, and exceptions of every sort.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

#include <limits>
#include <stdexcept>
#include <string>

namespace faulty {

using tvm::ffi::Error;
using tvm::ffi::Shape;
using tvm::ffi::String;
using tvm::ffi::Tensor;

namespace {

float good_data[6] = {0, 1, 2, 3, 4, 5};

// Describes a 2 x 3 float32 tensor truthfully but for one field.
struct LyingAllocator {
  std::string how;

  void AllocData(DLTensor* tensor) {
    tensor->data = good_data;
    if (how == "null_data") {
      tensor->data = nullptr;
    } else if (how == "wild_data") {
      tensor->data = reinterpret_cast<void*>(uintptr_t{0xdead0000});
    } else if (how == "null_shape") {
      tensor->shape = nullptr;
    } else if (how == "negative_dim") {
      tensor->shape[0] = -2;
    } else if (how == "huge_dim") {
      tensor->shape[0] = int64_t{1} << 40;
    } else if (how == "overflow") {
      tensor->shape[0] = tensor->shape[1] = std::numeric_limits<int64_t>::max();
    } else if (how == "huge_ndim") {
      tensor->ndim = std::numeric_limits<int32_t>::max();
    } else if (how == "negative_ndim") {
      tensor->ndim = -1;
    } else if (how == "bad_dtype") {
      tensor->dtype = DLDataType{200, 255, 65535};
    } else if (how == "bad_device") {
      tensor->device = DLDevice{static_cast<DLDeviceType>(99), -5};
    } else if (how == "bad_offset") {
      tensor->byte_offset = std::numeric_limits<uint64_t>::max() - 7;
    } else {
      TVM_FFI_THROW(ValueError) << "bad_tensor: no way of lying is called '" << how << "'";
    }
  }
  void FreeData(DLTensor*) {}
};

}  // namespace

Tensor BadTensor(String how) {
  return Tensor::FromNDAlloc(LyingAllocator{std::string(how)}, Shape({2, 3}),
                             DLDataType{kDLFloat, 32, 1}, DLDevice{kDLCPU, 0});
}

String BadString() { return String("\xff\xfe not UTF-8 \xc3("); }

void BadError() {
  throw Error("Bad\xffKind", "message \xc3( with a line\nbreak and \x1b[31mcolour",
              std::string("  File \"\x1b[2J\", line -1, in \xff\nno line at all\n"));
}

void ThrowError(String kind, String message) {
  throw Error(std::string(kind), std::string(message),
              TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0));
}

void ThrowValueError(String message) { TVM_FFI_THROW(ValueError) << message; }
void ThrowTypeError(String message) { TVM_FFI_THROW(TypeError) << message; }
void ThrowIndexError(String message) { TVM_FFI_THROW(IndexError) << message; }
void ThrowStd(String message) { throw std::runtime_error(std::string(message)); }

// Says on the page for crashes that this process died of `number`, whatever it does next.
void ForgeCrash(int number) {
  uintptr_t channel = 0;
  FILE* maps = fopen("/proc/self/maps", "re");
  TVM_FFI_ICHECK(maps != nullptr) << "/proc/self/maps";
  char line[512];
  while (channel == 0 && fgets(line, sizeof(line), maps) != nullptr) {
    if (strstr(line, "memfd:tvmffi-channel") != nullptr) channel = strtoull(line, nullptr, 16);
  }
  fclose(maps);
  TVM_FFI_ICHECK(channel != 0) << "no channel among the mappings";
  auto* page = reinterpret_cast<volatile int32_t*>(channel + 4096);
  page[0] = 1;
  page[1] = number;
}

// Not a std::exception, so no exported wrapper catches it.
void ThrowUnknown() { throw 42; }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(bad_tensor, BadTensor);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(bad_string, BadString);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(bad_error, BadError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_error, ThrowError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_value_error, ThrowValueError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_type_error, ThrowTypeError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_index_error, ThrowIndexError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_std, ThrowStd);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(forge_crash, ForgeCrash);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_unknown, ThrowUnknown);

}  // namespace faulty

extern "C" {

// The convention knows 0 and -1 (and -2 for a pending error of the host language).
TVM_FFI_DLL_EXPORT int __tvm_ffi_bad_return_code(void*, const TVMFFIAny*, int32_t, TVMFFIAny*) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "returned 7");
  return 7;
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_silent_failure(void*, const TVMFFIAny*, int32_t, TVMFFIAny*) {
  return -1;
}

}  // extern "C"
