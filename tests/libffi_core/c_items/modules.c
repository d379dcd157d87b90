#include "support.h"

static TVMFFIObjectHandle load_basic(void) {
  TVMFFIAny path = raw_str(c_item_module_path());
  TVMFFIObjectHandle module = object_from("ffi.ModuleLoadFromFile", &path, 1);
  CHECK(module != NULL);
  return module;
}

static TVMFFIObjectHandle function_of(TVMFFIObjectHandle module, const char* name) {
  TVMFFIAny args[3] = {view_of(module), raw_str(name), any_of(kTVMFFIBool, 0)};
  return object_from("ffi.ModuleGetFunction", args, 3);
}

static int call_in(TVMFFIObjectHandle module, const char* name, TVMFFIAny* args, int32_t num_args,
                   TVMFFIAny* result) {
  TVMFFIObjectHandle function = function_of(module, name);
  *result = any_of(kTVMFFINone, 0);
  if (function == NULL) return -99;
  const int code = TVMFFIFunctionCall(function, args, num_args, result);
  TVMFFIObjectDecRef(function);
  return code;
}

static bool load_fails(const char* path, const char* kind, const char* text) {
  TVMFFIAny argument = raw_str(path), result;
  return call_global("ffi.ModuleLoadFromFile", &argument, 1, &result) == -1 && raised(kind, text);
}

static void c_abi_097_failed_loads(void) {
  CHECK(load_fails("/no/such.so", "InternalError", "/no/such.so"));
  CHECK(load_fails("noext", "RuntimeError", "Failed to get file format from noext"));
  CHECK(load_fails("a.weird", "RuntimeError", "ffi.Module.load_from_file.weird"));
}

static void c_abi_098_103_functions_of_a_module(void) {
  TVMFFIObjectHandle module = load_basic();
  TVMFFIAny args[2] = {any_of(kTVMFFIInt, 40), any_of(kTVMFFIInt, 2)}, result;
  CHECK(call_in(module, "add", args, 2, &result) == 0 && result.v_int64 == 42);
  CHECK(call_in(module, "main", NULL, 0, &result) == 0 && result.v_int64 == 17);
  CHECK(function_of(module, "nope") == NULL && function_of(module, "__tvm_ffi_main") == NULL);
  CHECK(call_in(module, "fail5", NULL, 0, &result) == -1 && raised("ValueError", "from fail5"));
  TVMFFIObjectDecRef(module);
}

static void c_abi_099_properties(void) {
  TVMFFIObjectHandle module = load_basic();
  TVMFFIAny args[3] = {view_of(module), raw_str("f"), raw_str("")}, result;
  CHECK(call_global("ffi.ModuleGetKind", args, 1, &result) == 0 &&
        equal(content_of(&result), "library"));
  release(result);
  CHECK(int_from("ffi.ModuleGetPropertyMask", args, 1) == 3);
  CHECK(call_global("ffi.ModuleInspectSource", args, 2, &result) == 0 &&
        equal(content_of(&result), ""));
  CHECK(call_global("ffi.ModuleWriteToFile", args, 3, &result) == -1);
  CHECK(raised("RuntimeError", "Module[library] does not support WriteToFile"));
  TVMFFIAny formats;
  CHECK(call_global("ffi.ModuleGetWriteFormats", args, 1, &formats) == 0);
  CHECK(int_from("ffi.ArraySize", &formats, 1) == 0);
  release(formats);
  TVMFFIObjectDecRef(module);
}

static void c_abi_100_metadata_and_doc(void) {
  TVMFFIObjectHandle module = load_basic();
  TVMFFIAny args[3] = {view_of(module), raw_str("add"), any_of(kTVMFFIBool, 0)}, result;
  CHECK(call_global("ffi.ModuleGetFunctionDoc", args, 3, &result) == 0);
  CHECK(equal(content_of(&result), "Adds."));
  release(result);
  CHECK(call_global("ffi.ModuleGetFunctionMetadata", args, 3, &result) == 0);
  CHECK(strstr(content_of(&result).data, "type_schema") != NULL);
  release(result);
  args[1] = raw_str("main");
  CHECK(call_global("ffi.ModuleGetFunctionDoc", args, 3, &result) == 0 && result.type_index == 0);
  CHECK(call_global("ffi.ModuleGetFunctionMetadata", args, 3, &result) == 0 &&
        result.type_index == 0);
  TVMFFIObjectDecRef(module);
}

