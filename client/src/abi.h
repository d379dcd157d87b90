// What the client needs of the process's libtvm_ffi beyond the C functions of 0.1.0, and small
// makers of ABI values.
#ifndef TVMFFI_CLIENT_SRC_ABI_H_
#define TVMFFI_CLIENT_SRC_ABI_H_

#include <tvm/ffi/c_api.h>

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/status.h"
#include "proto/codec/any.h"

namespace tvmffi::host {

// A symbol of the process's libtvm_ffi that not all versions have, or null.
void* FindInLibrary(const char* symbol);

// An ABI error on its way to the caller; empty when there is none.
using Failure = ObjectRef;

// The kinds of errors that come from the host, not from a plug-in.
inline constexpr char kWorkerCrashed[] = "WorkerCrashed";
inline constexpr char kDeadlineExceeded[] = "DeadlineExceeded";
inline constexpr char kLoadFailed[] = "LoadFailed";
inline constexpr char kPolicyViolation[] = "PolicyViolation";
inline constexpr char kUnavailable[] = "Unavailable";
inline constexpr char kResourceExhausted[] = "ResourceExhausted";
inline constexpr char kEnvErrorAlreadySet[] = "EnvErrorAlreadySet";

// True for the kinds above: a plug-in cannot raise them.
bool IsReservedKind(std::string_view kind);

// The host kind that says the same as `code`; ValueError and RuntimeError for codes without one.
const char* KindOf(Code code);

// `context` may be null: an object to hang on the error where the library can (0.1.8 and later).
Failure MakeError(std::string_view kind, std::string_view message, std::string_view backtrace = {},
                  TVMFFIObjectHandle context = nullptr);
Failure MakeError(const Status& status);

// Makes `failure` the raised error. Returns -1, what a failing packed function returns.
int Raise(Failure failure);

// The error a callee raised; RuntimeError when it returned nonzero without one.
Failure TakeRaised();

// What hangs on an error as its extra context, or null. Borrowed.
TVMFFIObjectHandle ExtraContext(TVMFFIObjectHandle error);

inline TVMFFIByteArray ToByteArray(std::string_view text) { return {text.data(), text.size()}; }

TVMFFIAny IntAny(int64_t value);
TVMFFIAny BoolAny(bool value);
TVMFFIAny FloatAny(double value);
// A view of an object; no reference is taken.
inline TVMFFIAny ObjectAny(TVMFFIObjectHandle object) {
  TVMFFIAny any;
  any.type_index = static_cast<TVMFFIObject*>(object)->type_index;
  any.zero_padding = 0;
  any.v_obj = static_cast<TVMFFIObject*>(object);
  return any;
}
OwnedAny StringAny(std::string_view text);

// Calls a global function of the process's library. False leaves the raised error in place.
bool CallGlobal(const char* name, const std::vector<TVMFFIAny>& args, OwnedAny* result);

// Builds an ffi.Map.
class MapMaker {
 public:
  void Set(const char* key, OwnedAny value);
  void SetInt(const char* key, int64_t value) { Set(key, Own(IntAny(value))); }
  void SetBool(const char* key, bool value) { Set(key, Own(BoolAny(value))); }
  void SetFloat(const char* key, double value) { Set(key, Own(FloatAny(value))); }
  void SetString(const char* key, std::string_view value) { Set(key, StringAny(value)); }
  OwnedAny Finish();

 private:
  static OwnedAny Own(TVMFFIAny value) {
    OwnedAny owned;
    *owned.out() = value;
    return owned;
  }
  std::vector<OwnedAny> items_;
};

OwnedAny ValueArray(const std::vector<OwnedAny>& items);
OwnedAny StringArray(const std::vector<std::string>& items);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_ABI_H_
