#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "tests/libffi_core/dataclass_test_types.h"

namespace tvmffi::test {
namespace {

std::string Repr(const Any& value) { return ReprPrint(value); }

template <typename T>
std::string Streamed(const T& value) {
  std::ostringstream os;
  os << value;
  return os.str();
}

class WithAddresses {
 public:
  explicit WithAddresses(const char* setting) { setenv("TVM_FFI_REPR_WITH_ADDR", setting, 1); }
  ~WithAddresses() { unsetenv("TVM_FFI_REPR_WITH_ADDR"); }
};

std::string AddressOf(const Any& value) {
  char text[32];
  std::snprintf(text, sizeof(text), "@%p", static_cast<const void*>(value.as<Object>()));
  return text;
}

TEST(CppApi, B98_ReprOfPlainValues) {
  EXPECT_EQ(Repr(true), "True");
  EXPECT_EQ(Repr(false), "False");
  EXPECT_EQ(Repr(nullptr), "None");
  EXPECT_EQ(Repr(1), "1");
  EXPECT_EQ(Repr(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(Repr(1.5), "1.5");
  EXPECT_EQ(Repr(String("s\"x")), "\"s\\\"x\"");
  EXPECT_EQ(Repr(Bytes("ab\x01", 3)), "b\"ab\\x01\"");
  EXPECT_EQ(Repr(DLDevice{kDLCUDA, 1}), "cuda:1");
  EXPECT_EQ(Repr(DLDataType{kDLFloat, 16, 1}), "float16");
  EXPECT_EQ(Repr(Shape{1, 2}), "Shape(1, 2)");
  EXPECT_EQ(Repr(Function::FromTyped([](int x) { return x; })), "ffi.Function");
  EXPECT_EQ(Repr(FloatTensor({2, 3})), "float32[2, 3]@cpu:0");
}

// The behaviour list shows 1.0 among its inputs; the C sheet and the published library print `1`.
TEST(CppApi, B98_FloatsPrintSixDigits) {
  EXPECT_EQ(Repr(1.0), "1");
  EXPECT_EQ(Repr(0.1), "0.1");
  EXPECT_EQ(Repr(3.14159265358979), "3.14159");
  EXPECT_EQ(Repr(123456789.0), "1.23457e+08");
  EXPECT_EQ(Repr(1e20), "1e+20");
  EXPECT_EQ(Repr(1e-5), "1e-05");
  EXPECT_EQ(Repr(-0.0), "-0");
  EXPECT_EQ(Repr(HUGE_VAL), "inf");
  EXPECT_EQ(Repr(-HUGE_VAL), "-inf");
  EXPECT_EQ(Repr(std::nan("")), "nan");
}

TEST(CppApi, B98_ReprOfContainers) {
  EXPECT_EQ(Repr(Array<int>{1, 2}), "(1, 2)");
  EXPECT_EQ(Repr(Tuple<int, String>(1, "x")), "(1, \"x\")");
  EXPECT_EQ(Repr(Array<int>{1}), "(1,)");
  EXPECT_EQ(Repr(Array<int>()), "()");
  EXPECT_EQ(Repr(List<int>{1, 2}), "[1, 2]");
  EXPECT_EQ(Repr(List<int>{1}), "[1]");
  EXPECT_EQ(Repr(List<int>()), "[]");
  EXPECT_EQ(Repr(Map<String, int>{{"a", 1}}), "{\"a\": 1}");
  EXPECT_EQ(Repr(Dict<Any, Any>{{"b", 2}, {1, "x"}}), "{\"b\": 2, 1: \"x\"}");
  EXPECT_EQ(Repr(Map<Any, Any>()), "{}");
  EXPECT_EQ(Repr(Array<Any>{Array<int>{1}, List<Any>{2.5, "x"}, Map<String, Any>{{"k", Shape{}}}}),
            "((1,), [2.5, \"x\"], {\"k\": Shape()})");
}

TEST(CppApi, B98_ReprOfObjects) {
  EXPECT_EQ(Repr(Point(1, "q")), "dataclass_test.Point(x=1, s=\"q\", link=None)");
  EXPECT_EQ(Repr(MakeRef<Point3Obj>()), "dataclass_test.Point3(x=0, s=\"\", link=None, z=5)");
  EXPECT_EQ(Repr(MakeRef<FlagsObj>()), "dataclass_test.Flags(a=1, no_hash=3, no_compare=4)");
  EXPECT_EQ(Repr(MakeRef<NoFieldsObj>()), "dataclass_test.NoFields");
  EXPECT_EQ(Repr(MakeRef<HiddenFieldsObj>()), "dataclass_test.HiddenFields");
  EXPECT_EQ(Repr(tvm::ffi::Error("ValueError", "m", "")), "ffi.Error");
  EXPECT_EQ(Repr(make_object<Object>()), "ffi.Object");
}

TEST(CppApi, B99_OptionalsNullsAndVariants) {
  EXPECT_EQ(Repr(Optional<int>()), "None");
  EXPECT_EQ(Repr(ObjectRef()), "None");
  EXPECT_EQ(Repr(Tensor()), "None");
  EXPECT_EQ(Repr(Variant<int, String>(String("x"))), "\"x\"");
}

TEST(CppApi, B99_StreamsPrintTheRepr) {
  EXPECT_EQ(Streamed(Any(1)), "1");
  EXPECT_EQ(Streamed(ObjectRef()), "None");
  EXPECT_EQ(Streamed(Array<int>{1, 2}), "(1, 2)");
  EXPECT_EQ(Streamed(Variant<int, String>(7)), "7");
  EXPECT_EQ(Streamed(Optional<int>()), "None");
  EXPECT_EQ(Streamed(Optional<int>(3)), "3");
  EXPECT_EQ(Streamed(Optional<String>(String("s"))), "\"s\"");
  EXPECT_EQ(Streamed(Optional<Array<int>>()), "None");
  EXPECT_EQ(Streamed(Optional<Array<int>>(Array<int>{1})), "(1,)");
  EXPECT_EQ(Streamed(String("plain")), "plain");
}

TEST(ReprPrint, EscapesStringsLikePython) {
  EXPECT_EQ(Repr(String("a\nb\t\\")), "\"a\\nb\\t\\\\\"");
  EXPECT_EQ(Repr(String("it's")), "\"it's\"");
  EXPECT_EQ(Repr(String("\xc3\xa9")), "\"\\u00e9\"");
  EXPECT_EQ(Repr(std::string("x")), "\"x\"");
}

TEST(ReprPrint, EscapesBytesByNumber) {
  EXPECT_EQ(Repr(Bytes("\"\\'\n\xff", 5)), "b\"\\x22\\x5c'\\x0a\\xff\"");
  EXPECT_EQ(Repr(Bytes("", 0)), "b\"\"");
}

TEST(ReprPrint, NamesDevicesAsTheHeadersOfDLPackDo) {
  const std::pair<int, const char*> cases[] = {
      {1, "cpu"},           {2, "cuda"},    {3, "cuda_host"}, {4, "opencl"},     {7, "vulkan"},
      {8, "metal"},         {9, "vpi"},     {10, "rocm"},     {11, "rocm_host"}, {12, "ext_dev"},
      {13, "cuda_managed"}, {14, "oneapi"}, {15, "webgpu"},   {16, "hexagon"},   {17, "maia"},
      {18, "trn"},          {0, "unknown"}, {5, "unknown"},   {99, "unknown"}};
  for (const auto& [type, name] : cases) {
    const DLDevice device{static_cast<DLDeviceType>(type), 3};
    EXPECT_EQ(Repr(device), std::string(name) + ":3");
  }
}

TEST(ReprPrint, OtherPlainValuesPrintTheirType) {
  EXPECT_EQ(Repr(static_cast<void*>(stderr)), "void*");
  DLTensor tensor{};
  EXPECT_EQ(Repr(Any(tvm::ffi::AnyView(&tensor))), "DLTensor*");
}

TEST(ReprPrint, KnowsTheTwoSentinels) {
  EXPECT_EQ(Repr(Function::GetGlobalRequired("ffi.GetInvalidObject")()), "<MISSING>");
  EXPECT_EQ(Repr(Function::GetGlobalRequired("ffi.GetKwargsObject")()), "<KWARGS>");
}

TEST(ReprPrint, AnObjectInsideItselfIsThreeDots) {
  const PointCycle cycle;
  EXPECT_EQ(Repr(cycle.point()), "dataclass_test.Point(x=1, s=\"q\", link=...)");
  const ListCycle list({1});
  EXPECT_EQ(Repr(list.list()), "[1, ...]");
  Dict<Any, Any> dict;
  dict.Set("x", dict);
  EXPECT_EQ(Repr(dict), "{\"x\": ...}");
  dict.clear();
}

TEST(ReprPrint, TheSecondMentionReadsLikeTheFirst) {
  const ObjectRef point = Point(3, "q");
  const std::string text = Repr(point);
  EXPECT_EQ(Repr(Array<Any>{point, point}), "(" + text + ", " + text + ")");

  List<Any> inner{1};
  List<Any> outer{inner};
  inner.push_back(outer);
  EXPECT_EQ(Repr(List<Any>{outer, inner}), "[[[1, ...]], [1, ...]]");
  EXPECT_EQ(Repr(List<Any>{inner, outer}), "[[1, [...]], [...]]");
  inner.clear();
}

TEST(ReprPrint, AddressesOnRequest) {
  const List<Any> list{1};
  const ObjectRef point = Point(1, "q");
  const Tensor tensor = FloatTensor({3});
  {
    const WithAddresses on("1");
    EXPECT_EQ(Repr(list), "[1]" + AddressOf(list));
    EXPECT_EQ(Repr(point), "dataclass_test.Point" + AddressOf(point) + "(x=1, s=\"q\", link=None)");
    EXPECT_EQ(Repr(tensor), "float32[3]@cpu:0" + AddressOf(tensor));
    EXPECT_EQ(Repr(Shape{1}), "Shape(1)");
    EXPECT_EQ(Repr(String("a string on the heap")), "\"a string on the heap\"");
    const ListCycle cycle({});
    EXPECT_EQ(Repr(cycle.list()), "[..." + AddressOf(cycle.list()) + "]" + AddressOf(cycle.list()));
  }
  const WithAddresses other("true");
  EXPECT_EQ(Repr(list), "[1]");
}

TEST(ReprPrint, AHookWritesItsOwnText) {
  const ObjectRef inner = MakeRef<AllHooksObj>(2);
  EXPECT_EQ(Repr(MakeRef<AllHooksObj>(Array<Any>{1, inner, inner})), "<<(1, <<2>>, <<2>>)>>");
  ObjectRef self = MakeRef<AllHooksObj>();
  Fields<AllHooksObj>(self)->inner = self;
  EXPECT_EQ(Repr(self), "<<...>>");
  Fields<AllHooksObj>(self)->inner = nullptr;
}

TEST(ReprPrint, FailingHooksAreErrors) {
  EXPECT_ERROR_CONTAINS(Repr(Array<Any>{MakeRef<ThrowingObj>()}), "ValueError", "from the hook");
  EXPECT_ERROR_CONTAINS(Repr(MakeRef<WrongResultObj>()), "TypeError",
                        "Cannot convert from type `int` to `str`");
}

TEST(ReprPrint, DepthCostsNoStack) {
  const DeepList deep(100000);
  const std::string text = Repr(deep.list());
  EXPECT_EQ(text, std::string(100000, '[') + "None" + std::string(100000, ']'));
}

TEST(ReprPrint, IsAGlobalFunction) {
  EXPECT_EQ(Function::GetGlobalRequired("ffi.ReprPrint")(Array<int>{1}).cast<String>(), "(1,)");
}

}  // namespace
}  // namespace tvmffi::test
