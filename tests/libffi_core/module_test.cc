#include <dlfcn.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <csignal>
#include <cstdio>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

std::string ModulePath(const std::string& name) {
  return std::string(TVMFFI_TEST_MODULE_DIR "/") + name + ".so";
}

Value Load(const std::string& name) {
  const std::string path = ModulePath(name);
  return CallGlobal("ffi.ModuleLoadFromFile", {RawStr(path.c_str())});
}

int TryLoad(const std::string& path) {
  Value module;
  return TryCallGlobal("ffi.ModuleLoadFromFile", {RawStr(path.c_str())}, &module);
}

Value GetFunction(const Value& module, const char* name, bool query_imports = false) {
  return CallGlobal("ffi.ModuleGetFunction", {module.any(), RawStr(name), Bool(query_imports)});
}

Value CallIn(const Value& module, const char* name, std::vector<TVMFFIAny> args = {},
             bool query_imports = false) {
  const Value function = GetFunction(module, name, query_imports);
  EXPECT_EQ(function.type_index(), kTVMFFIFunction) << name;
  Value result;
  EXPECT_EQ(Call(function.object(), std::move(args), &result), 0) << TakeRaised().message;
  return result;
}

bool IsMapped(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (handle != nullptr) ::dlclose(handle);
  return handle != nullptr;
}