static void c_abi_101_the_library_context(void) {
  TVMFFIObjectHandle module = load_basic(), global = NULL, found = NULL;
  TVMFFIAny context;
  CHECK(call_in(module, "library_ctx_value", NULL, 0, &context) == 0);
  CHECK(context.v_ptr == (char*)module - 8);
  const TVMFFIByteArray name = bytes_of("ffi.ListSize");
  CHECK(TVMFFIFunctionGetGlobal(&name, &global) == 0);
  const uint64_t before = strong_count(global);
  CHECK(TVMFFIEnvModLookupFromImports(context.v_ptr, "ffi.ListSize", &found) == 0 &&
        found == global);
  CHECK(strong_count(global) == before + 1);
  CHECK(TVMFFIEnvModLookupFromImports(context.v_ptr, "ffi.ListSize", &found) == 0 &&
        found == global);
  CHECK(strong_count(global) == before + 1);
  CHECK(TVMFFIEnvModLookupFromImports(context.v_ptr, "nope", &found) == -1);
  CHECK(raised("RuntimeError",
               "Cannot find function nope in the imported modules or global registry."));
  TVMFFIObjectDecRef(global);
  TVMFFIObjectDecRef(module);
}

static void c_abi_102_context_symbols(void) {
  static int target;
  TVMFFIAny value;
  CHECK(TVMFFIEnvModRegisterContextSymbol("tvmffi_test_context_symbol", &target) == 0);
  TVMFFIObjectHandle module = load_basic();
  CHECK(call_in(module, "context_symbol_value", NULL, 0, &value) == 0 && value.v_ptr == &target);
  TVMFFIObjectDecRef(module);
}

static void c_abi_104_imports(void) {
  TVMFFIObjectHandle first = load_basic(), second = load_basic();
  TVMFFIAny args[2] = {view_of(first), view_of(first)}, result;
  CHECK(first != second);
  CHECK(call_global("ffi.ModuleImportModule", args, 2, &result) == -1);
  CHECK(raised("RuntimeError", "Cyclic dependency detected during import"));
  args[1] = view_of(second);
  CHECK(call_global("ffi.ModuleImportModule", args, 2, &result) == 0 && strong_count(second) == 2);
  TVMFFIAny back[2] = {view_of(second), view_of(first)};
  CHECK(call_global("ffi.ModuleImportModule", back, 2, &result) == -1);
  CHECK(raised("RuntimeError", "Cyclic dependency detected during import"));
  CHECK(call_global("ffi.ModuleClearImports", args, 1, &result) == 0 && strong_count(second) == 1);
  TVMFFIObjectDecRef(first);
  TVMFFIObjectDecRef(second);
}

static void c_abi_105_a_function_keeps_its_module(void) {
  TVMFFIObjectHandle module = load_basic();
  TVMFFIObjectHandle function = function_of(module, "main");
  CHECK(strong_count(module) == 2);
  TVMFFIObjectDecRef(module);
  TVMFFIAny result = any_of(kTVMFFINone, 0);
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == 0 && result.v_int64 == 17);
  TVMFFIObjectDecRef(function);
}

static int return_one(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self, (void)args, (void)num_args;
  *result = any_of(kTVMFFIInt, 1);
  return 0;
}

static void c_abi_108_system_libraries(void) {
  TVMFFIAny empty = raw_str(""), prefix = raw_str("c_items_"), result;
  TVMFFIObjectHandle plain = object_from("ffi.SystemLib", NULL, 0);
  TVMFFIObjectHandle again = object_from("ffi.SystemLib", &empty, 1);
  CHECK(plain == again);
  void* symbol;
  memcpy(&symbol, &(TVMFFISafeCallType){return_one}, sizeof(symbol));
  CHECK(TVMFFIEnvModRegisterSystemLibSymbol("__tvm_ffi_c_items_foo", symbol) == 0);
  CHECK(TVMFFIEnvModRegisterSystemLibSymbol("__tvm_ffi_c_items_bar", symbol) == 0);
  TVMFFIObjectHandle prefixed = object_from("ffi.SystemLib", &prefix, 1);
  CHECK(call_in(prefixed, "foo", NULL, 0, &result) == 0 && result.v_int64 == 1);
  CHECK(call_in(prefixed, "c_items_bar", NULL, 0, &result) == 0 && result.v_int64 == 1);
  CHECK(function_of(prefixed, "unknown") == NULL);
  TVMFFIObjectDecRef(plain);
  TVMFFIObjectDecRef(again);
  TVMFFIObjectDecRef(prefixed);
}

static void c_abi_109_pinned_modules(void) {
  TVMFFIObjectHandle module = load_basic();
  TVMFFIAny argument = view_of(module), result;
  CHECK(call_global("ffi.ModuleGlobalsAdd", &argument, 1, &result) == 0 &&
        strong_count(module) == 2);
  CHECK(call_global("ffi.ModuleGlobalsRemove", &argument, 1, &result) == 0 &&
        strong_count(module) == 1);
  TVMFFIObjectDecRef(module);
}

const CItem kModuleItems[] = {
    ITEM(c_abi_097_failed_loads),
    ITEM(c_abi_098_103_functions_of_a_module),
    ITEM(c_abi_099_properties),
    ITEM(c_abi_100_metadata_and_doc),
    ITEM(c_abi_101_the_library_context),
    ITEM(c_abi_102_context_symbols),
    ITEM(c_abi_104_imports),
    ITEM(c_abi_105_a_function_keeps_its_module),
    ITEM(c_abi_108_system_libraries),
    ITEM(c_abi_109_pinned_modules),
    {NULL, NULL},
};
