// Structural equality and the first mismatch, of everything but variables and graph nodes.
#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/function.h>

#include <cmath>
#include <string>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/structural_compare.h"
#include "tests/libffi_core/structural_types.h"

namespace {

using namespace structural_test;
using tvm::ffi::Bytes;
using tvm::ffi::Dict;
using tvm::ffi::List;
using tvm::ffi::Map;
using tvm::ffi::Shape;
using tvm::ffi::StructuralEqual;
using tvm::ffi::Tensor;
using AnyMap = Map<Any, Any>;
using AnyDict = Dict<Any, Any>;

constexpr DLDataType kFloat32{kDLFloat, 32, 1};
constexpr DLDataType kInt32{kDLInt, 32, 1};

// cpp-api.md B91: "structural mismatch of Array{1,P(1,"a")} vs Array{1,P(1,"b")} -> <root>[1].s".
TEST(CppApi, B91_MismatchPath) {
  EXPECT_EQ(Mismatch(Array<Any>{1, Make<PairObj>(1, "a")}, Array<Any>{1, Make<PairObj>(1, "b")}),
            "<root>[1].s | <root>[1].s");
}

TEST(StructuralEqual, PlainValuesHaveATypeAndAValue) {
  EXPECT_EQ(Mismatch(1, 1), "equal");
  EXPECT_EQ(Mismatch(nullptr, nullptr), "equal");
  EXPECT_EQ(Mismatch(DLDevice{kDLCUDA, 1}, DLDevice{kDLCUDA, 1}), "equal");
  EXPECT_EQ(Mismatch(1, 2), "<root> | <root>");
  EXPECT_EQ(Mismatch(1, 1.0), "<root> | <root>");
  EXPECT_EQ(Mismatch(1, true), "<root> | <root>");
  EXPECT_EQ(Mismatch(nullptr, 0), "<root> | <root>");
  EXPECT_EQ(Mismatch(DLDevice{kDLCUDA, 1}, DLDevice{kDLCUDA, 2}), "<root> | <root>");
  EXPECT_EQ(Mismatch(kFloat32, kInt32), "<root> | <root>");
}

TEST(StructuralEqual, NanEqualsNanAndZeroesDiffer) {
  EXPECT_EQ(Mismatch(std::nan(""), -std::nan("")), "equal");
  EXPECT_EQ(Mismatch(Array<Any>{std::nan("")}, Array<Any>{std::nan("1")}), "equal");
  EXPECT_EQ(Mismatch(std::nan(""), 1.0), "<root> | <root>");
  EXPECT_EQ(Mismatch(0.0, -0.0), "<root> | <root>");
}

TEST(StructuralEqual, StringsAndBytesByContent) {
  EXPECT_EQ(Mismatch("a", String(std::string("a"))), "equal");
  EXPECT_EQ(Mismatch(Bytes(std::string("a")), Bytes("a", 1)), "equal");
  EXPECT_EQ(Mismatch("a long string", "a long string"), "equal");
  EXPECT_EQ(Mismatch("a long string", "a longer string"), "<root> | <root>");
  EXPECT_EQ(Mismatch("a", "b"), "<root> | <root>");
  EXPECT_EQ(Mismatch("a", Bytes("a", 1)), "<root> | <root>");
  EXPECT_EQ(Mismatch("a", 1), "<root> | <root>");
}

TEST(StructuralEqual, Sequences) {
  EXPECT_EQ(Mismatch(Array<Any>{1, Array<Any>{2, 3}}, Array<Any>{1, Array<Any>{2, 3}}), "equal");
  EXPECT_EQ(Mismatch(Array<Any>{1, Array<Any>{2, 3}}, Array<Any>{1, Array<Any>{2, 4}}),
            "<root>[1][1] | <root>[1][1]");
  EXPECT_EQ(Mismatch(List<Any>{1, 2}, List<Any>{1, 3}), "<root>[1] | <root>[1]");
  EXPECT_EQ(Mismatch(Array<Any>{1, 2}, List<Any>{1, 2}), "<root> | <root>");
}

TEST(StructuralEqual, SequencesOfDifferentLength) {
  EXPECT_EQ(Mismatch(Array<Any>{1, 2}, Array<Any>{1, 2, 3}), "<root>[<missing:2>] | <root>[2]");
  EXPECT_EQ(Mismatch(Array<Any>{1, 2, 3}, Array<Any>{1, 2}), "<root>[2] | <root>[<missing:2>]");
  EXPECT_EQ(Mismatch(Array<Any>{5, 2, 3}, Array<Any>{1, 2}), "<root>[0] | <root>[0]");
  EXPECT_EQ(Mismatch(Array<Any>{}, Array<Any>{1}), "<root>[<missing:0>] | <root>[0]");
}

TEST(StructuralEqual, MapsWhateverTheirOrder) {
  const AnyMap map{{"zz", 1}, {"a", 2}, {3, 4}, {"m", 5}, {1.5, 6}};
  EXPECT_EQ(Mismatch(map, AnyMap{{1.5, 6}, {"m", 5}, {"a", 2}, {3, 4}, {"zz", 1}}), "equal");
  EXPECT_EQ(Mismatch(AnyDict{{"a", 1}, {"b", 2}}, AnyDict{{"b", 2}, {"a", 1}}), "equal");
  EXPECT_EQ(Mismatch(AnyMap{{"a", 1}}, AnyDict{{"a", 1}}), "<root> | <root>");
}

TEST(StructuralEqual, FirstDifferenceOfMapsInTheOrderOfTheFirst) {
  EXPECT_EQ(Mismatch(AnyMap{{"zz", 1}, {"a", 2}, {"m", 3}}, AnyMap{{"m", 4}, {"a", 3}, {"zz", 2}}),
            R"(<root>["zz"] | <root>["zz"])");
  EXPECT_EQ(Mismatch(AnyMap{{"a", 1}, {"b", 2}}, AnyMap{{"b", 2}, {"a", 3}}),
            R"(<root>["a"] | <root>["a"])");
  EXPECT_EQ(Mismatch(AnyMap{{"a", 1}}, AnyMap{{"b", 1}}), R"(<root>["a"] | <root>[<missing:"a">])");
  EXPECT_EQ(Mismatch(AnyMap{{"a", 1}, {"b", 1}}, AnyMap{{"a", 1}}),
            R"(<root>["b"] | <root>[<missing:"b">])");
  EXPECT_EQ(Mismatch(AnyMap{{"a", 1}}, AnyMap{{"a", 1}, {"b", 1}}),
            R"(<root>[<missing:"b">] | <root>["b"])");
  EXPECT_EQ(Mismatch(AnyMap{{1, Array<Any>{1}}}, AnyMap{{1, Array<Any>{2}}}),
            "<root>[1][0] | <root>[1][0]");
}

// Keys are found as a map finds them.
TEST(StructuralEqual, ObjectKeysByIdentity) {
  const Array<Any> key{1};
  EXPECT_EQ(Mismatch(AnyMap{{key, 1}}, AnyMap{{key, 1}}), "equal");
  EXPECT_EQ(Mismatch(AnyMap{{key, 1}}, AnyMap{{Array<Any>{1}, 1}}),
            "<root>[(1,)] | <root>[<missing:(1,)>]");
}

TEST(StructuralEqual, Shapes) {
  EXPECT_EQ(Mismatch(Shape{1, 2}, Shape{1, 2}), "equal");
  EXPECT_EQ(Mismatch(Shape{1, 2}, Shape{1, 3}), "<root> | <root>");
  EXPECT_EQ(Mismatch(Shape{1, 2}, Shape{1}), "<root> | <root>");
  EXPECT_EQ(Mismatch(Shape{1, 2}, Array<Any>{1, 2}), "<root> | <root>");
}

TEST(StructuralEqual, TensorsByShapeDtypeAndContent) {
  const Tensor tensor = MakeTensor({2, 3}, kFloat32, 0);
  EXPECT_EQ(Mismatch(tensor, MakeTensor({2, 3}, kFloat32, 0)), "equal");
  EXPECT_EQ(Mismatch(tensor, MakeTensor({2, 3}, kFloat32, 1)), "<root> | <root>");
  EXPECT_EQ(Mismatch(tensor, MakeTensor({3, 2}, kFloat32, 0)), "<root> | <root>");
  EXPECT_EQ(Mismatch(tensor, MakeTensor({2, 3}, kInt32, 0)), "<root> | <root>");
  EXPECT_EQ(Mismatch(MakeTensor({0}, kFloat32, 0), MakeTensor({0}, kFloat32, 1)), "equal");
  EXPECT_EQ(Mismatch(tensor, MakeTensor({2, 3}, kFloat32, 1), false, true), "equal");
  EXPECT_EQ(Mismatch(tensor, MakeTensor({3, 2}, kFloat32, 0), false, true), "<root> | <root>");
}

TEST(StructuralEqual, ContentOfTensorsMustBeContiguousCpuMemory) {
  const Tensor whole = MakeTensor({4, 4}, kFloat32, 0);
  const Tensor corner = whole.as_strided({2, 2}, {4, 1});
  const Tensor small = MakeTensor({2, 2}, kFloat32, 0);
  EXPECT_TRUE(StructuralEqual::Equal(corner, corner));
  EXPECT_ERROR_CONTAINS(StructuralEqual::Equal(corner, small), "InternalError",
                        "Can only compare contiguous tensor");
  EXPECT_ERROR_CONTAINS(StructuralEqual::Equal(small, corner), "InternalError",
                        "Can only compare contiguous tensor");

  const Tensor elsewhere = whole.as_strided({4, 4}, {4, 1});
  const_cast<DLTensor*>(elsewhere.GetDLTensorPtr())->device = DLDevice{kDLCUDA, 0};
  EXPECT_ERROR_CONTAINS(StructuralEqual::Equal(elsewhere, whole), "InternalError",
                        "can only compare CPU tensor");
  EXPECT_ERROR_CONTAINS(StructuralEqual::Equal(whole, elsewhere), "InternalError",
                        "can only compare CPU tensor");
  // What decides without the content needs none.
  EXPECT_EQ(Mismatch(elsewhere, small), "<root> | <root>");
  EXPECT_EQ(Mismatch(whole, elsewhere, false, true), "equal");
}

TEST(StructuralEqual, ObjectsByTheirFields) {
  EXPECT_EQ(Mismatch(Make<TreeObj>(1, "b"), Make<TreeObj>(1, "b")), "equal");
  EXPECT_EQ(Mismatch(Make<TreeObj>(1, 2), Make<TreeObj>(1, 3)), "<root>.b | <root>.b");
  EXPECT_EQ(Mismatch(Make<TreeObj>(1, Array<Any>{2}), Make<TreeObj>(1, Array<Any>{2, 3})),
            "<root>.b[<missing:1>] | <root>.b[1]");
  EXPECT_EQ(Mismatch(Make<TreeObj>(1, 2), Make<ConstObj>(1, 2)), "<root> | <root>");
  EXPECT_EQ(Mismatch(Make<TreeObj>(1, 2), nullptr), "<root> | <root>");
}

TEST(StructuralEqual, FieldsOfAncestorsFirst) {
  EXPECT_EQ(Mismatch(Make<TripleObj>(1, "a", 2), Make<TripleObj>(1, "a", 2)), "equal");
  EXPECT_EQ(Mismatch(Make<TripleObj>(1, "a", 2), Make<TripleObj>(1, "b", 3)),
            "<root>.s | <root>.s");
  EXPECT_EQ(Mismatch(Make<TripleObj>(1, "a", 2), Make<TripleObj>(1, "a", 3)),
            "<root>.z | <root>.z");
  EXPECT_EQ(Mismatch(Make<TripleObj>(1, "a", 2), Make<PairObj>(1, "a")), "<root> | <root>");
}

TEST(StructuralEqual, IgnoredFieldsDoNotCount) {
  EXPECT_EQ(Mismatch(Make<FuncObj>(1, 2, "one"), Make<FuncObj>(1, 2, "another")), "equal");
}

TEST(StructuralEqual, UniqueInstancesEqualOnlyThemselves) {
  const ObjectRef one = Make<UniqueObj>(1, 2);
  EXPECT_EQ(Mismatch(Array<Any>{one}, Array<Any>{one}), "equal");
  EXPECT_EQ(Mismatch(Array<Any>{one}, Array<Any>{Make<UniqueObj>(1, 2)}), "<root>[0] | <root>[0]");
}

TEST(StructuralEqual, Hooks) {
  EXPECT_EQ(Mismatch(Make<HookedObj>(1, 2, 3), Make<HookedObj>(1, 2, 4)), "equal");
  EXPECT_EQ(Mismatch(Make<HookedObj>(1, 2), Make<HookedObj>(1, 3)),
            "<root>.b_part | <root>.b_part");
  EXPECT_EQ(Mismatch(Array<Any>{Make<HookedObj>(1, Array<Any>{1, 2})},
                     Array<Any>{Make<HookedObj>(1, Array<Any>{1, 3})}),
            "<root>[0].b_part[1] | <root>[0].b_part[1]");
}

// cpp-api.md 3.29: "Unsupported type -> TypeError whose text says StructuralHash even for
// equality".
TEST(StructuralEqual, TypesThatDoNotSupportIt) {
  const ObjectRef unsupported = Make<UnsupportedObj>(1, 2);
  EXPECT_ERROR(StructuralEqual::Equal(unsupported, unsupported), "TypeError",
               "_type_s_eq_hash_kind is not set for type `structural.Unsupported`, so "
               "StructuralHash is not supported for this type");
  const ObjectRef unregistered = Make<UnregisteredObj>(1, 2);
  EXPECT_ERROR(StructuralEqual::GetFirstMismatch(unregistered, unregistered), "TypeError",
               "Type metadata is not set for type `structural.Unregistered`, so StructuralHash is "
               "not supported for this type");
  EXPECT_EQ(Mismatch(unsupported, 1), "<root> | <root>");
}

TEST(StructuralEqual, FunctorAndGlobalFunctions) {
  const Array<Any> one{1, "a"};
  const Array<Any> two{1, "a"};
  EXPECT_TRUE(StructuralEqual()(one, two));
  const Function equal = Function::GetGlobalRequired("ffi.StructuralEqual");
  EXPECT_TRUE(equal(one, two, false, false).cast<bool>());
  EXPECT_FALSE(equal(one, 1, false, false).cast<bool>());
  const Function mismatch = Function::GetGlobalRequired("ffi.GetFirstStructuralMismatch");
  EXPECT_EQ(mismatch(one, two, false, false), nullptr);
  EXPECT_EQ(PathText(mismatch(one, Array<Any>{1}, false, false)
                         .cast<tvm::ffi::reflection::AccessPathPair>()
                         .get<1>()),
            "<root>[<missing:1>]");
}

// 2^40 paths lead through these values.
TEST(StructuralEqual, SharedValuesAreComparedOnce) {
  Any lhs = 1, rhs = 1;
  for (int i = 0; i < 20; ++i) {
    lhs = AnyMap{{1, Array<Any>{lhs, lhs}}, {2, Make<TreeObj>(lhs, lhs)}};
    rhs = AnyMap{{1, Array<Any>{rhs, rhs}}, {2, Make<TreeObj>(rhs, rhs)}};
  }
  EXPECT_EQ(Mismatch(lhs, rhs), "equal");
}

TEST(StructuralEqual, ACycleIsAnError) {
  List<Any> lhs;
  lhs.push_back(lhs);
  List<Any> rhs;
  rhs.push_back(rhs);
  EXPECT_ERROR(StructuralEqual::Equal(lhs, rhs), "RuntimeError",
               "cannot compare: the value nests too deeply for the stack of this thread");
  lhs.clear();
  rhs.clear();
}

}  // namespace
