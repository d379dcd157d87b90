// The global functions about functions, types and shared values, and how arguments of typed
// functions convert.
#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

constexpr const char* kGlobalNames[] = {
    "ffi.FunctionRemoveGlobal",
    "ffi.FunctionListGlobalNamesFunctor",
    "ffi.GetGlobalFuncMetadata",
    "ffi.FunctionFromExternC",
    "ffi.String",
    "ffi.Bytes",
    "ffi.Shape",
    "ffi.GetRegisteredTypeKeys",
    "ffi.GetInvalidObject",
    "ffi.GetKwargsObject",
    "ffi.Array",
    "ffi.ArrayGetItem",
    "ffi.ArraySize",
    "ffi.ArrayContains",
    "ffi.List",
    "ffi.ListGetItem",
    "ffi.ListSetItem",
    "ffi.ListSize",
    "ffi.ListContains",
    "ffi.ListAppend",
    "ffi.ListInsert",
    "ffi.ListPop",
    "ffi.ListErase",
    "ffi.ListEraseRange",
    "ffi.ListReplaceSlice",
    "ffi.ListReverse",
    "ffi.ListClear",
    "ffi.Map",
    "ffi.Dict",
    "ffi.MapSize",
    "ffi.MapGetItem",
    "ffi.MapCount",
    "ffi.MapGetItemOrMissing",
    "ffi.MapForwardIterFunctor",
    "ffi.DictSize",
    "ffi.DictGetItem",
    "ffi.DictSetItem",
    "ffi.DictCount",
    "ffi.DictErase",
    "ffi.DictClear",
    "ffi.DictGetItemOrMissing",
    "ffi.DictForwardIterFunctor",
    "ffi.ContainerFindFirstNonCPUDevice",
    "ffi.ModuleLoadFromFile",
    "ffi.Module.load_from_file.so",
    "ffi.SystemLib",
    "ffi.ModuleGetFunction",
    "ffi.ModuleImplementsFunction",
    "ffi.ModuleGetFunctionMetadata",
    "ffi.ModuleGetFunctionDoc",
    "ffi.ModuleGetKind",
    "ffi.ModuleGetPropertyMask",
    "ffi.ModuleInspectSource",
    "ffi.ModuleGetWriteFormats",
    "ffi.ModuleWriteToFile",
    "ffi.ModuleImportModule",
    "ffi.ModuleClearImports",
    "ffi.ModuleGlobalsAdd",
    "ffi.ModuleGlobalsRemove",
};

int Count(void*, const TVMFFIAny*, int32_t num_args, TVMFFIAny* result) {
  *result = Int(num_args);
  return 0;
}

TEST(CAbi, C032_RemoveGlobalSaysWhetherThereWasOne) {
  const TVMFFIByteArray name = Bytes("test.c032");
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, Count, nullptr, function.out()), 0);
  ASSERT_EQ(TVMFFIFunctionSetGlobal(&name, function.get(), 0), 0);

  const Value first = CallGlobal("ffi.FunctionRemoveGlobal", {RawStr("test.c032")});
  EXPECT_EQ(first.type_index(), kTVMFFIBool);
  EXPECT_EQ(first.as_int(), 1);
  EXPECT_EQ(CallGlobal("ffi.FunctionRemoveGlobal", {RawStr("test.c032")}).as_int(), 0);
  EXPECT_EQ(StrongCount(function.get()), 1u);
}

TEST(CAbi, C033_MetadataIsKept) {
  const std::string metadata = "{\"type_schema\":\"x\"}";
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, Count, nullptr, function.out()), 0);
  TVMFFIMethodInfo info{};
  info.name = Bytes("test.c033m");
  info.metadata = Bytes(metadata);
  info.method = View(function.get());
  ASSERT_EQ(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0), 0);

  EXPECT_EQ(CallGlobal("ffi.GetGlobalFuncMetadata", {RawStr("test.c033m")}).text(), metadata);
  EXPECT_EQ(CallGlobal("ffi.GetGlobalFuncMetadata", {RawStr("ffi.ArraySize")}).text(),
            R"({"type_schema":"{\"type\":\"ffi.Function\",\"args\":[{\"type\":\"int\"},)"
            R"({\"type\":\"ffi.Array\"}]}"})");
  EXPECT_EQ(CallGlobal("ffi.GetGlobalFuncMetadata", {RawStr("ffi.Array")}).text(),
            R"({"type_schema":"{\"type\":\"ffi.Function\"}"})");
}

TEST(CAbi, C034_MetadataOfAnUnknownName) {
  Value result;
  ExpectRaised(TryCallGlobal("ffi.GetGlobalFuncMetadata", {RawStr("nope")}, &result),
               "RuntimeError", "Global Function is not found: nope");
}

TEST(CAbi, C035_ListedNamesResolve) {
  const Value names = CallGlobal("ffi.FunctionListGlobalNamesFunctor", {});
  Value count;
  ASSERT_EQ(Call(names.object(), {Int(-1)}, &count), 0);
  EXPECT_GT(count.as_int(), 10);
  for (int64_t i = 0; i < count.as_int(); ++i) {
    Value name;
    ASSERT_EQ(Call(names.object(), {Int(i)}, &name), 0);
    EXPECT_NE(GetGlobal(name.text()).get(), nullptr) << name.text();
  }
  Value beyond;
  ExpectRaised(Call(names.object(), {Int(count.as_int())}, &beyond), "IndexError", "out of bounds");
}

