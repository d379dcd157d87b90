#include "support.h"

static void* seen_self;
static int32_t seen_count;
static int code_to_return;
static int keep_self(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)args, (void)result;
  seen_self = self;
  seen_count = num_args;
  return code_to_return;
}

static int deletions;
static void count_deletion(void* self) {
  if (self == (void*)0x88) ++deletions;
}

static TVMFFIObjectHandle new_function(void* self, void (*deleter)(void*)) {
  TVMFFIObjectHandle function = NULL;
  CHECK(TVMFFIFunctionCreate(self, keep_self, deleter, &function) == 0);
  code_to_return = 0;
  seen_self = NULL;
  return function;
}

static void c_abi_026_a_callback_gets_its_self(void) {
  TVMFFIObjectHandle function = new_function((void*)0x88, count_deletion);
  TVMFFIFunctionCell* cell = (TVMFFIFunctionCell*)cell_of(function);
  TVMFFIAny result = any_of(kTVMFFINone, 0);
  CHECK(((TVMFFIObject*)function)->type_index == 68);
  CHECK(cell->cpp_call == NULL && cell->safe_call != keep_self);
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == 0 && seen_self == (void*)0x88);
  deletions = 0;
  TVMFFIObjectDecRef(function);
  CHECK(deletions == 1);
}

static void c_abi_027_without_self_the_callback_is_the_entry(void) {
  TVMFFIObjectHandle function = new_function(NULL, NULL);
  TVMFFIAny result = any_of(kTVMFFINone, 0);
  CHECK(((TVMFFIFunctionCell*)cell_of(function))->safe_call == keep_self);
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == 0 && seen_self == function);
  TVMFFIObjectDecRef(function);
}

static void c_abi_028_029_arguments_and_codes_pass_through(void) {
  TVMFFIObjectHandle function = new_function(NULL, NULL);
  TVMFFIAny result = any_of(kTVMFFINone, 0);
  seen_count = -1;
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == 0);
  CHECK(seen_count == 0 && result.type_index == kTVMFFINone);
  code_to_return = 42;
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == 42);
  TVMFFIObjectDecRef(function);
}

static void c_abi_030_031_032_global_functions(void) {
  TVMFFIObjectHandle function = new_function(NULL, NULL), found = NULL;
  const TVMFFIByteArray name = bytes_of("c_items.fn"), missing = bytes_of("c_items.missing");
  CHECK(TVMFFIFunctionSetGlobal(&name, function, 0) == 0 && strong_count(function) == 2);
  CHECK(TVMFFIFunctionSetGlobal(&name, function, 0) == -1);
  CHECK(raised("RuntimeError", "Global Function `c_items.fn` is already registered"));
  CHECK(TVMFFIFunctionSetGlobal(&name, function, 1) == 0);

  CHECK(TVMFFIFunctionGetGlobal(&name, &found) == 0 && found == function);
  CHECK(strong_count(function) == 3);
  TVMFFIObjectDecRef(found);
  CHECK(TVMFFIFunctionGetGlobal(&missing, &found) == 0 && found == NULL && nothing_raised());

  TVMFFIAny argument = raw_str("c_items.fn");
  CHECK(int_from("ffi.FunctionRemoveGlobal", &argument, 1) == 1);
  CHECK(int_from("ffi.FunctionRemoveGlobal", &argument, 1) == 0);
  CHECK(strong_count(function) == 1);
  TVMFFIObjectDecRef(function);
}

static void c_abi_033_034_metadata(void) {
  TVMFFIObjectHandle function = new_function(NULL, NULL);
  TVMFFIMethodInfo info;
  memset(&info, 0, sizeof(info));
  info.name = bytes_of("c_items.with_metadata");
  info.metadata = bytes_of("{\"answer\":42}");
  info.method = view_of(function);
  CHECK(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0) == 0);
  CHECK(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0) == -1);
  CHECK(raised("RuntimeError", "already registered"));
  TVMFFIAny name = raw_str("c_items.with_metadata"), result;
  CHECK(call_global("ffi.GetGlobalFuncMetadata", &name, 1, &result) == 0);
  CHECK(equal(content_of(&result), "{\"answer\":42}"));
  release(result);
  info.method = any_of(kTVMFFIInt, 1);
  CHECK(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 1) == -1);
  CHECK(raised("TypeError", "Cannot convert from type `int` to `ffi.Function`"));
  CHECK(int_from("ffi.FunctionRemoveGlobal", &name, 1) == 1);
  TVMFFIObjectDecRef(function);

  name = raw_str("nope");
  CHECK(call_global("ffi.GetGlobalFuncMetadata", &name, 1, &result) == -1);
  CHECK(raised("RuntimeError", "Global Function is not found: nope"));
}

