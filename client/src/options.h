// Options as they cross the ABI: an ffi.Map from names to values.
#ifndef TVMFFI_CLIENT_SRC_OPTIONS_H_
#define TVMFFI_CLIENT_SRC_OPTIONS_H_

#include <memory>
#include <optional>
#include <string>

#include "client/src/worker_slot.h"

namespace tvmffi::host {

struct LoadRequest {
  std::unique_ptr<ModuleSpec> spec;
  SlotOptions slot;
  std::optional<Policy> policy;
  bool has_environment = false;  // given apart from the policy
  std::string record;            // folder; empty: none
  // The module whose worker to share, the session to start one in: both null for the default
  // session's own.
  std::shared_ptr<WorkerSlot> worker;
  std::shared_ptr<Session> session;
};

// Reads the arguments of load_module; every option is checked, unknown ones are refused. The
// messages name the option.
Status ParseLoadRequest(const TVMFFIAny& path, const TVMFFIAny& options, LoadRequest* request);

Status ParseSessionOptions(const TVMFFIAny& options, SessionOptions* parsed);

// False for a value of another kind.
bool GetText(const TVMFFIAny& value, std::string* text);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_OPTIONS_H_
