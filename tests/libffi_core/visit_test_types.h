// Object types that the tests of structural visits share.
#ifndef TVMFFI_TESTS_LIBFFI_CORE_VISIT_TEST_TYPES_H_
#define TVMFFI_TESTS_LIBFFI_CORE_VISIT_TEST_TYPES_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/reflection/registry.h>

#include <string>
#include <utility>

namespace tvmffi_test {

using tvm::ffi::Any;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;

// A tree node; `note` is not part of its structure.
class NodeObj : public Object {
 public:
  Any l;
  Any r;
  Any note;

  NodeObj() = default;
  NodeObj(Any l, Any r) : l(std::move(l)), r(std::move(r)) {}

  static constexpr bool _type_mutable = true;
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO("test.visit.Node", NodeObj, Object);
};

class Node : public ObjectRef {
 public:
  explicit Node(Any l, Any r = nullptr)
      : ObjectRef(ObjectPtr<Object>(tvm::ffi::make_object<NodeObj>(std::move(l), std::move(r)))) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(Node, ObjectRef, NodeObj);
};

class WideNodeObj : public NodeObj {
 public:
  Any extra;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.visit.WideNode", WideNodeObj, NodeObj);
};

// A variable with a type: free where it is used, defined where a Let defines it.
class VarObj : public Object {
 public:
  Any type;
  VarObj() = default;
  explicit VarObj(Any type) : type(std::move(type)) {}
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindFreeVar;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.visit.Var", VarObj, Object);
};

class LetObj : public Object {
 public:
  Any pattern;  // Everything in it is defined.
  Any var;      // Only it itself is defined.
  Any body;
  LetObj() = default;
  LetObj(Any pattern, Any var, Any body)
      : pattern(std::move(pattern)), var(std::move(var)), body(std::move(body)) {}
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.visit.Let", LetObj, Object);
};

// Nothing about it is registered.
class OpaqueObj : public Object {
 public:
  Any hidden;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.visit.Opaque", OpaqueObj, Object);
};

template <typename T, typename... Args>
ObjectRef Make(Args&&... args) {
  return ObjectRef(ObjectPtr<Object>(tvm::ffi::make_object<T>(std::forward<Args>(args)...)));
}

}  // namespace tvmffi_test

#endif  // TVMFFI_TESTS_LIBFFI_CORE_VISIT_TEST_TYPES_H_
