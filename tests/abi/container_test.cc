#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

template <typename TSeq>
std::string Text(const TSeq& seq) {
  std::ostringstream os;
  for (const auto& x : seq) {
    os << x << ' ';
  }
  return os.str();
}

template <typename TMap>
std::string Keys(const TMap& map) {
  std::string keys;
  for (const auto& entry : map) {
    keys += static_cast<std::string>(entry.first);
  }
  return keys;
}

TEST(CppApi, B43_ArrayCopiesOnWrite) {
  Array<int> a{1, 2};
  Array<int> b = a;
  EXPECT_EQ(a.use_count(), 2);

  b.Set(0, 9);

  EXPECT_EQ(Text(a), "1 2 ");
  EXPECT_EQ(Text(b), "9 2 ");
  EXPECT_EQ(a.use_count(), 1);
  const Object* before = b.get();
  b.Set(1, 3);
  EXPECT_EQ(b.get(), before);
}

TEST(CppApi, B44_Capacities) {
  EXPECT_EQ(Array<int>().capacity(), 4u);
  EXPECT_EQ(Array<int>{1}.capacity(), 1u);
  EXPECT_EQ(List<int>().capacity(), 0u);
}

TEST(CppApi, B45_ListAndDictAreShared) {
  List<int> a{1, 2, 3};
  List<int> b = a;
  b.push_back(4);
  EXPECT_EQ(Text(a), "1 2 3 4 ");
  EXPECT_TRUE(a.same_as(b));

  Dict<int, int> c;
  Dict<int, int> d = c;
  for (int i = 0; i < 20; ++i) {
    d.Set(i, i * i);
  }
  EXPECT_EQ(c.size(), 20u);
  EXPECT_EQ(c.at(19), 361);
  d.clear();
  EXPECT_EQ(c.size(), 0u);
  c.Set(1, 2);
  EXPECT_EQ(d.at(1), 2);
}

TEST(CppApi, B46_SettingAnExistingKeyOfADenseMapMovesItToTheEnd) {
  Map<String, int> m{{"z", 1}, {"a", 2}, {"m", 3}, {"b", 4}, {"q", 5}, {"c", 6}};
  m.Set("z", 2);
  EXPECT_EQ(Keys(m), "ambqcz");
  EXPECT_EQ(m.size(), 6u);
  m.erase("a");
  EXPECT_EQ(Keys(m), "mbqcz");
}

TEST(CppApi, B47_SettingAnExistingKeyOfASmallMapKeepsTheOrder) {
  Map<String, int> m{{"z", 1}, {"a", 2}, {"m", 3}};
  m.Set("z", 9);
  EXPECT_EQ(Keys(m), "zam");
  EXPECT_EQ(m["z"], 9);
}

TEST(CppApi, B48_KeysOfDifferentKinds) {
  Map<Any, int> m{{1, 1}, {1.0, 2}, {true, 3}, {"1", 4}};
  EXPECT_EQ(m.size(), 4u);
  EXPECT_EQ(m.at(String("1")), 4);
  EXPECT_EQ(m.at(1.0), 2);
  EXPECT_EQ((Map<Any, int>{{0.0, 1}, {-0.0, 2}}.size()), 2u);
}

TEST(CppApi, B49_MissingKeys) {
  Map<String, int> small{{"a", 1}};
  Map<String, int> dense;
  for (int i = 0; i < 9; ++i) {
    dense.Set(std::to_string(i), i);
  }
  EXPECT_ERROR(small.at("b"), "KeyError", "key is not in Map");
  EXPECT_ERROR(dense.at("b"), "KeyError", "key is not in Map");
  EXPECT_ERROR((Dict<String, int>().at("b")), "KeyError", "key is not in Map");
  EXPECT_TRUE(small.find("b") == small.end());
  EXPECT_FALSE(small.Get("b").has_value());
}

TEST(CppApi, B50_MapCopiesOnWrite) {
  Map<String, int> a{{"x", 1}};
  Map<String, int> b = a;
  b.Set("x", 2);
  b.erase("nope");
  EXPECT_EQ(a.at("x"), 1);
  Map<String, int> c = a;
  c.erase("x");
  EXPECT_EQ(a.size(), 1u);
}

