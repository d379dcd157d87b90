// A function of the client, as the plug-in sees it.
#ifndef TVMFFI_HOSTD_WORKER_CALLBACK_H_
#define TVMFFI_HOSTD_WORKER_CALLBACK_H_

#include <tvm/ffi/c_api.h>

#include <atomic>
#include <cstdint>

#include "proto/base/status.h"
#include "proto/codec/any.h"

namespace tvmffi::hostd {

// What carries callbacks to the client: a lane that serves a call.
class CallbackCarrier {
 public:
  virtual ~CallbackCarrier() = default;
  // As a TVMFFISafeCallType: raises and returns nonzero on failure.
  virtual int CallBack(uint64_t id, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) = 0;
};

// Shared by the Function object and the call it was passed to. Thread-safe.
class Callback {
 public:
  // The carrier of the calling thread's call, null when it serves none.
  static void SetCurrent(CallbackCarrier* carrier);

  // A Function that calls `id` on `carrier`, and its state. Both are the caller's.
  static Status Make(CallbackCarrier* carrier, uint64_t id, ObjectRef* function, Callback** state);

  // The call is over: from now on calling it raises a RuntimeError.
  void End() { live_.store(false, std::memory_order_release); }
  void Unref();

  int Call(const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);

 private:
  Callback(CallbackCarrier* carrier, uint64_t id) : carrier_(carrier), id_(id) {}
  ~Callback() = default;

  CallbackCarrier* carrier_;
  uint64_t id_;
  std::atomic<bool> live_{true};
  std::atomic<int> references_{2};
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_CALLBACK_H_
