// Paths of the library that only unusual input takes.
#include <limits>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

Ref NewFunction(TVMFFISafeCallType callback) {
  Ref function;
  EXPECT_EQ(TVMFFIFunctionCreate(nullptr, callback, nullptr, function.out()), 0);
  return function;
}

// A global function for the time of one test.
class ScopedGlobal {
 public:
  ScopedGlobal(const char* name, TVMFFISafeCallType callback) : name_(name) {
    const TVMFFIByteArray key = Bytes(name);
    EXPECT_EQ(TVMFFIFunctionSetGlobal(&key, NewFunction(callback).get(), 1), 0);
  }
  ~ScopedGlobal() { CallGlobal("ffi.FunctionRemoveGlobal", {RawStr(name_)}); }

 private:
  const char* name_;
};

int ReturnLongText(void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
  const TVMFFIByteArray text = Bytes("a text of more than seven bytes");
  return TVMFFIStringFromByteArray(&text, result);
}
int ReturnRawText(void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
  *result = RawStr("raw");
  return 0;
}
int ReturnSmallText(void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
  const TVMFFIByteArray text = Bytes("small");
  return TVMFFIStringFromByteArray(&text, result);
}
int ReturnThree(void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
  *result = Int(3);
  return 0;
}
int Fail(void*, const TVMFFIAny*, int32_t, TVMFFIAny*) {
  TVMFFIErrorSetRaisedFromCStr("KeyError", "no such dtype");
  return -1;
}

int ParseDType(std::string_view text) {
  const TVMFFIByteArray bytes = Bytes(text);
  DLDataType dtype{};
  return TVMFFIDataTypeFromString(&bytes, &dtype);
}

TEST(Edges, CodesOfCustomDTypesAreChecked) {
  const char* name = "dtype.get_custom_type_code";
  {
    const ScopedGlobal hook(name, ReturnLongText);
    ExpectRaised(ParseDType("custom[a_long_custom_name]"), "ValueError",
                 "gave no code between 129 and 255 for 'a_long_custom_name'");
  }
  {
    const ScopedGlobal hook(name, ReturnThree);
    ExpectRaised(ParseDType("custom[short]"), "ValueError", "gave no code between 129 and 255");
  }
  const ScopedGlobal hook(name, Fail);
  ExpectRaised(ParseDType("custom[a_long_custom_name]"), "KeyError", "no such dtype");
}

TEST(Edges, NamesOfCustomDTypesMayBeAnyString) {
  const char* name = "dtype.get_custom_type_name";
  const DLDataType dtype{150, 8, 1};
  const std::pair<TVMFFISafeCallType, const char*> hooks[] = {
      {ReturnLongText, "custom[a text of more than seven bytes]"},
      {ReturnRawText, "custom[raw]"},
      {ReturnSmallText, "custom[small]"},
  };
  for (const auto& [callback, printed] : hooks) {
    const ScopedGlobal hook(name, callback);
    Value text;
    ASSERT_EQ(TVMFFIDataTypeToString(&dtype, text.out()), 0);
    EXPECT_EQ(text.text(), printed);
  }
  const ScopedGlobal hook(name, ReturnThree);
  TVMFFIAny out = None();
  ExpectRaised(TVMFFIDataTypeToString(&dtype, &out), "ValueError",
               "gave no string for type_code=150");
}

TEST(Edges, TheIteratorOfAMapKnowsItsCommandsAndItsEnd) {
  const Value map = CallGlobal("ffi.Map", {Int(1), Int(2)});
  const Value cursor = CallGlobal("ffi.MapForwardIterFunctor", {map.any()});
  Value result;
  ExpectRaised(Call(cursor.object(), {Int(3)}, &result), "ValueError", "iterator command 3");
  ASSERT_EQ(Call(cursor.object(), {Int(2)}, &result), 0);
  EXPECT_EQ(result.as_int(), 0);
  ExpectRaised(Call(cursor.object(), {Int(0)}, &result), "IndexError", "at the end of the map");
}

