// The testing library: what its functions and types are called, and what a few of them do.
#include <gtest/gtest.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/dataclass.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/extra/structural_visit.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/tvm_ffi.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/abi/expect_error.h"

extern "C" void TVMFFITestingDummyTarget();

namespace tvmffi::test {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::Function;
using tvm::ffi::Map;
using tvm::ffi::Optional;
using tvm::ffi::PackedArgs;
using tvm::ffi::ReprPrint;
using tvm::ffi::String;

// The linker keeps a library that something refers to.
class TestingLibrary : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { TVMFFITestingDummyTarget(); }
};

template <typename... Args>
Any Call(const std::string& name, const Args&... args) {
  return Function::GetGlobalRequired("testing." + name)(args...);
}

template <typename... Args>
Any CallMethod(const Any& self, const char* type_key, const char* name, Args... args) {
  return tvm::ffi::reflection::GetMethod(type_key, name)(self, args...);
}

TEST_F(TestingLibrary, HasEveryFunction) {
  const char* names[] = {"echo",
                         "nop",
                         "apply",
                         "add_one",
                         "test_raise_error",
                         "object_use_count",
                         "run_check_signal",
                         "get_add_one_c_symbol",
                         "get_mlir_add_one_c_symbol",
                         "make_unregistered_object",
                         "make_visit_region_graph",
                         "optional_tensor_view_has_value",
                         "TestIntPairSum",
                         "enum_variant_get",
                         "make_array_with_tensor",
                         "make_list_with_tensor",
                         "make_map_with_tensor",
                         "make_dict_with_tensor",
                         "make_array_with_mixed",
                         "make_nested_array_with_tensor",
                         "make_nested_map_with_tensor",
                         "make_empty_array_with_tensor_input",
                         "schema_no_args",
                         "schema_no_return",
                         "schema_no_args_no_return",
                         "schema_packed",
                         "schema_tensor_view_input",
                         "schema_variant_mix",
                         "schema_arr_map_opt",
                         "schema_id_any",
                         "schema_id_arr",
                         "schema_id_arr_int",
                         "schema_id_arr_obj",
                         "schema_id_arr_str",
                         "schema_id_bool",
                         "schema_id_bytes",
                         "schema_id_device",
                         "schema_id_dict_str_int",
                         "schema_id_dict_str_str",
                         "schema_id_dltensor",
                         "schema_id_dtype",
                         "schema_id_float",
                         "schema_id_func",
                         "schema_id_func_typed",
                         "schema_id_int",
                         "schema_id_list_int",
                         "schema_id_list_obj",
                         "schema_id_list_str",
                         "schema_id_map",
                         "schema_id_map_str_int",
                         "schema_id_map_str_obj",
                         "schema_id_map_str_str",
                         "schema_id_object",
                         "schema_id_opt_int",
                         "schema_id_opt_obj",
                         "schema_id_opt_str",
                         "schema_id_string",
                         "schema_id_tensor",
                         "schema_id_variant_int_str"};
  EXPECT_EQ(std::size(names), 59U);
  for (const char* name : names) {
    EXPECT_TRUE(Function::GetGlobal(std::string("testing.") + name).has_value()) << name;
  }
}

TEST_F(TestingLibrary, HasEveryType) {
  const std::pair<const char*, int> types_and_sizes[] = {{"SchemaAllTypes", 184},
                                                         {"TestCompare", 56},
                                                         {"TestCustomCompare", 48},
                                                         {"TestCustomHash", 48},
                                                         {"TestCxxAutoInit", 56},
                                                         {"TestCxxAutoInitAllInitOff", 48},
                                                         {"TestCxxAutoInitChild", 56},
                                                         {"TestCxxAutoInitKwOnlyDefaults", 64},
                                                         {"TestCxxAutoInitParent", 40},
                                                         {"TestCxxAutoInitSimple", 40},
                                                         {"TestCxxClassBase", 40},
                                                         {"TestCxxClassHiddenField", 48},
                                                         {"TestCxxClassPolymorphic", 40},
                                                         {"TestVisitHook", 32},
                                                         {"TestVisitRegions", 48},
                                                         {"TestCxxClassDerived", 56},
                                                         {"TestCxxClassDerivedDerived", 80},
                                                         {"TestCxxEnumHolder", 40},
                                                         {"TestCxxInitSubset", 56},
                                                         {"TestCxxIntEnum", 48},
                                                         {"TestCxxStrEnum", 48},
                                                         {"TestCxxKwOnly", 56},
                                                         {"TestCxxNoAutoInit", 40},
                                                         {"TestDeepCopyEdges", 48},
                                                         {"TestEnumVariant", 48},
                                                         {"TestEqWithoutHash", 48},
                                                         {"TestHash", 56},
                                                         {"TestIntPair", 40},
                                                         {"TestNonCopyable", 32},
                                                         {"TestObjectBase", 56},
                                                         {"TestObjectDerived", 72},
                                                         {"TestObjectPtrHolder", 40},
                                                         {"TestUnregisteredBaseObject", 32},
                                                         {"TestUnregisteredObject", 40}};
  for (const auto& [name, size] : types_and_sizes) {
    const auto* info = TVMFFIGetTypeInfo(tvm::ffi::TypeKeyToIndex(std::string("testing.") + name));
    ASSERT_NE(info->metadata, nullptr) << name;
    EXPECT_EQ(info->metadata->total_size, size) << name;
  }
  const int32_t frozen = tvm::ffi::TypeKeyToIndex("testing.TestFrozenCxx");
  EXPECT_EQ(TVMFFIGetTypeInfo(frozen)->metadata, nullptr);
}

