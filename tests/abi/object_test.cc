#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include <stdexcept>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

class ShapeNode : public Object {
 public:
  int64_t id = 0;
  static constexpr bool _type_mutable = true;
  static constexpr int _type_child_slots = 2;
  TVM_FFI_DECLARE_OBJECT_INFO("abi.test.Base", ShapeNode, Object);
};
class DerivedNode : public ShapeNode {
 public:
  static constexpr int _type_child_slots = 0;
  TVM_FFI_DECLARE_OBJECT_INFO("abi.test.Derived", DerivedNode, ShapeNode);
};
class LateNode : public ShapeNode {
 public:
  static constexpr int _type_child_slots = 1;
  TVM_FFI_DECLARE_OBJECT_INFO("abi.test.Late", LateNode, ShapeNode);
};
class FinalNode : public Object {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("abi.test.Final", FinalNode, Object);
};
class BaseRef : public ObjectRef {
 public:
  explicit BaseRef(int64_t id) : ObjectRef(UnsafeInit{}) {
    ObjectPtr<ShapeNode> node = make_object<ShapeNode>();
    node->id = id;
    data_ = std::move(node);
  }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(BaseRef, ObjectRef, ShapeNode);
};
class DerivedRef : public BaseRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(DerivedRef, BaseRef, DerivedNode);
};
class NullableRef : public ObjectRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(NullableRef, ObjectRef, FinalNode);
};
class VirtualNode : public Object {
 public:
  VirtualNode() = default;
  virtual ~VirtualNode() { ++destroyed; }
  virtual int Answer() const { return 42; }
  static int destroyed;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("abi.test.Virtual", VirtualNode, Object);
};
int VirtualNode::destroyed = 0;
class ThrowingNode : public Object {
 public:
  ThrowingNode() { throw std::logic_error("no"); }
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("abi.test.Throwing", ThrowingNode, Object);
};
class MirrorNode : public Object {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_LOOKUP("abi.test.Base", 1);
};
class UnknownNode : public Object {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_LOOKUP("abi.test.NoSuchType", 1);
};

TEST(CppApi, B77_InstanceChecks) {
  const ObjectPtr<DerivedNode> derived = make_object<DerivedNode>();
  EXPECT_TRUE(derived->IsInstance<ShapeNode>());
  EXPECT_TRUE(derived->IsInstance<Object>());
  EXPECT_FALSE(derived->IsInstance<FinalNode>());
  EXPECT_FALSE(make_object<ShapeNode>()->IsInstance<DerivedNode>());
  EXPECT_TRUE(make_object<LateNode>()->IsInstance<ShapeNode>());
  const ObjectRef ref{ObjectPtr<Object>(derived)};
  EXPECT_TRUE(ref.as<BaseRef>().has_value());
  EXPECT_NE(ref.as<DerivedNode>(), nullptr);
  EXPECT_EQ(ref.as<FinalNode>(), nullptr);
  EXPECT_FALSE(ref.as<NullableRef>().has_value());
  EXPECT_EQ(DerivedNode::_type_depth, 2);
  EXPECT_TRUE(details::RuntimeTypeIndexMatch(DerivedNode::RuntimeTypeIndex(),
                                             ShapeNode::RuntimeTypeIndex()));
  EXPECT_FALSE(details::RuntimeTypeIndexMatch(ShapeNode::RuntimeTypeIndex(),
                                              DerivedNode::RuntimeTypeIndex()));
}

TEST(CppApi, B78_NullReferences) {
  const ObjectRef null;
  EXPECT_EQ(null.as<ShapeNode>(), nullptr);
  EXPECT_TRUE(null.as<NullableRef>().has_value());
  EXPECT_FALSE(null.as<Error>().has_value());
  EXPECT_EQ(null.GetTypeKey(), "None");
  EXPECT_EQ(null.type_index(), 0);
  EXPECT_ERROR(null.as_or_throw<BaseRef>(), "TypeError",
               "Cannot treat type `None` as type `abi.test.Base`");
}

