// Getters and setters for the fields of classes that another language defines at run time.
#include <tvm/ffi/any.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Function;
using tvm::ffi::ObjectRef;
using tvm::ffi::PackedArgs;
namespace refl = tvm::ffi::reflection;

// From the value that was set to the one that is stored; `out` is owned and None at first.
using ConvertValue = int (*)(void* converter, const TVMFFIAny* in, TVMFFIAny* out);

struct FieldAccess {
  TVMFFIFieldGetter get;
  TVMFFIFieldSetter set;
};

template <typename T>
FieldAccess AccessOf() {
  return {refl::registry_details::GetField<T>, refl::registry_details::SetField<T>};
}

// `role` is for the message.
FieldAccess AccessOfFieldType(int64_t field_type_index, const char* role) {
  switch (field_type_index) {
    case kTVMFFIAny:
    case kTVMFFINone:
      return AccessOf<Any>();
    case kTVMFFIInt:
      return AccessOf<int64_t>();
    case kTVMFFIBool:
      return AccessOf<bool>();
    case kTVMFFIFloat:
      return AccessOf<double>();
    case kTVMFFIOpaquePtr:
      return AccessOf<void*>();
    case kTVMFFIDataType:
      return AccessOf<DLDataType>();
    case kTVMFFIDevice:
      return AccessOf<DLDevice>();
    default:
      break;
  }
  if (field_type_index < kTVMFFIStaticObjectBegin) {
    TVM_FFI_THROW(ValueError) << "Unsupported field type index for " << role << ": "
                              << field_type_index;
  }
  return AccessOf<ObjectRef>();
}

int64_t MakeFieldGetter(int64_t field_type_index) {
  return reinterpret_cast<int64_t>(AccessOfFieldType(field_type_index, "getter").get);
}

// `(field address, value)`; the setter of a field with the flag SetterIsFunctionObj.
class ConvertingSetter {
 public:
  ConvertingSetter(TVMFFIFieldSetter set, void* converter, ConvertValue convert)
      : set_(set), converter_(converter), convert_(convert) {}

  void operator()(PackedArgs args, Any*) const {
    if (args.size() != 2) {
      TVM_FFI_THROW(TypeError) << "a field setter takes the field's address and a value, but got "
                               << args.size() << " arguments";
    }
    void* field = args[0].cast<void*>();
    if (field == nullptr) TVM_FFI_THROW(ValueError) << "cannot set a field at address NULL";
    const TVMFFIAny value = args[1].CopyToTVMFFIAny();
    Any converted;
    auto* out = reinterpret_cast<TVMFFIAny*>(&converted);
    TVM_FFI_CHECK_SAFE_CALL(convert_(converter_, &value, out));
    TVM_FFI_CHECK_SAFE_CALL(set_(field, out));
  }

 private:
  TVMFFIFieldSetter set_;
  void* converter_;
  ConvertValue convert_;
};

Function MakeFieldSetter(int64_t field_type_index, int64_t converter, int64_t convert) {
  if (convert == 0) TVM_FFI_THROW(ValueError) << "cannot make a field setter: convert is NULL";
  return Function::FromPacked(ConvertingSetter(AccessOfFieldType(field_type_index, "setter").set,
                                               reinterpret_cast<void*>(converter),
                                               reinterpret_cast<ConvertValue>(convert)));
}

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::GlobalDef()
      .def("ffi.MakeFieldGetter", MakeFieldGetter)
      .def("ffi.MakeFieldSetter", MakeFieldSetter);
}

}  // namespace
}  // namespace tvmffi::core
