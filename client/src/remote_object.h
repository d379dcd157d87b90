// Objects of a worker, as its caller holds them: type "tvmffi_host.RemoteObject", with a read-only
// field `type_key` that names the type they have in the worker.
#ifndef TVMFFI_CLIENT_SRC_REMOTE_OBJECT_H_
#define TVMFFI_CLIENT_SRC_REMOTE_OBJECT_H_

#include <memory>
#include <string_view>

#include "client/src/remote.h"

namespace tvmffi::host {

Status MakeRemoteObject(std::shared_ptr<RemoteReference> reference, std::string_view type_key,
                        TVMFFIAny* out);

// Null for any other object.
const RemoteReference* ReferenceOfObject(TVMFFIObjectHandle object);

// An object of type `key`, a direct child of ffi.Object that nothing but this library makes; its
// index.
int32_t RegisterType(std::string_view key, int32_t size);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_REMOTE_OBJECT_H_
