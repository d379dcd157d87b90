#include <cmath>
#include <limits>

#include "tests/libffi_core/dataclass_test_types.h"

namespace tvmffi::test {
namespace {

const double kNaN = std::nan("");

void ExpectEqual(const Any& lhs, const Any& rhs) {
  EXPECT_TRUE(RecursiveEq(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_FALSE(RecursiveLt(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_TRUE(RecursiveLe(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_FALSE(RecursiveGt(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_TRUE(RecursiveGe(lhs, rhs)) << lhs << " " << rhs;
}
void ExpectBefore(const Any& lhs, const Any& rhs) {
  EXPECT_FALSE(RecursiveEq(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_TRUE(RecursiveLt(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_TRUE(RecursiveLe(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_FALSE(RecursiveGt(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_FALSE(RecursiveGe(lhs, rhs)) << lhs << " " << rhs;
  EXPECT_TRUE(RecursiveGt(rhs, lhs)) << lhs << " " << rhs;
}
void ExpectUnordered(const Any& lhs, const Any& rhs, const std::string& kind,
                     const std::string& text) {
  EXPECT_ERROR_CONTAINS(RecursiveLt(lhs, rhs), kind, text);
  EXPECT_ERROR_CONTAINS(RecursiveLe(lhs, rhs), kind, text);
  EXPECT_ERROR_CONTAINS(RecursiveGt(lhs, rhs), kind, text);
  EXPECT_ERROR_CONTAINS(RecursiveGe(lhs, rhs), kind, text);
}
void ExpectDifferentTypes(const Any& lhs, const Any& rhs, const std::string& types) {
  EXPECT_FALSE(RecursiveEq(lhs, rhs));
  ExpectUnordered(lhs, rhs, "TypeError", "Cannot compare values of different types: " + types);
}

TEST(CppApi, B100_EqualityOrderAndTypes) {
  EXPECT_TRUE(RecursiveEq(Array<Any>{1, "a"}, Array<Any>{1, "a"}));
  EXPECT_TRUE(RecursiveLt(Array<int>{1}, Array<int>{2}));
  ExpectDifferentTypes(1, String("a"), "int vs ffi.SmallStr");
}

TEST(RecursiveCompare, PlainValues) {
  ExpectEqual(1, 1);
  ExpectBefore(1, 2);
  ExpectBefore(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  ExpectBefore(false, true);
  ExpectBefore(1.5, 2.5);
  ExpectEqual(0.0, -0.0);
  ExpectEqual(nullptr, nullptr);
  ExpectBefore(nullptr, 1);
  ExpectBefore(nullptr, Array<int>());
  ExpectDifferentTypes(1, 1.0, "int vs float");
  ExpectDifferentTypes(1, true, "int vs bool");
}

TEST(RecursiveCompare, StringsAndBytes) {
  ExpectEqual(String("a"), String("a"));
  ExpectEqual(String("a"), std::string("a"));  // small and heap
  ExpectBefore(String("ab"), String("abc"));
  ExpectBefore(String("abcdefghij"), String("b"));
  ExpectBefore(Bytes("a", 1), Bytes("b", 1));
  ExpectEqual(Bytes("a\0b", 3), Bytes("a\0b", 3));
  ExpectBefore(Bytes("a\0b", 3), Bytes("a\0c", 3));
  ExpectDifferentTypes(String("a"), Bytes("a", 1), "ffi.SmallStr vs ffi.SmallBytes");
}

TEST(RecursiveCompare, NaNEqualsNaNAndHasNoOrder) {
  EXPECT_TRUE(RecursiveEq(kNaN, kNaN));
  EXPECT_FALSE(RecursiveEq(kNaN, 1.0));
  EXPECT_FALSE(RecursiveEq(1.0, kNaN));
  ExpectUnordered(kNaN, kNaN, "TypeError", "Cannot order NaN values");
  ExpectUnordered(1.0, kNaN, "TypeError", "Cannot order NaN values");
  ExpectUnordered(Array<double>{kNaN}, Array<double>{kNaN}, "TypeError", "Cannot order NaN values");
}

TEST(RecursiveCompare, DtypesDevicesShapesAndPointers) {
  ExpectEqual(DLDataType{kDLInt, 8, 1}, DLDataType{kDLInt, 8, 1});
  ExpectBefore(DLDataType{kDLInt, 64, 1}, DLDataType{kDLFloat, 32, 1});
  ExpectBefore(DLDataType{kDLInt, 8, 1}, DLDataType{kDLInt, 16, 1});
  ExpectBefore(DLDataType{kDLInt, 8, 1}, DLDataType{kDLInt, 8, 2});
  ExpectBefore(DLDevice{kDLCPU, 3}, DLDevice{kDLCUDA, 0});
  ExpectBefore(DLDevice{kDLCUDA, 0}, DLDevice{kDLCUDA, 1});
  ExpectEqual(Shape{1, 2}, Shape{1, 2});
  ExpectBefore(Shape{1, 2}, Shape{1, 3});
  ExpectBefore(Shape{1}, Shape{1, 2});
  int a = 0;
  int b = 0;
  ExpectEqual(static_cast<void*>(&a), static_cast<void*>(&a));
  EXPECT_FALSE(RecursiveEq(static_cast<void*>(&a), static_cast<void*>(&b)));
  ExpectUnordered(static_cast<void*>(&a), static_cast<void*>(&b), "TypeError",
                  "Cannot order values of type void*");
}

TEST(RecursiveCompare, SequencesAreLexicographic) {
  ExpectEqual(Array<Any>{1, List<int>{2}}, Array<Any>{1, List<int>{2}});
  ExpectBefore(Array<int>{1}, Array<int>{1, 2});
  ExpectBefore(Array<int>{1, 2}, Array<int>{2});
  ExpectBefore(List<int>{}, List<int>{0});
  ExpectBefore(Array<Any>{nullptr}, Array<Any>{1});
  ExpectDifferentTypes(Array<int>{1}, List<int>{1}, "ffi.Array vs ffi.List");
  ExpectDifferentTypes(List<Any>{1, "x"}, List<Any>{1, 2}, "ffi.SmallStr vs int");
}

TEST(RecursiveCompare, MappingsHaveNoOrder) {
  using AnyMap = Map<Any, Any>;
  using AnyDict = Dict<Any, Any>;
  ExpectEqual(AnyMap{{"a", 1}, {"b", 2}}, AnyMap{{"b", 2}, {"a", 1}});
  ExpectEqual(AnyDict{{"a", List<int>{1}}}, AnyDict{{"a", List<int>{1}}});
  const std::pair<AnyMap, AnyMap> different[] = {{{{"a", 1}}, {{"a", 2}}},
                                                 {{{"a", 1}}, {{"b", 1}}},
                                                 {{{"a", 1}}, {{"a", 1}, {"b", 2}}},
                                                 {{}, {{"a", 1}}}};
  for (const auto& [lhs, rhs] : different) {
    EXPECT_FALSE(RecursiveEq(lhs, rhs));
    ExpectUnordered(lhs, rhs, "TypeError", "Cannot order Map/Dict values");
    ExpectUnordered(Array<Any>{lhs}, Array<Any>{rhs}, "TypeError", "Cannot order Map/Dict values");
  }
  ExpectDifferentTypes(AnyMap{}, AnyDict{}, "ffi.Map vs ffi.Dict");
  ExpectDifferentTypes(AnyMap{{"a", 1}}, AnyMap{{"a", "x"}}, "int vs ffi.SmallStr");
  // Keys are found as the map finds them: objects by identity.
  EXPECT_FALSE(RecursiveEq(AnyMap{{Array<int>{1}, 2}}, AnyMap{{Array<int>{1}, 2}}));
}

TEST(RecursiveCompare, ObjectsByTheirFieldsInOrder) {
  ExpectEqual(Point(1, "q"), Point(1, "q"));
  ExpectBefore(Point(1, "q"), Point(2, "a"));
  ExpectBefore(Point(1, "a"), Point(1, "b"));
  ExpectBefore(Point(1, "a", Array<int>{1}), Point(1, "a", Array<int>{2}));
  ExpectDifferentTypes(Point(1, "q"), MakeRef<Point3Obj>(),
                       "dataclass_test.Point vs dataclass_test.Point3");
  ExpectDifferentTypes(Point(1, "q", 1), Point(1, "q", "x"), "int vs ffi.SmallStr");
  ExpectEqual(MakeRef<FlagsObj>(1, 2, 3, 4), MakeRef<FlagsObj>(1, 2, 3, 5));
  ExpectBefore(MakeRef<FlagsObj>(1, 2, 3, 4), MakeRef<FlagsObj>(1, 2, 4, 4));
}

// Kept as published: without fields nothing tells two objects apart, tensors and functions too.
TEST(RecursiveCompare, TypesWithoutFieldsAreEqual) {
  ExpectEqual(MakeRef<NoFieldsObj>(), MakeRef<NoFieldsObj>());
  ExpectEqual(FloatTensor({2}, 1), FloatTensor({3}, 2));
  ExpectEqual(Function::FromTyped([] { return 1; }), Function::FromTyped([] { return 2; }));
}

TEST(RecursiveCompare, TheSameObjectIsEqualWhateverItHolds) {
  const ObjectRef throwing = MakeRef<ThrowingObj>();
  ExpectEqual(throwing, throwing);
  const Array<double> nan{kNaN};
  ExpectEqual(nan, nan);
}

TEST(RecursiveCompare, CyclesAreEqualButNotOrdered) {
  const ListCycle a({1});
  const ListCycle b({1});
  const ListCycle c({2});
  EXPECT_TRUE(RecursiveEq(a.list(), b.list()));
  EXPECT_FALSE(RecursiveEq(a.list(), c.list()));
  const char* text = "RecursiveCompare: cyclic reference detected in ordering";
  ExpectUnordered(a.list(), b.list(), "ValueError", text);
  EXPECT_TRUE(RecursiveLt(a.list(), c.list()));
  const PointCycle p;
  const PointCycle q;
  EXPECT_TRUE(RecursiveEq(p.point(), q.point()));
  ExpectUnordered(p.point(), q.point(), "ValueError", text);
  ExpectEqual(p.point(), p.point());
}

// 2^60 paths, 60 objects.
Any Doubled(int levels) {
  List<Any> list{1};
  for (int i = 0; i < levels; ++i) list = List<Any>{list, list};
  return list;
}

TEST(RecursiveCompare, SharedPartsAreComparedOnce) { ExpectEqual(Doubled(60), Doubled(60)); }

TEST(RecursiveCompare, HooksDecide) {
  ExpectEqual(MakeRef<AllHooksObj>(1), MakeRef<AllHooksObj>(1));
  ExpectBefore(MakeRef<AllHooksObj>("a"), MakeRef<AllHooksObj>("b"));
  ExpectBefore(MakeRef<ReversedObj>(2), MakeRef<ReversedObj>(1));
  ExpectEqual(MakeRef<ReversedObj>(2), MakeRef<ReversedObj>(2));
  ExpectBefore(Array<Any>{MakeRef<ReversedObj>(2)}, Array<Any>{MakeRef<ReversedObj>(1)});
  // Equality by its own hook, order by the fields.
  EXPECT_TRUE(RecursiveEq(MakeRef<AllEqualObj>(1), MakeRef<AllEqualObj>(2)));
  EXPECT_TRUE(RecursiveLt(MakeRef<AllEqualObj>(1), MakeRef<AllEqualObj>(2)));
  ExpectDifferentTypes(MakeRef<AllHooksObj>(1), MakeRef<ReversedObj>(1),
                       "dataclass_test.AllHooks vs dataclass_test.Reversed");
}

TEST(RecursiveCompare, HooksHearAboutDifferencesThatHaveNoOrder) {
  EXPECT_FALSE(RecursiveEq(MakeRef<AllHooksObj>(1), MakeRef<AllHooksObj>("x")));
  EXPECT_FALSE(RecursiveEq(MakeRef<ReversedObj>(1), MakeRef<ReversedObj>("x")));
  EXPECT_FALSE(RecursiveEq(MakeRef<ReversedObj>(kNaN), MakeRef<ReversedObj>(1.0)));
  ExpectUnordered(MakeRef<AllHooksObj>(1), MakeRef<AllHooksObj>("x"), "TypeError",
                  "int vs ffi.SmallStr");
}

TEST(RecursiveCompare, FailingHooksAreErrors) {
  EXPECT_ERROR_CONTAINS(RecursiveEq(MakeRef<ThrowingObj>(1), MakeRef<ThrowingObj>(1)), "ValueError",
                        "from the hook");
  EXPECT_ERROR_CONTAINS(RecursiveLt(MakeRef<WrongResultObj>(1), MakeRef<WrongResultObj>(1)),
                        "TypeError", "Cannot convert from type `ffi.SmallStr` to `int`");
}

TEST(RecursiveCompare, DepthCostsNoStack) {
  const DeepList a(100000);
  const DeepList b(100000);
  const DeepList c(100001);
  ExpectEqual(a.list(), b.list());
  ExpectBefore(a.list(), c.list());
}

// The values are what the published library returns.
TEST(RecursiveHash, PlainValues) {
  EXPECT_EQ(RecursiveHash(nullptr), 2654435769);
  EXPECT_EQ(RecursiveHash(true), 2654435896);
  EXPECT_EQ(RecursiveHash(false), 2654435899);
  EXPECT_EQ(RecursiveHash(0), 2654435832);
  EXPECT_EQ(RecursiveHash(1), 2654435835);
  EXPECT_EQ(RecursiveHash(-1), 2654435833);
  EXPECT_EQ(RecursiveHash(1.5), 4609434221268138618);
  EXPECT_EQ(RecursiveHash(0.0), 2654435962);
  EXPECT_EQ(RecursiveHash(-0.0), 2654435962);
  EXPECT_EQ(RecursiveHash(kNaN), 9221120239695526522);
  EXPECT_EQ(RecursiveHash(-kNaN), 9221120239695526522);
  EXPECT_EQ(RecursiveHash(-HUGE_VAL), -4503596972934534);
  EXPECT_EQ(RecursiveHash(DLDataType{kDLFloat, 16, 1}), 11093831583863);
  EXPECT_EQ(RecursiveHash(DLDataType{kDLFloat, 32, 4}), 11093831584870);
  EXPECT_EQ(RecursiveHash(DLDevice{kDLCPU, 0}), 175247678709);
  EXPECT_EQ(RecursiveHash(DLDevice{kDLCUDA, 1}), 175247678514);
  EXPECT_EQ(RecursiveHash(static_cast<void*>(nullptr)), 2654436030);
}

TEST(RecursiveHash, StringsAndBytes) {
  EXPECT_EQ(RecursiveHash(String("")), 2654440008);
  EXPECT_EQ(RecursiveHash(String("abc")), 2660953131);
  EXPECT_EQ(RecursiveHash(std::string("abc")), 2660953131);
  EXPECT_EQ(RecursiveHash(String("12345678")), 3269011684);
  EXPECT_EQ(RecursiveHash(Bytes("ab\x01", 3)), 2654530792);
}

TEST(RecursiveHash, ContainersAndShapes) {
  EXPECT_EQ(RecursiveHash(Array<int>()), -2010874065908478216);
  EXPECT_EQ(RecursiveHash(Array<int>{1}), -2659982364743805512);
  EXPECT_EQ(RecursiveHash(Array<int>{1, 2}), 2823377144815479104);
  EXPECT_EQ(RecursiveHash(Array<Any>{1, "abc", nullptr}), -982932823623023757);
  EXPECT_EQ(RecursiveHash(List<int>()), -2945944499638392086);
  EXPECT_EQ(RecursiveHash(List<int>{1, 2}), -8389770539569074377);
  EXPECT_EQ(RecursiveHash(Map<Any, Any>()), -6752507338210542304);
  EXPECT_EQ(RecursiveHash(Map<Any, Any>{{"a", 1}}), 1832523115044983095);
  EXPECT_EQ(RecursiveHash(Map<Any, Any>{{"a", 1}, {"b", 2}}), 8690102117800834158);
  EXPECT_EQ(RecursiveHash(Map<Any, Any>{{"b", 2}, {"a", 1}}), 8690102117800834158);
  EXPECT_EQ(RecursiveHash(Dict<Any, Any>{{"a", 1}, {"b", 2}}), -7274322034432031886);
  EXPECT_EQ(RecursiveHash(Shape{}), -3770739155944674914);
  EXPECT_EQ(RecursiveHash(Shape{1, 2}), 284796581919864599);
  EXPECT_EQ(RecursiveHash(Array<Any>{Array<int>{1}, List<Any>{2.5, "x"},
                                     Map<String, Any>{{"k", Array<Any>()}}}),
            1746318895725166028);
}

TEST(RecursiveHash, TypesWithoutFieldsHashTheirKey) {
  EXPECT_EQ(RecursiveHash(make_object<Object>()), 3720555700325843206);
  EXPECT_EQ(RecursiveHash(FloatTensor({2})), -6863456689018598208);
  EXPECT_EQ(RecursiveHash(Function::FromTyped([] { return 1; })), -5498301871167852995);
  EXPECT_EQ(RecursiveHash(tvm::ffi::Error("ValueError", "m", "")), -735594592110176674);
}

TEST(RecursiveHash, ObjectsHashTheFieldsThatCount) {
  EXPECT_EQ(RecursiveHash(Point(1, "q")), RecursiveHash(Point(1, "q")));
  EXPECT_NE(RecursiveHash(Point(1, "q")), RecursiveHash(Point(2, "q")));
  EXPECT_NE(RecursiveHash(Point(0, "")), RecursiveHash(MakeRef<Point3Obj>()));
  const int64_t hash = RecursiveHash(MakeRef<FlagsObj>(1, 2, 3, 4));
  EXPECT_EQ(RecursiveHash(MakeRef<FlagsObj>(1, 2, 30, 40)), hash);
  EXPECT_NE(RecursiveHash(MakeRef<FlagsObj>(1, 20, 3, 4)), hash);
}

TEST(RecursiveHash, GoldenHashesOfObjects) {
  EXPECT_EQ(RecursiveHash(Point(1, "q")), 4644947876514440312);
  EXPECT_EQ(RecursiveHash(MakeRef<Point3Obj>()), 7992855505146920253);
  EXPECT_EQ(RecursiveHash(MakeRef<FlagsObj>()), -5433256024614286596);
  EXPECT_EQ(RecursiveHash(MakeRef<NoFieldsObj>()), 6437822932345605944);
}

TEST(RecursiveHash, CyclesEnd) {
  const ListCycle list({1});
  EXPECT_EQ(RecursiveHash(list.list()), 5960482439972758480);
  Dict<Any, Any> dict;
  dict.Set("x", dict);
  EXPECT_EQ(RecursiveHash(dict), -2675050038461836224);
  dict.clear();
  const PointCycle p;
  const PointCycle q;
  EXPECT_EQ(RecursiveHash(p.point()), RecursiveHash(q.point()));
}

TEST(RecursiveHash, SharedPartsAreHashedOnce) {
  EXPECT_EQ(RecursiveHash(Doubled(60)), RecursiveHash(Doubled(60)));
  EXPECT_EQ(RecursiveHash(Array<Any>{List<int>{7}, List<int>{7}}), 1641521168934862783);
  const List<int> shared{7};
  EXPECT_EQ(RecursiveHash(Array<Any>{shared, shared}), 1641521168934862783);
}

TEST(RecursiveHash, HooksDecide) {
  EXPECT_EQ(RecursiveHash(MakeRef<AllHooksObj>(1)), RecursiveHash(1));
  EXPECT_EQ(RecursiveHash(Array<Any>{MakeRef<AllHooksObj>(1)}), RecursiveHash(Array<Any>{1}));
  EXPECT_ERROR_CONTAINS(RecursiveHash(MakeRef<ThrowingObj>()), "ValueError", "from the hook");
  EXPECT_ERROR_CONTAINS(RecursiveHash(MakeRef<WrongResultObj>()), "TypeError",
                        "Cannot convert from type `ffi.SmallStr` to `int`");
}

TEST(RecursiveHash, EqualityWithoutAHashIsRefused) {
  const char* text =
      "' defines __ffi_eq__ or __ffi_compare__ but not __ffi_hash__. Add a __ffi_hash__ hook to "
      "maintain the invariant RecursiveEq(a,b) => RecursiveHash(a)==RecursiveHash(b).";
  EXPECT_ERROR_CONTAINS(RecursiveHash(MakeRef<AllEqualObj>(1)), "ValueError",
                        std::string("RecursiveHash: type 'dataclass_test.AllEqual") + text);
  EXPECT_ERROR_CONTAINS(RecursiveHash(List<Any>{MakeRef<ReversedObj>(1)}), "ValueError",
                        std::string("RecursiveHash: type 'dataclass_test.Reversed") + text);
}

TEST(RecursiveHash, DepthCostsNoStack) {
  const DeepList a(100000);
  const DeepList b(100000);
  EXPECT_EQ(RecursiveHash(a.list()), RecursiveHash(b.list()));
}

// Hooks call each other through the stack, which ends.
TEST(Recursive, HooksThatNestTooDeeplyAreErrors) {
  const DeepHooks a(300000);
  const DeepHooks b(300000);
  const char* text = "the hooks of the types call each other too deeply";
  EXPECT_ERROR_CONTAINS(ReprPrint(a.value()), "RecursionError", text);
  EXPECT_ERROR_CONTAINS(RecursiveHash(a.value()), "RecursionError", text);
  EXPECT_ERROR_CONTAINS(RecursiveEq(a.value(), b.value()), "RecursionError", text);
  EXPECT_ERROR_CONTAINS(RecursiveLt(a.value(), b.value()), "RecursionError", text);
}

TEST(Recursive, AreGlobalFunctions) {
  const Array<int> one{1};
  const Array<int> two{2};
  EXPECT_EQ(Function::GetGlobalRequired("ffi.RecursiveHash")(one).cast<int64_t>(),
            RecursiveHash(one));
  const std::pair<const char*, bool> cases[] = {{"ffi.RecursiveEq", false},
                                                {"ffi.RecursiveLt", true},
                                                {"ffi.RecursiveLe", true},
                                                {"ffi.RecursiveGt", false},
                                                {"ffi.RecursiveGe", false}};
  for (const auto& [name, expected] : cases) {
    EXPECT_EQ(Function::GetGlobalRequired(name)(one, two).cast<bool>(), expected) << name;
  }
}

}  // namespace
}  // namespace tvmffi::test
