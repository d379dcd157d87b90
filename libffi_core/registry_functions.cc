// The global functions about functions, types, and the values that language bindings share.
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

#include <string>
#include <vector>

#include "libffi_core/global_def.h"
#include "libffi_core/global_functions.h"
#include "libffi_core/type_table.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::Bytes;
using tvm::ffi::Function;
using tvm::ffi::Object;
using tvm::ffi::ObjectRef;
using tvm::ffi::PackedArgs;
using tvm::ffi::Shape;
using tvm::ffi::String;

std::string_view ViewOf(const String& text) { return {text.data(), text.size()}; }

// Answers -1 with the number of names, and i with the i-th name.
Function ListGlobalNames() {
  auto name_at = [names = GlobalFunctions::Global().Names()](int64_t i) -> Any {
    const auto count = static_cast<int64_t>(names.size());
    if (i == -1) return count;
    if (i < 0 || i >= count)
      TVM_FFI_THROW(IndexError) << "Index " << i << " out of bounds " << count;
    return String(names[static_cast<size_t>(i)]);
  };
  return Function::FromTyped(std::move(name_at));
}

String GlobalMetadata(const String& name) {
  std::optional<std::string> metadata = GlobalFunctions::Global().Metadata(ViewOf(name));
  if (!metadata.has_value())
    TVM_FFI_THROW(RuntimeError) << "Global Function is not found: " << name;
  return String(*metadata);
}

Function FromExternC(void* self, void* safe_call, void* deleter) {
  return Function::FromExternC(self, reinterpret_cast<TVMFFISafeCallType>(safe_call),
                               reinterpret_cast<void (*)(void*)>(deleter));
}

void MakeShape(PackedArgs args, Any* result) {
  std::vector<int64_t> extents;
  for (int i = 0; i < args.size(); ++i) {
    std::optional<int64_t> extent = args[i].try_cast<int64_t>();
    if (!extent.has_value()) {
      TVM_FFI_THROW(ValueError) << "Expect shape to take list of int arguments";
    }
    extents.push_back(*extent);
  }
  *result = Shape(extents);
}

Array<String> RegisteredTypeKeys() {
  Array<String> keys;
  for (const std::string& key : TypeTable::Global().Keys()) keys.push_back(String(key));
  return keys;
}

// A plain object that is told apart from others by its address; it lives as long as the process.
ObjectRef NewSentinel() { return ObjectRef(tvm::ffi::make_object<Object>()); }

ObjectRef InvalidObject() {
  static const auto* sentinel = new ObjectRef(NewSentinel());
  return *sentinel;
}

ObjectRef KwargsObject() {
  static const auto* sentinel = new ObjectRef(NewSentinel());
  return *sentinel;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef()
      .Typed("ffi.FunctionRemoveGlobal",
             [](const String& name) { return GlobalFunctions::Global().Remove(ViewOf(name)); })
      .Typed("ffi.FunctionListGlobalNamesFunctor", ListGlobalNames)
      .Typed("ffi.GetGlobalFuncMetadata", GlobalMetadata)
      .Typed("ffi.FunctionFromExternC", FromExternC)
      .Typed("ffi.String", [](String value) { return value; })
      .Typed("ffi.Bytes", [](Bytes value) { return value; })
      .Packed("ffi.Shape", MakeShape)
      .Typed("ffi.GetRegisteredTypeKeys", RegisteredTypeKeys)
      .Typed("ffi.GetInvalidObject", InvalidObject)
      .Typed("ffi.GetKwargsObject", KwargsObject);
}

}  // namespace
}  // namespace tvmffi::core
