// `__ffi_convert__` of the built-in types: what bindings call to turn an argument into a field's or
// parameter's type.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/string.h>

namespace tvmffi::core {
namespace {

namespace refl = tvm::ffi::reflection;
using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Dict;
using tvm::ffi::List;
using tvm::ffi::Map;

template <typename T>
T Convert(AnyView value) {
  if (std::optional<T> result = value.try_cast<T>()) return *std::move(result);
  TVM_FFI_THROW(TypeError) << "Cannot cast from `" << value.GetTypeKey() << "` to `"
                           << tvm::ffi::TypeTraits<T>::TypeStr() << "`";
  TVM_FFI_UNREACHABLE();
}

template <typename Class, typename T>
void Register() {
  refl::TypeAttrDef<Class>().def(refl::type_attr::kConvert, Convert<T>);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  Register<tvm::ffi::Object, tvm::ffi::ObjectRef>();
  Register<tvm::ffi::StringObj, tvm::ffi::String>();
  Register<tvm::ffi::BytesObj, tvm::ffi::Bytes>();
  Register<tvm::ffi::ErrorObj, tvm::ffi::Error>();
  Register<tvm::ffi::FunctionObj, tvm::ffi::Function>();
  Register<tvm::ffi::ShapeObj, tvm::ffi::Shape>();
  Register<tvm::ffi::TensorObj, tvm::ffi::Tensor>();
  Register<tvm::ffi::ArrayObj, Array<Any>>();
  Register<tvm::ffi::ListObj, List<Any>>();
  Register<tvm::ffi::MapObj, Map<Any, Any>>();
  Register<tvm::ffi::DictObj, Dict<Any, Any>>();
}

}  // namespace
}  // namespace tvmffi::core
