#include "client/src/remote_object.h"

#include <cstddef>
#include <utility>

#include "client/src/worker_error.h"

namespace tvmffi::host {
namespace {

struct RemoteObject {
  TVMFFIObject header;
  TVMFFIAny type_key;
  std::shared_ptr<RemoteReference>* reference;
};

void DeleteObject(void* self, int flags) {
  auto* object = static_cast<RemoteObject*>(self);
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) {
    ReleaseAny(&object->type_key);
    delete object->reference;
  }
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) delete object;
}

int GetTypeKey(void* field, TVMFFIAny* result) {
  return TVMFFIAnyViewToOwnedAny(static_cast<const TVMFFIAny*>(field), result);
}

int RefuseToSet(void*, const TVMFFIAny*) {
  return Raise(MakeError("AttributeError", "an object of a worker cannot be changed from here"));
}

void RegisterTypeKeyField(int32_t type_index) {
  TVMFFIFieldInfo field = {};
  field.name = ToByteArray("type_key");
  field.doc = ToByteArray("The type the object has in its worker.");
  field.metadata = ToByteArray(R"({"type_schema":"{\"type\":\"ffi.String\"}"})");
  field.size = sizeof(TVMFFIAny);
  field.alignment = alignof(TVMFFIAny);
  field.offset = offsetof(RemoteObject, type_key);
  field.getter = &GetTypeKey;
  field.setter = reinterpret_cast<void*>(&RefuseToSet);
  field.default_value_or_factory = NoneAny();
  field.field_static_type_index = kTVMFFIStr;
  if (TVMFFITypeRegisterField(type_index, &field) != 0) TakeRaised();
}

int32_t RemoteObjectType() {
  static const int32_t type_index = [] {
    const int32_t index = RegisterType("tvmffi_host.RemoteObject", sizeof(RemoteObject));
    RegisterTypeKeyField(index);
    return index;
  }();
  return type_index;
}

}  // namespace

int32_t RegisterType(std::string_view key, int32_t size) {
  const TVMFFIByteArray key_bytes = ToByteArray(key);
  const int32_t index = TVMFFITypeGetOrAllocIndex(&key_bytes, -1, 1, 0, 0, kTVMFFIObject);
  TVMFFITypeMetadata metadata = {};
  metadata.total_size = size;
  if (TVMFFIGetTypeInfo(index)->metadata == nullptr &&
      TVMFFITypeRegisterMetadata(index, &metadata) != 0)
    TakeRaised();
  return index;
}

Status MakeRemoteObject(std::shared_ptr<RemoteReference> reference, std::string_view type_key,
                        TVMFFIAny* out) {
  auto* object = new RemoteObject{};
  object->header.combined_ref_count = (uint64_t{1} << 32) | 1;
  object->header.type_index = RemoteObjectType();
  object->header.deleter = &DeleteObject;
  object->type_key = StringAny(CleanText(type_key, kMaxTypeKey)).release();
  object->reference = new std::shared_ptr<RemoteReference>(std::move(reference));
  *out = ObjectAny(&object->header);
  return OkStatus();
}

const RemoteReference* ReferenceOfObject(TVMFFIObjectHandle object) {
  if (static_cast<const TVMFFIObject*>(object)->deleter != &DeleteObject) return nullptr;
  return static_cast<const RemoteObject*>(object)->reference->get();
}

}  // namespace tvmffi::host
