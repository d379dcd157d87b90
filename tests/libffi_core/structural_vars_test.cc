// Structural equality of variables, graph nodes and constant trees, and hooks at their edges.
#include <gtest/gtest.h>
#include <pthread.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include <functional>
#include <optional>
#include <string>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/structural_compare.h"
#include "tests/libffi_core/structural_types.h"

namespace {

using namespace structural_test;
using tvm::ffi::Map;
using tvm::ffi::StructuralEqual;
using tvm::ffi::StructuralHash;
using AnyMap = Map<Any, Any>;

class StructuralVariables : public testing::Test {
 protected:
  const ObjectRef x = Make<VarObj>("x");
  const ObjectRef y = Make<VarObj>("y");
  const ObjectRef z = Make<VarObj>("z");
  const ObjectRef u = Make<VarObj>("u");
  // Variables that mention others.
  const ObjectRef xu = Make<VarObj>("x", u);
  const ObjectRef yu = Make<VarObj>("y", u);
  const ObjectRef yz = Make<VarObj>("y", z);

  static ObjectRef Func(Any params, Any body) {
    return Make<FuncObj>(std::move(params), std::move(body));
  }
  static ObjectRef Let(Any params, Any body) {
    return Make<LetObj>(std::move(params), std::move(body));
  }
  static Array<Any> List(std::initializer_list<Any> items) { return Array<Any>(items); }
};

TEST_F(StructuralVariables, FreeOnesEqualOnlyThemselves) {
  EXPECT_EQ(Mismatch(x, x), "equal");
  EXPECT_EQ(Mismatch(x, y), "<root> | <root>");
  EXPECT_EQ(Mismatch(List({x, y}), List({x, y})), "equal");
  EXPECT_EQ(Mismatch(List({x, y}), List({y, x})), "<root>[0] | <root>[0]");
}

TEST_F(StructuralVariables, DefinedOnesMatchOneToOne) {
  EXPECT_EQ(Mismatch(Func(List({x}), x), Func(List({y}), y)), "equal");
  EXPECT_EQ(Mismatch(Func(x, List({x, x})), Func(y, List({y, y}))), "equal");
  EXPECT_EQ(Mismatch(Func(List({x}), x), Func(List({y}), x)), "<root>.body | <root>.body");
  EXPECT_EQ(Mismatch(Func(List({x, x}), 1), Func(List({y, z}), 1)),
            "<root>.params[1] | <root>.params[1]");
  EXPECT_EQ(Mismatch(Func(List({x, y}), 1), Func(List({z, z}), 1)),
            "<root>.params[1] | <root>.params[1]");
}

TEST_F(StructuralVariables, AMatchLastsForTheWholeComparison) {
  EXPECT_EQ(Mismatch(List({Func(x, x), x}), List({Func(y, y), y})), "equal");
  EXPECT_EQ(Mismatch(List({Func(x, x), Func(x, x)}), List({Func(y, y), Func(z, z)})),
            "<root>[1].params | <root>[1].params");
  EXPECT_EQ(Mismatch(List({x, Func(x, x)}), List({x, Func(y, y)})),
            "<root>[1].params | <root>[1].params");
  EXPECT_EQ(Mismatch(Func(x, Func(z, x)), Func(y, Func(y, y))),
            "<root>.body.params | <root>.body.params");
}

TEST_F(StructuralVariables, ARecursiveDefinitionCoversWhatAVariableMentions) {
  EXPECT_EQ(Mismatch(Func(xu, xu), Func(yu, yu)), "equal");
  EXPECT_EQ(Mismatch(Func(xu, u), Func(yz, z)), "equal");
  EXPECT_EQ(Mismatch(Func(Make<VarObj>("x", 1), 0), Func(Make<VarObj>("y", 2), 0)),
            "<root>.params.type | <root>.params.type");
}

TEST_F(StructuralVariables, ANonRecursiveDefinitionDoesNot) {
  EXPECT_EQ(Mismatch(Let(x, x), Let(y, y)), "equal");
  EXPECT_EQ(Mismatch(Let(Make<TreeObj>(List({x}), 1), x), Let(Make<TreeObj>(List({y}), 1), y)),
            "equal");
  EXPECT_EQ(Mismatch(Let(AnyMap{{1, x}}, x), Let(AnyMap{{1, y}}, y)), "equal");
  EXPECT_EQ(Mismatch(Let(xu, xu), Let(yu, yu)), "equal");
  EXPECT_EQ(Mismatch(Let(xu, xu), Let(yz, yz)), "<root>.params.type | <root>.params.type");
  EXPECT_EQ(Mismatch(Let(List({u, xu}), u), Let(List({z, yz}), z)), "equal");
  EXPECT_EQ(Mismatch(Let(List({xu, u}), u), Let(List({yz, z}), z)),
            "<root>.params[0].type | <root>.params[0].type");
}

TEST_F(StructuralVariables, AnInnerRegionWidensButNeverNarrows) {
  EXPECT_EQ(Mismatch(Func(Let(xu, 1), 1), Func(Let(yz, 1), 1)), "equal");
  EXPECT_EQ(Mismatch(Let(Func(xu, 1), 1), Let(Func(yz, 1), 1)), "equal");
  EXPECT_EQ(Mismatch(Func(Func(1, x), 1), Func(Func(1, y), 1)), "equal");
}

TEST_F(StructuralVariables, FreeOnesCompareWhatTheyMentionFirst) {
  EXPECT_EQ(Mismatch(Func(u, xu), Func(z, xu)), "<root>.body.type | <root>.body.type");
}

TEST_F(StructuralVariables, MappedEverywhereOnRequest) {
  EXPECT_EQ(Mismatch(x, y, true), "equal");
  EXPECT_EQ(Mismatch(xu, yz, true), "equal");
  EXPECT_EQ(Mismatch(List({x, y, x}), List({y, x, y}), true), "equal");
  EXPECT_EQ(Mismatch(List({x, y, x}), List({y, x, x}), true), "<root>[2] | <root>[2]");
  EXPECT_EQ(Mismatch(List({x, y}), List({z, z}), true), "<root>[1] | <root>[1]");
  EXPECT_EQ(Mismatch(List({x, x}), List({z, y}), true), "<root>[1] | <root>[1]");
}

TEST_F(StructuralVariables, KeysOfMapsFollowTheirMatch) {
  EXPECT_EQ(Mismatch(Func(List({x, y}), AnyMap{{x, 1}, {y, 2}}),
                     Func(List({y, x}), AnyMap{{x, 2}, {y, 1}})),
            "equal");
  EXPECT_EQ(Mismatch(Func(x, AnyMap{{x, 1}}), Func(y, AnyMap{{y, 2}})),
            "<root>.body[?] | <root>.body[?]");
  EXPECT_EQ(Mismatch(Func(x, AnyMap{{x, 1}}), Func(y, AnyMap{{z, 1}})),
            "<root>.body[?] | <root>.body[<missing:?>]");
  EXPECT_EQ(Mismatch(Func(x, AnyMap{}), Func(y, AnyMap{{y, 1}})),
            "<root>.body[<missing:?>] | <root>.body[?]");
  // A key is looked up; it does not match anything by itself.
  EXPECT_EQ(Mismatch(AnyMap{{x, 1}}, AnyMap{{y, 1}}, true), "<root>[?] | <root>[<missing:?>]");
}

TEST_F(StructuralVariables, KeysInTheMissingStepAreThoseOfTheirSide) {
  const auto paths =
      StructuralEqual::GetFirstMismatch(Func(x, AnyMap{{x, 1}}), Func(y, AnyMap{{z, 1}}));
  ASSERT_TRUE(paths.has_value());
  EXPECT_TRUE((*paths).get<0>()->step.value()->key.same_as(x));
  EXPECT_TRUE((*paths).get<1>()->step.value()->key.same_as(y));
}

TEST(StructuralGraphNodes, SharingCounts) {
  const ObjectRef d = Make<GraphObj>(1, 2), e = Make<GraphObj>(1, 2), f = Make<GraphObj>(1, 2);
  EXPECT_EQ(Mismatch(Array<Any>{d, d}, Array<Any>{e, e}), "equal");
  EXPECT_EQ(Mismatch(Array<Any>{d, e}, Array<Any>{e, d}), "equal");
  EXPECT_EQ(Mismatch(Array<Any>{d, d}, Array<Any>{d, e}), "<root>[1] | <root>[1]");
  EXPECT_EQ(Mismatch(Array<Any>{d, e}, Array<Any>{d, d}), "<root>[1] | <root>[1]");
  EXPECT_EQ(Mismatch(Array<Any>{d, d, f}, Array<Any>{e, e, e}), "<root>[2] | <root>[2]");
  EXPECT_EQ(Mismatch(Array<Any>{d, AnyMap{{d, 1}}}, Array<Any>{e, AnyMap{{e, 1}}}), "equal");
}

TEST(StructuralGraphNodes, SharedTreesDoNotCount) {
  const ObjectRef d = Make<TreeObj>(1, 2), e = Make<TreeObj>(1, 2);
  EXPECT_EQ(Mismatch(Array<Any>{d, d}, Array<Any>{d, e}), "equal");
  const ObjectRef c = Make<ConstObj>(1, 2), k = Make<ConstObj>(1, 2);
  EXPECT_EQ(Mismatch(Array<Any>{c, k}, Array<Any>{k, k}), "equal");
}

// 2^200 paths.
TEST(StructuralGraphNodes, AreVisitedOnce) {
  Any lhs = 1, rhs = 1;
  for (int i = 0; i < 200; ++i) {
    lhs = Make<GraphObj>(lhs, lhs);
    rhs = Make<GraphObj>(rhs, rhs);
  }
  EXPECT_EQ(Mismatch(lhs, rhs), "equal");
}

TEST_F(StructuralVariables, AConstantTreeEqualsItselfWithoutALook) {
  const ObjectRef constant = Make<ConstObj>(x, 1), tree = Make<TreeObj>(x, 1),
                  node = Make<GraphObj>(x, 1);
  EXPECT_TRUE(StructuralEqual::Equal(Func(x, constant), Func(y, constant)));
  EXPECT_EQ(Mismatch(Func(x, tree), Func(y, tree)), "<root>.body.a | <root>.body.a");
  EXPECT_EQ(Mismatch(Func(x, node), Func(y, node)), "<root>.body.a | <root>.body.a");
  EXPECT_EQ(Mismatch(Func(x, constant), Func(y, Make<ConstObj>(y, 1))), "equal");
}

TEST_F(StructuralVariables, AHookCanDefineThem) {
  EXPECT_EQ(Mismatch(Make<HookedObj>(x, x), Make<HookedObj>(y, y)), "equal");
  EXPECT_EQ(Mismatch(Make<HookedObj>(xu, u), Make<HookedObj>(yz, z)), "equal");
  EXPECT_EQ(Mismatch(Make<HookedObj>(1, x), Make<HookedObj>(1, y)),
            "<root>.b_part | <root>.b_part");
  EXPECT_EQ(Mismatch(Func(Make<HookedObj>(1, x), x), Func(Make<HookedObj>(1, y), y)), "equal");
}

// Behaves as the test says.
struct ScriptedObj : public Object {
  Any part;
  explicit ScriptedObj(Any part) : part(std::move(part)) {}
  static inline Function equal_script;
  static inline Function hash_script;
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Scripted", ScriptedObj, Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::ObjectDef<ScriptedObj>().def_ro("part", &ScriptedObj::part);
  tvm::ffi::reflection::TypeAttrDef<ScriptedObj>()
      .def("__s_equal__",
           [](const ScriptedObj* self, const ScriptedObj* other, Function equal) {
             return ScriptedObj::equal_script(self->part, other->part, equal).cast<bool>();
           })
      .def("__s_hash__", [](const ScriptedObj* self, int64_t init, Function hash) {
        return ScriptedObj::hash_script(self->part, init, hash).cast<int64_t>();
      });
}

class StructuralHooks : public testing::Test {
 protected:
  using EqualScript = std::function<bool(AnyView, AnyView, Function)>;
  ~StructuralHooks() override {
    ScriptedObj::equal_script = Function(nullptr);
    ScriptedObj::hash_script = Function(nullptr);
  }
  static std::string MismatchWith(EqualScript script, Any lhs, Any rhs) {
    ScriptedObj::equal_script = Function::FromTyped(std::move(script));
    const auto paths = StructuralEqual::GetFirstMismatch(Array<Any>{Make<ScriptedObj>(lhs), 1},
                                                         Array<Any>{Make<ScriptedObj>(rhs), 1});
    return paths.has_value() ? PathText((*paths).get<0>()) : "equal";
  }
};

TEST_F(StructuralHooks, APartWithoutANameAddsNoStep) {
  auto unnamed = [](AnyView a, AnyView b, Function equal) {
    return equal(a, b, 0, nullptr).cast<bool>();
  };
  EXPECT_EQ(MismatchWith(unnamed, 1, 2), "<root>[0]");
  EXPECT_EQ(MismatchWith(unnamed, Array<Any>{1}, Array<Any>{2}), "<root>[0][0]");
}

TEST_F(StructuralHooks, TheHookHasTheLastWord) {
  auto overrule = [](AnyView a, AnyView b, Function equal) {
    equal(a, b, 0, "part");
    return true;
  };
  EXPECT_EQ(MismatchWith(overrule, 1, 2), "equal");
  auto refuse = [](AnyView a, AnyView b, Function equal) {
    return !equal(a, b, 0, "part").cast<bool>();
  };
  EXPECT_EQ(MismatchWith(refuse, 1, 1), "<root>[0]");
}

TEST_F(StructuralHooks, OnlyTheFirstDifferenceIsTraced) {
  auto twice = [](AnyView a, AnyView b, Function equal) {
    const bool first = equal(a, b, 0, "first").cast<bool>();
    const bool second = equal(a, b, 0, "second").cast<bool>();
    return first && second;
  };
  EXPECT_EQ(MismatchWith(twice, 1, 2), "<root>[0].first");
}

TEST_F(StructuralHooks, ErrorsPassThrough) {
  auto fail = [](AnyView, AnyView, Function) -> bool {
    TVM_FFI_THROW(ValueError) << "no comparison today";
    return false;
  };
  EXPECT_ERROR(MismatchWith(fail, 1, 1), "ValueError", "no comparison today");
  auto bad_region = [](AnyView a, AnyView b, Function equal) {
    return equal(a, b, 3, "part").cast<bool>();
  };
  EXPECT_ERROR(MismatchWith(bad_region, 1, 1), "ValueError",
               "the definition region of a structural hook is 0, 1 or 2, not 3");
  ScriptedObj::hash_script =
      Function::FromTyped([](AnyView, int64_t, Function) -> String { return "not a number"; });
  EXPECT_ERROR_CONTAINS(StructuralHash::Hash(Make<ScriptedObj>(1)), "TypeError", "to `int`");
}

TEST_F(StructuralHooks, ACallbackThatOutlivesItsVisitIsAnError) {
  std::optional<Function> kept;
  MismatchWith(
      [&kept](AnyView, AnyView, Function equal) {
        kept = equal;
        return true;
      },
      1, 1);
  EXPECT_ERROR_CONTAINS((*kept)(1, 1, 0, "part"), "RuntimeError", "had ended");

  ScriptedObj::hash_script = Function::FromTyped([&kept](AnyView, int64_t init, Function hash) {
    kept = hash;
    return init;
  });
  StructuralHash::Hash(Make<ScriptedObj>(1));
  EXPECT_ERROR_CONTAINS((*kept)(1, 0, 0), "RuntimeError", "had ended");
}

// A region can also be named by its number.
TEST_F(StructuralHooks, NonRecursiveRegion) {
  auto script = [](AnyView a, AnyView b, Function equal) {
    return equal(a, b, static_cast<int>(kTVMFFIDefRegionKindNonRecursive), "part").cast<bool>();
  };
  const ObjectRef u = Make<VarObj>("u"), z = Make<VarObj>("z");
  EXPECT_EQ(MismatchWith(script, u, z), "equal");
  EXPECT_EQ(MismatchWith(script, Make<VarObj>("x", u), Make<VarObj>("y", z)),
            "<root>[0].part.type");
}

// Its fields are new graph nodes at every look.
struct FactoryObj : public Object {
  static int GetNode(void*, TVMFFIAny* result) {
    *result = tvm::ffi::details::AnyUnsafe::MoveAnyToTVMFFIAny(Make<GraphObj>(1, 2));
    return 0;
  }
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Factory", FactoryObj, Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::ObjectDef<FactoryObj>();
  for (const char* name : {"first", "second", "third"}) {
    TVMFFIFieldInfo field{};
    field.name = TVMFFIByteArray{name, std::char_traits<char>::length(name)};
    field.offset = sizeof(TVMFFIObject);
    field.getter = FactoryObj::GetNode;
    TVMFFITypeRegisterField(FactoryObj::RuntimeTypeIndex(), &field);
  }
}

// The next node may lie where the last one was.
TEST(StructuralGraphNodes, MadeByGettersAreToldApart) {
  const ObjectRef factory = Make<FactoryObj>();
  uint64_t expected = TVMFFIGetTypeInfo(factory.type_index())->type_key_hash;
  uint64_t node_hash = TVMFFIGetTypeInfo(GraphObj::RuntimeTypeIndex())->type_key_hash;
  using tvm::ffi::details::StableHashCombine;
  for (int i : {1, 2}) node_hash = StableHashCombine(node_hash, StructuralHash::Hash(i));
  for (int i : {0, 1, 2}) expected = StableHashCombine(expected, StableHashCombine(node_hash, i));

  EXPECT_EQ(StructuralHash::Hash(factory), expected);
  EXPECT_EQ(Mismatch(factory, Make<FactoryObj>()), "equal");
}

// A field that cannot be read.
struct BrokenObj : public Object {
  static int GetNothing(void*, TVMFFIAny*) {
    TVMFFIErrorSetRaisedFromCStr("ValueError", "nothing to read");
    return -1;
  }
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Broken", BrokenObj, Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::ObjectDef<BrokenObj>();
  TVMFFIFieldInfo field{};
  field.name = TVMFFIByteArray{"broken", 6};
  field.offset = sizeof(TVMFFIObject);
  field.getter = BrokenObj::GetNothing;
  TVMFFITypeRegisterField(BrokenObj::RuntimeTypeIndex(), &field);
}

TEST(StructuralFields, ErrorsOfGettersPassThrough) {
  const ObjectRef broken = Make<BrokenObj>();
  EXPECT_ERROR(StructuralEqual::Equal(broken, broken), "ValueError", "nothing to read");
  EXPECT_ERROR(StructuralHash::Hash(Array<Any>{broken}), "ValueError", "nothing to read");
}

Any Nested(int depth) {
  Any value = 1;
  for (int i = 0; i < depth; ++i) value = Array<Any>{value};
  return value;
}

// Runs `body` on a thread with a stack of this many bytes.
void RunOnStack(size_t size, std::function<void()> body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, size), 0);
  auto call = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, call, &body), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(StructuralDepth, DeepValuesAreFine) {
  const Any lhs = Nested(1000), rhs = Nested(1000);
  RunOnStack(8 << 20, [&] {
    EXPECT_TRUE(StructuralEqual::Equal(lhs, rhs));
    EXPECT_EQ(StructuralHash::Hash(lhs), StructuralHash::Hash(rhs));
  });
}

// The thread sanitizer keeps 0.8 MiB of its own on every thread's stack.
#if defined(__SANITIZE_THREAD__)
constexpr size_t kSmallStack = 1280 << 10;
#else
constexpr size_t kSmallStack = 256 << 10;
#endif

// The limit is the stack at hand, not a number.
TEST(StructuralDepth, WhatTheStackCannotHoldIsAnError) {
  const Any lhs = Nested(5000), rhs = Nested(5000);
  RunOnStack(kSmallStack, [&] {
    EXPECT_ERROR(StructuralEqual::Equal(lhs, rhs), "RuntimeError",
                 "cannot compare: the value nests too deeply for the stack of this thread");
    EXPECT_ERROR(StructuralHash::Hash(lhs), "RuntimeError",
                 "cannot hash: the value nests too deeply for the stack of this thread");
    EXPECT_TRUE(StructuralEqual::Equal(Nested(10), Nested(10)));
  });
}

}  // namespace