static void c_abi_035_listed_names_resolve(void) {
  TVMFFIObjectHandle names = object_from("ffi.FunctionListGlobalNamesFunctor", NULL, 0);
  TVMFFIAny index = any_of(kTVMFFIInt, -1), count = any_of(kTVMFFINone, 0);
  CHECK(TVMFFIFunctionCall(names, &index, 1, &count) == 0 && count.v_int64 > 0);
  for (index.v_int64 = 0; index.v_int64 < count.v_int64; ++index.v_int64) {
    TVMFFIAny name = any_of(kTVMFFINone, 0);
    TVMFFIObjectHandle function = NULL;
    CHECK(TVMFFIFunctionCall(names, &index, 1, &name) == 0);
    const TVMFFIByteArray key = content_of(&name);
    CHECK(TVMFFIFunctionGetGlobal(&key, &function) == 0 && function != NULL);
    TVMFFIObjectDecRef(function);
    release(name);
  }
  TVMFFIObjectDecRef(names);
}

static void c_abi_037_038_039_wrong_calls(void) {
  const TVMFFIByteArray name = bytes_of("ffi.ArraySize");
  TVMFFIObjectHandle size = NULL;
  CHECK(TVMFFIFunctionGetGlobal(&name, &size) == 0);
  TVMFFIAny argument = any_of(kTVMFFIInt, 1), result = any_of(kTVMFFITensor, 0);
  CHECK(TVMFFIFunctionCall(size, &argument, 1, &result) == -1);
  CHECK(raised("InternalError", "(70 vs. 64)"));
  result = any_of(kTVMFFINone, 0);
  CHECK(TVMFFIFunctionCall(size, NULL, 0, &result) == -1);
  CHECK(raised("TypeError",
               "Mismatched number of arguments when calling: `ffi.ArraySize(0: ffi.Array) -> int`. "
               "Expected 1 but got 0 arguments"));
  CHECK(TVMFFIFunctionCall(size, &argument, 1, &result) == -1);
  CHECK(raised("TypeError",
               "Mismatched type on argument #0 when calling: `ffi.ArraySize(0: ffi.Array) -> int`. "
               "Expected `ffi.Array` but got `int`"));
  TVMFFIObjectDecRef(size);
}

static void c_abi_040_041_arguments_convert(void) {
  TVMFFIAny element = raw_str("element");
  TVMFFIObjectHandle array = object_from("ffi.Array", (TVMFFIAny[]){element, element}, 2);
  TVMFFIAny args[2] = {view_of(array), any_of(kTVMFFIBool, 1)}, result;
  CHECK(call_global("ffi.ArrayGetItem", args, 2, &result) == 0);
  release(result);
  args[1] = any_of(kTVMFFINone, 0);
  CHECK(call_global("ffi.ArrayGetItem", args, 2, &result) == -1 && raised("TypeError", "`None`"));
  args[1] = any_of(kTVMFFIFloat, 0);
  CHECK(call_global("ffi.ArrayGetItem", args, 2, &result) == -1 && raised("TypeError", "`float`"));
  TVMFFIObjectDecRef(array);

  TVMFFIAny pointers[3] = {any_of(kTVMFFINone, 0), any_of(kTVMFFIOpaquePtr, 0),
                           any_of(kTVMFFINone, 0)};
  memcpy(&pointers[1].v_ptr, &(TVMFFISafeCallType){keep_self}, sizeof(void*));
  TVMFFIObjectHandle function = object_from("ffi.FunctionFromExternC", pointers, 3);
  CHECK(function != NULL);
  TVMFFIObjectDecRef(function);
}

const CItem kFunctionItems[] = {
    ITEM(c_abi_026_a_callback_gets_its_self),
    ITEM(c_abi_027_without_self_the_callback_is_the_entry),
    ITEM(c_abi_028_029_arguments_and_codes_pass_through),
    ITEM(c_abi_030_031_032_global_functions),
    ITEM(c_abi_033_034_metadata),
    ITEM(c_abi_035_listed_names_resolve),
    ITEM(c_abi_037_038_039_wrong_calls),
    ITEM(c_abi_040_041_arguments_convert),
    {NULL, NULL},
};
