// Object types of every structural kind, for the tests of structural equality, hash and key.
#ifndef TVMFFI_TESTS_LIBFFI_CORE_STRUCTURAL_TYPES_H_
#define TVMFFI_TESTS_LIBFFI_CORE_STRUCTURAL_TYPES_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/string.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace structural_test {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Function;
using tvm::ffi::Object;
using tvm::ffi::ObjectRef;
using tvm::ffi::String;
using tvm::ffi::TypedFunction;
using tvm::ffi::UnsafeInit;

// An int and a string.
struct PairObj : public Object {
  int64_t x{0};
  String s;
  explicit PairObj(UnsafeInit) {}
  PairObj(int64_t x, String s) : x(x), s(std::move(s)) {}
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO("structural.Pair", PairObj, Object);
};

// Inherits the kind and two fields.
struct TripleObj : public PairObj {
  int64_t z{0};
  explicit TripleObj(UnsafeInit tag) : PairObj(tag) {}
  TripleObj(int64_t x, String s, int64_t z) : PairObj(x, std::move(s)), z(z) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Triple", TripleObj, PairObj);
};

// Two values in a node of each kind.
template <TVMFFISEqHashKind kKind>
struct NodeObj : public Object {
  Any a;
  Any b;
  explicit NodeObj(UnsafeInit) {}
  NodeObj(Any a, Any b) : a(std::move(a)), b(std::move(b)) {}
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kKind;
};
struct TreeObj : public NodeObj<kTVMFFISEqHashKindTreeNode> {
  using NodeObj::NodeObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Tree", TreeObj, Object);
};
struct GraphObj : public NodeObj<kTVMFFISEqHashKindDAGNode> {
  using NodeObj::NodeObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Graph", GraphObj, Object);
};
struct ConstObj : public NodeObj<kTVMFFISEqHashKindConstTreeNode> {
  using NodeObj::NodeObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Const", ConstObj, Object);
};
struct UniqueObj : public NodeObj<kTVMFFISEqHashKindUniqueInstance> {
  using NodeObj::NodeObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Unique", UniqueObj, Object);
};
struct UnsupportedObj : public NodeObj<kTVMFFISEqHashKindUnsupported> {
  using NodeObj::NodeObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Unsupported", UnsupportedObj, Object);
};
// Never registered for reflection.
struct UnregisteredObj : public NodeObj<kTVMFFISEqHashKindTreeNode> {
  using NodeObj::NodeObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Unregistered", UnregisteredObj, Object);
};

// A variable: its name is ignored, its type counts.
struct VarObj : public Object {
  String name;
  Any type;
  explicit VarObj(UnsafeInit) {}
  explicit VarObj(String name, Any type = Any()) : name(std::move(name)), type(std::move(type)) {}
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindFreeVar;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Var", VarObj, Object);
};

// Parameters define variables, together with what those mention; the comment is ignored.
struct FuncObj : public Object {
  Any params;
  Any body;
  String comment;
  explicit FuncObj(UnsafeInit) {}
  FuncObj(Any params, Any body, String comment = String())
      : params(std::move(params)), body(std::move(body)), comment(std::move(comment)) {}
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Func", FuncObj, Object);
};

// Parameters define variables, but not what those mention.
struct LetObj : public Object {
  Any params;
  Any body;
  explicit LetObj(UnsafeInit) {}
  LetObj(Any params, Any body) : params(std::move(params)), body(std::move(body)) {}
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Let", LetObj, Object);
};

// Compared and hashed by hooks: `a` defines variables, `hidden` does not count.
struct HookedObj : public Object {
  Any a;
  Any b;
  int64_t hidden;
  HookedObj(Any a, Any b, int64_t hidden = 0) : a(std::move(a)), b(std::move(b)), hidden(hidden) {}
  bool SEqual(const HookedObj* other,
              TypedFunction<bool(AnyView, AnyView, bool, AnyView)> equal) const {
    return equal(a, other->a, true, "a_part") && equal(b, other->b, false, "b_part");
  }
  int64_t SHash(int64_t init, TypedFunction<int64_t(AnyView, int64_t, bool)> hash) const {
    return hash(b, hash(a, init, true), false);
  }
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("structural.Hooked", HookedObj, Object);
};

template <typename TObj, typename... Args>
ObjectRef Make(Args&&... args) {
  return ObjectRef(
      tvm::ffi::ObjectPtr<Object>(tvm::ffi::make_object<TObj>(std::forward<Args>(args)...)));
}

struct MallocAllocator {
  void AllocData(DLTensor* tensor) {
    tensor->data = std::malloc(tvm::ffi::GetDataSize(*tensor) + 1);
  }
  void FreeData(DLTensor* tensor) { std::free(tensor->data); }
};

// Byte i holds 7 * i + seed.
inline tvm::ffi::Tensor MakeTensor(tvm::ffi::Shape shape, DLDataType dtype, int seed) {
  tvm::ffi::Tensor tensor =
      tvm::ffi::Tensor::FromNDAlloc(MallocAllocator(), shape, dtype, DLDevice{kDLCPU, 0});
  auto* bytes = static_cast<unsigned char*>(tensor.data_ptr());
  for (size_t i = 0; i < tvm::ffi::GetDataSize(*tensor.GetDLTensorPtr()); ++i) {
    bytes[i] = static_cast<unsigned char>(i * 7 + static_cast<size_t>(seed));
  }
  return tensor;
}

}  // namespace structural_test

#endif  // TVMFFI_TESTS_LIBFFI_CORE_STRUCTURAL_TYPES_H_
