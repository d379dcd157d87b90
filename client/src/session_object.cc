#include "client/src/session_object.h"

#include <utility>

#include "client/src/abi.h"
#include "client/src/remote_object.h"

namespace tvmffi::host {
namespace {

struct SessionObject {
  TVMFFIObject header;
  std::shared_ptr<Session>* session;
};

void DeleteSession(void* self, int flags) {
  auto* object = static_cast<SessionObject*>(self);
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) delete object->session;
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) delete object;
}

}  // namespace

OwnedAny MakeSessionObject(std::shared_ptr<Session> session) {
  static const int32_t type_index = RegisterType("tvmffi_host.Session", sizeof(SessionObject));
  auto* object = new SessionObject{};
  object->header.combined_ref_count = (uint64_t{1} << 32) | 1;
  object->header.type_index = type_index;
  object->header.deleter = &DeleteSession;
  object->session = new std::shared_ptr<Session>(std::move(session));
  OwnedAny owned;
  *owned.out() = ObjectAny(&object->header);
  return owned;
}

std::shared_ptr<Session> SessionOf(const TVMFFIAny& value) {
  if (value.type_index < kTVMFFIDynObjectBegin || value.v_obj->deleter != &DeleteSession)
    return nullptr;
  return *reinterpret_cast<SessionObject*>(value.v_obj)->session;
}

}  // namespace tvmffi::host
