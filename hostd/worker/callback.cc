#include "hostd/worker/callback.h"

#include "hostd/worker/function_call.h"

namespace tvmffi::hostd {
namespace {

thread_local CallbackCarrier* current_carrier = nullptr;

void DropFunction(void* self) { static_cast<Callback*>(self)->Unref(); }

}  // namespace

void Callback::SetCurrent(CallbackCarrier* carrier) { current_carrier = carrier; }

Status Callback::Make(CallbackCarrier* carrier, uint64_t id, ObjectRef* function,
                      Callback** state) {
  auto* made = new Callback(carrier, id);
  TVMFFIObjectHandle handle = nullptr;
  if (TVMFFIFunctionCreate(made, TVMFFIWorkerCallback, DropFunction, &handle) != 0) {
    delete made;
    return RaisedStatus(Code::kInternal, "cannot make a callback");
  }
  function->reset(handle);
  *state = made;
  return OkStatus();
}

void Callback::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

int Callback::Call(const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  if (!live_.load(std::memory_order_acquire)) {
    TVMFFIErrorSetRaisedFromCStr(
        "RuntimeError",
        "a function passed to an isolated call was called after that call had ended; "
        "callbacks live for the call");
    return -1;
  }
  if (current_carrier != carrier_) {
    TVMFFIErrorSetRaisedFromCStr(
        "RuntimeError",
        "a function passed to an isolated call was called on another thread than the one that "
        "runs the call");
    return -1;
  }
  return carrier_->CallBack(id_, args, num_args, result);
}

}  // namespace tvmffi::hostd
