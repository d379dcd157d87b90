// Which nodes an Error passed, and where they lie.
#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/structural_visit.h>
#include <tvm/ffi/extra/visit_error_context.h>
#include <tvm/ffi/function.h>

#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/visit_test_types.h"

namespace tvm {
namespace ffi {
namespace {

using reflection::AccessKind;
using reflection::AccessPath;
using tvmffi_test::Make;
using tvmffi_test::Node;
using tvmffi_test::NodeObj;
using tvmffi_test::OpaqueObj;

// `<root>.r.l[0]["k"]`
std::string Text(const AccessPath& path) {
  std::ostringstream os;
  os << "<root>";
  for (const auto& step : path->ToSteps()) {
    if (step->kind == AccessKind::kAttr) {
      os << '.' << step->key.cast<String>();
    } else if (auto text = step->key.as<String>()) {
      os << "[\"" << *text << "\"]";
    } else {
      os << '[' << step->key.cast<int64_t>() << ']';
    }
  }
  return os.str();
}

// The paths of nodes, innermost first, one word each.
std::string Paths(const ObjectRef& root, const std::vector<ObjectRef>& reverse_pattern,
                  bool allow_prefix_match = false) {
  const VisitErrorContext context(make_object<VisitErrorContextObj>());
  for (const ObjectRef& node : reverse_pattern) context->reverse_visit_pattern.push_back(node);
  std::string result;
  for (const AccessPath& path :
       VisitErrorContext::FindAccessPaths(root, context, allow_prefix_match)) {
    result += Text(path) + " ";
  }
  return result;
}

// Goes along `r` to a node with a note; throws when there is no further one.
void Visit(const Node& node) {
  TVM_FFI_VISIT_BEGIN();
  if (node->note != nullptr) return;
  if (node->r == nullptr) {
    TVM_FFI_THROW(ValueError) << "no r";
  }
  Visit(node->r.cast<Node>());
  TVM_FFI_VISIT_END(node);
}

void VisitThrowing(const Node& node) {
  TVM_FFI_VISIT_BEGIN();
  if (node->note != nullptr) return;
  if (node->r == nullptr) {
    TVM_FFI_VISIT_THROW(KeyError, node) << "no r in " << 5;
  }
  VisitThrowing(node->r.cast<Node>());
  TVM_FFI_VISIT_END(node);
}

Expected<int> VisitExpected(const Node& node) noexcept {
  TVM_FFI_VISIT_BEGIN();
  if (node->r == nullptr) {
    throw std::runtime_error("std text");
  }
  return VisitExpected(node->r.cast<Node>()).value() + 1;
  TVM_FFI_VISIT_END_RETURN_EXPECTED(node);
}

template <typename F>
Error Thrown(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error("None", "", "");
}

void ExpectNodes(const Error& error, const std::vector<ObjectRef>& nodes) {
  const Optional<VisitErrorContext> context = VisitErrorContext::TryGetFromError(error);
  ASSERT_TRUE(context.has_value());
  const List<ObjectRef>& pattern = context.value()->reverse_visit_pattern;
  ASSERT_EQ(pattern.size(), nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    EXPECT_TRUE(pattern[static_cast<int64_t>(i)].same_as(nodes[i])) << i;
  }
}

class Chain : public ::testing::Test {
 protected:
  const Node leaf_{1};
  const Node mid_{nullptr, leaf_};
  const Node root_{nullptr, mid_};
};
TEST(CppApi, B108_ThrowingAtTheLeafGivesOnePath) {
  const Node leaf(1), inner(nullptr, leaf), root(nullptr, inner);

  const Error error = Thrown([&] { Visit(root); });

  EXPECT_EQ(error.kind(), "ValueError");
  EXPECT_EQ(error.message(), "no r");
  const Optional<VisitErrorContext> context = VisitErrorContext::TryGetFromError(error);
  ASSERT_TRUE(context.has_value());
  const Array<AccessPath> paths = VisitErrorContext::FindAccessPaths(root, context.value());
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(Text(paths[0]), "<root>.r.r");
}

TEST(VisitMacros, AVisitThatEndsWellRecordsNothing) {
  Node leaf(1);
  leaf->note = "stop here";
  EXPECT_NO_THROW(Visit(Node(nullptr, leaf)));
  EXPECT_NO_THROW(VisitThrowing(Node(nullptr, leaf)));
}

using VisitErrorContextTest = Chain;

TEST_F(VisitErrorContextTest, NodesAreRecordedInnermostFirst) {
  const Error error = Thrown([&] { Visit(root_); });
  ExpectNodes(error, {leaf_, mid_, root_});
  EXPECT_FALSE(VisitErrorContext::TryGetFromError(error).value()->prev_error_context.has_value());
}

TEST_F(VisitErrorContextTest, VisitThrowRecordsItsNodeAtOnce) {
  const Error direct = Thrown([&] { TVM_FFI_VISIT_THROW(TypeError, leaf_) << "here"; });
  ExpectNodes(direct, {leaf_});
  EXPECT_NE(direct.backtrace().find("visit_error_context_test.cc"), std::string::npos);
  const Error error = Thrown([&] { VisitThrowing(root_); });
  EXPECT_EQ(error.kind(), "KeyError");
  EXPECT_EQ(error.message(), "no r in 5");
  ExpectNodes(error, {leaf_, leaf_, mid_, root_});
  EXPECT_EQ(Text(VisitErrorContext::FindAccessPaths(
                root_, VisitErrorContext::TryGetFromError(error).value())[0]),
            "<root>.r.r");
}

TEST_F(VisitErrorContextTest, ReturnExpectedTurnsAnyExceptionIntoItsError) {
  const Expected<int> result = VisitExpected(root_);
  ASSERT_TRUE(result.is_err());
  EXPECT_EQ(result.error().kind(), "InternalError");
  EXPECT_EQ(result.error().message(), "std text");
  ExpectNodes(result.error(), {leaf_, mid_, root_});
}

TEST_F(VisitErrorContextTest, OtherExceptionsPassAVisit) {
  const auto visit = [&] {
    TVM_FFI_VISIT_BEGIN();
    throw std::runtime_error("std text");
    TVM_FFI_VISIT_END(root_);
  };
  EXPECT_THROW(visit(), std::runtime_error);
}

TEST_F(VisitErrorContextTest, AnotherExtraContextIsKept) {
  const auto visit = [&](const ObjectRef& extra) {
    TVM_FFI_VISIT_BEGIN();
    throw Error("K", "m", "", std::nullopt, extra);
    TVM_FFI_VISIT_END(root_);
  };
  const Node foreign(5);
  const Error error = Thrown([&] { visit(foreign); });
  ExpectNodes(error, {root_});
  const Optional<ObjectRef> previous =
      VisitErrorContext::TryGetFromError(error).value()->prev_error_context;
  ASSERT_TRUE(previous.has_value());
  EXPECT_TRUE(previous.value().same_as(foreign));
  EXPECT_EQ(foreign.use_count(), 2 + 1);

  const VisitErrorContext own(make_object<VisitErrorContextObj>());
  own->reverse_visit_pattern.push_back(leaf_);
  const Error extended = Thrown([&] { visit(own); });
  ExpectNodes(extended, {leaf_, root_});
  EXPECT_TRUE(extended.extra_context()->same_as(own));
  EXPECT_FALSE(own->prev_error_context.has_value());
}

TEST_F(VisitErrorContextTest, AnErrorWithoutVisitsHasNone) {
  EXPECT_FALSE(VisitErrorContext::TryGetFromError(Error("K", "m", "")).has_value());
  EXPECT_FALSE(
      VisitErrorContext::TryGetFromError(Error("K", "m", "", std::nullopt, leaf_)).has_value());
}

// The error objects of modules built before 0.1.8: after the cell's first 56 bytes, their own data.
TEST_F(VisitErrorContextTest, AnErrorWithoutRoomForAContextIsLeftAlone) {
  Error error("ValueError", "old", "");
  auto* cell = const_cast<ErrorObj*>(error.get());
  cell->cause_chain = const_cast<char*>(cell->kind.data);
  cell->extra_context = reinterpret_cast<void*>(uintptr_t{0x10});
  const auto visit = [&] {
    TVM_FFI_VISIT_BEGIN();
    throw error;
    TVM_FFI_VISIT_END(root_);
  };
  EXPECT_EQ(Thrown(visit).message(), "old");
  EXPECT_EQ(cell->extra_context, reinterpret_cast<void*>(uintptr_t{0x10}));
  cell->cause_chain = nullptr;
  cell->extra_context = nullptr;
}

using FindAccessPaths = Chain;

TEST_F(FindAccessPaths, NodesMustLieInOrderGapsAllowed) {
  EXPECT_EQ(Paths(root_, {leaf_}), "<root>.r.r ");
  EXPECT_EQ(Paths(root_, {leaf_, mid_, root_}), "<root>.r.r ");
  EXPECT_EQ(Paths(root_, {leaf_, root_}), "<root>.r.r ");
  EXPECT_EQ(Paths(root_, {leaf_, leaf_, mid_, mid_, root_}), "<root>.r.r ");
  EXPECT_EQ(Paths(root_, {root_}), "<root> ");
  EXPECT_EQ(Paths(root_, {mid_, leaf_}), "");
  EXPECT_EQ(Paths(root_, {leaf_, Node(1), root_}), "");
  EXPECT_EQ(Paths(root_, {}), "");
  EXPECT_EQ(Paths(root_, {ObjectRef()}), "");
  EXPECT_EQ(Paths(ObjectRef(), {leaf_}), "");
}

TEST_F(FindAccessPaths, EveryWayToANodeIsReported) {
  const Node shared(1);
  const Node dag(shared, Array<Any>{shared, Map<Any, Any>{{"k", shared}, {shared, 1}}});
  EXPECT_EQ(Paths(dag, {shared}), "<root>.l <root>.r[0] <root>.r[1][\"k\"] ");
  EXPECT_EQ(Paths(Node(mid_, mid_), {leaf_, mid_}), "<root>.l.r <root>.r.r ");
}

TEST_F(FindAccessPaths, GoesThroughContainersAndIgnoredFields) {
  const Node root(Array<Any>{Node(Dict<Any, Any>{{2, Node(List<Any>{leaf_})}})});
  EXPECT_EQ(Paths(root, {leaf_}), "<root>.l[0].l[2].l[0] ");
  Node annotated(1, 2);
  annotated->note = leaf_;
  EXPECT_EQ(Paths(annotated, {leaf_}), "<root>.note ");
}

TEST_F(FindAccessPaths, OnlyObjectsWithReflectionMetadataAreAnchors) {
  EXPECT_EQ(Paths(Array<Any>{leaf_}, {leaf_}), "");
  EXPECT_EQ(Paths(Map<Any, Any>{{1, leaf_}}, {leaf_}), "");
  auto opaque = make_object<OpaqueObj>();
  opaque->hidden = leaf_;
  EXPECT_EQ(Paths(ObjectRef(opaque), {leaf_}), "");
  EXPECT_EQ(Paths(Node(ObjectRef(opaque)), {ObjectRef(opaque)}), "");

  const Array<Any> array{leaf_};
  const Node root(array);
  EXPECT_EQ(Paths(root, {array}), "");
  EXPECT_EQ(Paths(root, {leaf_, array, root}), "<root>.l[0] ");
}

TEST_F(FindAccessPaths, PrefixMatchReportsTheEndsBelowTheLastMatch) {
  const Node other(5);
  EXPECT_EQ(Paths(root_, {other, mid_, root_}), "");
  EXPECT_EQ(Paths(root_, {other, mid_, root_}, true), "<root>.r.r ");
  EXPECT_EQ(Paths(root_, {other}, true), "");
  EXPECT_EQ(Paths(root_, {leaf_, mid_, root_}, true), "<root>.r.r ");

  const Node a(1), b(2), c(a, b), d(Array<Any>{Node(7), Node(8)}, Node(9));
  const Node tree(c, d);
  EXPECT_EQ(Paths(tree, {other, c}, true), "<root>.l.l <root>.l.r ");
  EXPECT_EQ(Paths(tree, {other, a}, true), "<root>.l.l ");
  EXPECT_EQ(Paths(tree, {c, tree}, true), "<root>.l <root>.r.l[0] <root>.r.l[1] <root>.r.r ");
  EXPECT_EQ(Paths(tree, {tree}, true), "<root> ");
}

TEST_F(FindAccessPaths, CyclesAreNotFollowed) {
  Node cycle(1, leaf_);
  cycle->l = cycle;
  EXPECT_EQ(Paths(cycle, {leaf_}), "<root>.r ");
  EXPECT_EQ(Paths(cycle, {cycle}), "<root> ");
  EXPECT_EQ(Paths(cycle, {Node(3)}), "");
  cycle->l = nullptr;

  const List<Any> list{1};
  List<Any>(list).push_back(list);
  const Node root(list, leaf_);
  EXPECT_EQ(Paths(root, {leaf_}), "<root>.r ");
  List<Any>(list).clear();
}

// What is below a cut cycle from one side may be found from the other.
TEST_F(FindAccessPaths, ANodeInACycleIsFoundFromEveryEntry) {
  Node a(nullptr), b(a, leaf_);
  a->l = b;
  EXPECT_EQ(Paths(Node(a, b), {leaf_}), "<root>.l.l.r <root>.r.r ");
  a->l = nullptr;
}

TEST_F(FindAccessPaths, SharedSubtreesWithoutTheNodeAreSearchedOnce) {
  Node doubling(1);
  for (int i = 0; i < 60; ++i) doubling = Node(doubling, doubling);
  EXPECT_EQ(Paths(doubling, {Node(2)}), "");
}

TEST_F(FindAccessPaths, DeepStructures) {
  constexpr int kDepth = 20000;
  Node root = leaf_;
  for (int i = 0; i < kDepth; ++i) root = Node(Any(root));
  const VisitErrorContext context(make_object<VisitErrorContextObj>());
  context->reverse_visit_pattern.push_back(leaf_);
  const Array<AccessPath> paths = VisitErrorContext::FindAccessPaths(root, context);
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(paths[0]->depth, kDepth);
}

TEST_F(FindAccessPaths, OfOtherLanguagesAndOfWalks) {
  const Node root(Array<Any>{1, mid_});
  const Error error = Thrown([&] {
    StructuralWalk<WalkOrder::kPostOrder>(root, [&](const Node& node) {
      if (node.same_as(mid_)) TVM_FFI_THROW(ValueError) << "at mid";
      return WalkResult::Advance();
    });
  });
  const Any paths = Function::GetGlobalRequired("ffi.VisitErrorContext.FindAccessPaths")(
      root, VisitErrorContext::TryGetFromError(error).value(), false);
  ASSERT_EQ(paths.cast<Array<AccessPath>>().size(), 1u);
  EXPECT_EQ(Text(paths.cast<Array<AccessPath>>()[0]), "<root>.l[1]");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
