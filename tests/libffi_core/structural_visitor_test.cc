// Visitors of one's own, the hook `__s_visit__`, and visits from other languages.
#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tuple.h>
#include <tvm/ffi/extra/structural_visit.h>

#include <string>
#include <vector>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/visit_test_types.h"

namespace tvm {
namespace ffi {
namespace {

namespace refl = reflection;
using tvmffi_test::LetObj;
using tvmffi_test::Make;
using tvmffi_test::Node;
using tvmffi_test::NodeObj;
using tvmffi_test::WideNodeObj;
using VisitResult = Expected<Optional<VisitInterrupt>>;

// Writes down what it visits; stops at `stop_at`.
class RecordingVisitorObj : public StructuralVisitorObj {
 public:
  std::string record;
  int64_t stop_at = -1;
  RecordingVisitorObj() : StructuralVisitorObj(&kVTable) {}

 private:
  static TVMFFIAny VisitImpl(StructuralVisitorObj* self, AnyView value) noexcept {
    return details::ExpectedUnsafe::MoveToTVMFFIAny(
        static_cast<RecordingVisitorObj*>(self)->Record(value));
  }
  static constexpr StructuralVisitorVTable kVTable = {&VisitImpl};

  VisitResult Record(AnyView value) {
    if (auto number = value.as<int64_t>()) {
      record += std::to_string(*number);
      if (*number == stop_at) return Optional<VisitInterrupt>(VisitInterrupt(*number));
    } else {
      record += value.GetTypeKey();
    }
    record += ":" + std::to_string(def_region_kind()) + " ";
    return DefaultVisitExpected(value);
  }
};

// The hooks: visit only the second child.
VisitResult VisitRight(StructuralVisitorObj* visitor, const AnyView& value) {
  const auto* node = value.as<NodeObj>();
  TVM_FFI_S_VISIT_MAYBE_EARLY_RETURN(visitor->VisitExpected(node->r));
  return Optional<VisitInterrupt>();
}
TVMFFIAny OpaqueHook(StructuralVisitorObj* visitor, AnyView value) noexcept {
  return details::ExpectedUnsafe::MoveToTVMFFIAny(VisitRight(visitor, value));
}

#define HOOKED_TYPE(Name)                                                       \
  class Name##Obj : public NodeObj {                                            \
   public:                                                                      \
    using NodeObj::NodeObj;                                                     \
    TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.visit." #Name, Name##Obj, NodeObj); \
  }
HOOKED_TYPE(OpaqueHooked);
HOOKED_TYPE(FunctionHooked);
HOOKED_TYPE(BadlyHooked);
HOOKED_TYPE(WronglyReturning);
HOOKED_TYPE(Throwing);
HOOKED_TYPE(Keeping);

StructuralVisitor* kept_visitor = nullptr;

TVM_FFI_STATIC_INIT_BLOCK() {
  const char* hook = refl::type_attr::kStructuralVisit;
  refl::TypeAttrDef<OpaqueHookedObj>().attr(hook, reinterpret_cast<void*>(&OpaqueHook));
  refl::TypeAttrDef<FunctionHookedObj>().def(hook, [](StructuralVisitor visitor, AnyView value) {
    return visitor->Visit(value.as<NodeObj>()->r);
  });
  refl::TypeAttrDef<BadlyHookedObj>().attr(hook, 5);
  refl::TypeAttrDef<WronglyReturningObj>().def(hook, [](StructuralVisitor, AnyView) { return 77; });
  refl::TypeAttrDef<ThrowingObj>().def(hook, [](StructuralVisitor, AnyView) -> Any {
    TVM_FFI_THROW(KeyError) << "from the hook";
    TVM_FFI_UNREACHABLE();
  });
  refl::TypeAttrDef<KeepingObj>().def(hook, [](StructuralVisitor visitor, AnyView) {
    kept_visitor = new StructuralVisitor(visitor);
    return Any();
  });
}

ObjectPtr<RecordingVisitorObj> NewRecorder() { return make_object<RecordingVisitorObj>(); }

std::string WalkNumbers(const Any& root) {
  std::string seen;
  StructuralWalk<WalkOrder::kPreOrder>(root, [&](int64_t value) {
    seen += std::to_string(value) + " ";
    return WalkResult::Advance();
  });
  return seen;
}

TEST(StructuralVisitor, DefaultVisitGoesThroughTheFunctionInTheTable) {
  ObjectPtr<RecordingVisitorObj> visitor = NewRecorder();
  EXPECT_FALSE(visitor->Visit(Array<Any>{1, nullptr, Make<LetObj>(2, 3, 4)}).has_value());
  EXPECT_EQ(visitor->record, "ffi.Array:0 1:0 None:0 test.visit.Let:0 2:1 3:2 4:0 ");
}

TEST(StructuralVisitor, AnInterruptEndsTheVisit) {
  ObjectPtr<RecordingVisitorObj> visitor = NewRecorder();
  visitor->stop_at = 2;
  const Optional<VisitInterrupt> interrupt = visitor->Visit(Node(Array<Any>{1, 2, 3}, 4));
  ASSERT_TRUE(interrupt.has_value());
  EXPECT_EQ(interrupt.value()->value.cast<int>(), 2);
  EXPECT_EQ(visitor->record, "test.visit.Node:0 ffi.Array:0 1:0 2");
}

TEST(StructuralVisitor, WithDefRegionKindHoldsDuringTheCallbackOnly) {
  ObjectPtr<RecordingVisitorObj> visitor = NewRecorder();
  const int result = visitor->WithDefRegionKind(kTVMFFIDefRegionKindNonRecursive, [&] {
    visitor->Visit(1);
    visitor->WithDefRegionKind(kTVMFFIDefRegionKindRecursive, [&] { return visitor->Visit(2); });
    visitor->Visit(3);
    return 9;
  });
  visitor->Visit(4);
  EXPECT_EQ(result, 9);
  EXPECT_EQ(visitor->record, "1:2 2:1 3:2 4:0 ");
  EXPECT_ERROR(visitor->WithDefRegionKind(kTVMFFIDefRegionKindRecursive,
                                          []() -> int {
                                            TVM_FFI_THROW(KeyError) << "inside";
                                            TVM_FFI_UNREACHABLE();
                                          }),
               "KeyError", "inside");
  EXPECT_EQ(visitor->def_region_kind(), kTVMFFIDefRegionKindNone);
}

TEST(StructuralVisitor, ATypeSaysWhatIsVisitedInIt) {
  EXPECT_EQ(WalkNumbers(Make<OpaqueHookedObj>(1, 2)), "2 ");
  EXPECT_EQ(WalkNumbers(Array<Any>{Make<FunctionHookedObj>(1, Node(2, 3))}), "2 3 ");
}

TEST(StructuralVisitor, InterruptsAndErrorsPassThroughHooks) {
  for (const ObjectRef& hooked :
       {Make<OpaqueHookedObj>(1, Array<Any>{2, 3}), Make<FunctionHookedObj>(1, Array<Any>{2, 3})}) {
    const auto stop = [](int64_t value) { return WalkResult::Interrupt(VisitInterrupt(value)); };
    const Optional<VisitInterrupt> interrupt = StructuralWalk<WalkOrder::kPreOrder>(hooked, stop);
    ASSERT_TRUE(interrupt.has_value());
    EXPECT_EQ(interrupt.value()->value.cast<int>(), 2);
    const auto fail = [](int64_t) -> WalkResult {
      TVM_FFI_THROW(KeyError) << "boo";
      TVM_FFI_UNREACHABLE();
    };
    EXPECT_ERROR(StructuralWalk<WalkOrder::kPostOrder>(hooked, fail), "KeyError", "boo");
  }
}

TEST(StructuralVisitor, HooksThatFailAreErrors) {
  EXPECT_ERROR(WalkNumbers(Make<BadlyHookedObj>()), "TypeError",
               "__s_visit__ must be an opaque function pointer or ffi.Function");
  EXPECT_ERROR(WalkNumbers(Make<WronglyReturningObj>()), "TypeError",
               "CallExpected: result type mismatch, expected Optional<ffi.VisitInterrupt>, but got "
               "int");
  EXPECT_ERROR(WalkNumbers(Array<Any>{Make<ThrowingObj>()}), "KeyError", "from the hook");
}

TEST(StructuralVisitor, AWalksVisitorIsOfNoUseAfterTheWalk) {
  WalkNumbers(Make<KeepingObj>(1, 2));
  ASSERT_NE(kept_visitor, nullptr);
  EXPECT_ERROR_CONTAINS((*kept_visitor)->Visit(1), "RuntimeError", "has ended");
  const Function copy = Function::GetGlobalRequired("ffi.StructuralVisitorDefRegionKind");
  EXPECT_EQ(copy(*kept_visitor).cast<int>(), 0);
  delete kept_visitor;
  kept_visitor = nullptr;
}

TEST(StructuralVisitor, ErrorContextMacroRecordsItsNode) {
  const Node node(1);
  const auto visit = [&](StructuralVisitorObj* visitor) -> VisitResult {
    TVM_FFI_S_VISIT_MAYBE_EARLY_RETURN_WITH_ERROR_CONTEXT(visitor->VisitExpected(node->l), node);
    TVM_FFI_S_VISIT_MAYBE_EARLY_RETURN_WITH_ERROR_CONTEXT(
        VisitResult(Error("ValueError", "late", "")), node);
    return Optional<VisitInterrupt>();
  };
  const auto visit_or_throw = [&](StructuralVisitorObj* visitor) -> Optional<VisitInterrupt> {
    TVM_FFI_S_VISIT_MAYBE_EARLY_RETURN(visitor->Visit(node));
    return std::nullopt;
  };
  ObjectPtr<RecordingVisitorObj> visitor = NewRecorder();

  const VisitResult failed = visit(visitor.get());
  ASSERT_TRUE(failed.is_err());
  const Optional<VisitErrorContext> context = VisitErrorContext::TryGetFromError(failed.error());
  ASSERT_TRUE(context.has_value());
  ASSERT_EQ(context.value()->reverse_visit_pattern.size(), 1u);
  EXPECT_TRUE(context.value()->reverse_visit_pattern[0].same_as(node));

  visitor->stop_at = 1;
  EXPECT_TRUE(visit(visitor.get()).value().has_value());
  EXPECT_TRUE(visit_or_throw(visitor.get()).has_value());
  visitor->stop_at = 5;
  EXPECT_FALSE(visit_or_throw(visitor.get()).has_value());
}

TEST(StructuralVisitor, OfOtherLanguages) {
  const Function visit = Function::GetGlobalRequired("ffi.StructuralVisitorVisit");
  const Function kind = Function::GetGlobalRequired("ffi.StructuralVisitorDefRegionKind");
  const Function with_kind = Function::GetGlobalRequired("ffi.StructuralVisitorWithDefRegionKind");
  ObjectPtr<RecordingVisitorObj> recorder = NewRecorder();
  recorder->stop_at = 5;
  const StructuralVisitor visitor(recorder);

  EXPECT_TRUE(visit(visitor, 1) == nullptr);
  EXPECT_EQ(visit(visitor, 5).cast<VisitInterrupt>()->value.cast<int>(), 5);
  const Any result = with_kind(visitor, 2, Function::FromTyped([&] {
                                 visit(visitor, 3);
                                 return kind(visitor);
                               }));
  EXPECT_EQ(result.cast<int>(), 2);
  EXPECT_EQ(kind(visitor).cast<int>(), 0);
  EXPECT_EQ(recorder->record, "1:0 53:2 ");
  EXPECT_ERROR(with_kind(visitor, 3, kind), "ValueError", "a def-region kind is 0, 1 or 2, not 3");
}

TEST(VisitInterrupt, OfOtherLanguages) {
  const Function make = Function::GetGlobalRequired("ffi.VisitInterrupt");
  EXPECT_EQ(make("x").cast<VisitInterrupt>()->value.cast<std::string>(), "x");
  EXPECT_EQ(make(nullptr).type_index(), kTVMFFIVisitInterrupt);
}

TEST(WalkResult, ConvertsToAndFromNumbers) {
  EXPECT_EQ(Any(WalkResult::Advance()).cast<int>(), 0);
  EXPECT_EQ(Any(WalkResult::Skip()).cast<int>(), 1);
  EXPECT_EQ(Any(WalkResult::Interrupt(VisitInterrupt(3))).type_index(), kTVMFFIVisitInterrupt);
  EXPECT_EQ(Any(Any(nullptr).cast<WalkResult>()).cast<int>(), 0);
  EXPECT_EQ(Any(Any(true).cast<WalkResult>()).cast<int>(), 1);
  EXPECT_FALSE(Any(true).as<WalkResult>().has_value());
  EXPECT_TRUE(Any(1).as<WalkResult>().has_value());
  EXPECT_ERROR(Any("x").cast<WalkResult>(), "TypeError",
               "Cannot convert from type `ffi.SmallStr` to `WalkResult`");
}

// ffi.StructuralWalk, with callbacks by type index.
class ForeignWalk : public ::testing::Test {
 protected:
  using Callback = Tuple<int64_t, Function>;

