#include "c_items.h"

/* The module that tests/libffi_core/modules/basic.c makes. */
static TVMFFIAny LoadBasic(void) {
  return CallOk("ffi.ModuleLoadFromFile", ARGS(RawStr(TVMFFI_TEST_C_MODULE)));
}

static TVMFFIAny Find(TVMFFIAny module, const char* name) {
  return CallOk("ffi.ModuleGetFunction", ARGS(module, RawStr(name), Bool(false)));
}

static void c_abi_097_files_that_do_not_load(void) {
  TVMFFIAny module = None();
  CHECK_RAISED(CallGlobal("ffi.ModuleLoadFromFile", ARGS(RawStr("/nowhere/missing.so")), &module),
               "InternalError", "/nowhere/missing.so");
  CHECK_RAISED(CallGlobal("ffi.ModuleLoadFromFile", ARGS(RawStr("noext")), &module), "RuntimeError",
               "Failed to get file format from noext");
  CHECK_RAISED(CallGlobal("ffi.ModuleLoadFromFile", ARGS(RawStr("a.weird")), &module),
               "RuntimeError", "ffi.Module.load_from_file.weird");
}

static void c_abi_098_functions_of_a_c_module(void) {
  TVMFFIAny module = LoadBasic();
  TVMFFIAny add = Find(module, "add");
  TVMFFIAny args[] = {Int(2), Int(3)};
  TVMFFIAny sum = None();
  CHECK(TVMFFIFunctionCall(add.v_obj, args, 2, &sum) == 0 && sum.v_int64 == 5);
  CHECK(Find(module, "nope").type_index == kTVMFFINone);
  CHECK(Find(module, "__tvm_ffi_main").type_index == kTVMFFINone);
  TVMFFIAny entry = Find(module, "main");
  CHECK(entry.type_index == kTVMFFIFunction);
  Release(&entry);
  Release(&add);
  Release(&module);
}

static void c_abi_099_library_properties(void) {
  TVMFFIAny module = LoadBasic();
  TVMFFIAny kind = CallOk("ffi.ModuleGetKind", ARGS(module));
  CHECK(SameText(ContentOf(&kind), "library"));
  CHECK(CallOk("ffi.ModuleGetPropertyMask", ARGS(module)).v_int64 == 3);
  TVMFFIAny formats = CallOk("ffi.ModuleGetWriteFormats", ARGS(module));
  CHECK(CallOk("ffi.ArraySize", ARGS(formats)).v_int64 == 0);
  TVMFFIAny source = CallOk("ffi.ModuleInspectSource", ARGS(module, RawStr("")));
  CHECK(ContentOf(&source).size == 0);
  TVMFFIAny result = None();
  CHECK_RAISED(
      CallGlobal("ffi.ModuleWriteToFile", ARGS(module, RawStr("x.o"), RawStr("o")), &result),
      "RuntimeError", "");
  Release(&kind);
  Release(&formats);
  Release(&source);
  Release(&module);
}

static void c_abi_100_metadata_and_documentation(void) {
  TVMFFIAny module = LoadBasic();
  TVMFFIAny doc = CallOk("ffi.ModuleGetFunctionDoc", ARGS(module, RawStr("add"), Bool(false)));
  CHECK(SameText(ContentOf(&doc), "Adds."));
  TVMFFIAny metadata =
      CallOk("ffi.ModuleGetFunctionMetadata", ARGS(module, RawStr("add"), Bool(false)));
  CHECK(ContentOf(&metadata).size != 0);
  CHECK(CallOk("ffi.ModuleGetFunctionDoc", ARGS(module, RawStr("main"), Bool(false))).type_index ==
        kTVMFFINone);
  Release(&doc);
  Release(&metadata);
  Release(&module);
}

static void c_abi_101_library_context(void) {
  TVMFFIAny module = LoadBasic();
  TVMFFIAny get_context = Find(module, "library_ctx_value");
  TVMFFIAny context = None();
  CHECK(TVMFFIFunctionCall(get_context.v_obj, NULL, 0, &context) == 0);
  CHECK(context.v_ptr == (char*)module.v_obj - 8);
  TVMFFIObjectHandle registered = GetGlobal("ffi.ArraySize");
  const uint32_t before = StrongCount(registered);
  TVMFFIObjectHandle found = NULL;
  CHECK(TVMFFIEnvModLookupFromImports(context.v_ptr, "ffi.ArraySize", &found) == 0);
  CHECK(found == registered && StrongCount(registered) == before + 1);
  CHECK(TVMFFIEnvModLookupFromImports(context.v_ptr, "ffi.ArraySize", &found) == 0);
  CHECK(StrongCount(registered) == before + 1);
  CHECK_RAISED(TVMFFIEnvModLookupFromImports(context.v_ptr, "c_items.unknown", &found),
               "RuntimeError",
               "Cannot find function c_items.unknown in the imported modules or global registry.");
  TVMFFIObjectDecRef(registered);
  Release(&get_context);
  Release(&module);
}