TEST_F(TestingLibrary, SimpleFunctions) {
  EXPECT_EQ(Call("add_one", 1).cast<int>(), 2);
  EXPECT_EQ(Call("echo", "x", 2).cast<String>(), "x");
  EXPECT_TRUE(Call("nop", 1, 2) == nullptr);
  const auto sum = Function::FromTyped([](int a, int b) { return a + b; });
  EXPECT_EQ(Call("apply", sum, 3, 4).cast<int>(), 7);
  EXPECT_EQ(Call("object_use_count", sum).cast<int>(), sum.use_count());
  EXPECT_ERROR(Call("test_raise_error", "KeyError", "told"), "KeyError", "told");
  EXPECT_ERROR_CONTAINS(Call("echo"), "TypeError", "echo returns its first argument");
  EXPECT_ERROR_CONTAINS(Call("apply"), "TypeError", "apply takes a function");
}

TEST_F(TestingLibrary, RaisedErrorsNameTheirFunction) {
  try {
    Call("test_raise_error", "ValueError", "told");
    FAIL();
  } catch (const tvm::ffi::Error& error) {
    EXPECT_NE(error.backtrace().find("TestRaiseError"), std::string::npos) << error.backtrace();
  }
}

TEST_F(TestingLibrary, SymbolsOfAddOne) {
  TVMFFIAny arg;
  arg.type_index = kTVMFFIInt;
  arg.zero_padding = 0;
  arg.v_int64 = 41;
  TVMFFIAny result{};
  const auto address = [](const char* name) {
    return reinterpret_cast<void*>(Call(name).cast<int64_t>());
  };
  auto* safe_call = reinterpret_cast<TVMFFISafeCallType>(address("get_add_one_c_symbol"));
  ASSERT_EQ(safe_call(nullptr, &arg, 1, &result), 0);
  EXPECT_EQ(result.v_int64, 42);

  void* self = nullptr;
  TVMFFIAny* args = &arg;
  int32_t num_args = 1;
  TVMFFIAny* out = &result;
  int code = 7;
  void* packed[] = {&self, &args, &num_args, &out, &code};
  arg.v_int64 = 1;
  reinterpret_cast<void (*)(void**)>(address("get_mlir_add_one_c_symbol"))(packed);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(result.v_int64, 2);

  const auto library = Function::GetGlobalRequired("ffi.SystemLib")("testing.");
  const auto module = library.cast<tvm::ffi::Module>();
  EXPECT_EQ(module->GetFunction("add_one", false).value()(10).cast<int>(), 11);
}

TEST_F(TestingLibrary, ExportedFunctionsHaveMetadataAndDocs) {
  const auto module = tvm::ffi::Module::LoadFromFile(TVMFFI_TESTING_LIBRARY);
  const String add = "testing_dll_test_add_with_docstring";
  EXPECT_EQ(module->GetFunction(add, false).value()(1, 2).cast<int>(), 3);
  EXPECT_EQ(module->GetFunction("testing_dll_schema_id_int", false).value()(7).cast<int>(), 7);
  const std::string doc = module->GetFunctionDoc(add, false).value();
  EXPECT_EQ(doc.rfind("Add two integers and return the sum.\n\nParameters\n", 0), 0U) << doc;
  EXPECT_FALSE(module->GetFunctionDoc("testing_dll_schema_id_int", false).has_value());
  const std::string metadata = module->GetFunctionMetadata(add, false).value();
  EXPECT_NE(metadata.find("type_schema"), std::string::npos) << metadata;
}

