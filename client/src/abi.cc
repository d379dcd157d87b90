#include "client/src/abi.h"

#include <dlfcn.h>

namespace tvmffi::host {
namespace {

using CreateWithContext = int (*)(const TVMFFIByteArray*, const TVMFFIByteArray*,
                                  const TVMFFIByteArray*, TVMFFIObjectHandle, TVMFFIObjectHandle,
                                  TVMFFIObjectHandle*);

CreateWithContext create_with_context() {
  // Null before 0.1.8.
  static const auto function = reinterpret_cast<CreateWithContext>(
      FindInLibrary("TVMFFIErrorCreateWithCauseAndExtraContext"));
  return function;
}

TVMFFIAny MakeAny(int32_t type_index) {
  TVMFFIAny any = NoneAny();
  any.type_index = type_index;
  return any;
}

}  // namespace

// The library may be open without RTLD_GLOBAL, so ask the object that has its oldest functions.
void* FindInLibrary(const char* symbol) {
  Dl_info where;
  if (::dladdr(reinterpret_cast<void*>(&TVMFFIErrorCreate), &where) == 0) return nullptr;
  void* library = ::dlopen(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return nullptr;
  void* address = ::dlsym(library, symbol);
  ::dlclose(library);
  return address;
}

bool IsReservedKind(std::string_view kind) {
  for (const char* reserved : {kWorkerCrashed, kDeadlineExceeded, kLoadFailed, kPolicyViolation,
                               kUnavailable, kResourceExhausted, kEnvErrorAlreadySet}) {
    if (kind == reserved) return true;
  }
  return false;
}

const char* KindOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "ValueError";
    case Code::kDeadlineExceeded:
      return kDeadlineExceeded;
    case Code::kResourceExhausted:
      return kResourceExhausted;
    case Code::kUnavailable:
    case Code::kPermissionDenied:
    case Code::kNotFound:
      return kUnavailable;
    default:
      return "RuntimeError";
  }
}

Failure MakeError(std::string_view kind, std::string_view message, std::string_view backtrace,
                  TVMFFIObjectHandle context) {
  const TVMFFIByteArray kind_bytes = ToByteArray(kind);
  const TVMFFIByteArray message_bytes = ToByteArray(message);
  const TVMFFIByteArray backtrace_bytes = ToByteArray(backtrace);
  TVMFFIObjectHandle error = nullptr;
  if (context != nullptr && create_with_context() != nullptr) {
    create_with_context()(&kind_bytes, &message_bytes, &backtrace_bytes, nullptr, context, &error);
  } else {
    TVMFFIErrorCreate(&kind_bytes, &message_bytes, &backtrace_bytes, &error);
  }
  return Failure(error);
}

Failure MakeError(const Status& status) { return MakeError(KindOf(status.code), status.message); }

int Raise(Failure failure) {
  TVMFFIErrorSetRaised(failure.get());
  return -1;
}

Failure TakeRaised() {
  TVMFFIObjectHandle error = nullptr;
  TVMFFIErrorMoveFromRaised(&error);
  if (error != nullptr) return Failure(error);
  return MakeError("RuntimeError", "a function failed without raising an error");
}

TVMFFIObjectHandle ExtraContext(TVMFFIObjectHandle error) {
  if (create_with_context() == nullptr) return nullptr;
  const TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error);
  // Errors made by code older than 0.1.8 have a string where the two handles would be.
  if (cell->cause_chain == cell->kind.data) return nullptr;
  return cell->extra_context;
}

TVMFFIAny IntAny(int64_t value) {
  TVMFFIAny any = MakeAny(kTVMFFIInt);
  any.v_int64 = value;
  return any;
}

TVMFFIAny BoolAny(bool value) {
  TVMFFIAny any = MakeAny(kTVMFFIBool);
  any.v_int64 = value ? 1 : 0;
  return any;
}

TVMFFIAny FloatAny(double value) {
  TVMFFIAny any = MakeAny(kTVMFFIFloat);
  any.v_float64 = value;
  return any;
}

OwnedAny StringAny(std::string_view text) {
  const TVMFFIByteArray bytes = ToByteArray(text);
  OwnedAny owned;
  TVMFFIStringFromByteArray(&bytes, owned.out());
  return owned;
}

bool CallGlobal(const char* name, const std::vector<TVMFFIAny>& args, OwnedAny* result) {
  TVMFFIObjectHandle function = FindGlobal(name);
  if (function == nullptr) {
    TVMFFIErrorSetRaisedFromCStr("RuntimeError",
                                 (std::string("no global function ") + name).c_str());
    return false;
  }
  return TVMFFIFunctionCall(function, const_cast<TVMFFIAny*>(args.data()),
                            static_cast<int32_t>(args.size()), result->out()) == 0;
}

void MapMaker::Set(const char* key, OwnedAny value) {
  items_.push_back(StringAny(key));
  items_.push_back(std::move(value));
}

namespace {

OwnedAny BuildContainer(const char* maker, const std::vector<OwnedAny>& items) {
  std::vector<TVMFFIAny> views;
  views.reserve(items.size());
  for (const OwnedAny& item : items) views.push_back(item.get());
  OwnedAny result;
  if (!CallGlobal(maker, views, &result)) TakeRaised();
  return result;
}

}  // namespace

OwnedAny MapMaker::Finish() { return BuildContainer("ffi.Map", items_); }

OwnedAny ValueArray(const std::vector<OwnedAny>& items) {
  return BuildContainer("ffi.Array", items);
}

OwnedAny StringArray(const std::vector<std::string>& items) {
  std::vector<OwnedAny> strings;
  strings.reserve(items.size());
  for (const std::string& item : items) strings.push_back(StringAny(item));
  return BuildContainer("ffi.Array", strings);
}

}  // namespace tvmffi::host
