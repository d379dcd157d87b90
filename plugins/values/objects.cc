// Objects this library makes, and state it keeps between calls.

#include <tvm/ffi/any.h>
#include <tvm/ffi/cast.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace values {

using tvm::ffi::Any;
using tvm::ffi::Function;
using tvm::ffi::Module;
using tvm::ffi::ModuleObj;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::String;
using tvm::ffi::TensorView;

// A module made at run time; its functions keep it alive.
class CounterModuleObj final : public ModuleObj {
 public:
  explicit CounterModuleObj(int64_t start) : value_(start) {}

  const char* kind() const final { return "values.counter"; }

  Optional<Function> GetFunction(const String& name) final {
    ObjectPtr<CounterModuleObj> self = tvm::ffi::GetObjectPtr<CounterModuleObj>(this);
    if (name == "increment") {
      return Function::FromTyped([self](int64_t by) -> int64_t { return self->value_ += by; });
    }
    if (name == "value") {
      return Function::FromTyped([self]() -> int64_t { return self->value_; });
    }
    if (name == "fill") {
      return Function::FromTyped([self](TensorView out) { self->Fill(out); });
    }
    if (name == "raise") {
      return Function::FromTyped(
          [self]() { TVM_FFI_THROW(RuntimeError) << "counter stands at " << self->value_; });
    }
    return std::nullopt;
  }

 private:
  void Fill(TensorView out) const {
    const DLDataType int64{kDLInt, 64, 1};
    TVM_FFI_CHECK_EQ(out.dtype(), int64, TypeError) << "fill: dtype of out";
    TVM_FFI_CHECK(out.IsContiguous(), ValueError) << "fill: out must be contiguous";
    int64_t* data = static_cast<int64_t*>(out.data_ptr());
    for (int64_t i = 0; i < out.numel(); ++i) data[i] = value_ + i;
  }

  std::atomic<int64_t> value_;
};

Module CounterModule(int64_t start) {
  return Module(tvm::ffi::make_object<CounterModuleObj>(start));
}

// Nothing is registered about its fields: other languages can hold it and pass it back, no more.
class BoxObj : public Object {
 public:
  explicit BoxObj(Any value) : value(std::move(value)) { ++alive; }
  ~BoxObj() { --alive; }

  Any value;
  static inline std::atomic<int64_t> alive{0};

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("values.Box", BoxObj, Object);
};

class Box : public ObjectRef {
 public:
  explicit Box(Any value) { data_ = tvm::ffi::make_object<BoxObj>(std::move(value)); }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(Box, ObjectRef, BoxObj);
};

Box MakeBox(Any value) { return Box(std::move(value)); }
int64_t BoxLive() { return BoxObj::alive.load(); }
Any BoxGet(Box box) { return box->value; }
void BoxSet(Box box, Any value) { box->value = std::move(value); }

namespace {

// Never destroyed: what it holds may belong to a library that is gone by the end of the process.
struct Retained {
  std::mutex mutex;
  std::map<std::string, Any> values;
  static Retained& Get() {
    static Retained* retained = new Retained;
    return *retained;
  }
};

}  // namespace

void Retain(String key, Any value) {
  Retained& retained = Retained::Get();
  Any previous;  // released after the lock
  std::lock_guard<std::mutex> lock(retained.mutex);
  previous = std::exchange(retained.values[std::string(key)], std::move(value));
}

Any GetRetained(String key) {
  Retained& retained = Retained::Get();
  std::lock_guard<std::mutex> lock(retained.mutex);
  auto found = retained.values.find(std::string(key));
  TVM_FFI_CHECK(found != retained.values.end(), KeyError) << "nothing is retained as " << key;
  return found->second;
}

void Release(String key) {
  Retained& retained = Retained::Get();
  Any previous;
  std::lock_guard<std::mutex> lock(retained.mutex);
  auto found = retained.values.find(std::string(key));
  TVM_FFI_CHECK(found != retained.values.end(), KeyError) << "nothing is retained as " << key;
  previous = std::move(found->second);
  retained.values.erase(found);
}

int64_t RetainedSize() {
  Retained& retained = Retained::Get();
  std::lock_guard<std::mutex> lock(retained.mutex);
  return static_cast<int64_t>(retained.values.size());
}

Any CallRetained(String key, Any argument) {
  return GetRetained(std::move(key)).cast<Function>()(argument);
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(counter_module, CounterModule);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_box, MakeBox);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(box_get, BoxGet);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(box_set, BoxSet);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(box_live, BoxLive);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(retain, Retain);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(retained, GetRetained);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(release, Release);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(retained_size, RetainedSize);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(call_retained, CallRetained);

}  // namespace values