TEST(CAbi, C097_LoadFailuresNameThePath) {
  ExpectRaised(TryLoad("/no/such/file.so"), "InternalError",
               "Failed to load dynamic shared library /no/such/file.so /no/such/file.so: cannot "
               "open shared object file");
  ExpectRaised(TryLoad("noext"), "RuntimeError", "Failed to get file format from noext");
  ExpectRaised(TryLoad("a.weird"), "RuntimeError", "ffi.Module.load_from_file.weird");
  ExpectRaised(TryLoad("/no/such/file.dylib"), "InternalError", "/no/such/file.dylib");

  const std::string not_elf = ::testing::TempDir() + "/not_elf.so";
  std::FILE* file = std::fopen(not_elf.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("this is no shared object, but long enough to be looked at", file);
  std::fclose(file);
  ExpectRaised(TryLoad(not_elf), "InternalError", not_elf);
  std::remove(not_elf.c_str());
}

TEST(CAbi, C098_FunctionsOfACModule) {
  const Value module = Load("basic");
  ASSERT_EQ(module.type_index(), kTVMFFIModule);
  EXPECT_EQ(CallIn(module, "add", {Int(2), Int(40)}).as_int(), 42);
  EXPECT_EQ(CallIn(module, "main").as_int(), 17);
  EXPECT_EQ(GetFunction(module, "nope").type_index(), kTVMFFINone);
  EXPECT_EQ(GetFunction(module, "__tvm_ffi_main").type_index(), kTVMFFINone);
  auto implements = [&](const char* name) {
    return CallGlobal("ffi.ModuleImplementsFunction", {module.any(), RawStr(name), Bool(false)})
        .as_int();
  };
  EXPECT_EQ(implements("add"), 1);
  EXPECT_EQ(implements("nope"), 0);
}

TEST(CAbi, C098_NamesOfAnyLength) {
  const Value module = Load("basic");
  for (int length : {117, 118}) {
    EXPECT_EQ(CallIn(module, std::string(length, 'x').c_str()).as_int(), length);
  }
  for (size_t length : {116, 119, 4096}) {
    EXPECT_EQ(GetFunction(module, std::string(length, 'x').c_str()).type_index(), kTVMFFINone);
  }
}

TEST(CAbi, C098_AResultThatHoldsAnObjectIsRefused) {
  const Value module = Load("basic");
  const Value main = GetFunction(module, "main");
  TVMFFIAny result = MakeAny(kTVMFFITensor);
  ExpectRaised(TVMFFIFunctionCall(main.object(), nullptr, 0, &result), "InternalError",
               "(70 vs. 64)");
}

TEST(CAbi, C099_PropertiesOfALibraryModule) {
  const Value module = Load("basic");
  EXPECT_EQ(CallGlobal("ffi.ModuleGetKind", {module.any()}).text(), "library");
  EXPECT_EQ(CallGlobal("ffi.ModuleGetPropertyMask", {module.any()}).as_int(), 3);
  const Value formats = CallGlobal("ffi.ModuleGetWriteFormats", {module.any()});
  EXPECT_EQ(CallGlobal("ffi.ArraySize", {formats.any()}).as_int(), 0);
  EXPECT_EQ(CallGlobal("ffi.ModuleInspectSource", {module.any(), RawStr("")}).text(), "");
  Value result;
  ExpectRaised(
      TryCallGlobal("ffi.ModuleWriteToFile", {module.any(), RawStr("f"), RawStr("")}, &result),
      "RuntimeError", "Module[library] does not support WriteToFile");
}

TEST(CAbi, C100_MetadataAndDoc) {
  const Value module = Load("basic");
  auto ask = [&](const char* what, const char* name) {
    return CallGlobal(what, {module.any(), RawStr(name), Bool(false)});
  };
  EXPECT_EQ(ask("ffi.ModuleGetFunctionMetadata", "add").text(),
            R"({"type_schema":"{\"type\":\"ffi.Function\"}"})");
  EXPECT_EQ(ask("ffi.ModuleGetFunctionDoc", "add").text(), "Adds.");
  EXPECT_EQ(ask("ffi.ModuleGetFunctionMetadata", "main").type_index(), kTVMFFINone);
  EXPECT_EQ(ask("ffi.ModuleGetFunctionDoc", "main").type_index(), kTVMFFINone);
}

TEST(CAbi, C101_TheLibraryContextFindsFunctionsForItsModule) {
  const Value module = Load("basic");
  const Value context = CallIn(module, "library_ctx_value");
  EXPECT_EQ(context.any().v_ptr, static_cast<char*>(module.object()) - 8);

  const Ref global = GetGlobal("ffi.ArraySize");
  const uint64_t before = StrongCount(global.get());
  TVMFFIObjectHandle found = nullptr;
  ASSERT_EQ(TVMFFIEnvModLookupFromImports(context.any().v_ptr, "ffi.ArraySize", &found), 0);
  EXPECT_EQ(found, global.get());
  EXPECT_EQ(StrongCount(global.get()), before + 1);
  ASSERT_EQ(TVMFFIEnvModLookupFromImports(context.any().v_ptr, "ffi.ArraySize", &found), 0);
  EXPECT_EQ(found, global.get());
  EXPECT_EQ(StrongCount(global.get()), before + 1);

  ExpectRaised(TVMFFIEnvModLookupFromImports(context.any().v_ptr, "nope", &found), "RuntimeError",
               "Cannot find function nope in the imported modules or global registry.");
  ExpectRaised(TVMFFIEnvModLookupFromImports(nullptr, "nope", &found), "RuntimeError",
               "not loaded as a module");
}

TEST(CAbi, C101_ImportsComeBeforeGlobals) {
  const Value module = Load("basic");
  const Value imported = Load("raising");
  CallGlobal("ffi.ModuleImportModule", {module.any(), imported.any()});
  void* context = CallIn(module, "library_ctx_value").any().v_ptr;
  TVMFFIObjectHandle first = nullptr, second = nullptr;
  ASSERT_EQ(TVMFFIEnvModLookupFromImports(context, "raise", &first), 0);
  ASSERT_EQ(TVMFFIEnvModLookupFromImports(context, "raise", &second), 0);
  EXPECT_EQ(first, second);
  Value result;
  ExpectRaised(Call(first, {}, &result), "ValueError", "from the module");
}

TEST(CAbi, C102_ContextSymbolsAreFilledAtLoad) {
  static int target = 0;
  ASSERT_EQ(TVMFFIEnvModRegisterContextSymbol("tvmffi_test_context_symbol", &target), 0);
  const Value module = Load("basic");
  EXPECT_EQ(CallIn(module, "context_symbol_value").any().v_ptr, &target);

  int seen = 0;
  tvm::ffi::Module::VisitContextSymbols(tvm::ffi::TypedFunction<void(tvm::ffi::String, void*)>(
      [&](tvm::ffi::String name, void* address) {
        if (name == "tvmffi_test_context_symbol" && address == &target) ++seen;
      }));
  EXPECT_EQ(seen, 1);
}

TEST(CAbi, C103_ASymbolsFailureIsMinusOneAndItsError) {
  const Value module = Load("basic");
  const Value function = GetFunction(module, "fail5");
  Value result;
  const int code = Call(function.object(), {}, &result);
  EXPECT_EQ(code, -1);
  ExpectRaised(code, "ValueError", "from fail5");
}

TEST(CAbi, C104_EveryLoadIsAModuleOfItsOwnAndCyclesAreRefused) {
  const Value first = Load("basic");
  const Value second = Load("basic");
  const Value third = Load("raising");
  EXPECT_NE(first.object(), second.object());
  auto import = [](const Value& module, const Value& other) {
    Value result;
    return TryCallGlobal("ffi.ModuleImportModule", {module.any(), other.any()}, &result);
  };
  ExpectRaised(import(first, first), "RuntimeError", "Cyclic dependency detected during import");
  EXPECT_EQ(import(first, second), 0);
  EXPECT_EQ(import(second, third), 0);
  ExpectRaised(import(third, first), "RuntimeError", "Cyclic dependency detected during import");
  EXPECT_EQ(GetFunction(first, "raise", true).type_index(), kTVMFFIFunction);
  EXPECT_EQ(GetFunction(first, "raise", false).type_index(), kTVMFFINone);

  CallGlobal("ffi.ModuleClearImports", {first.any()});
  EXPECT_EQ(GetFunction(first, "raise", true).type_index(), kTVMFFINone);
}

TEST(CAbi, C064_ModulesReflectTheirImports) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(kTVMFFIModule);
  ASSERT_EQ(info->num_fields, 1);
  const TVMFFIFieldInfo& field = info->fields[0];
  EXPECT_EQ(Text(field.name), "imports_");
  EXPECT_EQ(field.offset, 24);
  EXPECT_EQ(field.size, 8);
  EXPECT_EQ(field.flags, 0);
  EXPECT_EQ(field.field_static_type_index, kTVMFFIArray);
  ASSERT_NE(field.setter, nullptr);
  ASSERT_NE(info->metadata, nullptr);
  EXPECT_EQ(info->metadata->total_size, 48);
  EXPECT_EQ(info->metadata->creator, nullptr);
  EXPECT_EQ(TVMFFIGetTypeInfo(kTVMFFIObject)->metadata->total_size, 24);

  const Value module = Load("basic");
  const Value imported = Load("raising");
  CallGlobal("ffi.ModuleImportModule", {module.any(), imported.any()});
  TVMFFIAny out = None();
  ASSERT_EQ(field.getter(static_cast<char*>(module.object()) + field.offset, &out), 0);
  const Value imports(out);
  EXPECT_EQ(CallGlobal("ffi.ArrayGetItem", {imports.any(), Int(0)}).object(), imported.object());
}

