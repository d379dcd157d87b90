// Structural hash. The numbers are those of the published library: programs store them.
#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/function.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/structural_types.h"

namespace {

using namespace structural_test;
using tvm::ffi::Bytes;
using tvm::ffi::Dict;
using tvm::ffi::List;
using tvm::ffi::Map;
using tvm::ffi::Shape;
using tvm::ffi::StructuralHash;
using tvm::ffi::Tensor;
using AnyMap = Map<Any, Any>;
using AnyDict = Dict<Any, Any>;

constexpr DLDataType kFloat32{kDLFloat, 32, 1};
constexpr DLDataType kInt64{kDLInt, 64, 1};

uint64_t HashOf(const Any& value) { return StructuralHash::Hash(value); }
uint64_t HashMapped(const Any& value) { return StructuralHash::Hash(value, true); }
uint64_t HashSkipped(const Any& value) { return StructuralHash::Hash(value, false, true); }

// cpp-api.md 3.29: "Golden hashes: int 1 = 2654435835, Array{1,"a"} = 2823322240268049326,
// Map{"a":1} = 8690073498391192266, Shape{1,2} = 284796581919864599."
TEST(StructuralHash, GoldenValuesOfTheSheet) {
  EXPECT_EQ(HashOf(1), 2654435835u);
  EXPECT_EQ(HashOf(Array<Any>{1, "a"}), 2823322240268049326u);
  EXPECT_EQ(HashOf(Map<String, int>{{"a", 1}}), 8690073498391192266u);
  EXPECT_EQ(HashOf(Shape{1, 2}), 284796581919864599u);
}

TEST(StructuralHash, PlainValues) {
  EXPECT_EQ(HashOf(1), 2654435835u);
  EXPECT_EQ(HashOf(-1), 2654435833u);
  EXPECT_EQ(HashOf(int64_t{1} << 40), 1102166063608u);
  EXPECT_EQ(HashOf(true), 2654435896u);
  EXPECT_EQ(HashOf(false), 2654435899u);
  EXPECT_EQ(HashOf(nullptr), 2654435769u);
  EXPECT_EQ(HashOf(1.5), 4609434221268138618u);
  EXPECT_EQ(HashOf(0.0), 2654435962u);
  EXPECT_EQ(HashOf(-0.0), 9223372039509211770u);
  EXPECT_EQ(HashOf(std::nan("")), 9221120239695526522u);
  EXPECT_EQ(HashOf(std::numeric_limits<double>::infinity()), 9218868439881841274u);
  EXPECT_EQ(HashOf(kFloat32), 2654509817u);
  EXPECT_EQ(HashOf(DLDataType{kDLInt, 8, 4}), 2654700287u);
  EXPECT_EQ(HashOf(DLDevice{kDLCPU, 0}), 2654436157u);
  EXPECT_EQ(HashOf(DLDevice{kDLCUDA, 1}), 6949403450u);
  EXPECT_EQ(HashOf(reinterpret_cast<void*>(0x1234)), 2654440682u);
}

TEST(StructuralHash, AllNansAreOneValue) {
  EXPECT_EQ(HashOf(-std::nan("")), HashOf(std::nan("")));
  EXPECT_EQ(HashOf(std::nan("17")), HashOf(std::nan("")));
  EXPECT_NE(HashOf(0.0), HashOf(-0.0));
}

TEST(StructuralHash, StringsAndBytes) {
  EXPECT_EQ(HashOf(""), 2654440008u);
  EXPECT_EQ(HashOf("a"), 2654439979u);
  EXPECT_EQ(HashOf("abc"), 2660953131u);
  EXPECT_EQ(HashOf("1234567"), 3537447141u);
  EXPECT_EQ(HashOf("12345678"), 3269011684u);
  EXPECT_EQ(HashOf("hello world, this is long"), 3024346752u);
  EXPECT_EQ(HashOf(String(std::string("abc"))), 2660953131u);
  EXPECT_EQ(HashOf(Bytes("abc", 3)), 2660949777u);
  EXPECT_EQ(HashOf(Bytes("hello bytes long", 16)), 2927553649u);
}

// Whatever form holds the content: both are equal.
TEST(StructuralHash, ShortContentOnTheHeapHashesLikeContentInTheValue) {
  EXPECT_EQ(HashOf(String(std::string("abc"))), HashOf("abc"));
  EXPECT_EQ(HashOf(Bytes(std::string("abc"))), HashOf(Bytes("abc", 3)));
  EXPECT_NE(HashOf(Bytes("abc", 3)), HashOf("abc"));
}

TEST(StructuralHash, Sequences) {
  EXPECT_EQ(HashOf(Array<Any>{}), 16435870007801073400u);
  EXPECT_EQ(HashOf(Array<Any>{1}), 15786762492048025801u);
  EXPECT_EQ(HashOf(Array<Any>{1, "a"}), 2823322240268049326u);
  EXPECT_EQ(HashOf(Array<Any>{1, Array<Any>{2, 3}}), 17906303580671810470u);
  EXPECT_EQ(HashOf(List<Any>()), 15500799574071159530u);
  EXPECT_EQ(HashOf(List<Any>{1, "a"}), 10056980416207036547u);
  EXPECT_EQ(HashOf(List<Any>{1, List<Any>{2, 3}, "x"}), 14214398649201805692u);
  EXPECT_EQ(HashOf(Shape{1, 2}), 284796581919864599u);
  EXPECT_EQ(HashOf(Shape{3}), 15456268470697620092u);
  EXPECT_EQ(HashOf(Shape({})), 14676004917764876702u);
}

TEST(StructuralHash, MapsWhateverTheirOrder) {
  EXPECT_EQ(HashOf(AnyMap{}), 11694236735499009312u);
  EXPECT_EQ(HashOf(AnyMap{{"a", 1}}), 8690073498391192266u);
  EXPECT_EQ(HashOf(AnyMap{{"a", 1}, {"b", 2}}), 8387368743028195433u);
  EXPECT_EQ(HashOf(AnyMap{{"b", 2}, {"a", 1}}), 8387368743028195433u);
  EXPECT_EQ(HashOf(AnyDict()), 15172656615495456774u);
  EXPECT_EQ(HashOf(AnyDict{{"a", 1}}), 11172378485020937918u);
  EXPECT_EQ(HashOf(AnyDict{{"b", 2}, {"a", 1}}), 11980810400217866001u);
  EXPECT_EQ(HashOf(AnyMap{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}}), 393280891778210788u);
  EXPECT_EQ(HashOf(AnyMap{{5, 5}, {2, 2}, {3, 3}, {4, 4}, {1, 1}}), 393280891778210788u);
  EXPECT_EQ(HashOf(AnyMap{{nullptr, 1}, {1.5, 2}, {true, 4}, {"longer than seven", 5}}),
            4980253766665944703u);
  EXPECT_EQ(HashOf(AnyMap{{"zz", 1},
                          {"a", AnyMap{{2, "x"}, {1, Array<Any>{1.5, nullptr}}}},
                          {3, AnyDict{{"k", List<Any>{1}}}}}),
            15258695582894754258u);
}