static void c_abi_102_context_symbols(void) {
  static int symbol;
  CHECK(TVMFFIEnvModRegisterContextSymbol("tvmffi_test_context_symbol", &symbol) == 0);
  TVMFFIAny module = LoadBasic();
  TVMFFIAny get_symbol = Find(module, "context_symbol_value");
  TVMFFIAny value = None();
  CHECK(TVMFFIFunctionCall(get_symbol.v_obj, NULL, 0, &value) == 0);
  CHECK(value.v_ptr == &symbol);
  Release(&get_symbol);
  Release(&module);
}

static void c_abi_103_failing_symbols(void) {
  TVMFFIAny module = LoadBasic();
  TVMFFIAny fail = Find(module, "fail5");
  TVMFFIAny result = None();
  CHECK(TVMFFIFunctionCall(fail.v_obj, NULL, 0, &result) == -1);
  CheckRaised(__FILE__, __LINE__, "ValueError", "from fail5");
  Release(&fail);
  Release(&module);
}

static void c_abi_104_loads_and_imports(void) {
  TVMFFIAny first = LoadBasic();
  TVMFFIAny second = LoadBasic();
  CHECK(first.v_obj != second.v_obj);
  TVMFFIAny result = None();
  CHECK(CallGlobal("ffi.ModuleImportModule", ARGS(first, first), &result) != 0);
  CheckRaised(__FILE__, __LINE__, "RuntimeError", "");
  CallOk("ffi.ModuleImportModule", ARGS(first, second));
  CHECK_RAISED(CallGlobal("ffi.ModuleImportModule", ARGS(second, first), &result), "RuntimeError",
               "");
  CHECK(StrongCount(second.v_obj) == 2);
  CallOk("ffi.ModuleClearImports", ARGS(first));
  CHECK(StrongCount(second.v_obj) == 1);
  Release(&first);
  Release(&second);
}

static void c_abi_105_functions_keep_their_library(void) {
  TVMFFIAny module = LoadBasic();
  TVMFFIAny add = Find(module, "add");
  Release(&module);
  TVMFFIAny args[] = {Int(20), Int(22)};
  TVMFFIAny sum = None();
  CHECK(TVMFFIFunctionCall(add.v_obj, args, 2, &sum) == 0 && sum.v_int64 == 42);
  Release(&add);
}

static int FooSymbol(void* handle, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args;
  *result = Int(1);
  return 0;
}

static void c_abi_108_system_library(void) {
  TVMFFISafeCallType foo = FooSymbol;
  void* address = NULL;
  memcpy(&address, &foo, sizeof(address));
  CHECK(TVMFFIEnvModRegisterSystemLibSymbol("__tvm_ffi_c_items_foo", address) == 0);
  TVMFFIAny whole = CallOk("ffi.SystemLib", NULL, 0);
  TVMFFIAny again = CallOk("ffi.SystemLib", ARGS(RawStr("")));
  CHECK(whole.v_obj == again.v_obj);
  TVMFFIAny prefixed = CallOk("ffi.SystemLib", ARGS(RawStr("c_items_")));
  TVMFFIAny found = Find(prefixed, "foo");
  CHECK(found.type_index == kTVMFFIFunction);
  Release(&found);
  found = Find(whole, "c_items_foo");
  CHECK(found.type_index == kTVMFFIFunction);
  Release(&found);
  CHECK(Find(whole, "c_items_unknown").type_index == kTVMFFINone);
  Release(&prefixed);
  Release(&again);
  Release(&whole);
}

static void c_abi_109_pinned_modules(void) {
  TVMFFIAny module = LoadBasic();
  CallOk("ffi.ModuleGlobalsAdd", ARGS(module));
  CHECK(StrongCount(module.v_obj) == 2);
  CallOk("ffi.ModuleGlobalsRemove", ARGS(module));
  CHECK(StrongCount(module.v_obj) == 1);
  Release(&module);
}

C_ITEMS(kModuleItems, C_ITEM(c_abi_097_files_that_do_not_load),
        C_ITEM(c_abi_098_functions_of_a_c_module), C_ITEM(c_abi_099_library_properties),
        C_ITEM(c_abi_100_metadata_and_documentation), C_ITEM(c_abi_101_library_context),
        C_ITEM(c_abi_102_context_symbols), C_ITEM(c_abi_103_failing_symbols),
        C_ITEM(c_abi_104_loads_and_imports), C_ITEM(c_abi_105_functions_keep_their_library),
        C_ITEM(c_abi_108_system_library), C_ITEM(c_abi_109_pinned_modules));
