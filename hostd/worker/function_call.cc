#include "hostd/worker/function_call.h"

#include "hostd/worker/callback.h"

extern "C" __attribute__((noinline)) int TVMFFIFunctionCallInWorker(TVMFFIObjectHandle function,
                                                                    const TVMFFIAny* args,
                                                                    int32_t num_args,
                                                                    TVMFFIAny* result) {
  const int code = TVMFFIFunctionGetCellPtr(function)->safe_call(function, args, num_args, result);
  asm volatile("" ::: "memory");  // the call above stays a call
  return code;
}

extern "C" __attribute__((noinline)) int TVMFFIWorkerCallback(void* self, const TVMFFIAny* args,
                                                              int32_t num_args, TVMFFIAny* result) {
  const int code = static_cast<tvmffi::hostd::Callback*>(self)->Call(args, num_args, result);
  asm volatile("" ::: "memory");
  return code;
}

namespace tvmffi::hostd {

std::string DropWorkerFrames(const std::string& backtrace) {
  const size_t own = backtrace.rfind(", in TVMFFIWorkerCallback");
  if (own == std::string::npos) return backtrace;
  const size_t end = backtrace.find('\n', own);
  return end == std::string::npos ? std::string() : backtrace.substr(end + 1);
}

std::string PluginBacktrace() {
  const TVMFFIByteArray* backtrace = TVMFFIBacktrace(nullptr, 0, nullptr, 0);
  return DropWorkerFrames(std::string(backtrace->data, backtrace->size));
}

}  // namespace tvmffi::hostd