// Keys whose hashes collide have no order: only their presence counts.
TEST(StructuralHash, ValuesOfCollidingKeysDoNotCount) {
  const String k1("7654321");
  const String k2("\x36\x36\x35\xb4\x33\x32\x31", 7);
  ASSERT_EQ(HashOf(k1), HashOf(k2));

  EXPECT_EQ(HashOf(AnyMap{{k1, 1}, {k2, 2}}), 1832523562234713157u);
  EXPECT_EQ(HashOf(AnyMap{{k2, 3}, {k1, 4}}), 1832523562234713157u);
  EXPECT_EQ(HashOf(AnyMap{{k1, 1}, {k2, 2}, {1, 3}}), 4387947191247626472u);
}

TEST(StructuralHash, ObjectsOfEveryKind) {
  EXPECT_EQ(HashOf(Make<PairObj>(1, "a")), 13467252416762949622u);
  EXPECT_EQ(HashOf(Make<TripleObj>(1, "a", 2)), 11391401614172684023u);
  EXPECT_EQ(HashOf(Make<TreeObj>(1, 2)), 5527274576874217791u);
  EXPECT_EQ(HashOf(Make<GraphObj>(1, 2)), 13090862162903824564u);
  EXPECT_EQ(HashOf(Make<ConstObj>(1, 2)), 10594786943296679251u);
  EXPECT_EQ(HashOf(Make<UniqueObj>(1, 2)), 13790772457357425893u);
  EXPECT_EQ(HashOf(Make<HookedObj>(1, 2, 3)), 1631683161930087494u);
}

