// StructuralMap and StructuralMutate in C++; what they have in common with the published library is
// in tests/compat.
#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tuple.h>
#include <tvm/ffi/extra/structural_mutate.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/libffi_core/visit_test_types.h"

namespace {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::Error;
using tvm::ffi::Expected;
using tvm::ffi::Function;
using tvm::ffi::InplaceMode;
using tvm::ffi::Map;
using tvm::ffi::Shape;
using tvm::ffi::String;
using tvm::ffi::StructuralMap;
using tvm::ffi::StructuralMapExpected;
using tvm::ffi::StructuralMutate;
using tvm::ffi::StructuralMutator;
using tvm::ffi::StructuralMutatorObj;
using tvm::ffi::Unchanged;
using tvm::ffi::UnchangedOr;
using tvm::ffi::VisitErrorContext;
using tvm::ffi::WalkOrder;
using tvmffi_test::Node;
using tvmffi_test::NodeObj;
using tvmffi_test::Object;

constexpr WalkOrder kPre = WalkOrder::kPreOrder;
constexpr WalkOrder kPost = WalkOrder::kPostOrder;

int64_t PlusOne(int64_t x) { return x + 1; }

TEST(StructuralMutate, ReplacesValuesInACopy) {
  const Array<Any> root{1, Array<Any>{2, "x"}};

  const auto result = StructuralMap<kPost>(root, PlusOne).cast<Array<Any>>();

  EXPECT_EQ(result[0].cast<int64_t>(), 2);
  EXPECT_EQ(result[1].cast<Array<Any>>()[0].cast<int64_t>(), 3);
  EXPECT_EQ(root[0].cast<int64_t>(), 1);
  EXPECT_EQ(root[1].cast<Array<Any>>()[0].cast<int64_t>(), 2);
}

TEST(StructuralMutate, SharesWhatDidNotChange) {
  const Array<Any> root{1, Array<Any>{"x"}};

  const auto result = StructuralMap<kPre>(root, PlusOne).cast<Array<Any>>();
  const Any untouched = StructuralMap<kPre>(root, [](int64_t) { return Unchanged(); });

  EXPECT_TRUE(result[1].same_as(root[1]));
  EXPECT_TRUE(untouched.same_as(Any(root)));
}

TEST(StructuralMutate, AnOwnedRootIsChangedInPlaceAndASharedPartIsNot) {
  Array<Any> shared{1};
  Array<Any> root{Array<Any>{1}, shared};
  const void* const address = root.get();

  const auto result = StructuralMap<kPost>(std::move(root), PlusOne).cast<Array<Any>>();

  EXPECT_EQ(result.get(), address);
  EXPECT_EQ(result[1].cast<Array<Any>>()[0].cast<int64_t>(), 2);
  EXPECT_EQ(shared[0].cast<int64_t>(), 1);
}

// In pre-order a callback can keep the value that is about to be changed.
TEST(StructuralMutate, AValueACallbackKeptIsNotChangedInPlace) {
  Array<Any> kept;

  StructuralMap<kPre>(
      Any(Array<Any>{1}),
      [&](const Array<Any>& value) {
        kept = value;
        return value;
      },
      PlusOne);

  EXPECT_EQ(kept[0].cast<int64_t>(), 1);
}

TEST(StructuralMutate, FieldsAreReplacedInACopyOfTheObject) {
  const Node root(Node(1), 5);

  const auto result = StructuralMap<kPost>(root, PlusOne).cast<Node>();

  EXPECT_EQ(result->l.cast<Node>()->l.cast<int64_t>(), 2);
  EXPECT_EQ(result->r.cast<int64_t>(), 6);
  EXPECT_EQ(root->r.cast<int64_t>(), 5);
}

TEST(StructuralMutate, ObjectsWithoutFieldsStayAsTheyAre) {
  const Array<Any> root{Shape({1, 2}), Function::FromTyped([] {}), 1};

  const auto result = StructuralMap<kPost>(root, PlusOne).cast<Array<Any>>();

  EXPECT_TRUE(result[0].same_as(root[0]));
  EXPECT_TRUE(result[1].same_as(root[1]));
}

TEST(StructuralMutate, CallbacksReturnExpectedAndUnchangedOr) {
  const auto callback = [](int64_t x) -> Expected<UnchangedOr<int64_t>> {
    if (x == 0) return Error("ValueError", "zero", "");
    if (x < 0) return UnchangedOr<int64_t>(Unchanged());
    return UnchangedOr<int64_t>(x * 2);
  };

  const auto result = StructuralMap<kPost>(Array<int64_t>{-1, 4}, callback).cast<Array<int64_t>>();
  const Expected<Any> failed = StructuralMapExpected<kPost>(Array<int64_t>{1, 0}, callback);

  EXPECT_EQ(result[0], -1);
  EXPECT_EQ(result[1], 8);
  ASSERT_TRUE(failed.is_err());
  EXPECT_EQ(failed.error().message(), "zero");
}

TEST(StructuralMutate, ACallbackGoesOnItself) {
  int64_t nodes = 0;

  const auto result = StructuralMutate(
                          Node(Node(1), 2),
                          [&](const NodeObj* node, StructuralMutatorObj* mutator) {
                            ++nodes;
                            return mutator->DefaultMutateExpected(node);
                          },
                          [](int64_t x, StructuralMutatorObj*) { return x + 1; })
                          .cast<Node>();

  EXPECT_EQ(nodes, 2);
  EXPECT_EQ(result->l.cast<Node>()->l.cast<int64_t>(), 2);
  EXPECT_EQ(result->r.cast<int64_t>(), 3);
}

TEST(StructuralMutate, TheModeTellsWhetherAnybodyElseHoldsTheValue) {
  const Node shared(1);
  std::vector<InplaceMode> modes;
  const auto note = [&](const NodeObj*, StructuralMutatorObj*, InplaceMode mode) {
    modes.push_back(mode);
    return Unchanged();
  };
  Array<Any> root;
  root.push_back(Node(1));
  root.push_back(shared);

  StructuralMutate(std::move(root), note);

  ASSERT_EQ(modes.size(), 2u);
  EXPECT_EQ(modes[0], InplaceMode::kAllow);
  EXPECT_EQ(modes[1], InplaceMode::kDisallow);
}

TEST(StructuralMutate, AnErrorCarriesTheObjectsItLeft) {
  const Node root(Array<Any>{Node(1)});

  const Expected<Any> result = StructuralMapExpected<kPost>(root, [](int64_t) -> int64_t {
    TVM_FFI_THROW(ValueError) << "no";
    return 0;
  });

  ASSERT_TRUE(result.is_err());
  const auto context = VisitErrorContext::TryGetFromError(result.error());
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context.value()->reverse_visit_pattern.size(), 3u);
  EXPECT_TRUE(context.value()->reverse_visit_pattern[2].same_as(root));
}

