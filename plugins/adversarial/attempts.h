// What an attack tried and what came of it.
#ifndef TVMFFI_PLUGINS_ADVERSARIAL_ATTEMPTS_H_
#define TVMFFI_PLUGINS_ADVERSARIAL_ATTEMPTS_H_

#include <tvm/ffi/container/map.h>
#include <tvm/ffi/string.h>

#include <cerrno>
#include <cstring>

namespace adversarial {

using Attempts = tvm::ffi::Map<tvm::ffi::String, tvm::ffi::String>;

// "worked", or the system's words for errno. To be called right after the attempt.
inline void Note(Attempts* attempts, const tvm::ffi::String& technique, bool worked) {
  const char* failure = worked ? "worked" : ::strerrorname_np(errno);
  attempts->Set(technique, tvm::ffi::String(failure != nullptr ? failure : "failed"));
}

}  // namespace adversarial

#endif  // TVMFFI_PLUGINS_ADVERSARIAL_ATTEMPTS_H_
