#include "c_items.h"

static void* seen_self;
static int32_t seen_num_args;
static int deleter_calls;

static int NoteSelf(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)args, (void)result;
  seen_self = self;
  seen_num_args = num_args;
  return 0;
}

static int ReturnSeven(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self, (void)args, (void)num_args, (void)result;
  return 7;
}

static void CountDeleter(void* self) { deleter_calls += self == &seen_self; }

static TVMFFIObjectHandle NewFunction(void* self, TVMFFISafeCallType call, void (*deleter)(void*)) {
  TVMFFIObjectHandle function = NULL;
  CHECK(TVMFFIFunctionCreate(self, call, deleter, &function) == 0);
  return function;
}

static void c_abi_026_functions_with_a_self(void) {
  deleter_calls = 0;
  TVMFFIObjectHandle function = NewFunction(&seen_self, NoteSelf, CountDeleter);
  const TVMFFIFunctionCell* cell = Body(function);
  CHECK(((TVMFFIObject*)function)->type_index == 68);
  CHECK(cell->cpp_call == NULL);
  CHECK(cell->safe_call != NoteSelf);
  TVMFFIAny result = None();
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == 0);
  CHECK(seen_self == &seen_self);
  TVMFFIObjectDecRef(function);
  CHECK(deleter_calls == 1);
}

static void c_abi_027_functions_without_a_self(void) {
  TVMFFIObjectHandle function = NewFunction(NULL, NoteSelf, NULL);
  CHECK(((TVMFFIFunctionCell*)Body(function))->safe_call == NoteSelf);
  TVMFFIAny result = None();
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == 0);
  CHECK(seen_self == function);
  TVMFFIObjectDecRef(function);
}

static void c_abi_028_no_arguments_and_no_result(void) {
  TVMFFIObjectHandle function = NewFunction(NULL, NoteSelf, NULL);
  seen_num_args = -1;
  TVMFFIAny result = None();
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == 0);
  CHECK(seen_num_args == 0);
  CHECK(result.type_index == kTVMFFINone);
  TVMFFIObjectDecRef(function);
}

static void c_abi_029_the_callees_code_is_returned(void) {
  TVMFFIObjectHandle plain = NewFunction(NULL, ReturnSeven, NULL);
  TVMFFIObjectHandle with_self = NewFunction(&seen_self, ReturnSeven, NULL);
  TVMFFIAny result = None();
  CHECK(TVMFFIFunctionCall(plain, NULL, 0, &result) == 7);
  CHECK(TVMFFIFunctionCall(with_self, NULL, 0, &result) == 7);
  CHECK(!TakeRaised());
  TVMFFIObjectDecRef(plain);
  TVMFFIObjectDecRef(with_self);
}

static void c_abi_030_set_global(void) {
  TVMFFIObjectHandle function = NewFunction(NULL, ReturnNothing, NULL);
  const TVMFFIByteArray name = Bytes("c_items.set_global");
  CHECK(TVMFFIFunctionSetGlobal(&name, function, 0) == 0);
  CHECK(StrongCount(function) == 2);
  CHECK_RAISED(TVMFFIFunctionSetGlobal(&name, function, 0), "RuntimeError",
               "Global Function `c_items.set_global` is already registered");
  CHECK(TVMFFIFunctionSetGlobal(&name, function, 1) == 0);
  TVMFFIObjectDecRef(function);
}

static void c_abi_031_get_global(void) {
  TVMFFIObjectHandle function = NewFunction(NULL, ReturnNothing, NULL);
  const TVMFFIByteArray name = Bytes("c_items.get_global");
  CHECK(TVMFFIFunctionSetGlobal(&name, function, 0) == 0);
  TVMFFIObjectHandle found = NULL;
  CHECK(TVMFFIFunctionGetGlobal(&name, &found) == 0);
  CHECK(found == function);
  CHECK(StrongCount(function) == 3);
  TVMFFIObjectDecRef(found);
  const TVMFFIByteArray missing = Bytes("c_items.nope");
  CHECK(TVMFFIFunctionGetGlobal(&missing, &found) == 0);
  CHECK(found == NULL);
  CHECK(!TakeRaised());
  TVMFFIObjectDecRef(function);
}

static void c_abi_032_remove_global(void) {
  TVMFFIObjectHandle function = NewFunction(NULL, ReturnNothing, NULL);
  const TVMFFIByteArray name = Bytes("c_items.removed");
  CHECK(TVMFFIFunctionSetGlobal(&name, function, 0) == 0);
  CHECK(CallOk("ffi.FunctionRemoveGlobal", ARGS(RawStr("c_items.removed"))).v_int64 == 1);
  CHECK(CallOk("ffi.FunctionRemoveGlobal", ARGS(RawStr("c_items.removed"))).v_int64 == 0);
  CHECK(StrongCount(function) == 1);
  TVMFFIObjectDecRef(function);
}