TEST(CAbi, C105_AFunctionKeepsItsLibraryMapped) {
  const std::string path = ModulePath("unloadable");
  Value module = Load("unloadable");
  Value function = GetFunction(module, "main");
  const uint64_t with_function = StrongCount(module.object());
  EXPECT_EQ(with_function, 2u);
  ASSERT_TRUE(IsMapped(path));

  module = Value();
  EXPECT_TRUE(IsMapped(path));
  Value result;
  EXPECT_EQ(Call(function.object(), {}, &result), 0);

  function = Value();
  EXPECT_FALSE(IsMapped(path));
}

// A module without a library, made from the bytes that a tree holds for it.
class CustomModuleObj final : public tvm::ffi::ModuleObj {
 public:
  explicit CustomModuleObj(std::string bytes) : bytes_(std::move(bytes)) {}
  const char* kind() const final { return "test_custom"; }
  tvm::ffi::Optional<tvm::ffi::Function> GetFunction(const tvm::ffi::String& name) final {
    if (name != "bytes") return std::nullopt;
    return tvm::ffi::Function::FromTyped([bytes = bytes_] { return bytes; });
  }

 private:
  std::string bytes_;
};

class CAbiTree : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    tvm::ffi::Function::SetGlobal(
        "ffi.Module.load_from_bytes.test_custom",
        tvm::ffi::Function::FromTyped([](const tvm::ffi::Bytes& bytes) {
          ++loader_calls;
          return tvm::ffi::Module(tvm::ffi::ObjectPtr<tvm::ffi::ModuleObj>(
              tvm::ffi::make_object<CustomModuleObj>(std::string(bytes.data(), bytes.size()))));
        }),
        true);
  }
  void SetUp() override { loader_calls = 0; }
  static std::string Kind(const Value& module) {
    return CallGlobal("ffi.ModuleGetKind", {module.any()}).text();
  }
  static int loader_calls;
};
int CAbiTree::loader_calls = 0;

TEST_F(CAbiTree, C106_ALibraryThatImportsACustomModule) {
  const Value root = Load("tree_lib_imports_custom");
  EXPECT_EQ(loader_calls, 1);
  EXPECT_EQ(Kind(root), "library");
  EXPECT_EQ(CallIn(root, "in_library").as_int(), 1);
  EXPECT_EQ(GetFunction(root, "bytes", false).type_index(), kTVMFFINone);
  EXPECT_EQ(CallIn(root, "bytes", {}, true).text(), "custombytes");
}

TEST_F(CAbiTree, C106_ACustomModuleThatImportsTheLibrary) {
  const Value root = Load("tree_custom_imports_lib");
  EXPECT_EQ(Kind(root), "test_custom");
  EXPECT_EQ(CallIn(root, "bytes").text(), "custombytes");
  EXPECT_EQ(GetFunction(root, "in_library", false).type_index(), kTVMFFINone);
  EXPECT_EQ(CallIn(root, "in_library", {}, true).as_int(), 1);
}

