// Error objects and the raised error of each thread.
#include <tvm/ffi/c_api.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"

namespace tvmffi::core {
namespace {

struct ErrorObject {
  TVMFFIObject header;
  TVMFFIErrorCell cell;
  std::string kind;
  std::string message;
  std::string backtrace;

  ~ErrorObject() {
    if (cell.cause_chain != nullptr) DecRef(cell.cause_chain);
    if (cell.extra_context != nullptr) DecRef(cell.extra_context);
  }
};

void UpdateBacktrace(TVMFFIObjectHandle self, const TVMFFIByteArray* backtrace, int32_t mode) {
  auto* error = static_cast<ErrorObject*>(self);
  if (mode == kTVMFFIBacktraceUpdateModeReplace) {
    error->backtrace = ViewOf(*backtrace);
  } else {
    error->backtrace += ViewOf(*backtrace);
  }
  error->cell.backtrace = BytesOf(error->backtrace);
}

// Retains `cause_chain` and `extra_context`; both may be NULL.
Handle NewError(std::string_view kind, std::string_view message, std::string_view backtrace,
                TVMFFIObjectHandle cause_chain, TVMFFIObjectHandle extra_context) {
  auto* error = NewObject<ErrorObject>(kTVMFFIError, 0, TVMFFIErrorCell{}, std::string(kind),
                                       std::string(message), std::string(backtrace));
  error->cell.kind = BytesOf(error->kind);
  error->cell.message = BytesOf(error->message);
  error->cell.backtrace = BytesOf(error->backtrace);
  error->cell.update_backtrace = UpdateBacktrace;
  error->cell.cause_chain = Handle::Retain(cause_chain).Release();
  error->cell.extra_context = Handle::Retain(extra_context).Release();
  return Handle::Adopt(error);
}

// An error needs a kind.
const char* KindOr(const char* kind) { return kind != nullptr ? kind : "InternalError"; }

// A plain pointer, so that it can still be used when the thread's destructors have run; the keeper
// empties it then.
thread_local TVMFFIObjectHandle raised_error = nullptr;

Handle ExchangeRaised(TVMFFIObjectHandle error) noexcept {
  struct Keeper {
    ~Keeper() { ExchangeRaised(nullptr); }
  };
  if (error != nullptr) {
    static thread_local Keeper keeper;
  }
  return Handle::Adopt(std::exchange(raised_error, error));
}

}  // namespace

void FailNull(const char* what) {
  throw Failure("InternalError", std::string("Check not null: ") + what);
}

int Raise(const char* kind, std::string_view message) noexcept {
  try {
    const TVMFFIByteArray* backtrace = TVMFFIBacktrace(nullptr, 0, nullptr, 0);
    ExchangeRaised(NewError(kind, message, ViewOf(*backtrace), nullptr, nullptr).Release());
  } catch (const std::bad_alloc&) {
    ExchangeRaised(nullptr);
  }
  return -1;
}

void ExitAfterException(const char* name, std::string_view text) noexcept {
  std::fprintf(stderr, "Exception caught during %s:\n%.*s\n", name, static_cast<int>(text.size()),
               text.data());
  std::exit(-1);
}

}  // namespace tvmffi::core

using tvmffi::core::Failure;
using tvmffi::core::NotNull;
using tvmffi::core::ViewOf;

extern "C" {

void TVMFFIErrorMoveFromRaised(TVMFFIObjectHandle* result) {
  // Nobody to give it to, so it stays raised.
  if (result == nullptr) return;
  *result = tvmffi::core::ExchangeRaised(nullptr).Release();
}

void TVMFFIErrorSetRaised(TVMFFIObjectHandle error) {
  tvmffi::core::ExchangeRaised(tvmffi::core::Handle::Retain(error).Release());
}

void TVMFFIErrorSetRaisedFromCStr(const char* kind, const char* message) {
  tvmffi::core::Raise(tvmffi::core::KindOr(kind), message != nullptr ? message : "");
}

void TVMFFIErrorSetRaisedFromCStrParts(const char* kind, const char** message_parts,
                                       int32_t num_parts) {
  tvmffi::core::GuardedOrExit("TVMFFIErrorSetRaisedFromCStrParts", [&] {
    std::string message;
    for (int32_t i = 0; message_parts != nullptr && i < num_parts; ++i) {
      if (message_parts[i] != nullptr) message += message_parts[i];
    }
    tvmffi::core::Raise(tvmffi::core::KindOr(kind), message);
  });
}

int TVMFFIErrorCreate(const TVMFFIByteArray* kind, const TVMFFIByteArray* message,
                      const TVMFFIByteArray* backtrace, TVMFFIObjectHandle* out) {
  return TVMFFIErrorCreateWithCauseAndExtraContext(kind, message, backtrace, nullptr, nullptr, out);
}

int TVMFFIErrorCreateWithCauseAndExtraContext(
    const TVMFFIByteArray* kind, const TVMFFIByteArray* message, const TVMFFIByteArray* backtrace,
    TVMFFIObjectHandle cause_chain, TVMFFIObjectHandle extra_context, TVMFFIObjectHandle* out) {
  return tvmffi::core::GuardedOrExit("TVMFFIErrorCreateWithCauseAndExtraContext", [&] {
    if (cause_chain != nullptr && TVMFFIObjectGetTypeIndex(cause_chain) != kTVMFFIError) {
      throw Failure("TypeError", "cause_chain must be an ffi.Error, but its type index is " +
                                     std::to_string(TVMFFIObjectGetTypeIndex(cause_chain)));
    }
    try {
      TVMFFIObjectHandle& result = NotNull(out, "TVMFFIErrorCreate: out");
      result = tvmffi::core::NewError(ViewOf(NotNull(kind, "TVMFFIErrorCreate: kind")),
                                      ViewOf(NotNull(message, "TVMFFIErrorCreate: message")),
                                      ViewOf(NotNull(backtrace, "TVMFFIErrorCreate: backtrace")),
                                      cause_chain, extra_context)
                   .Release();
      return 0;
    } catch (const Failure& failure) {
      return tvmffi::core::Raise(failure.kind(), failure.message());
    } catch (const std::bad_alloc&) {
      return -1;
    }
  });
}

}  // extern "C"
