// Version, reference counts, opaque objects, and the step from borrowed to owned values.
#include <tvm/ffi/c_api.h>

#include <string>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"
#include "libffi_core/string_object.h"

namespace tvmffi::core {
namespace {

struct OpaqueObject {
  TVMFFIObject header;
  TVMFFIOpaqueObjectCell cell;
  void (*deleter)(void* handle);

  ~OpaqueObject() {
    if (deleter != nullptr) deleter(cell.handle);
  }
};

TVMFFIAny TakeRValue(const TVMFFIAny& view) {
  auto* slot = &NotNull(static_cast<TVMFFIObject**>(view.v_ptr), "ObjectRValueRef: slot");
  if (*slot == nullptr) throw Failure("InternalError", "RValueRef already moved");
  TVMFFIAny owned = NoneAny();
  owned.v_obj = std::exchange(*slot, nullptr);
  owned.type_index = owned.v_obj->type_index;
  return owned;
}

}  // namespace

void DecRef(TVMFFIObjectHandle handle) noexcept {
  tvm::ffi::details::DecStrongRef(static_cast<TVMFFIObject*>(handle));
}

TVMFFIAny OwnedFromView(const TVMFFIAny& view) {
  switch (view.type_index) {
    case kTVMFFIRawStr:
      return NewString(&NotNull(view.v_c_str, "const char*: text"));
    case kTVMFFIByteArrayPtr:
      return NewBytes(ViewOf(
          NotNull(static_cast<const TVMFFIByteArray*>(view.v_ptr), "TVMFFIByteArray*: array")));
    case kTVMFFIObjectRValueRef:
      return TakeRValue(view);
    default:
      if (IsObject(view)) IncRef(&NotNull(view.v_obj, "object value: handle"));
      return view;
  }
}

}  // namespace tvmffi::core

using tvmffi::core::Failure;
using tvmffi::core::Guarded;
using tvmffi::core::NotNull;

extern "C" {

void TVMFFIGetVersion(TVMFFIVersion* out_version) {
  if (out_version == nullptr) return;
  out_version->major = TVM_FFI_VERSION_MAJOR;
  out_version->minor = TVM_FFI_VERSION_MINOR;
  out_version->patch = TVM_FFI_VERSION_PATCH;
}

int TVMFFIObjectIncRef(TVMFFIObjectHandle obj) {
  if (obj != nullptr) tvmffi::core::IncRef(obj);
  return 0;
}

int TVMFFIObjectDecRef(TVMFFIObjectHandle obj) {
  if (obj != nullptr) tvmffi::core::DecRef(obj);
  return 0;
}

int TVMFFIObjectCreateOpaque(void* handle, int32_t type_index, void (*deleter)(void* handle),
                             TVMFFIObjectHandle* out) {
  return Guarded([&] {
    if (type_index != kTVMFFIOpaquePyObject) {
      throw Failure("RuntimeError", "Only kTVMFFIOpaquePyObject is supported for now");
    }
    TVMFFIObjectHandle& result = NotNull(out, "TVMFFIObjectCreateOpaque: out");
    result = tvmffi::core::NewObject<tvmffi::core::OpaqueObject>(
        type_index, 0, TVMFFIOpaqueObjectCell{handle}, deleter);
  });
}

int TVMFFIAnyViewToOwnedAny(const TVMFFIAny* any_view, TVMFFIAny* out) {
  return Guarded([&] {
    TVMFFIAny& result = NotNull(out, "TVMFFIAnyViewToOwnedAny: out");
    result = tvmffi::core::OwnedFromView(NotNull(any_view, "TVMFFIAnyViewToOwnedAny: any_view"));
  });
}

}  // extern "C"
