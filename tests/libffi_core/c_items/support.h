/* The checklist of the C ABI in C11, as a program without a C++ compiler uses it. An item is a
 * function `c_abi_<number>_<claim>`; every file lists its items in a table, which a C++ test runs.
 */
#ifndef TVMFFI_TESTS_LIBFFI_CORE_C_ITEMS_SUPPORT_H_
#define TVMFFI_TESTS_LIBFFI_CORE_C_ITEMS_SUPPORT_H_

#include <stdbool.h>
#include <string.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/extra/c_env_api.h>

typedef struct {
  const char* name;
  void (*run)(void);
} CItem;

#ifdef __cplusplus
extern "C" {
#endif
/* Each ends with an item without a name. */
extern const CItem kObjectItems[], kErrorItems[], kFunctionItems[], kValueItems[], kTypeItems[],
    kContainerItems[], kTensorItems[], kEnvironmentItems[], kModuleItems[];

/* Makes the running test fail. */
void c_item_failed(const char* file, int line, const char* what);
/* Runs `body` on a thread of its own and waits for it. */
void c_item_on_thread(void (*body)(void));
/* The path of the module that tests/libffi_core/modules/basic.c makes. */
const char* c_item_module_path(void);
#ifdef __cplusplus
}
#endif

#define ITEM(function) \
  { #function, function }
#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) c_item_failed(__FILE__, __LINE__, #condition); \
  } while (false)

#ifndef __cplusplus

static inline TVMFFIByteArray bytes_of(const char* text) {
  TVMFFIByteArray bytes = {text, strlen(text)};
  return bytes;
}

static inline bool equal(TVMFFIByteArray bytes, const char* text) {
  return bytes.size == strlen(text) &&
         (bytes.size == 0 || memcmp(bytes.data, text, bytes.size) == 0);
}

static inline TVMFFIAny any_of(int32_t type_index, int64_t payload) {
  TVMFFIAny any;
  any.type_index = type_index;
  any.zero_padding = 0;
  any.v_int64 = payload;
  return any;
}

static inline TVMFFIAny raw_str(const char* text) {
  TVMFFIAny any = any_of(kTVMFFIRawStr, 0);
  any.v_c_str = text;
  return any;
}

static inline TVMFFIAny view_of(TVMFFIObjectHandle object) {
  TVMFFIAny any = any_of(((TVMFFIObject*)object)->type_index, 0);
  any.v_obj = (TVMFFIObject*)object;
  return any;
}

static inline void* cell_of(TVMFFIObjectHandle object) {
  return (char*)object + sizeof(TVMFFIObject);
}

static inline uint64_t strong_count(TVMFFIObjectHandle object) {
  return ((TVMFFIObject*)object)->combined_ref_count & 0xffffffff;
}

static inline TVMFFIByteArray content_of(const TVMFFIAny* any) {
  if (any->type_index == kTVMFFISmallStr || any->type_index == kTVMFFISmallBytes) {
    TVMFFIByteArray bytes = {any->v_bytes, any->small_str_len};
    return bytes;
  }
  return *(TVMFFIByteArray*)cell_of(any->v_obj);
}

static inline void release(TVMFFIAny any) {
  if (any.type_index >= kTVMFFIStaticObjectBegin) TVMFFIObjectDecRef(any.v_obj);
}

/* Takes the raised error: whether it is of this kind and has this text in its message. */
static inline bool raised(const char* kind, const char* text) {
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorMoveFromRaised(&error);
  if (error == NULL) return false;
  TVMFFIErrorCell* cell = (TVMFFIErrorCell*)cell_of(error);
  const bool matches = equal(cell->kind, kind) && strstr(cell->message.data, text) != NULL;
  TVMFFIObjectDecRef(error);
  return matches;
}

static inline bool nothing_raised(void) {
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorMoveFromRaised(&error);
  if (error != NULL) TVMFFIObjectDecRef(error);
  return error == NULL;
}

/* Calls a global function; `result` is set to None first. */
static inline int call_global(const char* name, TVMFFIAny* args, int32_t num_args,
                              TVMFFIAny* result) {
  const TVMFFIByteArray key = bytes_of(name);
  TVMFFIObjectHandle function = NULL;
  *result = any_of(kTVMFFINone, 0);
  if (TVMFFIFunctionGetGlobal(&key, &function) != 0 || function == NULL) return -99;
  const int code = TVMFFIFunctionCall(function, args, num_args, result);
  TVMFFIObjectDecRef(function);
  return code;
}

/* The int that a global function returns, or -99. */
static inline int64_t int_from(const char* name, TVMFFIAny* args, int32_t num_args) {
  TVMFFIAny result;
  if (call_global(name, args, num_args, &result) != 0) return -99;
  release(result);
  return result.v_int64;
}

/* The new object that a global function returns, or NULL. */
static inline TVMFFIObjectHandle object_from(const char* name, TVMFFIAny* args, int32_t num_args) {
  TVMFFIAny result;
  if (call_global(name, args, num_args, &result) != 0) return NULL;
  return result.type_index >= kTVMFFIStaticObjectBegin ? result.v_obj : NULL;
}

#define COUNT(array) ((int32_t)(sizeof(array) / sizeof((array)[0])))

#endif /* __cplusplus */

#endif /* TVMFFI_TESTS_LIBFFI_CORE_C_ITEMS_SUPPORT_H_ */