TEST(CppApi, B51_SequenceErrors) {
  Array<int> one{1};
  EXPECT_ERROR(one[3], "IndexError", "Index 3 out of bounds 1");
  EXPECT_ERROR(one[-1], "IndexError", "Index -1 out of bounds 1");
  Array<int> taken = std::move(one);
  EXPECT_EQ(one.size(), 0u);
  EXPECT_ERROR(one[0], "IndexError", "cannot index a null array");
  List<int> list{1};
  List<int> taken_list = std::move(list);
  EXPECT_ERROR(list[0], "IndexError", "cannot index a null list");
  EXPECT_ERROR(Array<int>().front(), "IndexError", "front() on empty sequence");
  EXPECT_ERROR(Array<int>().back(), "IndexError", "back() on empty sequence");
  Array<int> empty;
  EXPECT_ERROR(empty.pop_back(), "IndexError", "pop_back on empty sequence");
  Array<int> three{1, 2, 3};
  EXPECT_ERROR(three.erase(three.begin() + 2, three.begin() + 1), "IndexError",
               "Erase range [2, 1) out of bounds 3");
  EXPECT_ERROR(three.resize(-1), "ValueError", "cannot resize an Array to negative size");
  List<int> other;
  EXPECT_ERROR(other.resize(-1), "ValueError", "cannot resize a List to negative size");
}

template <typename TSeq>
void CheckReverseOfNothing() {
  TSeq empty;
  EXPECT_EQ(empty.rbegin(), empty.rend());
  const TSeq taken = std::move(empty);
  EXPECT_EQ(empty.rbegin(), empty.rend());
  EXPECT_EQ(std::vector<int>(taken.rbegin(), taken.rend()), std::vector<int>());
}

TEST(CppApi, B52_AnEmptySequenceHasAnEmptyReverseRange) {
  CheckReverseOfNothing<Array<int>>();
  CheckReverseOfNothing<List<int>>();
}

template <typename TSeq>
void CheckEditing() {
  TSeq s{1, 2, 3, 4};
  const std::vector<int> reversed(s.rbegin(), s.rend());
  EXPECT_EQ(reversed, (std::vector<int>{4, 3, 2, 1}));
  EXPECT_EQ(s.end() - s.begin(), 4);
  s.insert(s.begin() + 1, 9);
  EXPECT_EQ(Text(s), "1 9 2 3 4 ");
  s.erase(s.begin());
  EXPECT_EQ(Text(s), "9 2 3 4 ");
  s.insert(s.begin() + 2, s.begin(), s.end());
  EXPECT_EQ(Text(s), "9 2 9 2 3 4 3 4 ");
  s.erase(s.begin() + 1, s.begin() + 7);
  EXPECT_EQ(Text(s), "9 4 ");
  s.pop_back();
  s.emplace_back(5);
  s.resize(1);
  s.reserve(100);
  EXPECT_GE(s.capacity(), 100u);
  EXPECT_EQ(Text(s), "9 ");
  s.clear();
  EXPECT_TRUE(s.empty());
  const std::vector<int> source{7, 8};
  s.Assign(source.begin(), source.end());
  EXPECT_EQ(Text(s), "7 8 ");
  EXPECT_EQ(Text(TSeq(2, 5)), "5 5 ");
}

TEST(CppApi, B52_EditingAnArray) { CheckEditing<Array<int>>(); }
TEST(CppApi, B52_EditingAList) { CheckEditing<List<int>>(); }

TEST(CppApi, B53_AggregateConcatMergeMap) {
  EXPECT_EQ(Text(Array<int>::Agregate(1, Array<int>{2, 3}, 4)), "1 2 3 4 ");
  EXPECT_EQ(Text(Concat(Array<int>{1}, Array<int>{2})), "1 2 ");
  const Map<String, int> merged =
      Merge(Map<String, int>{{"a", 1}, {"b", 2}}, Map<String, int>{{"b", 3}});
  EXPECT_EQ(merged.at("b"), 3);
  const Array<String> names = Array<int>{1, 2}.Map([](int x) { return String(std::to_string(x)); });
  EXPECT_EQ(Text(names), "1 2 ");
  Array<int> changed{1, 2};
  changed.MutateByApply([](int x) { return x * 10; });
  EXPECT_EQ(Text(changed), "10 20 ");
}

TEST(CppApi, B54_ConvertingAndConformingCasts) {
  const Any mixed = Array<Any>{1, true};
  const Array<double> converted = mixed.cast<Array<double>>();
  EXPECT_EQ(converted[1], 1.0);
  EXPECT_FALSE(mixed.same_as(converted));
  const Any ints = Array<Any>{1, 2};
  EXPECT_TRUE(ints.same_as(ints.cast<Array<int>>()));
}

TEST(CppApi, B55_NullableElements) {
  EXPECT_TRUE(Any(Array<Any>{nullptr}).as<Array<Tensor>>().has_value());
  EXPECT_FALSE(Any(Array<Any>{nullptr}).as<Array<int>>().has_value());
}

