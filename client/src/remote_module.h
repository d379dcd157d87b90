// Hosted modules: ffi.Module objects of kind "hosted".
#ifndef TVMFFI_CLIENT_SRC_REMOTE_MODULE_H_
#define TVMFFI_CLIENT_SRC_REMOTE_MODULE_H_

#include <memory>

#include "client/src/remote.h"

namespace tvmffi::host {

// Fails when the process's libtvm_ffi has modules of a shape unknown to this library.
Status MakeRemoteModule(std::shared_ptr<RemoteReference> reference, TVMFFIAny* out);

// Null for any other object.
const RemoteReference* ReferenceOfModule(TVMFFIObjectHandle object);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_REMOTE_MODULE_H_
