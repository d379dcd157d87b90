#include "tests/libffi_core/dataclass_test_types.h"

namespace tvmffi::test {
namespace {

TEST(CppApi, B100_DeepCopyMakesNewContainersOfTheSameContent) {
  const Array<Any> original{List<Any>{1}};
  const auto copy = DeepCopy(original).cast<Array<Any>>();
  EXPECT_FALSE(copy.same_as(original));
  EXPECT_FALSE(copy[0].same_as(original[0]));
  EXPECT_EQ(copy[0].type_index(), kTVMFFIList);
  EXPECT_TRUE(RecursiveEq(copy, original));
}

TEST(DeepCopy, PlainValuesStringsBytesAndShapesAreShared) {
  EXPECT_EQ(DeepCopy(5).cast<int>(), 5);
  EXPECT_TRUE(DeepCopy(nullptr) == nullptr);
  EXPECT_EQ(DeepCopy(1.5).cast<double>(), 1.5);
  for (const Any& value : {Any(String("a string on the heap")), Any(Bytes("some bytes there", 16)),
                           Any(Shape{1, 2}), Any(String("small")), Any(DLDevice{kDLCUDA, 1})}) {
    EXPECT_TRUE(DeepCopy(value).same_as(value)) << value;
    EXPECT_TRUE(DeepCopy(Array<Any>{value}).cast<Array<Any>>()[0].same_as(value)) << value;
  }
}

TEST(DeepCopy, CopiesEveryKindOfContainer) {
  for (const Any& value :
       {Any(Array<Any>()), Any(Array<Any>{1, "a"}), Any(List<Any>()), Any(List<Any>{1, 2, 3, 4, 5}),
        Any(Map<Any, Any>()), Any(Map<Any, Any>{{"a", 1}, {2, List<int>{3}}}),
        Any(Dict<Any, Any>()), Any(Dict<Any, Any>{{"a", List<int>{1}}})}) {
    const Any copy = DeepCopy(value);
    EXPECT_EQ(copy.type_index(), value.type_index());
    EXPECT_FALSE(copy.same_as(value)) << value;
    EXPECT_TRUE(RecursiveEq(copy, value)) << value;
  }
}

TEST(DeepCopy, ALargeMapKeepsItsOrder) {
  Map<Any, Any> map;
  for (int i = 0; i < 300; ++i) map.Set((i * 7) % 300, List<int>{i});
  const Any copy = DeepCopy(map);
  EXPECT_EQ(ReprPrint(copy), ReprPrint(map));
  auto original = map.begin();
  for (const auto& entry : copy.cast<Map<Any, Any>>()) {
    EXPECT_FALSE(entry.second.same_as((*original).second));
    ++original;
  }
}

TEST(DeepCopy, CopiesKeysToo) {
  const Array<int> key{1};
  const auto map = DeepCopy(Map<Any, Any>{{key, 1}}).cast<Map<Any, Any>>();
  EXPECT_FALSE((*map.begin()).first.same_as(key));
  EXPECT_TRUE(RecursiveEq((*map.begin()).first, key));
}

TEST(DeepCopy, CopiesObjectsFieldByField) {
  const ObjectRef original = Point(1, "z", Array<Any>{1, List<int>{2}});
  const Any copy = DeepCopy(original);
  EXPECT_FALSE(copy.same_as(original));
  EXPECT_FALSE(Fields<PointObj>(copy)->link.same_as(Fields<PointObj>(original)->link));
  EXPECT_EQ(ReprPrint(copy), ReprPrint(original));
  Fields<PointObj>(copy)->x = 9;
  EXPECT_EQ(Fields<PointObj>(original)->x, 1);

  ObjectRef derived = MakeRef<Point3Obj>();
  Fields<Point3Obj>(derived)->link = List<int>{1};
  const Any derived_copy = DeepCopy(derived);
  EXPECT_EQ(derived_copy.type_index(), derived.type_index());
  EXPECT_FALSE(Fields<Point3Obj>(derived_copy)->link.same_as(Fields<Point3Obj>(derived)->link));
}

TEST(DeepCopy, ReadOnlyAndHiddenFieldsAreCopied) {
  const Any copy = DeepCopy(MakeRef<FlagsObj>(10, 20, 30, 40));
  const auto* flags = copy.as<FlagsObj>();
  ASSERT_NE(flags, nullptr);
  EXPECT_EQ(flags->a + flags->no_repr + flags->no_hash + flags->no_compare, 100);
}

TEST(DeepCopy, WhatWasSharedStaysShared) {
  const List<int> shared{7};
  const ObjectRef point = Point(1, "p", shared);
  const auto copy = DeepCopy(Array<Any>{shared, shared, point, point}).cast<Array<Any>>();
  EXPECT_TRUE(copy[0].same_as(copy[1]));
  EXPECT_FALSE(copy[0].same_as(shared));
  EXPECT_TRUE(copy[2].same_as(copy[3]));
  EXPECT_TRUE(Fields<PointObj>(copy[2])->link.same_as(copy[0]));
}

TEST(DeepCopy, CyclesThroughEveryKind) {
  const ListCycle cycle({1});
  auto list = DeepCopy(cycle.list()).cast<List<Any>>();
  EXPECT_FALSE(list.same_as(cycle.list()));
  EXPECT_TRUE(list[1].same_as(list));
  list.clear();

  const PointCycle point_cycle;
  const Any point = DeepCopy(point_cycle.point());
  EXPECT_TRUE(Fields<PointObj>(point)->link.same_as(point));
  Fields<PointObj>(point)->link = nullptr;

  List<Any> inner;
  inner.push_back(Array<Any>{inner});
  const auto array = DeepCopy(inner[0]).cast<Array<Any>>();
  auto array_inner = array[0].cast<List<Any>>();
  EXPECT_TRUE(array_inner[0].same_as(array));
  array_inner.clear();
  inner.clear();

  inner.push_back(Map<Any, Any>{{"a", inner}});
  const auto map = DeepCopy(inner[0]).cast<Map<Any, Any>>();
  auto map_inner = map["a"].cast<List<Any>>();
  EXPECT_TRUE(map_inner[0].same_as(map));
  map_inner.clear();
  inner.clear();

  Dict<Any, Any> dict;
  dict.Set("self", dict);
  auto dict_copy = DeepCopy(dict).cast<Dict<Any, Any>>();
  EXPECT_TRUE(dict_copy["self"].same_as(dict_copy));
  dict_copy.clear();
  dict.clear();
}

TEST(DeepCopy, RefusesWhatCannotBeCopied) {
  const std::string text = "Cannot deep copy object of type \"";
  const std::pair<Any, const char*> cases[] = {
      {FloatTensor({2}), "ffi.Tensor"},
      {Function::FromTyped([] { return 1; }), "ffi.Function"},
      {tvm::ffi::Error("ValueError", "m", ""), "ffi.Error"},
      {make_object<Object>(), "ffi.Object"},
      {MakeRef<NotCopyableObj>(), "dataclass_test.NotCopyable"}};
  for (const auto& refused : cases) {
    const Any& value = refused.first;
    const std::string expected = text + refused.second + "\" because it is not copy-constructible";
    EXPECT_ERROR_CONTAINS(DeepCopy(value), "InternalError", expected);
    EXPECT_ERROR_CONTAINS(DeepCopy(List<Any>{1, value}), "InternalError", expected);
    EXPECT_ERROR_CONTAINS(DeepCopy(Point(1, "p", value)), "InternalError", expected);
  }
}

TEST(DeepCopy, LeavesNoReferenceBehind) {
  const List<int> inner{1};
  const ObjectRef point = Point(1, "p", inner);
  const auto before = inner.use_count();
  DeepCopy(Array<Any>{point, inner});
  EXPECT_EQ(inner.use_count(), before);
  EXPECT_EQ(point.use_count(), 1);
}

TEST(DeepCopy, DepthCostsNoStack) {
  const DeepList deep(100000);
  const DeepList copy(DeepCopy(deep.list()));
  EXPECT_FALSE(copy.list().same_as(deep.list()));
  EXPECT_TRUE(RecursiveEq(copy.list(), deep.list()));
}

TEST(DeepCopy, IsAGlobalFunction) {
  const List<int> list{1};
  EXPECT_FALSE(Function::GetGlobalRequired("ffi.DeepCopy")(list).same_as(list));
}

}  // namespace
}  // namespace tvmffi::test