TEST(StructuralHash, IgnoredFieldsDoNotCount) {
  EXPECT_EQ(HashOf(Make<FuncObj>(1, 2, "one")), HashOf(Make<FuncObj>(1, 2, "another")));
  EXPECT_EQ(HashOf(Make<HookedObj>(1, 2, 3)), HashOf(Make<HookedObj>(1, 2, 4)));
  EXPECT_NE(HashOf(Make<FuncObj>(1, 2)), HashOf(Make<FuncObj>(1, 3)));
}

TEST(StructuralHash, TensorsByShapeDtypeAndContent) {
  EXPECT_EQ(HashOf(MakeTensor({2, 3}, kFloat32, 0)), 9518699746223508335u);
  EXPECT_EQ(HashOf(MakeTensor({2, 3}, kFloat32, 1)), 9518699747422742081u);
  EXPECT_EQ(HashOf(MakeTensor({}, kInt64, 1)), 7239897808125893972u);
  EXPECT_EQ(HashOf(MakeTensor({0}, kInt64, 1)), 5983373821352167149u);
  EXPECT_EQ(HashOf(MakeTensor({5}, DLDataType{kDLUInt, 8, 1}, 1)), 5983373823063587824u);
  EXPECT_EQ(HashOf(MakeTensor({13}, DLDataType{kDLInt, 8, 4}, 1)), 5983373822882179965u);
  EXPECT_EQ(HashOf(MakeTensor({3}, DLDataType{kDLInt, 4, 1}, 0)), 5983373821351041183u);
  EXPECT_EQ(HashSkipped(MakeTensor({2, 3}, kFloat32, 9)), 5983373821381510500u);
  EXPECT_EQ(HashSkipped(MakeTensor({2, 3}, kFloat32, 1)),
            HashSkipped(MakeTensor({2, 3}, kFloat32, 2)));
}

TEST(StructuralHash, ContentOfATensorMustBeContiguousCpuMemory) {
  Tensor whole = MakeTensor({4, 4}, kFloat32, 0);
  Tensor corner = whole.as_strided({2, 2}, {4, 1});
  EXPECT_ERROR_CONTAINS(HashOf(corner), "InternalError", "Can only hash contiguous tensor");
  EXPECT_EQ(HashSkipped(corner), HashSkipped(MakeTensor({2, 2}, kFloat32, 7)));

  Tensor elsewhere = whole.as_strided({4, 4}, {4, 1});
  const_cast<DLTensor*>(elsewhere.GetDLTensorPtr())->device = DLDevice{kDLCUDA, 0};
  EXPECT_ERROR_CONTAINS(HashOf(elsewhere), "InternalError", "can only hash CPU tensor");
  EXPECT_EQ(HashSkipped(elsewhere), HashSkipped(whole));
}

TEST(StructuralHash, GraphNodesKeepTheirNumber) {
  const ObjectRef n = Make<GraphObj>(1, 2);
  EXPECT_EQ(HashOf(Array<Any>{n, n}), 17940088917903735568u);
  EXPECT_EQ(HashOf(Array<Any>{n, Make<GraphObj>(1, 2)}), 17940088917903735571u);
  EXPECT_EQ(HashOf(Array<Any>{n, Make<GraphObj>(3, 4), n}), 14492009569220801701u);
  EXPECT_EQ(HashOf(Make<GraphObj>(n, n)), 3465162418717717723u);
  EXPECT_EQ(HashOf(Make<TreeObj>(n, n)), 18093571116877385933u);
  EXPECT_EQ(HashOf(Array<Any>{n, AnyMap{{n, 1}}}), 3187357842548367259u);
  EXPECT_EQ(HashOf(AnyMap{{n, 1}}), 11694236735499009313u);
}

TEST(StructuralHash, SharedAndRepeatedTreesHashAlike) {
  const ObjectRef n = Make<TreeObj>(1, 2);
  EXPECT_EQ(HashOf(Array<Any>{n, n}), 4557954685637942567u);
  EXPECT_EQ(HashOf(Array<Any>{n, Make<TreeObj>(1, 2)}), HashOf(Array<Any>{n, n}));
  const ObjectRef c = Make<ConstObj>(1, 2);
  EXPECT_EQ(HashOf(Array<Any>{c, c}), 1290472912478658376u);
  EXPECT_EQ(HashOf(Array<Any>{c, Make<ConstObj>(1, 2)}), HashOf(Array<Any>{c, c}));
}