TEST(CAbi, C036_TheGlobalFunctionsResolveRightAfterLoad) {
  for (const char* name : kGlobalNames) EXPECT_NE(GetGlobal(name).get(), nullptr) << name;
}

TEST(CAbi, C037_AResultThatHoldsAnObjectIsRefused) {
  TVMFFIAny result = MakeAny(kTVMFFITensor);
  EXPECT_EQ(TVMFFIFunctionCall(GetGlobal("ffi.ArraySize").get(), nullptr, 0, &result), -1);
  const Raised raised = TakeRaised();
  EXPECT_EQ(raised.kind, "InternalError");
  EXPECT_NE(raised.message.find("(70 vs. 64)"), std::string::npos) << raised.message;
}

TEST(CAbi, C038_WrongNumberOfArguments) {
  Value result;
  ExpectRaised(TryCallGlobal("ffi.ArraySize", {}, &result), "TypeError",
               "Mismatched number of arguments when calling: `ffi.ArraySize(0: ffi.Array) -> int`. "
               "Expected 1 but got 0 arguments");
}

TEST(CAbi, C039_WrongTypeOfArgument) {
  Value result;
  ExpectRaised(TryCallGlobal("ffi.ArraySize", {Int(1)}, &result), "TypeError",
               "Mismatched type on argument #0 when calling: `ffi.ArraySize(0: ffi.Array) -> int`. "
               "Expected `ffi.Array` but got `int`");
}

TEST(CAbi, C040_BoolIsAnIntArgumentButFloatAndNoneAreNot) {
  const Value array = CallGlobal("ffi.Array", {Int(10), Int(11)});
  EXPECT_EQ(CallGlobal("ffi.ArrayGetItem", {array.any(), Bool(true)}).as_int(), 11);
  Value result;
  ExpectRaised(TryCallGlobal("ffi.ArrayGetItem", {array.any(), Float(1)}, &result), "TypeError",
               "Expected `int` but got `float`");
  ExpectRaised(TryCallGlobal("ffi.ArrayGetItem", {array.any(), None()}, &result), "TypeError",
               "Expected `int` but got `None`");
}

TEST(CAbi, C041_NoneIsANullPointerArgument) {
  const Value function = CallGlobal("ffi.FunctionFromExternC",
                                    {None(), Pointer(reinterpret_cast<void*>(&Count)), None()});
  ASSERT_EQ(function.type_index(), kTVMFFIFunction);
  Value result;
  EXPECT_EQ(Call(function.object(), {Int(1), Int(2)}, &result), 0);
  EXPECT_EQ(result.as_int(), 2);
}

TEST(GlobalFunctions, StringAndBytesMaterialise) {
  EXPECT_EQ(CallGlobal("ffi.String", {RawStr("short")}).type_index(), kTVMFFISmallStr);
  EXPECT_EQ(CallGlobal("ffi.String", {RawStr("rather long")}).text(), "rather long");
  TVMFFIByteArray bytes = Bytes("some bytes");
  TVMFFIAny view = MakeAny(kTVMFFIByteArrayPtr);
  view.v_ptr = &bytes;
  EXPECT_EQ(CallGlobal("ffi.Bytes", {view}).text(), "some bytes");
  Value result;
  ExpectRaised(TryCallGlobal("ffi.Bytes", {RawStr("text")}, &result), "TypeError",
               "Expected `bytes` but got `const char*`");
}

TEST(CAbi, C077_ShapesTakeInts) {
  const Value empty = CallGlobal("ffi.Shape", {});
  EXPECT_EQ(empty.type_index(), kTVMFFIShape);
  EXPECT_EQ(TVMFFIShapeGetCellPtr(empty.object())->size, 0u);

  const Value shape = CallGlobal("ffi.Shape", {Int(2), Int(3)});
  const TVMFFIShapeCell* cell = TVMFFIShapeGetCellPtr(shape.object());
  ASSERT_EQ(cell->size, 2u);
  EXPECT_EQ(cell->data[1], 3);

  Value result;
  ExpectRaised(TryCallGlobal("ffi.Shape", {RawStr("x")}, &result), "ValueError",
               "Expect shape to take list of int arguments");
}

TEST(GlobalFunctions, TypeKeysComeInIndexOrder) {
  const Value keys = CallGlobal("ffi.GetRegisteredTypeKeys", {});
  int32_t previous = -1;
  const int64_t count = CallGlobal("ffi.ArraySize", {keys.any()}).as_int();
  EXPECT_GE(count, 27);
  for (int64_t i = 0; i < count; ++i) {
    const Value key = CallGlobal("ffi.ArrayGetItem", {keys.any(), Int(i)});
    const std::string text = key.text();
    const TVMFFIByteArray bytes = Bytes(text);
    int32_t index = -1;
    ASSERT_EQ(TVMFFITypeKeyToIndex(&bytes, &index), 0);
    EXPECT_GT(index, previous);
    previous = index;
  }
}

TEST(GlobalFunctions, SentinelsAreSingletons) {
  const Value invalid = CallGlobal("ffi.GetInvalidObject", {});
  const Value kwargs = CallGlobal("ffi.GetKwargsObject", {});
  EXPECT_EQ(invalid.type_index(), kTVMFFIObject);
  EXPECT_EQ(invalid.object(), CallGlobal("ffi.GetInvalidObject", {}).object());
  EXPECT_EQ(kwargs.object(), CallGlobal("ffi.GetKwargsObject", {}).object());
  EXPECT_NE(kwargs.object(), invalid.object());
}

}  // namespace
}  // namespace tvmffi::test
