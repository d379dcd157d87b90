// StructuralWalk and visitors: what is visited, in which order, and how a visit ends.
#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/extra/structural_visit.h>

#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/visit_test_types.h"

namespace tvm {
namespace ffi {
namespace {

using tvmffi_test::LetObj;
using tvmffi_test::Make;
using tvmffi_test::Node;
using tvmffi_test::NodeObj;
using tvmffi_test::OpaqueObj;
using tvmffi_test::VarObj;
using tvmffi_test::WideNodeObj;

constexpr WalkOrder kPre = WalkOrder::kPreOrder;
constexpr WalkOrder kPost = WalkOrder::kPostOrder;

// Plain values as they are, objects by their key's last word.
std::string Show(const AnyView& value) {
  std::ostringstream os;
  if (auto boolean = value.as<bool>()) {
    os << (*boolean ? "true" : "false");
  } else if (auto number = value.as<int64_t>()) {
    os << *number;
  } else if (auto real = value.as<double>()) {
    os << *real;
  } else if (auto text = value.as<String>()) {
    os << *text;
  } else {
    const std::string key = value.GetTypeKey();
    os << key.substr(key.rfind('.') + 1);
  }
  return os.str();
}

// What a walk without any say passes, one word each.
template <WalkOrder order>
std::string Trace(const Any& root) {
  std::string trace;
  EXPECT_FALSE(StructuralWalk<order>(root, [&](const Any& value) {
                 trace += Show(value) + " ";
                 return WalkResult::Advance();
               }).has_value());
  return trace;
}

std::string TraceKinds(const Any& root) {
  std::string trace;
  StructuralWalk<kPre>(root, [&](AnyView value, TVMFFIDefRegionKind kind) {
    trace += Show(value) + ":" + std::to_string(kind) + " ";
    return WalkResult::Advance();
  });
  return trace;
}

TEST(StructuralWalk, PreOrderSeesAValueBeforeWhatIsInIt) {
  EXPECT_EQ(Trace<kPre>(Array<Any>{1, Array<Any>{"s", 2.5}, true}), "Array 1 Array s 2.5 true ");
}

TEST(StructuralWalk, PostOrderSeesAValueAfterWhatIsInIt) {
  EXPECT_EQ(Trace<kPost>(Array<Any>{1, Array<Any>{"s", 2.5}, true}), "1 s 2.5 Array true Array ");
}

TEST(StructuralWalk, NoneIsPassedOver) {
  EXPECT_EQ(Trace<kPre>(nullptr), "");
  EXPECT_EQ(Trace<kPre>(Array<Any>{nullptr, 1, nullptr}), "Array 1 ");
  EXPECT_EQ(Trace<kPost>(Node(nullptr, nullptr)), "Node ");
}

TEST(StructuralWalk, ARootMayBeAnyValue) {
  EXPECT_EQ(Trace<kPre>(4), "4 ");
  EXPECT_EQ(Trace<kPre>("raw"), "raw ");
  EXPECT_EQ(Trace<kPost>(Shape({1, 2})), "Shape ");
}

TEST(StructuralWalk, OfMapsTheValuesAreVisited) {
  EXPECT_EQ(Trace<kPre>(Map<Any, Any>{{"k", 1}, {Array<int>{7}, List<Any>{3}}}), "Map 1 List 3 ");
  EXPECT_EQ(Trace<kPost>(Dict<Any, Any>{{"k", 1}, {2, Array<int>{3}}}), "1 3 Array Dict ");
}

TEST(StructuralWalk, OfObjectsTheFieldsAreVisitedAncestorsFirst) {
  Node node("A", "B");
  node->note = "ignored";
  EXPECT_EQ(Trace<kPre>(node), "Node A B ");
  auto wide = make_object<WideNodeObj>();
  wide->l = 1;
  wide->extra = 2;
  EXPECT_EQ(Trace<kPre>(ObjectRef(wide)), "WideNode 1 2 ");
  auto opaque = make_object<OpaqueObj>();
  opaque->hidden = 1;
  EXPECT_EQ(Trace<kPre>(ObjectRef(opaque)), "Opaque ");
}

TEST(StructuralWalk, WhatIsSharedIsVisitedEachTime) {
  const Node shared(1);
  EXPECT_EQ(Trace<kPre>(Array<Any>{shared, shared}), "Array Node 1 Node 1 ");
}

TEST(StructuralWalk, TheFirstParameterSelectsByExactType) {
  std::string seen;
  StructuralWalk<kPre>(Array<Any>{true, 1, 1.0, "s", Bytes("b", 1), Node(2)}, [&](int64_t value) {
    seen += "int" + std::to_string(value) + " ";
    return WalkResult::Advance();
  });
  EXPECT_EQ(seen, "int1 int2 ");
}

TEST(StructuralWalk, TheFirstMatchingCallbackWins) {
  std::string seen;
  StructuralWalk<kPre>(
      Array<Any>{Node(1), Make<WideNodeObj>(), "s", 2},
      [&](const WideNodeObj*) {
        seen += "wide ";
        return WalkResult::Advance();
      },
      [&](const Node& node) {
        seen += "node" + Show(node->l) + " ";
        return WalkResult::Advance();
      },
      [&](const String& text) {
        seen += static_cast<std::string>(text) + " ";
        return WalkResult::Advance();
      },
      [&](const ObjectRef&) {
        seen += "object ";
        return WalkResult::Advance();
      },
      [&](AnyView value) {
        seen += "any" + Show(value) + " ";
        return WalkResult::Advance();
      });
  EXPECT_EQ(seen, "object node1 any1 wide s any2 ");
}

TEST(StructuralWalk, ContainersMatchByTheirElements) {
  int matches = 0;
  StructuralWalk<kPre>(Array<Any>{Array<Any>{1, 2}, Array<Any>{1, "s"}, List<Any>{1}},
                       [&](const Array<int64_t>& numbers) {
                         ++matches;
                         EXPECT_EQ(numbers.size(), 2u);
                         return WalkResult::Advance();
                       });
  EXPECT_EQ(matches, 1);
}

TEST(StructuralWalk, SkipDoesNotGoIntoTheValue) {
  const Array<Any> root{Node(1), 2};
  std::string seen;
  const auto skip_nodes = [&](const Node&) {
    seen += "skip ";
    return WalkResult::Skip();
  };
  const auto note = [&](const Any& value) {
    seen += Show(value) + " ";
    return WalkResult::Advance();
  };
  EXPECT_FALSE(StructuralWalk<kPre>(root, skip_nodes, note).has_value());
  EXPECT_EQ(seen, "Array skip 2 ");
  seen.clear();
  EXPECT_FALSE(StructuralWalk<kPost>(root, skip_nodes, note).has_value());
  EXPECT_EQ(seen, "1 skip 2 Array ");
}

TEST(StructuralWalk, InterruptEndsTheWalkAndCarriesAValue) {
  int calls = 0;
  const auto stop_at_two = [&](int64_t value) {
    ++calls;
    return value == 2 ? WalkResult::Interrupt(VisitInterrupt("hit")) : WalkResult::Advance();
  };
  const Array<Any> root{1, Array<Any>{2}, 3};
  Optional<VisitInterrupt> pre = StructuralWalk<kPre>(root, stop_at_two);
  Optional<VisitInterrupt> post = StructuralWalk<kPost>(root, stop_at_two);

  ASSERT_TRUE(pre.has_value());
  EXPECT_EQ(pre.value()->value.cast<std::string>(), "hit");
  ASSERT_TRUE(post.has_value());
  EXPECT_EQ(calls, 4);
  pre = StructuralWalk<kPre>(1, [](int) { return WalkResult::Interrupt(); });
  ASSERT_TRUE(pre.has_value());
  EXPECT_TRUE(pre.value()->value == nullptr);
}

TEST(StructuralWalk, CallbacksMayReturnExpectedAndBeAnyKindOfCallable) {
  const Expected<Optional<VisitInterrupt>> failed = StructuralWalkExpected<kPre>(
      List<Any>{1, 2},
      [](int) -> Expected<WalkResult> { return Error("ValueError", "from the callback", ""); });
  ASSERT_TRUE(failed.is_err());
  EXPECT_EQ(failed.error().kind(), "ValueError");
  EXPECT_EQ(failed.error().message(), "from the callback");

  int64_t sum = 0;
  TypedFunction<WalkResult(int64_t)> typed = [&](int64_t value) {
    sum += value;
    return WalkResult::Advance();
  };
  const Expected<Optional<VisitInterrupt>> walked =
      StructuralWalkExpected<kPre>(List<Any>{1, 2}, typed);
  ASSERT_TRUE(walked.is_ok());
  EXPECT_FALSE(walked.value().has_value());
  EXPECT_EQ(sum, 3);
}

TEST(StructuralWalk, WhatACallbackThrowsIsThrownOrReturned) {
  const auto fail = [](int64_t) -> WalkResult {
    TVM_FFI_THROW(KeyError) << "boo";
    TVM_FFI_UNREACHABLE();
  };
  EXPECT_ERROR(StructuralWalk<kPre>(Array<Any>{1}, fail), "KeyError", "boo");
  EXPECT_ERROR(StructuralWalk<kPost>(Array<Any>{1}, fail), "KeyError", "boo");
  EXPECT_TRUE(StructuralWalkExpected<kPre>(1, fail).is_err());
}

TEST(StructuralWalk, OtherExceptionsOfACallbackBecomeInternalError) {
  EXPECT_ERROR(StructuralWalk<kPre>(
                   Array<Any>{1}, [](int) -> WalkResult { throw std::runtime_error("std text"); }),
               "InternalError", "std text");
  EXPECT_ERROR_CONTAINS(StructuralWalk<kPost>(Node(1), [](int) -> WalkResult { throw 5; }),
                        "InternalError", "not a std::exception");
}

TEST(StructuralWalk, AnErrorCarriesTheObjectsItLeft) {
  const Node leaf(1), root(Array<Any>{leaf});
  try {
    StructuralWalk<kPre>(root, [&](const Node& node) {
      if (node.same_as(leaf)) TVM_FFI_THROW(ValueError) << "at the leaf";
      return WalkResult::Advance();
    });
    FAIL() << "no error";
  } catch (const Error& error) {
    const Optional<VisitErrorContext> context = VisitErrorContext::TryGetFromError(error);
    ASSERT_TRUE(context.has_value());
    const List<ObjectRef>& pattern = context.value()->reverse_visit_pattern;
    ASSERT_EQ(pattern.size(), 3u);
    EXPECT_TRUE(pattern[0].same_as(leaf));
    EXPECT_TRUE(pattern[1].same_as(root->l.cast<ObjectRef>()));
    EXPECT_TRUE(pattern[2].same_as(root));
  }
}

TEST(StructuralWalk, DefRegionsOfFields) {
  // A pattern defines all that is in it, a var only itself, and what is in a body nothing.
  EXPECT_EQ(TraceKinds(Make<LetObj>(Make<VarObj>(1), Make<VarObj>(2), Make<VarObj>(3))),
            "Let:0 Var:1 1:1 Var:2 2:0 Var:0 3:0 ");
  EXPECT_EQ(TraceKinds(Make<LetObj>(nullptr, Array<Any>{Make<VarObj>(2), 3}, 4)),
            "Let:0 Array:2 Var:2 2:0 3:2 4:0 ");
}

TEST(StructuralWalk, DefRegionsNest) {
  const ObjectRef inner = Make<LetObj>(2, 3, 4);
  EXPECT_EQ(TraceKinds(Make<LetObj>(inner, nullptr, 5)), "Let:0 Let:1 2:1 3:1 4:1 5:0 ");
  EXPECT_EQ(TraceKinds(Make<LetObj>(nullptr, inner, 5)), "Let:0 Let:2 2:1 3:2 4:2 5:0 ");
  EXPECT_EQ(TraceKinds(Make<LetObj>(nullptr, nullptr, inner)), "Let:0 Let:0 2:1 3:2 4:0 ");
}

TEST(StructuralWalk, CallbacksMayChangeWhatIsVisited) {
  List<Any> list{1, 2, 3};
  std::string seen;
  StructuralWalk<kPre>(list, [&](int64_t value) {
    seen += std::to_string(value) + " ";
    if (value == 1) list.push_back(4);
    if (value == 2) list.clear();
    return WalkResult::Advance();
  });
  EXPECT_EQ(seen, "1 2 3 ");
  EXPECT_EQ(list.size(), 0u);

  Dict<Any, Any> dict{{1, 1}, {2, 2}, {3, 3}};
  seen.clear();
  StructuralWalk<kPre>(dict, [&](int64_t value) {
    seen += std::to_string(value) + " ";
    for (int i = 0; i < 100; ++i) dict.Set(100 * value + i, 0);
    return WalkResult::Advance();
  });
  EXPECT_EQ(seen, "1 2 3 ");

  Array<Any> array{1, 2, 3};
  seen.clear();
  StructuralWalk<kPost>(array, [&](int64_t value) {
    seen += std::to_string(value) + " ";
    array = Array<Any>();
    return WalkResult::Advance();
  });
  EXPECT_EQ(seen, "1 2 3 ");

  Node node(Node(1), 2);
  seen.clear();
  StructuralWalk<kPre>(node, [&](int64_t value) {
    seen += std::to_string(value) + " ";
    node->l = nullptr;
    return WalkResult::Advance();
  });
  EXPECT_EQ(seen, "1 2 ");
}

TEST(StructuralWalk, NestingTooDeepForTheStackIsAnError) {
  Any deep = 1;
  for (int i = 0; i < 200000; ++i) deep = Array<Any>{std::move(deep)};
  std::thread([&] {
    EXPECT_ERROR_CONTAINS(StructuralWalk<kPre>(deep, [](int64_t) { return WalkResult::Advance(); }),
                          "RuntimeError", "nests too deeply");
    EXPECT_ERROR_CONTAINS(
        StructuralWalk<kPost>(deep, [](int64_t) { return WalkResult::Advance(); }), "RuntimeError",
        "nests too deeply");
  }).join();
  // One at a time: a chain of deleters is as deep as the value.
  while (auto outer = deep.as<Array<Any>>()) {
    deep = nullptr;
    Any inner = (*outer)[0];
    outer.reset();
    deep = std::move(inner);
  }
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