// A key that is an object has no place in the order before it was met, and containers never have.
TEST(StructuralHash, ObjectKeysCountOnceTheyWereMet) {
  const ObjectRef n = Make<TreeObj>(1, 2);
  EXPECT_EQ(HashOf(Array<Any>{n, AnyMap{{n, 1}}}), 4616455556367481317u);
  EXPECT_EQ(HashOf(AnyMap{{n, 1}}), 11694236735499009313u);
  EXPECT_EQ(HashOf(AnyMap{{n, 1}}), HashOf(AnyMap{{n, 2}}));
  const ObjectRef c = Make<ConstObj>(1, 2);
  EXPECT_EQ(HashOf(Array<Any>{c, AnyMap{{c, 1}}}), 8910741024462874185u);
  const Array<Any> a{1};
  EXPECT_EQ(HashOf(Array<Any>{a, AnyMap{{a, 1}}}), 11224464566331408850u);
}

// The second time, the shared map knows its key.
TEST(StructuralHash, ASharedMapIsHashedAgainWhenItSkippedAKey) {
  const ObjectRef n = Make<TreeObj>(1, 2);
  const AnyMap map{{n, 1}};
  const AnyMap other{{n, 2}};
  EXPECT_EQ(HashOf(Array<Any>{map, map}), HashOf(Array<Any>{other, other}));
  EXPECT_NE(HashOf(Array<Any>{map, n, map}), HashOf(Array<Any>{other, n, other}));
}

class StructuralHashOfVariables : public testing::Test {
 protected:
  const ObjectRef x = Make<VarObj>("x");
  const ObjectRef y = Make<VarObj>("y");
  const ObjectRef u = Make<VarObj>("u");
  const ObjectRef xu = Make<VarObj>("x", u);
};

TEST_F(StructuralHashOfVariables, DefinedRecursively) {
  EXPECT_EQ(HashOf(Make<FuncObj>(Array<Any>{x}, x)), 14797451930470059496u);
  EXPECT_EQ(HashOf(Make<FuncObj>(Array<Any>{y}, y)), 14797451930470059496u);
  EXPECT_EQ(HashOf(Make<FuncObj>(Array<Any>{x, y}, Array<Any>{x, y})), 18322481660328262123u);
  EXPECT_EQ(HashOf(Make<FuncObj>(Array<Any>{x, y}, Array<Any>{y, x})), 18322481660328261140u);
  EXPECT_EQ(HashOf(Make<FuncObj>(x, Make<FuncObj>(y, x))), 10771957460768359871u);
  EXPECT_EQ(HashOf(Make<FuncObj>(x, Make<FuncObj>(x, x))), 10771957460768366177u);
  EXPECT_EQ(HashOf(Make<FuncObj>(xu, u)), 1067048080343209987u);
  EXPECT_EQ(HashOf(Make<FuncObj>(Array<Any>{xu, u}, Array<Any>{u, xu})), 9701420455990240925u);
  EXPECT_EQ(HashOf(Make<FuncObj>(Array<Any>{x, y}, AnyMap{{x, 1}, {y, 2}})), 6836970984875897559u);
  EXPECT_EQ(HashOf(Make<FuncObj>(Array<Any>{x, y}, AnyMap{{y, 1}, {x, 2}})), 6836970984876010341u);
  EXPECT_EQ(HashOf(Make<FuncObj>(x, Array<Any>{Make<GraphObj>(x, 1), Make<GraphObj>(x, 1)})),
            15551231276714444969u);
  EXPECT_EQ(HashOf(Make<FuncObj>(x, Make<ConstObj>(x, 1))), 11497772096517843963u);
}

TEST_F(StructuralHashOfVariables, DefinedWithoutWhatTheyMention) {
  EXPECT_EQ(HashOf(Make<LetObj>(x, x)), 14887253631580853676u);
  EXPECT_EQ(HashOf(Make<LetObj>(Make<TreeObj>(x, 1), x)), 17551837633499124280u);
  EXPECT_EQ(HashOf(Make<LetObj>(Array<Any>{u, xu}, xu)), 17749203632864751386u);
  EXPECT_EQ(HashOf(Make<LetObj>(Make<VarObj>("q", Array<Any>{1, "s"}), 1)), 10240061033503972191u);
  EXPECT_NE(HashOf(Make<LetObj>(xu, 1)),
            HashOf(Make<LetObj>(Make<VarObj>("x", Make<VarObj>("u")), 1)));
}

