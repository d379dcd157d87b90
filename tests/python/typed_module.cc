// The module the Python tests call through the C++ API: typed functions, and the errors they raise.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

#include <stdexcept>

namespace ffi = tvm::ffi;

static int64_t AddOne(int64_t x) { return x + 1; }
static double Half(double x) { return x / 2; }
static bool Not(bool x) { return !x; }
static ffi::Array<int64_t> Ints(ffi::Array<int64_t> x) { return x; }
static int64_t MapSize(ffi::Map<ffi::String, int64_t> x) { return static_cast<int64_t>(x.size()); }
static bool HasValue(ffi::Optional<int64_t> x) { return x.has_value(); }
static DLDataType DataType(DLDataType x) { return x; }
static DLDevice Device(DLDevice x) { return x; }
static int64_t Rank(ffi::TensorView x) { return x.ndim(); }
static ffi::Tensor Keep(ffi::Tensor x) { return x; }
static int64_t CallForInt(ffi::Function f) { return f().cast<int64_t>(); }

static void ThrowStd() { throw std::runtime_error("from the standard library"); }
static void FailInternalCheck() {
  int a = 1, b = 2;
  TVM_FFI_ICHECK_EQ(a, b);
}
static void FailValueCheck(int64_t x) { TVM_FFI_CHECK(x > 0, ValueError) << "x is " << x; }
static void ThrowIndexError() { TVM_FFI_THROW(IndexError) << "thrown on this line"; }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one, AddOne);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(half, Half);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(negate, Not);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(ints, Ints);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(map_size, MapSize);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(has_value, HasValue);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(data_type, DataType);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(device, Device);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(rank, Rank);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(keep, Keep);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(call_for_int, CallForInt);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_std, ThrowStd);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(fail_internal_check, FailInternalCheck);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(fail_value_check, FailValueCheck);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_index_error, ThrowIndexError);
