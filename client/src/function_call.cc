#include "client/src/function_call.h"

__attribute__((noinline)) int TVMFFIFunctionCallFromWorker(TVMFFIObjectHandle function,
                                                           const TVMFFIAny* args, int32_t num_args,
                                                           TVMFFIAny* result) {
  const TVMFFIFunctionCell* cell = TVMFFIFunctionGetCellPtr(function);
  int code = cell->safe_call(function, args, num_args, result);
  // Keeps the call from becoming a jump.
  asm volatile("" : "+r"(code) : : "memory");
  return code;
}
