// The two places where calls cross between this worker and plug-in code. Backtraces stop at
// functions whose names begin with TVMFFIFunctionCall, so both are exported and never inlined or
// left by a jump.
#ifndef TVMFFI_HOSTD_WORKER_FUNCTION_CALL_H_
#define TVMFFI_HOSTD_WORKER_FUNCTION_CALL_H_

#include <tvm/ffi/c_api.h>

#include <string>

extern "C" {

// Calls a Function of the plug-in.
TVM_FFI_DLL int TVMFFIFunctionCallInWorker(TVMFFIObjectHandle function, const TVMFFIAny* args,
                                           int32_t num_args, TVMFFIAny* result);

// The TVMFFISafeCallType of the client's callbacks; `self` is a hostd::Callback.
TVM_FFI_DLL int TVMFFIWorkerCallback(void* self, const TVMFFIAny* args, int32_t num_args,
                                     TVMFFIAny* result);

}  // extern "C"

namespace tvmffi::hostd {

// The calling thread's backtrace up to the innermost call through the ABI, less the worker's own
// frames: everything up to TVMFFIWorkerCallback, if it is there.
std::string PluginBacktrace();

// The same on a given backtrace.
std::string DropWorkerFrames(const std::string& backtrace);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_FUNCTION_CALL_H_
