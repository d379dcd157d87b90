// Nothing but the second of the two C headers, in C++17.
#include <tvm/ffi/extra/c_env_api.h>

bool TheEnvironmentHeaderIsCpp17();

bool TheEnvironmentHeaderIsCpp17() {
  return TVMFFIEnvGetStream(kDLCPU, -1) == nullptr && sizeof(TVMFFIStreamHandle) == 8;
}
