#define TVM_FFI_DLL_EXPORT_INCLUDE_METADATA 1
#include <gtest/gtest.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>

#include "expect_error.h"

namespace tvmffi_test {
namespace {

using tvm::ffi::Optional;
using tvm::ffi::TensorView;

int AddOne(TensorView, TensorView, double, Optional<TensorView>) { return 1; }
template <int N, int M>
int Scale(int x) {
  return x * N * M;
}
struct Holder {
  static int Twice(int x) { return 2 * x; }
};
void Fail(int) { throw std::runtime_error("boom"); }
void FailOddly() { throw 7; }

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(abi_add_one, AddOne);
TVM_FFI_DLL_EXPORT_TYPED_FUNC_DOC(abi_add_one, "Adds one.");
TVM_FFI_DLL_EXPORT_TYPED_FUNC(abi_scale, (Scale<2, 3>))
TVM_FFI_DLL_EXPORT_TYPED_FUNC(abi_twice, Holder::Twice);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(abi_fail, ::tvmffi_test::Fail);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(abi_fail_oddly, FailOddly);
}  // namespace tvmffi_test

namespace tvm {
namespace ffi {
namespace {

#define COUNT_TEXT "Mismatched number of arguments when calling: "
#define TYPE_TEXT(i) "Mismatched type on argument #" #i " when calling: "

const Function& AddFunction() {
  static const Function add = Function::FromTyped([](int a, int b) { return a + b; });
  return add;
}

TEST(CppApi, B15_CountMismatchNamesSignature) {
  EXPECT_ERROR(AddFunction()(1), "TypeError",
               COUNT_TEXT "`(0: int, 1: int) -> int`. Expected 2 but got 1 arguments");
  EXPECT_ERROR(Function::FromTyped([]() {}, "f")(1), "TypeError",
               COUNT_TEXT "`f() -> void`. Expected 0 but got 1 arguments");
}

TEST(CppApi, B16_ErrorsCarryTheName) {
  const Function f = Function::FromTyped([](int a, int b) { return a + b; }, "my.add");
  EXPECT_ERROR_CONTAINS(f(1, 2, 3), "TypeError", "`my.add(0: int, 1: int) -> int`");
}

TEST(CppApi, B17_ActualTypeNames) {
  const auto got = [](const char* actual) {
    return std::string(TYPE_TEXT(1) "`(0: int, 1: int) -> int`. Expected `int` but got `") +
           actual + "`";
  };
  EXPECT_ERROR(AddFunction()(1, "x"), "TypeError", got("const char*"));
  EXPECT_ERROR(AddFunction()(1, String("ab")), "TypeError", got("ffi.SmallStr"));
  EXPECT_ERROR(AddFunction()(1, String("abcdefghij")), "TypeError", got("ffi.String"));
  EXPECT_ERROR(AddFunction()(1, nullptr), "TypeError", got("None"));
  EXPECT_ERROR(AddFunction()(1, 1.5), "TypeError", got("float"));
}

TEST(CppApi, B18_BoolConvertsAndIntsNarrowSilently) {
  EXPECT_EQ(AddFunction()(true, 1).cast<int>(), 2);
  EXPECT_EQ(Function::FromTyped([](int8_t x) { return x; })(300).cast<int>(), 44);
}

TEST(CppApi, B19_B20_OptionalAndArrayArguments) {
  const Function f = Function::FromTyped(
      [](Optional<Tensor>, double, Array<int64_t> a) { return static_cast<int>(a.size()); });
  EXPECT_ERROR_CONTAINS(f(1, 1.0, Array<int64_t>()), "TypeError",
                        "Expected `Optional<ffi.Tensor>` but got `int`");
  EXPECT_ERROR_CONTAINS(f(nullptr, 1.0, Array<Any>{1, "x"}), "TypeError",
                        "Expected `Array<int>` but got `Array[index 1: ffi.SmallStr]`");
  EXPECT_EQ(f(nullptr, 1, List<Any>{1, 2}).cast<int>(), 2);
  EXPECT_ERROR_CONTAINS(f(nullptr, 1.0, 5), "TypeError", "but got `int`");
}

TEST(CppApi, B21_B22_TensorArguments) {
  DLTensor tensor{};
  EXPECT_EQ(AnyView(TensorView(&tensor)).type_index(), 7);
  const Function f = Function::FromTyped([](TensorView, Tensor t) { return t.defined() ? 1 : 0; });
  EXPECT_ERROR_CONTAINS(f(&tensor, &tensor), "TypeError",
                        "Expected `ffi.Tensor` but got `DLTensor*`");
  EXPECT_ERROR_CONTAINS(f(nullptr, nullptr), "TypeError", "Expected `DLTensor*` but got `None`");
  EXPECT_EQ(f(&tensor, nullptr).cast<int>(), 0);
}

TEST(CppApi, B23_VariantArgument) {
  const Function f = Function::FromTyped([](Variant<int, String>) {});
  EXPECT_ERROR_CONTAINS(f(1.5), "TypeError", "Expected `Variant<int, str>` but got `float`");
  EXPECT_TRUE(f("x") == nullptr);
}

TEST(CppApi, B24_MapAndDictArguments) {
  const Function map = Function::FromTyped([](Map<String, int>) {});
  const Function dict = Function::FromTyped([](Dict<String, int>) {});
  EXPECT_ERROR_CONTAINS(map(Map<Any, Any>{{1, 2}}), "TypeError",
                        "Expected `Map<str, int>` but got `Map[some key is int, V]`");
  EXPECT_ERROR_CONTAINS(map(Map<Any, Any>{{"a", "b"}}), "TypeError",
                        "but got `Map[K, some value is ffi.SmallStr]`");
  EXPECT_ERROR_CONTAINS(dict(Dict<Any, Any>{{1, 2}}), "TypeError",
                        "Expected `Dict<str, int>` but got `Dict[some key is int, V]`");
}

TEST(CppApi, B25_TupleArguments) {
  const Function f = Function::FromTyped([](Tuple<int, String>) {});
  EXPECT_ERROR_CONTAINS(f(Array<Any>{1}), "TypeError",
                        "Expected `Tuple<int, str>` but got `Array[size=1]`");
  EXPECT_ERROR_CONTAINS(f(Array<Any>{1, 2}), "TypeError", "but got `Array[index 1: int]`");
}

TEST(CppApi, B26_ShapeArguments) {
  const Function f = Function::FromTyped([](Shape s) { return s; });
  std::ostringstream os;
  os << f(Array<int>{1, 2}).cast<Shape>();
  EXPECT_EQ(os.str(), "[1, 2]");
  EXPECT_ERROR_CONTAINS(f(Array<Any>{1, "x"}), "TypeError",
                        "Expected `ffi.Shape` but got `ffi.Array`");
}

TEST(CppApi, B27_DTypeArguments) {
  const Function f = Function::FromTyped([](DLDataType t) { return DLDataTypeToString(t); });
  EXPECT_EQ(f("float16x4").cast<String>(), "float16x4");
  EXPECT_ERROR(f("floatx"), "ValueError",
               "Invalid lanes specification in dtype 'floatx'. Lanes must be a positive integer.");
  EXPECT_ERROR_CONTAINS(f(1), "TypeError", "Expected `DataType` but got `int`");
}

TEST(CppApi, B28_DeviceArguments) {
  const Function f = Function::FromTyped([](DLDevice d) { return d; });
  const DLDevice device = f("cuda:3").cast<DLDevice>();
  EXPECT_EQ(device.device_type, kDLCUDA);
  EXPECT_EQ(device.device_id, 3);
  EXPECT_EQ(f("metal").cast<DLDevice>().device_type, kDLMetal);
  EXPECT_EQ(f("cpu:1 -keys=x").cast<DLDevice>().device_id, 1);
  for (const char* bad : {"gpu:3", "cuda:", "cuda:x", "cuda:-1", "cuda:9999999999", ""}) {
    EXPECT_ERROR_CONTAINS(f(bad), "TypeError", "Expected `Device` but got `const char*`");
  }
}

TEST(CppApi, B30_NoneIsANullPointer) {
  const Function f = Function::FromTyped([](void* p) { return p == nullptr; });
  EXPECT_TRUE(f(nullptr).cast<bool>());
}

TEST(CppApi, B31_B32_StringArguments) {
  const Function f = Function::FromTyped([](std::string s) { return static_cast<int>(s.size()); });
  EXPECT_EQ(f("a").cast<int>(), 1);
  EXPECT_EQ(f(String("abcdefghij")).cast<int>(), 10);
  EXPECT_EQ(f(Bytes("a\0b", 3)).cast<int>(), 3);
  const Function g = Function::FromTyped([](String s) { return static_cast<int>(s.size()); });
  const std::string with_nul("a\0b", 3);
  EXPECT_EQ(g(with_nul).cast<int>(), 1);
  EXPECT_EQ(g(String(with_nul)).cast<int>(), 3);
  EXPECT_ERROR_CONTAINS(g(Bytes("a", 1)), "TypeError", "Expected `str` but got `ffi.SmallBytes`");
}

TEST(CppApi, B33_Results) {
  EXPECT_EQ(Function::FromTyped([]() {})().type_index(), 0);
  EXPECT_EQ(Function::FromTyped([]() { return "abc"; })().type_index(), 11);
  EXPECT_EQ(Function::FromTyped([]() { return Optional<String>(); })().type_index(), 0);
  EXPECT_EQ(Function::FromTyped([]() { return Tuple<int, int>(1, 2); })().type_index(), 71);
}

TEST(CppApi, B34_ForeignExceptions) {
  const Function f = Function::FromTyped([]() { throw std::runtime_error("boom"); });
  EXPECT_THROW(f(), std::runtime_error);
  const Expected<void> result = f.CallExpected<void>();
  ASSERT_TRUE(result.is_err());
  EXPECT_EQ(result.error().kind(), "InternalError");
  EXPECT_EQ(result.error().message(), "boom");
}

TEST(CppApi, B35_ExpectedResults) {
  const Function f = Function::FromTyped(
      []() -> Expected<int> { return Unexpected(Error("ValueError", "bad", "")); });
  const Any result = f();
  EXPECT_EQ(result.type_index(), 67);
  EXPECT_ERROR(result.cast<int>(), "TypeError", "Cannot convert from type `ffi.Error` to `int`");
  EXPECT_EQ(f.CallExpected<int>().error().kind(), "ValueError");
}

TEST(CppApi, B36_CallExpectedChecksTheResult) {
  const Error error = AddFunction().CallExpected<String>(1, 2).error();
  EXPECT_EQ(error.kind(), "TypeError");
  EXPECT_EQ(error.message(), "CallExpected: result type mismatch, expected str, but got int");
}

TEST(CppApi, B37_GlobalFunctions) {
  EXPECT_ERROR(Function::GetGlobalRequired("nope"), "ValueError", "Function nope not found");
  Function::SetGlobal("abi.test.add", AddFunction());
  EXPECT_ERROR(Function::SetGlobal("abi.test.add", AddFunction()), "RuntimeError",
               "Global Function `abi.test.add` is already registered");
  Function::SetGlobal("abi.test.add", Function::FromTyped([]() { return 5; }), true);
  EXPECT_EQ(Function::GetGlobalRequired("abi.test.add")().cast<int>(), 5);
  const std::vector<String> names = Function::ListGlobalNames();
  EXPECT_NE(std::find(names.begin(), names.end(), String("abi.test.add")), names.end());
  Function::RemoveGlobal("abi.test.add");
  EXPECT_FALSE(Function::GetGlobal("abi.test.add").has_value());
  Function::RemoveGlobal("abi.test.add");
}

TEST(CppApi, B38_TypedFunctions) {
  const TypedFunction<String(int, int)> wrong = AddFunction();
  EXPECT_ERROR(wrong(1, 2), "TypeError", "Cannot convert from type `int` to `str`");
  EXPECT_TRUE(TypedFunction<int(int)>() == nullptr);
  const TypedFunction<int(int)> inc = [](int x) { return x + 1; };
  EXPECT_EQ(inc(1), 2);
  EXPECT_EQ(inc.packed()(1).cast<int>(), 2);
  const Function takes = Function::FromTyped([](TypedFunction<int(String)>) {}, "t");
  EXPECT_ERROR_CONTAINS(
      takes(1), "TypeError",
      "`t(0: (0: str) -> int) -> void`. Expected `(0: str) -> int` but got `int`");
}

TEST(CppApi, B39_CFunctions) {
  const auto fail = [](void*, const TVMFFIAny*, int32_t, TVMFFIAny*) {
    TVMFFIErrorSetRaisedFromCStr("ValueError", "from C");
    return -1;
  };
  const Function f = Function::FromExternC(nullptr, fail, nullptr);
  EXPECT_ERROR(f(), "ValueError", "from C");
}

TEST(CppApi, B40_ArgumentsByValueShare) {
  const Function f = Function::FromTyped([](Array<int> a) { return a.use_count(); });
  const Array<int> array{1};
  EXPECT_EQ(f(array).cast<int>(), 2);
}

TEST(CppApi, B41_RValueRefs) {
  const Function f = Function::FromTyped([](RValueRef<Array<int>> ref) {
    Array<int> array = *std::move(ref);
    const bool unique = array.unique();
    array.push_back(9);
    return unique;
  });
  Array<int> given{1};
  EXPECT_TRUE(f(RValueRef<Array<int>>(std::move(given))).cast<bool>());
  EXPECT_FALSE(given.defined());
  Array<int> kept{1};
  EXPECT_FALSE(f(kept).cast<bool>());
  EXPECT_EQ(kept.size(), 1u);
  EXPECT_ERROR_CONTAINS(f(RValueRef<Shape>(Shape{1})), "TypeError",
                        "Expected `RValueRef<Array<int>>` but got `RValueRef<ffi.Shape>`");
  const Function plain = Function::FromTyped([](Array<int> a) { return a.use_count(); });
  EXPECT_EQ(plain(RValueRef<Array<int>>(Array<int>{1})).cast<int>(), 2);
}

TEST(CppApi, B42_ExportedFunctions) {
  const auto call = [](TVMFFISafeCallType f, auto... args) {
    return Function::InvokeExternC(nullptr, f, args...);
  };
  EXPECT_EQ(call(::tvmffi_test::__tvm_ffi_abi_scale, 7).template cast<int>(), 42);
  EXPECT_EQ(call(::tvmffi_test::__tvm_ffi_abi_twice, 4).template cast<int>(), 8);
  EXPECT_ERROR(call(::tvmffi_test::__tvm_ffi_abi_add_one, 1), "TypeError",
               COUNT_TEXT
               "`abi_add_one(0: DLTensor*, 1: DLTensor*, 2: float, 3: "
               "Optional<DLTensor*>) -> int`. Expected 4 but got 1 arguments");
  EXPECT_ERROR(call(::tvmffi_test::__tvm_ffi_abi_fail, 1), "InternalError", "boom");
  EXPECT_ERROR_CONTAINS(call(::tvmffi_test::__tvm_ffi_abi_fail_oddly), "InternalError",
                        "not a std::exception");
}

TEST(CppApi, B112_MetadataAndDocSymbols) {
  const auto text = [](TVMFFISafeCallType f) {
    return Function::InvokeExternC(nullptr, f).cast<String>();
  };
  EXPECT_EQ(text(::tvmffi_test::__tvm_ffi__doc_abi_add_one), "Adds one.");
  EXPECT_EQ(text(::tvmffi_test::__tvm_ffi__metadata_abi_scale),
            "{\"type_schema\":\"{\\\"type\\\":\\\"ffi.Function\\\",\\\"args\\\":["
            "{\\\"type\\\":\\\"int\\\"},{\\\"type\\\":\\\"int\\\"}]}\"}");
}

template <typename T>
std::string Schema() {
  return details::TypeSchema<T>::v();
}

TEST(CppApi, Section3_12_TypeSchemas) {
  EXPECT_EQ(Schema<void>(), R"({"type":"None"})");
  EXPECT_EQ(Schema<AnyView>(), R"({"type":"Any"})");
  EXPECT_EQ(Schema<TensorView>(), R"({"type":"DLTensor*"})");
  EXPECT_EQ(Schema<std::string>(), R"({"type":"std::string"})");
  EXPECT_EQ(Schema<Optional<int>>(), R"({"type":"Optional","args":[{"type":"int"}]})");
  EXPECT_EQ(Schema<Array<String>>(), R"({"type":"ffi.Array","args":[{"type":"ffi.String"}]})");
  EXPECT_EQ((Schema<Map<String, Any>>()),
            R"({"type":"ffi.Map","args":[{"type":"ffi.String"},{"type":"Any"}]})");
  EXPECT_EQ(Schema<Expected<int>>(),
            R"({"type":"Expected","args":[{"type":"int"},{"type":"ffi.Error"}]})");
  EXPECT_EQ(Schema<RValueRef<Shape>>(),
            R"({"type":"ObjectRValueRef","args":[{"type":"ffi.Shape"}]})");
  EXPECT_EQ(Schema<TypedFunction<void(int)>>(),
            R"({"type":"ffi.Function","args":[{"type":"None"},{"type":"int"}]})");
  EXPECT_EQ(Schema<Function>(), R"({"type":"ffi.Function"})");
}

TEST(Function, SafeCallRefusesAResultSlotThatHoldsAnObject) {
  TVMFFIAny result{};
  result.type_index = kTVMFFITensor;
  const FunctionObj* obj = AddFunction().get();
  TVMFFIObject* handle = details::ObjectUnsafe::GetHeader(obj);

  EXPECT_EQ(obj->safe_call(handle, nullptr, 0, &result), -1);

  const Error error = details::MoveFromSafeCallRaised();
  EXPECT_EQ(error.kind(), "InternalError");
  EXPECT_NE(error.message().find("(70 vs. 64)"), std::string::npos) << error.message();
}

// An unspecified order would report either; from left to right is what people expect.
TEST(Function, TheFirstOfSeveralBadArgumentsIsReported) {
  EXPECT_ERROR_CONTAINS(AddFunction()("x", 1.5), "TypeError", TYPE_TEXT(0));
}

TEST(Function, PackedCallablesOfBothForms) {
  const Function f = Function::FromPacked([](PackedArgs args, Any* rv) { *rv = args.size(); });
  const Function g = Function::FromPacked(
      [](const AnyView* args, int32_t, Any* rv) { *rv = args[0].cast<int>() + 1; });
  EXPECT_EQ(f(1, "x", nullptr).cast<int>(), 3);
  EXPECT_EQ(g(1).cast<int>(), 2);
  auto [h, counter] =
      Function::FromPackedInplace<std::function<void(PackedArgs, Any*)>>([](PackedArgs, Any*) {});
  (void)h;
  EXPECT_TRUE(static_cast<bool>(*counter));
}

TEST(CppApi, B111_Stream) {
  int stream = 0;
  void* old = &stream;
  TVM_FFI_CHECK_SAFE_CALL(TVMFFIEnvSetStream(kDLCUDA, 1, &stream, &old));
  EXPECT_EQ(old, nullptr);
  EXPECT_EQ(TVMFFIEnvGetStream(kDLCUDA, 1), &stream);
  EXPECT_EQ(TVMFFIEnvGetStream(kDLCUDA, 0), nullptr);
  TVM_FFI_CHECK_SAFE_CALL(TVMFFIEnvSetStream(kDLCUDA, 1, nullptr, nullptr));
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