TEST_F(CAbiTree, C107_BrokenTreesAreRefused) {
  ExpectRaised(TryLoad(ModulePath("tree_unknown_kind")), "RuntimeError",
               "Library binary was created using {nope} but a loader of that name is not "
               "registered. Make sure to have runtime that registers "
               "ffi.Module.load_from_bytes.nope");
  ExpectRaised(TryLoad(ModulePath("tree_child_out_of_range")), "InternalError", "(7 vs. 2)");
  ExpectRaised(TryLoad(ModulePath("tree_cut_short")), "InternalError", "cut short");
  EXPECT_EQ(loader_calls, 0);
}

TEST_F(CAbiTree, C107_AnEmptyPayloadIsAPayload) {
  const Value root = Load("tree_empty_payload");
  EXPECT_EQ(loader_calls, 1);
  EXPECT_EQ(CallIn(root, "bytes", {}, true).text(), "");
}

int ReturnOne(void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
  *result = Int(1);
  return 0;
}
int ReturnTwo(void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
  *result = Int(2);
  return 0;
}

TEST(CAbi, C108_SystemLibrariesAreSingletonsPerPrefix) {
  const Value plain = CallGlobal("ffi.SystemLib", {});
  EXPECT_EQ(plain.object(), CallGlobal("ffi.SystemLib", {RawStr("")}).object());
  EXPECT_EQ(plain.object(), CallGlobal("ffi.SystemLib", {}).object());
  EXPECT_EQ(CallGlobal("ffi.ModuleGetKind", {plain.any()}).text(), "library");

  TVMFFIEnvModRegisterSystemLibSymbol("__tvm_ffi_p_foo", reinterpret_cast<void*>(&ReturnOne));
  TVMFFIEnvModRegisterSystemLibSymbol("__tvm_ffi_bar", reinterpret_cast<void*>(&ReturnTwo));
  const Value prefixed = CallGlobal("ffi.SystemLib", {RawStr("p_")});
  EXPECT_NE(prefixed.object(), plain.object());
  EXPECT_EQ(CallIn(prefixed, "foo").as_int(), 1);
  EXPECT_EQ(CallIn(prefixed, "bar").as_int(), 2);
  EXPECT_EQ(CallIn(plain, "p_foo").as_int(), 1);
  EXPECT_EQ(GetFunction(prefixed, "unknown").type_index(), kTVMFFINone);
  EXPECT_EQ(GetFunction(plain, "foo").type_index(), kTVMFFINone);
}

TEST(CAbi, C109_PinnedModulesHoldOneReference) {
  const Value module = Load("basic");
  const uint64_t before = StrongCount(module.object());
  CallGlobal("ffi.ModuleGlobalsAdd", {module.any()});
  CallGlobal("ffi.ModuleGlobalsAdd", {module.any()});
  EXPECT_EQ(StrongCount(module.object()), before + 1);
  CallGlobal("ffi.ModuleGlobalsRemove", {module.any()});
  EXPECT_EQ(StrongCount(module.object()), before);
  CallGlobal("ffi.ModuleGlobalsRemove", {module.any()});
  EXPECT_EQ(StrongCount(module.object()), before);
}

// An exception cannot leave dlopen: whoever may load such a module loads it in a process of its
// own.
TEST(CAbiDeathTest, C111_RegisteringTwiceWhileLoadingAborts) {
  EXPECT_EXIT(Load("registers_function_twice"), ::testing::KilledBySignal(SIGABRT),
              "Global Function `ffi.ArraySize` is already registered");
  EXPECT_EXIT(Load("registers_type_twice"), ::testing::KilledBySignal(SIGABRT),
              "Overriding ffi.Module");
}

TEST(ModuleCpp, LoadFromFileAndCall) {
  const tvm::ffi::Module module = tvm::ffi::Module::LoadFromFile(ModulePath("basic"));
  tvm::ffi::Optional<tvm::ffi::Function> add = module->GetFunction("add", false);
  ASSERT_TRUE(add.has_value());
  EXPECT_EQ(add.value()(20, 22).cast<int>(), 42);
  EXPECT_FALSE(module->GetFunction("nope", true).has_value());
  EXPECT_TRUE(module->ImplementsFunction("add", true));
  EXPECT_EQ(module->GetFunctionDoc("add", false).value(), "Adds.");
  try {
    add.value()(1.5);
    FAIL() << "no error";
  } catch (const tvm::ffi::Error& error) {
    EXPECT_EQ(error.kind(), "TypeError");
    EXPECT_EQ(error.message(), "add takes two ints");
  }
}

}  // namespace
}  // namespace tvmffi::test