TEST(CppApi, B56_DictConvertsToMap) {
  const Any dict = Dict<String, int64_t>{{"a", 1}};
  EXPECT_EQ((dict.cast<Map<String, int64_t>>().at("a")), 1);
  EXPECT_FALSE((dict.as<Map<String, int64_t>>().has_value()));
}

TEST(CppApi, B57_Tuple) {
  Tuple<int, String> t(1, "x");
  auto [number, text] = t;
  EXPECT_EQ(number, 1);
  EXPECT_EQ(text, "x");
  Tuple<int, String> copy = t;
  copy.Set<0>(2);
  EXPECT_EQ(t.get<0>(), 1);
  EXPECT_EQ(get<0>(copy), 2);
  const Any any = t;
  EXPECT_EQ(any.type_index(), 71);
  EXPECT_FALSE((any.as<Tuple<String, int>>().has_value()));
  EXPECT_EQ((any.cast<Tuple<double, String>>().get<0>()), 1.0);
  EXPECT_EQ((Tuple<int, double>().get<0>()), 0);
}

TEST(CppApi, B58_Variant) {
  const Variant<int, String> v = String("abc");
  EXPECT_FALSE(v.as<int>().has_value());
  EXPECT_EQ(v.get<String>(), "abc");
  EXPECT_EQ(v.GetTypeKey(), "ffi.SmallStr");
  EXPECT_ERROR(v.get<int>(), "TypeError", "Cannot convert from type `ffi.SmallStr` to `int`");
  std::unordered_set<Variant<Shape, Array<int>>, ObjectPtrHash, ObjectPtrEqual> set;
  const Variant<Shape, Array<int>> shape = Shape{1};
  set.insert(shape);
  set.insert(shape);
  set.insert(Array<int>{1});
  EXPECT_EQ(set.size(), 2u);
}

TEST(CppApi, B60_Shape) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.Product(), 24);
  EXPECT_EQ(shape.front(), 2);
  EXPECT_EQ(shape.back(), 4);
  EXPECT_EQ(Shape().Product(), 1);
  EXPECT_TRUE(Shape().empty());
  std::ostringstream os;
  os << Shape::StridesFromShape(shape);
  EXPECT_EQ(os.str(), "[12, 4, 1]");
  EXPECT_ERROR(shape.at(9), "IndexError", "indexing 9 on a Shape of size 3");
}

// A std::unordered_map is the model; all insertions and removals must agree.
TEST(Dict, AgreesWithAModelOverManyEdits) {
  std::unordered_map<int, int> model;
  Dict<int, int> dict;
  uint32_t seed = 7;
  for (int i = 0; i < 100000; ++i) {
    seed = seed * 1103515245 + 12345;
    const int key = static_cast<int>((seed >> 8) % 3000);
    if ((seed >> 4) % 3 != 0) {
      model[key] = i;
      dict.Set(key, i);
    } else {
      model.erase(key);
      dict.erase(key);
    }
  }
  EXPECT_EQ(dict.size(), model.size());
  size_t visited = 0;
  for (const auto& entry : dict) {
    ++visited;
    EXPECT_EQ(model.at(entry.first), entry.second);
  }
  EXPECT_EQ(visited, model.size());
  EXPECT_EQ(std::distance(dict.begin(), dict.end()), static_cast<ptrdiff_t>(model.size()));
}

TEST(Map, IteratesBothWays) {
  for (int n : {1, 3, 4, 5, 40}) {
    Map<int, int> map;
    for (int i = 0; i < n; ++i) {
      map.Set(i, i);
    }
    int expected = n;
    for (auto it = map.end(); it != map.begin();) {
      --it;
      EXPECT_EQ((*it).first, --expected);
    }
    EXPECT_EQ(expected, 0);
  }
}

TEST(Containers, UpcastsShareStorage) {
  const Array<int> ints{1};
  const Array<Any> anys = ints;
  EXPECT_TRUE(anys.same_as(ints));
  const Map<String, int> map{{"a", 1}};
  const Map<Any, Any> wide = map;
  EXPECT_TRUE(wide.same_as(map));
  const Array<ObjectRef> refs = Array<Shape>{Shape{1}};
  EXPECT_EQ(refs.size(), 1u);
}

// Values whose destructor uses the container they are in.
TEST(Containers, ValuesMayUseTheirContainerWhileTheyDie) {
  Dict<int, Any> dict;
  int looked = 0;
  for (int i = 0; i < 10; ++i) {
    std::shared_ptr<int> guard(new int(i), [&dict, &looked](int* p) {
      looked += dict.count(*p) == 0 ? 1 : 0;
      delete p;
    });
    dict.Set(i, Function::FromPacked([guard](PackedArgs, Any*) {}));
  }

  dict.clear();

  EXPECT_EQ(looked, 10);
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
