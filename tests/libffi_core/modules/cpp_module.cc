// A module as a C++ author writes one, in the published API only: it also builds against other
// headers of the convention.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

namespace ffi = tvm::ffi;

ffi::Map<ffi::String, int64_t> MakeMap(int64_t count) {
  ffi::Map<ffi::String, int64_t> map;
  for (int64_t i = 0; i < count; ++i) map.Set("key_number_" + std::to_string(i), i);
  return map;
}

int64_t SumMap(const ffi::Map<ffi::String, int64_t>& map, int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += map.at("key_number_" + std::to_string(i));
  int64_t entries = 0;
  for (const auto& entry : map) entries += entry.second == entries ? 1 : 1000000;
  return sum + 1000 * entries;
}

ffi::Array<ffi::String> MakeArray(int64_t count) {
  ffi::Array<ffi::String> array;
  for (int64_t i = 0; i < count; ++i) array.push_back("element " + std::to_string(i));
  return array;
}

void Throw(const ffi::String& message) { TVM_FFI_THROW(ValueError) << "thrown: " << message; }
void ThrowStd() { throw std::runtime_error("a standard exception"); }
void Check(int64_t a, int64_t b) { TVM_FFI_ICHECK_EQ(a, b) << "they differ"; }

double Scale(ffi::TensorView x, double factor, ffi::Optional<ffi::String> note) {
  if (x.ndim() != 1) TVM_FFI_THROW(ValueError) << "expected a vector";
  if (!x.IsContiguous()) TVM_FFI_THROW(ValueError) << "expected a contiguous vector";
  double sum = 0;
  float* data = static_cast<float*>(x.data_ptr());
  for (int64_t i = 0; i < x.size(0); ++i) sum += data[i] = static_cast<float>(data[i] * factor);
  return note.has_value() ? -sum : sum;
}

ffi::Any CallBack(const ffi::Function& callback, int64_t value) { return callback(value + 1); }

ffi::String PrintDType(DLDataType dtype) { return ffi::DLDataTypeToString(dtype); }

int64_t CatchFrom(const ffi::Function& callback) {
  try {
    callback();
  } catch (const ffi::Error& error) {
    return error.kind() == "ValueError" ? 1 : 2;
  }
  return 0;
}

ffi::Any LoadAndCall(const ffi::String& path, const ffi::String& name) {
  ffi::Module module = ffi::Module::LoadFromFile(path);
  return module->GetFunction(name).value()();
}

// Memory that lives as long as the tensor.
struct Allocator {
  void AllocData(DLTensor* tensor) {
    const int64_t count = tensor->ndim == 0 ? 1 : tensor->shape[0];
    tensor->data = new float[static_cast<size_t>(count)]();
    ++live_tensors;
  }
  void FreeData(DLTensor* tensor) {
    delete[] static_cast<float*>(tensor->data);
    --live_tensors;
  }
  static int64_t live_tensors;
};
int64_t Allocator::live_tensors = 0;

ffi::Tensor MakeTensor(int64_t count) {
  ffi::Tensor tensor = ffi::Tensor::FromNDAlloc(Allocator(), ffi::Shape({count}),
                                                DLDataType{kDLFloat, 32, 1}, DLDevice{kDLCPU, 0});
  float* data = static_cast<float*>(tensor.data_ptr());
  for (int64_t i = 0; i < count; ++i) data[i] = static_cast<float>(i) / 2;
  return tensor;
}

int64_t LiveTensors() { return Allocator::live_tensors; }

// A callback that outlives the call which brought it.
ffi::Optional<ffi::Function>& Kept() {
  static ffi::Optional<ffi::Function> kept;
  return kept;
}

void Keep(const ffi::Function& callback) { Kept() = callback; }
ffi::Any CallKept(int64_t value) { return Kept().value()(value); }
void Forget() { Kept() = std::nullopt; }

// A type of this module's own, known to the library by its key only.
class BoxObj : public ffi::Object {
 public:
  explicit BoxObj(ffi::Any content) : content(std::move(content)) {}
  ffi::Any content;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.cpp_module.Box", BoxObj, ffi::Object);
};

class Box : public ffi::ObjectRef {
 public:
  explicit Box(ffi::Any content) { data_ = ffi::make_object<BoxObj>(std::move(content)); }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Box, ffi::ObjectRef, BoxObj);
};

Box MakeBox(ffi::Any content) { return Box(std::move(content)); }
ffi::Any Unbox(const Box& box) { return box->content; }

// A module that is an object of this library.
class CounterObj final : public ffi::ModuleObj {
 public:
  const char* kind() const final { return "counter"; }
  ffi::Optional<ffi::Function> GetFunction(const ffi::String& name) final {
    if (name != "next") return std::nullopt;
    return ffi::Function::FromTyped([this] { return ++count_; });
  }

 private:
  int64_t count_ = 0;
};

ffi::Module MakeCounter() {
  return ffi::Module(ffi::ObjectPtr<ffi::ModuleObj>(ffi::make_object<CounterObj>()));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_map, MakeMap)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sum_map, SumMap)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_array, MakeArray)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_error, Throw)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(throw_std, ThrowStd)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(check, Check)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(scale, Scale)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(call_back, CallBack)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(print_dtype, PrintDType)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(catch_from, CatchFrom)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(load_and_call, LoadAndCall)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_counter, MakeCounter)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_tensor, MakeTensor)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(live_tensors, LiveTensors)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(keep, Keep)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(call_kept, CallKept)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(forget, Forget)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_box, MakeBox)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(unbox, Unbox)

}  // namespace
