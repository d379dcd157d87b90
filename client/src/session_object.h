// A session as the caller holds it: an object of type "tvmffi_host.Session".
#ifndef TVMFFI_CLIENT_SRC_SESSION_OBJECT_H_
#define TVMFFI_CLIENT_SRC_SESSION_OBJECT_H_

#include <memory>

#include "client/src/session.h"
#include "proto/codec/any.h"

namespace tvmffi::host {

OwnedAny MakeSessionObject(std::shared_ptr<Session> session);

// Null for anything else.
std::shared_ptr<Session> SessionOf(const TVMFFIAny& value);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_SESSION_OBJECT_H_