static void c_abi_033_metadata_of_a_global(void) {
  TVMFFIObjectHandle function = NewFunction(NULL, ReturnNothing, NULL);
  TVMFFIMethodInfo info;
  memset(&info, 0, sizeof(info));
  info.name = Bytes("c_items.documented");
  info.doc = Bytes("A doc.");
  info.metadata = Bytes("{\"k\":1}");
  info.method = View(function);
  CHECK(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0) == 0);
  TVMFFIAny text = CallOk("ffi.GetGlobalFuncMetadata", ARGS(RawStr("c_items.documented")));
  CHECK(SameText(ContentOf(&text), "{\"k\":1}"));
  Release(&text);
  CHECK_RAISED(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0), "RuntimeError",
               "c_items.documented");
  info.name = Bytes("c_items.no_function");
  info.method = Int(1);
  CHECK_RAISED(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0), "TypeError",
               "Cannot convert from type `int` to `ffi.Function`");
  TVMFFIObjectDecRef(function);
}

static void c_abi_034_metadata_of_nothing(void) {
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.GetGlobalFuncMetadata", ARGS(RawStr("nope")), &result),
               "RuntimeError", "Global Function is not found: nope");
}

static void c_abi_035_listed_names_resolve(void) {
  TVMFFIAny names = CallOk("ffi.FunctionListGlobalNamesFunctor", NULL, 0);
  CHECK(names.type_index == kTVMFFIFunction);
  TVMFFIAny arg = Int(-1);
  TVMFFIAny count = None();
  CHECK(TVMFFIFunctionCall(names.v_obj, &arg, 1, &count) == 0);
  CHECK(count.v_int64 > 30);
  for (int64_t i = 0; i < count.v_int64; ++i) {
    arg = Int(i);
    TVMFFIAny name = None();
    CHECK(TVMFFIFunctionCall(names.v_obj, &arg, 1, &name) == 0);
    const TVMFFIByteArray key = ContentOf(&name);
    TVMFFIObjectHandle function = NULL;
    CHECK(TVMFFIFunctionGetGlobal(&key, &function) == 0 && function != NULL);
    TVMFFIObjectDecRef(function);
    Release(&name);
  }
  Release(&names);
}

static void c_abi_037_result_must_not_hold_an_object(void) {
  TVMFFIAny result = MakeAny(kTVMFFITensor, 0);
  CHECK_RAISED(CallGlobal("ffi.Array", NULL, 0, &result), "InternalError", "(70 vs. 64)");
}

static void c_abi_038_wrong_arity(void) {
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.ArraySize", NULL, 0, &result), "TypeError",
               "Mismatched number of arguments when calling: `ffi.ArraySize(0: ffi.Array) -> int`. "
               "Expected 1 but got 0 arguments");
}

static void c_abi_039_wrong_type(void) {
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.ArraySize", ARGS(Int(1)), &result), "TypeError",
               "Mismatched type on argument #0 when calling: `ffi.ArraySize(0: ffi.Array) -> int`. "
               "Expected `ffi.Array` but got `int`");
}

static void c_abi_040_bool_is_an_int_argument(void) {
  TVMFFIAny array = CallOk("ffi.Array", ARGS(Int(10), Int(11)));
  TVMFFIAny item = CallOk("ffi.ArrayGetItem", ARGS(array, Bool(true)));
  CHECK(item.v_int64 == 11);
  TVMFFIAny result = None();
  TVMFFIAny number = MakeAny(kTVMFFIFloat, 0);
  number.v_float64 = 1.0;
  CHECK_RAISED(CallGlobal("ffi.ArrayGetItem", ARGS(array, number), &result), "TypeError",
               "Expected `int` but got `float`");
  CHECK_RAISED(CallGlobal("ffi.ArrayGetItem", ARGS(array, None()), &result), "TypeError",
               "Expected `int` but got `None`");
  Release(&array);
}

static void c_abi_041_none_is_a_null_pointer(void) {
  TVMFFIAny call = Pointer(NULL);
  TVMFFISafeCallType callback = ReturnNothing;
  memcpy(&call.v_ptr, &callback, sizeof(callback));
  TVMFFIAny function = CallOk("ffi.FunctionFromExternC", ARGS(None(), call, None()));
  CHECK(function.type_index == kTVMFFIFunction);
  CHECK(((TVMFFIFunctionCell*)Body(function.v_obj))->safe_call == ReturnNothing);
  Release(&function);
}

C_ITEMS(kFunctionItems, C_ITEM(c_abi_026_functions_with_a_self),
        C_ITEM(c_abi_027_functions_without_a_self), C_ITEM(c_abi_028_no_arguments_and_no_result),
        C_ITEM(c_abi_029_the_callees_code_is_returned), C_ITEM(c_abi_030_set_global),
        C_ITEM(c_abi_031_get_global), C_ITEM(c_abi_032_remove_global),
        C_ITEM(c_abi_033_metadata_of_a_global), C_ITEM(c_abi_034_metadata_of_nothing),
        C_ITEM(c_abi_035_listed_names_resolve), C_ITEM(c_abi_037_result_must_not_hold_an_object),
        C_ITEM(c_abi_038_wrong_arity), C_ITEM(c_abi_039_wrong_type),
        C_ITEM(c_abi_040_bool_is_an_int_argument), C_ITEM(c_abi_041_none_is_a_null_pointer));