TEST(CppApi, B79_WeakPointers) {
  ObjectPtr<ShapeNode> strong = make_object<ShapeNode>();
  WeakObjectPtr<ShapeNode> weak = strong;
  {
    ObjectPtr<ShapeNode> locked = weak.lock();
    EXPECT_EQ(strong.use_count(), 2);
    EXPECT_TRUE(locked == strong);
  }
  strong.reset();
  EXPECT_TRUE(weak.expired());
  EXPECT_TRUE(weak.lock() == nullptr);
}

TEST(CppApi, B80_NoneIsNoArc) {
  EXPECT_FALSE(Any(nullptr).as<Arc<ShapeNode>>().has_value());
  EXPECT_TRUE(Any(nullptr).as<ObjectPtr<ShapeNode>>().has_value());
  EXPECT_ERROR_CONTAINS(Any(nullptr).cast<Arc<ShapeNode>>(), "TypeError",
                        "`None` to `abi.test.Base`");
  const Arc<ShapeNode> arc = make_arc<DerivedNode>();
  EXPECT_EQ(Any(arc).cast<Arc<DerivedNode>>().use_count(), 2);
}

TEST(CppApi, B81_PolymorphicObjects) {
  {
    const ObjectPtr<VirtualNode> ptr = make_object<VirtualNode>();
    const Any any = ptr;
    EXPECT_EQ(any.as<VirtualNode>()->Answer(), 42);
    EXPECT_EQ(details::ObjectUnsafe::GetObjectOffsetToSubclass<VirtualNode>(), 8);
    const char* header = reinterpret_cast<const char*>(details::ObjectUnsafe::GetHeader(ptr.get()));
    EXPECT_EQ(header - reinterpret_cast<const char*>(ptr.get()), 8);
  }
  EXPECT_EQ(VirtualNode::destroyed, 1);
}

TEST(CppApi, B82_ThrowingConstructor) {
  EXPECT_THROW(make_object<ThrowingNode>(), std::logic_error);
}

TEST(CppApi, B29_ObjectArguments) {
  const Function take = Function::FromTyped([](BaseRef ref) { return ref->id; });
  EXPECT_ERROR_CONTAINS(take(nullptr), "TypeError", "Expected `abi.test.Base` but got `None`");
  EXPECT_ERROR_CONTAINS(take(Array<int>()), "TypeError", "but got `ffi.Array`");
  EXPECT_EQ(take(BaseRef(5)).cast<int>(), 5);
  const Function borrow = Function::FromTyped([](const ShapeNode* node) { return node->id; });
  EXPECT_EQ(borrow(BaseRef(6)).cast<int>(), 6);
  EXPECT_ERROR_CONTAINS(borrow(nullptr), "TypeError", "but got `None`");
}

TEST(Object, MirrorClassesLookTheirTypeUp) {
  EXPECT_TRUE(make_object<ShapeNode>()->IsInstance<MirrorNode>());
  EXPECT_ERROR_CONTAINS(UnknownNode::RuntimeTypeIndex(), "InternalError",
                        "Cannot find type `abi.test.NoSuchType`");
}

TEST(Object, GetRefSharesOwnership) {
  const ObjectPtr<ShapeNode> node = make_object<ShapeNode>();
  const BaseRef ref = GetRef<BaseRef>(node.get());
  EXPECT_EQ(node.use_count(), 2);
  EXPECT_EQ(GetObjectPtr<Object>(node.get()).use_count(), 3);
  EXPECT_ERROR_CONTAINS(GetRef<BaseRef>(static_cast<const ShapeNode*>(nullptr)), "InternalError",
                        "Check not null: ptr ");
  EXPECT_FALSE(GetRef<NullableRef>(static_cast<const FinalNode*>(nullptr)).defined());
  static_assert(!object_ref_contains_v<Array<int>, ArrayObj>);
}

TEST(Object, WeakReferencesKeepTheMemoryNotTheObject) {
  VirtualNode::destroyed = 0;
  ObjectPtr<VirtualNode> strong = make_object<VirtualNode>();
  const WeakObjectPtr<VirtualNode> weak = strong;
  strong = nullptr;
  EXPECT_EQ(VirtualNode::destroyed, 1);
  EXPECT_EQ(weak.use_count(), 0);
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
