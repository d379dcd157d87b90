// Where a worker's request enters the caller's code. Backtraces stop at functions whose names begin
// with TVMFFIFunctionCall, so this one is exported, never inlined and never left by a jump.
#ifndef TVMFFI_CLIENT_SRC_FUNCTION_CALL_H_
#define TVMFFI_CLIENT_SRC_FUNCTION_CALL_H_

#include <tvm/ffi/c_api.h>

// Calls a Function of this process on behalf of a worker.
extern "C" TVM_FFI_DLL int TVMFFIFunctionCallFromWorker(TVMFFIObjectHandle function,
                                                        const TVMFFIAny* args, int32_t num_args,
                                                        TVMFFIAny* result);

#endif  // TVMFFI_CLIENT_SRC_FUNCTION_CALL_H_
