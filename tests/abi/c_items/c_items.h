/* The conformance items that a C caller can run, as C11. Each is one function c_abi_NNN_what(void).
 */
#ifndef TVMFFI_TESTS_ABI_C_ITEMS_C_ITEMS_H_
#define TVMFFI_TESTS_ABI_C_ITEMS_C_ITEMS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/extra/c_env_api.h>

typedef struct {
  const char* name;
  void (*run)(void);
} CItem;

#define C_ITEM(function) \
  { #function, function }
/* Ends each file: its items under the name that main.c knows. */
#define C_ITEMS(name, ...) const CItem name[] = {__VA_ARGS__, {NULL, NULL}}

/* Prints the item and the line, and goes on. */
void ReportFailure(const char* file, int line, const char* text);

#define CHECK(condition)                             \
  do {                                               \
    if (!(condition)) {                              \
      ReportFailure(__FILE__, __LINE__, #condition); \
    }                                                \
  } while (0)
/* The call fails with an error of this kind that has `text` in its message. */
#define CHECK_RAISED(call, kind, text)                       \
  do {                                                       \
    if ((call) == 0) {                                       \
      ReportFailure(__FILE__, __LINE__, #call " succeeded"); \
    } else {                                                 \
      CheckRaised(__FILE__, __LINE__, kind, text);           \
    }                                                        \
  } while (0)

void CheckRaised(const char* file, int line, const char* kind, const char* text);
/* Whether an error is raised; drops it. */
bool TakeRaised(void);

static inline TVMFFIByteArray Bytes(const char* text) {
  TVMFFIByteArray result = {text, strlen(text)};
  return result;
}
static inline bool SameText(TVMFFIByteArray bytes, const char* text) {
  return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static inline TVMFFIAny MakeAny(int32_t type_index, int64_t payload) {
  TVMFFIAny any;
  any.type_index = type_index;
  any.zero_padding = 0;
  any.v_int64 = payload;
  return any;
}
static inline TVMFFIAny None(void) { return MakeAny(kTVMFFINone, 0); }
static inline TVMFFIAny Int(int64_t value) { return MakeAny(kTVMFFIInt, value); }
static inline TVMFFIAny Bool(bool value) { return MakeAny(kTVMFFIBool, value); }
static inline TVMFFIAny RawStr(const char* text) {
  TVMFFIAny any = MakeAny(kTVMFFIRawStr, 0);
  any.v_c_str = text;
  return any;
}
static inline TVMFFIAny Pointer(void* value) {
  TVMFFIAny any = MakeAny(kTVMFFIOpaquePtr, 0);
  any.v_ptr = value;
  return any;
}
static inline TVMFFIAny View(TVMFFIObjectHandle object) {
  TVMFFIAny any = MakeAny(((TVMFFIObject*)object)->type_index, 0);
  any.v_obj = object;
  return any;
}

static inline void* Body(TVMFFIObjectHandle object) { return (char*)object + sizeof(TVMFFIObject); }
static inline uint32_t StrongCount(TVMFFIObjectHandle object) {
  return (uint32_t)((TVMFFIObject*)object)->combined_ref_count;
}

/* Drops what an owned value holds and makes it None. */
void Release(TVMFFIAny* value);
/* The content of a string or bytes value; borrowed. */
TVMFFIByteArray ContentOf(const TVMFFIAny* value);
/* A new reference to a global function, which must exist. */
TVMFFIObjectHandle GetGlobal(const char* name);
/* Calls a global function; `*result` must hold nothing. */
int CallGlobal(const char* name, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
/* The same for calls that must succeed; the result is owned. */
TVMFFIAny CallOk(const char* name, const TVMFFIAny* args, int32_t num_args);

#define ARGS(...) \
  (const TVMFFIAny[]){__VA_ARGS__}, sizeof((TVMFFIAny[]){__VA_ARGS__}) / sizeof(TVMFFIAny)

/* Callbacks that several files use. */
int ReturnNothing(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);
TVMFFIObjectHandle MakeOpaque(void* handle, void (*deleter)(void* handle));
/* Runs `run(argument)` on a thread of its own and waits for it. */
void RunOnThread(void (*run)(void*), void* argument);

extern const CItem kObjectItems[], kErrorItems[], kFunctionItems[], kValueItems[], kDTypeItems[],
    kTypeItems[], kContainerItems[], kTensorItems[], kEnvironmentItems[], kModuleItems[];

#endif /* TVMFFI_TESTS_ABI_C_ITEMS_C_ITEMS_H_ */