TEST(StructuralMutate, NestingTooDeepIsAnError) {
  Array<Any> deep{1};
  for (int i = 0; i < 1000000; ++i) deep = Array<Any>{deep};

  String kind;
  {
    // The error holds the nodes it left.
    const Expected<Any> result = StructuralMapExpected<kPost>(deep, PlusOne);
    if (result.is_err()) kind = result.error().kind();
  }

  EXPECT_EQ(kind, "RuntimeError");
  // Taken apart from the outside: destructors recurse.
  while (deep[0].as<Array<Any>>().has_value()) deep = deep[0].cast<Array<Any>>();
}

TEST(StructuralMutate, AMutatorKeptByACallbackIsOfNoUseAfterwards) {
  std::optional<StructuralMutator> kept;
  const Function keep = Function::FromTyped([&](int64_t x, const StructuralMutator& mutator) {
    kept = mutator;
    return x;
  });
  using Callback = tvm::ffi::Tuple<int64_t, Function, bool>;
  Function::GetGlobalRequired("ffi.StructuralMutate")(
      1, Array<Callback>{Callback(kTVMFFIInt, keep, false)});

  const Expected<UnchangedOr<Any>> result = (*kept)->MutateExpected(1);

  ASSERT_TRUE(result.is_err());
  EXPECT_EQ(result.error().message(),
            "cannot mutate: the StructuralMutate of this mutator has ended");
}

TEST(StructuralMutate, BadArgumentsAreErrors) {
  using Callback = tvm::ffi::Tuple<int64_t, Function>;
  const Function map = Function::GetGlobalRequired("ffi.StructuralMap");

  EXPECT_THROW(map(1, Array<Callback>{}, Array<Callback>{}, 2), Error);
  EXPECT_THROW(map(1, 2, Array<Callback>{}, 1), Error);
}

Expected<String> TextOfInt(Expected<UnchangedOr<Any>> result) noexcept {
  TVM_FFI_S_MUTATE_ASSIGN_OR_RETURN(UnchangedOr<int64_t>, value, std::move(result));
  return String(std::to_string(std::move(value).ValueOrUnchanged(-1)));
}
TVMFFIAny IntOrUnchanged(Expected<UnchangedOr<Any>> result) noexcept {
  TVM_FFI_S_MUTATE_ASSIGN_OR_RETURN(int64_t, value, std::move(result));
  return tvm::ffi::details::AnyUnsafe::MoveAnyToTVMFFIAny(Any(value));
}
Expected<int64_t> SizeUnchecked(Expected<UnchangedOr<Any>> result) noexcept {
  TVM_FFI_UNSAFE_S_MUTATE_ASSIGN_OR_RETURN(Array<Any>, value, std::move(result));
  return static_cast<int64_t>(value.size());
}
Expected<UnchangedOr<Any>> ResultOf(Any value) { return UnchangedOr<Any>(std::move(value)); }
Any Take(TVMFFIAny raw) { return tvm::ffi::details::AnyUnsafe::MoveTVMFFIAnyToAny(&raw); }

TEST(StructuralMutate, AssignOrReturnTakesTheValueOutOfAResult) {
  EXPECT_EQ(TextOfInt(ResultOf(5)).value(), "5");
  EXPECT_EQ(TextOfInt(UnchangedOr<Any>(Unchanged())).value(), "-1");
  EXPECT_EQ(Take(IntOrUnchanged(ResultOf(5))).cast<int64_t>(), 5);
  EXPECT_EQ(SizeUnchecked(ResultOf(Array<Any>{1, 2})).value(), 2);
}

TEST(StructuralMutate, AssignOrReturnReturnsErrorsFromFunctionsAndHooks) {
  const Expected<UnchangedOr<Any>> failed = Error("KeyError", "lost", "");

  EXPECT_EQ(TextOfInt(failed).error().kind(), "KeyError");
  EXPECT_EQ(Take(IntOrUnchanged(failed)).cast<Error>().kind(), "KeyError");
  EXPECT_EQ(SizeUnchecked(failed).error().kind(), "KeyError");
  for (const Any& other : {Any(2.0), Any(true), Any("x"), Any(nullptr)}) {
    const Expected<String> mismatch = TextOfInt(ResultOf(other));
    ASSERT_TRUE(mismatch.is_err());
    EXPECT_EQ(mismatch.error().kind(), "TypeError");
    EXPECT_EQ(mismatch.error().message(),
              "structural mutate result does not match the declared type");
  }
  EXPECT_EQ(Take(IntOrUnchanged(UnchangedOr<Any>(Unchanged()))).cast<Error>().kind(), "TypeError");
}

}  // namespace