  Callback Note(int64_t type_index, const std::string& name, Any answer = nullptr) {
    return Callback(type_index, Function::FromTyped([this, name, answer](const Any& value) {
                      Write(name, value);
                      return answer;
                    }));
  }
  Callback NoteKind(int64_t type_index, const std::string& name) {
    return Callback(type_index, Function::FromTyped([this, name](const Any& value, int64_t kind) {
                      Write(name + std::to_string(kind), value);
                    }));
  }
  Any Walk(const Any& root, const Array<Callback>& callbacks, const Array<Callback>& with_kind,
           int64_t order = 0) {
    record_.clear();
    return Function::GetGlobalRequired("ffi.StructuralWalk")(root, callbacks, with_kind, order);
  }

  std::string record_;

 private:
  void Write(const std::string& name, const Any& value) {
    const auto number = value.as<int64_t>();
    record_ += name + "(" + (number ? std::to_string(*number) : value.GetTypeKey()) + ") ";
  }
};

TEST_F(ForeignWalk, CallbacksAreChosenByTypeIndex) {
  const Array<Any> root{
      1, true, "s", String("a long string here"), Bytes("b", 1), nullptr, Make<WideNodeObj>()};
  const auto seen_by = [&](int64_t type_index) {
    Walk(root, {Note(type_index, "f")}, {});
    return record_;
  };
  EXPECT_EQ(seen_by(kTVMFFIInt), "f(1) ");
  EXPECT_EQ(seen_by(kTVMFFIBool), "f(bool) ");
  EXPECT_EQ(seen_by(kTVMFFIStr), "f(ffi.SmallStr) f(ffi.String) ");
  EXPECT_EQ(seen_by(kTVMFFISmallStr), "f(ffi.SmallStr) ");
  EXPECT_EQ(seen_by(kTVMFFIBytes), "f(ffi.SmallBytes) ");
  EXPECT_EQ(seen_by(kTVMFFINone), "");
  EXPECT_EQ(seen_by(kTVMFFIList), "");
  EXPECT_EQ(seen_by(NodeObj::RuntimeTypeIndex()), "f(test.visit.WideNode) ");
  EXPECT_EQ(seen_by(kTVMFFIObject), "f(ffi.Array) f(ffi.String) f(test.visit.WideNode) ");
  EXPECT_EQ(seen_by(kTVMFFIAny),
            "f(ffi.Array) f(1) f(bool) f(ffi.SmallStr) f(ffi.String) f(ffi.SmallBytes) "
            "f(test.visit.WideNode) ");
  EXPECT_EQ(seen_by(999999), "");
}

TEST_F(ForeignWalk, TheFirstMatchWinsAndTheOnesWithKindComeLast) {
  Walk(Array<Any>{1, true, "s"}, {Note(kTVMFFIInt, "a"), Note(kTVMFFIInt, "b")},
       {NoteKind(kTVMFFIInt, "c"), NoteKind(kTVMFFIBool, "d"), NoteKind(kTVMFFIAny, "e")});
  EXPECT_EQ(record_, "e0(ffi.Array) a(1) d0(bool) e0(ffi.SmallStr) ");
  Walk(Make<LetObj>(1, 2, 3), {}, {NoteKind(kTVMFFIInt, "k")});
  EXPECT_EQ(record_, "k1(1) k2(2) k0(3) ");
}

TEST_F(ForeignWalk, AnAnswerOfNoneMeansAdvance) {
  const Array<Any> root{Node(1), 2};
  const int64_t node = NodeObj::RuntimeTypeIndex();
  const auto seen_with = [&](Any answer) {
    Walk(root, {Note(node, "n", answer), Note(kTVMFFIInt, "i")}, {});
    return record_;
  };
  EXPECT_EQ(seen_with(nullptr), "n(test.visit.Node) i(1) i(2) ");
  EXPECT_EQ(seen_with(0), "n(test.visit.Node) i(1) i(2) ");
  EXPECT_EQ(seen_with(1), "n(test.visit.Node) i(2) ");
}

TEST_F(ForeignWalk, InterruptsAndErrors) {
  const Array<Any> root{1, 2};
  EXPECT_TRUE(Walk(root, {}, {}) == nullptr);
  const Any interrupt = Walk(root, {Note(kTVMFFIInt, "i", VisitInterrupt(7))}, {});
  EXPECT_EQ(interrupt.cast<VisitInterrupt>()->value.cast<int>(), 7);
  EXPECT_ERROR(Walk(root, {Note(kTVMFFIInt, "i", Error("ValueError", "returned", ""))}, {}),
               "ValueError", "returned");
  EXPECT_ERROR(Walk(root, {Note(kTVMFFIInt, "i", "x")}, {}), "TypeError",
               "CallExpected: result type mismatch, expected WalkResult, but got ffi.SmallStr");
  EXPECT_ERROR(Walk(root, {}, {}, 2), "ValueError",
               "the order of a walk is 0 (pre) or 1 (post), not 2");
  EXPECT_ERROR(Walk(root, {Callback(kTVMFFIAny, Function(nullptr))}, {}), "TypeError",
               "a callback of StructuralWalk is None");
}

TEST_F(ForeignWalk, PostOrder) {
  Walk(Node(1, Array<Any>{2}), {Note(kTVMFFIAny, "f")}, {}, 1);
  EXPECT_EQ(record_, "f(1) f(2) f(ffi.Array) f(test.visit.Node) ");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