TEST(Edges, TheFirstDeviceThatIsNotTheCpuMayBeInAnyContainer) {
  int64_t shape[1] = {1};
  DLTensor tensor{nullptr, {kDLCUDA, 3}, 1, {kDLFloat, 32, 1}, shape, nullptr, 0};
  TVMFFIAny borrowed = MakeAny(kTVMFFIDLTensorPtr);
  borrowed.v_ptr = &tensor;
  auto device_in = [](const TVMFFIAny& value) {
    const DLDevice device =
        CallGlobal("ffi.ContainerFindFirstNonCPUDevice", {value}).any().v_device;
    return std::pair(int{device.device_type}, device.device_id);
  };
  EXPECT_EQ(device_in(borrowed), std::pair(2, 3));

  DLManagedTensor managed{};
  managed.dl_tensor = tensor;
  Ref owned;
  ASSERT_EQ(TVMFFITensorFromDLPack(&managed, 0, 0, owned.out()), 0);
  const Value array = CallGlobal("ffi.Array", {Int(1), View(owned.get())});
  const Value list = CallGlobal("ffi.List", {None(), array.any()});
  const Value map = CallGlobal("ffi.Map", {Int(1), list.any()});
  const Value dict = CallGlobal("ffi.Dict", {Int(1), RawStr("text"), Int(2), map.any()});
  EXPECT_EQ(device_in(dict.any()), std::pair(2, 3));
  // A container that contains itself is looked into once.
  const Value loop = CallGlobal("ffi.List", {});
  CallGlobal("ffi.ListAppend", {loop.any(), loop.any()});
  EXPECT_EQ(device_in(loop.any()), std::pair(1, 0));
  CallGlobal("ffi.ListClear", {loop.any()});
}

TEST(Edges, AFieldMayShadowOneOfAnAncestor) {
  const TVMFFIByteArray parent_key = Bytes("test.edges.parent"), key = Bytes("test.edges.child");
  const int32_t parent = TVMFFITypeGetOrAllocIndex(&parent_key, -1, 1, 0, 1, kTVMFFIObject);
  const int32_t child = TVMFFITypeGetOrAllocIndex(&key, -1, 2, 0, 1, parent);
  TVMFFIFieldInfo field{};
  field.name = Bytes("shadowed");
  ASSERT_EQ(TVMFFITypeRegisterField(parent, &field), 0);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(TVMFFITypeRegisterField(child, &field), 0);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "Warning: field \"shadowed\" of type \"test.edges.child\" shadows the one of "
            "\"test.edges.parent\"\n");
  EXPECT_EQ(TVMFFIGetTypeInfo(child)->num_fields, 1);
}

TEST(Edges, ASystemSymbolThatMovesIsReported) {
  static int first = 0, second = 0;
  ASSERT_EQ(TVMFFIEnvModRegisterSystemLibSymbol("edges_symbol", &first), 0);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(TVMFFIEnvModRegisterSystemLibSymbol("edges_symbol", &first), 0);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(TVMFFIEnvModRegisterSystemLibSymbol("edges_symbol", &second), 0);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("edges_symbol moves from"),
            std::string::npos);
}

TEST(Edges, ImportsAreAskedForWhatTheyImplement) {
  static const TVMFFISafeCallType three = ReturnThree;
  TVMFFIEnvModRegisterSystemLibSymbol("__tvm_ffi_edges_inner_f", reinterpret_cast<void*>(three));
  const Value outer = CallGlobal("ffi.SystemLib", {RawStr("edges_outer_")});
  const Value inner = CallGlobal("ffi.SystemLib", {RawStr("edges_inner_")});
  CallGlobal("ffi.ModuleImportModule", {outer.any(), inner.any()});
  auto implements = [&](const char* name, bool query_imports) {
    return CallGlobal("ffi.ModuleImplementsFunction",
                      {outer.any(), RawStr(name), Bool(query_imports)})
        .as_int();
  };
  EXPECT_EQ(implements("f", false), 0);
  EXPECT_EQ(implements("f", true), 1);
  EXPECT_EQ(implements("g", true), 0);
  CallGlobal("ffi.ModuleClearImports", {outer.any()});
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Edges, TheDefaultAllocatorReportsWhatItCannotGive) {
  const TVMFFICustomAllocator* builtin = TVMFFIGetCustomAllocator();
  for (size_t alignment : {8, 64}) {
    void* body = builtin->allocate(std::numeric_limits<size_t>::max() / 4, alignment, kTVMFFIObject,
                                   builtin->context);
    EXPECT_EQ(body, nullptr);
    ExpectRaised(-1, "MemoryError", "cannot allocate an object of 4611686018427387903 bytes");
  }
}
#endif

}  // namespace
}  // namespace tvmffi::test