TEST_F(TestingLibrary, SchemaAllTypes) {
  const char* key = "testing.SchemaAllTypes";
  const Any all = tvm::ffi::reflection::GetMethod(key, "make_with")(3, 1.5, "hey");
  EXPECT_EQ(ReprPrint(all),
            "testing.SchemaAllTypes(v_bool=True, v_int=3, v_float=1.5, v_device=cpu:0, "
            "v_dtype=float32, v_string=\"hey\", v_bytes=b\"\", v_opt_int=None, v_opt_str=None, "
            "v_arr_int=(), v_arr_str=(), v_map_str_int={}, v_map_str_arr_int={}, v_variant=\"v\", "
            "v_opt_arr_variant=None)");
  EXPECT_EQ(CallMethod(all, key, "add_int", 4).cast<int>(), 7);
  EXPECT_EQ(ReprPrint(CallMethod(all, key, "append_int", Array<int>{1}, 2)), "(1, 2)");
  EXPECT_EQ(ReprPrint(CallMethod(all, key, "maybe_concat", "a", "b")), "\"ab\"");
  EXPECT_EQ(ReprPrint(CallMethod(all, key, "maybe_concat", nullptr, "b")), "\"b\"");
  EXPECT_EQ(ReprPrint(CallMethod(all, key, "maybe_concat", nullptr, nullptr)), "None");
  using Ints = Array<int>;
  EXPECT_EQ(ReprPrint(CallMethod(all, key, "merge_map", Map<String, Ints>{{"a", Ints{1}}},
                                 Map<String, Ints>{{"a", Ints{2}}, {"b", Ints{3}}})),
            "{\"a\": (1, 2), \"b\": (3,)}");
}

TEST_F(TestingLibrary, EnumsAndEnumAttributes) {
  EXPECT_EQ(ReprPrint(Call("enum_variant_get", "Alpha")), "testing.TestEnumVariant.Alpha");
  EXPECT_TRUE(Call("enum_variant_get", "Beta").same_as(Call("enum_variant_get", "Beta")));
  EXPECT_ERROR_CONTAINS(Call("enum_variant_get", "Gamma"), "ValueError",
                        "Enum `testing.TestEnumVariant` has no instance with index Gamma");
  EXPECT_TRUE(tvm::ffi::DeepCopy(Call("enum_variant_get", "Beta"))
                  .same_as(Call("enum_variant_get", "Beta")));
  const tvm::ffi::reflection::TypeAttrColumn states("__ffi_enum__");
  EXPECT_EQ(ReprPrint(Any(states[tvm::ffi::TypeKeyToIndex("testing.TestCxxIntEnum")])),
            "ffi.EnumState(entries=[testing.TestCxxIntEnum.low, testing.TestCxxIntEnum.high], "
            "indexes={10: testing.TestCxxIntEnum.low, \"low\": testing.TestCxxIntEnum.low, 20: "
            "testing.TestCxxIntEnum.high, \"high\": testing.TestCxxIntEnum.high}, attrs={})");
}

TEST_F(TestingLibrary, ARegionGraphHasARegionOfEachKind) {
  const Any regions = Call("make_visit_region_graph", false);
  const Any hooked = Call("make_visit_region_graph", true);

  EXPECT_EQ(ReprPrint(regions), "testing.TestVisitRegions(simple=1, pattern=2, ordinary=3)");
  EXPECT_EQ(ReprPrint(hooked), "testing.TestVisitHook(child=" + ReprPrint(regions) + ")");
  EXPECT_ERROR_CONTAINS(Call("make_visit_region_graph", "x"), "TypeError",
                        "`testing.make_visit_region_graph(0: bool) -> Any`");
}

TEST_F(TestingLibrary, TheHookOfARegionGraphVisitsTheChildAsADefinition) {
  std::vector<std::pair<int64_t, int>> seen;
  tvm::ffi::StructuralWalk<tvm::ffi::WalkOrder::kPreOrder>(
      Call("make_visit_region_graph", true), [&](int64_t value, TVMFFIDefRegionKind kind) {
        seen.emplace_back(value, kind);
        return tvm::ffi::WalkResult::Advance();
      });

  EXPECT_EQ(seen, (std::vector<std::pair<int64_t, int>>{{1, kTVMFFIDefRegionKindNonRecursive},
                                                        {2, kTVMFFIDefRegionKindRecursive},
                                                        {3, kTVMFFIDefRegionKindNonRecursive},
                                                        {4, kTVMFFIDefRegionKindNone}}));
}

TEST_F(TestingLibrary, EveryReflectedTypeSaysWhetherItIsFinal) {
  const tvm::ffi::reflection::TypeAttrColumn is_final("__ffi_type_final__");
  const auto of = [&](const char* key) { return is_final[tvm::ffi::TypeKeyToIndex(key)]; };

  EXPECT_EQ(of("testing.TestIntPair").cast<bool>(), true);
  EXPECT_EQ(of("testing.TestObjectDerived").cast<bool>(), true);
  EXPECT_EQ(of("testing.TestObjectBase").cast<bool>(), false);
  EXPECT_EQ(of("ffi.Module").cast<bool>(), true);
  EXPECT_EQ(of("ffi.Enum").cast<bool>(), false);
  EXPECT_EQ(of("ffi.BigInt").as<bool>(), true);
  EXPECT_EQ(of("ffi.Object"), nullptr);
  EXPECT_EQ(of("ffi.Array"), nullptr);
}

}  // namespace
}  // namespace tvmffi::test
