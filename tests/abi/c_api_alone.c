// Nothing but the first of the two C headers, in C11.
#include <tvm/ffi/c_api.h>

int c_abi_004_the_headers_are_c11(void);

int c_abi_004_the_headers_are_c11(void) {
  TVMFFIVersion version;
  TVMFFIGetVersion(&version);
  return version.major == TVM_FFI_VERSION_MAJOR && version.minor == TVM_FFI_VERSION_MINOR;
}