TEST_F(StructuralHashOfVariables, DefinedByAHook) {
  EXPECT_EQ(HashOf(Make<FuncObj>(Make<HookedObj>(x, y), Array<Any>{x, y})), 10000105443689033425u);
  EXPECT_EQ(HashOf(Make<HookedObj>(x, x)), 6012627158434941090u);
}

TEST_F(StructuralHashOfVariables, MappedEverywhere) {
  EXPECT_EQ(HashMapped(x), 17500462744329505249u);
  EXPECT_EQ(HashMapped(Array<Any>{x, y, x}), 10137308860238694797u);
  EXPECT_EQ(HashMapped(Array<Any>{x, x, x}), 10137308860238694616u);
  EXPECT_EQ(HashMapped(Array<Any>{xu, u, xu}), 3351968143782703298u);
  EXPECT_EQ(HashMapped(AnyMap{{1, x}, {2, y}}), 14341643389929272595u);
  EXPECT_EQ(HashMapped(AnyMap{{x, 1}, {y, 2}}), 11694236735499009326u);
  EXPECT_EQ(HashMapped(Make<GraphObj>(x, Make<GraphObj>(xu, u))), 15235584953578458113u);
}

TEST_F(StructuralHashOfVariables, FreeOnesHashByAddress) {
  EXPECT_EQ(HashOf(x), reinterpret_cast<uintptr_t>(x.get()));
  EXPECT_EQ(HashOf(Array<Any>{x, y}), HashOf(Array<Any>{x, y}));
  EXPECT_NE(HashOf(Array<Any>{x}), HashOf(Array<Any>{y}));
  // Met free first, it stays so.
  EXPECT_NE(HashOf(Array<Any>{x, Make<FuncObj>(x, 1)}), HashOf(Array<Any>{x, Make<FuncObj>(y, 1)}));
}

// cpp-api.md 3.29: "Unsupported type -> TypeError whose text says StructuralHash".
TEST(StructuralHash, TypesThatDoNotSupportIt) {
  EXPECT_ERROR(HashOf(Make<UnsupportedObj>(1, 2)), "TypeError",
               "_type_s_eq_hash_kind is not set for type `structural.Unsupported`, so "
               "StructuralHash is not supported for this type");
  EXPECT_ERROR(HashOf(Array<Any>{Make<UnregisteredObj>(1, 2)}), "TypeError",
               "Type metadata is not set for type `structural.Unregistered`, so StructuralHash is "
               "not supported for this type");
  EXPECT_ERROR(HashOf(Function::FromTyped([] {})), "TypeError",
               "Type metadata is not set for type `ffi.Function`, so StructuralHash is not "
               "supported for this type");
}

TEST(StructuralHash, FunctorAndGlobalFunction) {
  const Array<Any> value{1, "a"};
  EXPECT_EQ(StructuralHash()(value), HashOf(value));
  const Function hash = Function::GetGlobalRequired("ffi.StructuralHash");
  EXPECT_EQ(hash(value, false, false).cast<int64_t>(), static_cast<int64_t>(HashOf(value)));
}

// 2^60 paths lead through this value.
TEST(StructuralHash, SharedContainersAreHashedOnce) {
  Any value = 1;
  for (int i = 0; i < 60; ++i) value = Array<Any>{value, value};
  Any list = 1;
  for (int i = 0; i < 60; ++i) list = AnyMap{{1, List<Any>{list, list}}, {2, list}};
  Any tree = 1;
  for (int i = 0; i < 60; ++i) tree = Make<TreeObj>(tree, tree);

  EXPECT_NE(HashOf(value), HashOf(list));
  EXPECT_NE(HashOf(value), HashOf(tree));
}

TEST(StructuralHash, ACycleIsAnError) {
  List<Any> list;
  list.push_back(list);
  EXPECT_ERROR(HashOf(list), "RuntimeError",
               "cannot hash: the value nests too deeply for the stack of this thread");
  list.clear();
}

}  // namespace
