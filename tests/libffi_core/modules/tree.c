// A module with embedded imports. Which tree, the build says: TREE_LIB_IMPORTS_CUSTOM,
// TREE_CUSTOM_IMPORTS_LIB, TREE_UNKNOWN_KIND, TREE_CHILD_OUT_OF_RANGE, TREE_CUT_SHORT or
// TREE_EMPTY_PAYLOAD.
#include <tvm/ffi/c_api.h>

TVM_FFI_DLL_EXPORT void* __tvm_ffi__library_ctx = NULL;

#define U64(n) (n), 0, 0, 0, 0, 0, 0, 0

#define CUSTOM_KIND U64(11), 't', 'e', 's', 't', '_', 'c', 'u', 's', 't', 'o', 'm'
#define LIB_ENTRY U64(4), '_', 'l', 'i', 'b'
#define CUSTOM_ENTRY CUSTOM_KIND, U64(11), 'c', 'u', 's', 't', 'o', 'm', 'b', 'y', 't', 'e', 's'

// Two entries of which the first imports the second: row starts {0, 1, 1}, children {1}.
#define FIRST_IMPORTS_SECOND U64(3), U64(0), U64(1), U64(1), U64(1), U64(1)

#if defined(TREE_LIB_IMPORTS_CUSTOM)
#define PAYLOAD FIRST_IMPORTS_SECOND, LIB_ENTRY, CUSTOM_ENTRY
#elif defined(TREE_CUSTOM_IMPORTS_LIB)
#define PAYLOAD FIRST_IMPORTS_SECOND, CUSTOM_ENTRY, LIB_ENTRY
#elif defined(TREE_UNKNOWN_KIND)
#define PAYLOAD FIRST_IMPORTS_SECOND, LIB_ENTRY, U64(4), 'n', 'o', 'p', 'e', U64(1), 'x'
#elif defined(TREE_CHILD_OUT_OF_RANGE)
#define FIRST_IMPORTS_EIGHTH U64(3), U64(0), U64(1), U64(1), U64(1), U64(7)
#define PAYLOAD FIRST_IMPORTS_EIGHTH, LIB_ENTRY, CUSTOM_ENTRY
#elif defined(TREE_CUT_SHORT)
#define PAYLOAD FIRST_IMPORTS_SECOND, LIB_ENTRY, CUSTOM_KIND, U64(11), 'c', 'u', 's', 't'
#elif defined(TREE_EMPTY_PAYLOAD)
#define PAYLOAD FIRST_IMPORTS_SECOND, LIB_ENTRY, CUSTOM_KIND, U64(0)
#else
#error "which tree?"
#endif

TVM_FFI_DLL_EXPORT const struct {
  uint64_t size;
  unsigned char payload[sizeof((unsigned char[]){PAYLOAD})];
} __tvm_ffi__library_bin = {sizeof((unsigned char[]){PAYLOAD}), {PAYLOAD}};

TVM_FFI_DLL_EXPORT int __tvm_ffi_in_library(void* handle, const TVMFFIAny* args, int32_t num_args,
                                            TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  result->type_index = kTVMFFIInt;
  result->v_int64 = 1;
  return 0;
}
