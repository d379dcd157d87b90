// Types that the tests of repr, copy, hash and comparison share.
#ifndef TVMFFI_TESTS_LIBFFI_CORE_DATACLASS_TEST_TYPES_H_
#define TVMFFI_TESTS_LIBFFI_CORE_DATACLASS_TEST_TYPES_H_

#include <gtest/gtest.h>
#include <tvm/ffi/extra/dataclass.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/tvm_ffi.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/abi/expect_error.h"

namespace tvmffi::test {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::Bytes;
using tvm::ffi::DeepCopy;
using tvm::ffi::Dict;
using tvm::ffi::Function;
using tvm::ffi::List;
using tvm::ffi::make_object;
using tvm::ffi::Map;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::RecursiveEq;
using tvm::ffi::RecursiveGe;
using tvm::ffi::RecursiveGt;
using tvm::ffi::RecursiveHash;
using tvm::ffi::RecursiveLe;
using tvm::ffi::RecursiveLt;
using tvm::ffi::ReprPrint;
using tvm::ffi::Shape;
using tvm::ffi::String;
using tvm::ffi::Tensor;
using tvm::ffi::Tuple;
using tvm::ffi::Variant;

// Two plain fields and one that may hold anything, this object too.
struct PointObj : public Object {
  int64_t x = 0;
  String s;
  Any link;
  PointObj() = default;
  PointObj(int64_t x_value, String s_value, Any link_value = nullptr)
      : x(x_value), s(std::move(s_value)), link(std::move(link_value)) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("dataclass_test.Point", PointObj, Object);
};

// Adds a field to those of its parent.
struct Point3Obj : public PointObj {
  int64_t z = 5;
  TVM_FFI_DECLARE_OBJECT_INFO("dataclass_test.Point3", Point3Obj, PointObj);
};

// Each field but `a` is left out of something.
struct FlagsObj : public Object {
  int64_t a = 1;
  int64_t no_repr = 2;
  int64_t no_hash = 3;
  int64_t no_compare = 4;
  FlagsObj() = default;
  FlagsObj(int64_t a_value, int64_t repr_value, int64_t hash_value, int64_t compare_value)
      : a(a_value), no_repr(repr_value), no_hash(hash_value), no_compare(compare_value) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.Flags", FlagsObj, Object);
};

struct NoFieldsObj : public Object {
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.NoFields", NoFieldsObj, Object);
};

struct HiddenFieldsObj : public Object {
  int64_t a = 1;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.HiddenFields", HiddenFieldsObj, Object);
};

struct NotCopyableObj : public Object {
  int64_t a = 1;
  NotCopyableObj() = default;
  NotCopyableObj(const NotCopyableObj&) = delete;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.NotCopyable", NotCopyableObj, Object);
};

// A type whose hooks call back for `inner`, the base of the types below.
struct HookedObj : public Object {
  Any inner;
  HookedObj() = default;
  explicit HookedObj(Any value) : inner(std::move(value)) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("dataclass_test.Hooked", HookedObj, Object);
};
// `__ffi_repr__`, `__ffi_hash__`, `__ffi_eq__` and `__ffi_compare__`, all by `inner`.
struct AllHooksObj : public HookedObj {
  using HookedObj::HookedObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.AllHooks", AllHooksObj, HookedObj);
};
// Only `__ffi_compare__`, the other way round.
struct ReversedObj : public HookedObj {
  using HookedObj::HookedObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.Reversed", ReversedObj, HookedObj);
};
// Only `__ffi_eq__`: all are equal.
struct AllEqualObj : public HookedObj {
  using HookedObj::HookedObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.AllEqual", AllEqualObj, HookedObj);
};
// Hooks that throw ValueError `from the hook`, and ones that return a string where they must not.
struct ThrowingObj : public HookedObj {
  using HookedObj::HookedObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.Throwing", ThrowingObj, HookedObj);
};
struct WrongResultObj : public HookedObj {
  using HookedObj::HookedObj;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("dataclass_test.WrongResult", WrongResultObj, HookedObj);
};

template <typename TObj, typename... Args>
ObjectRef MakeRef(Args&&... args) {
  return ObjectRef(make_object<TObj>(std::forward<Args>(args)...));
}

inline ObjectRef Point(int64_t x, const char* s, Any link = nullptr) {
  return MakeRef<PointObj>(x, String(s), std::move(link));
}

template <typename TObj>
TObj* Fields(const Any& value) {
  return const_cast<TObj*>(value.as<TObj>());
}

// A point that links to itself; the link must be cut again.
class PointCycle {
 public:
  PointCycle() : point_(Point(1, "q")) { Fields<PointObj>(point_)->link = point_; }
  ~PointCycle() { Fields<PointObj>(point_)->link = nullptr; }
  PointCycle(const PointCycle&) = delete;
  PointCycle& operator=(const PointCycle&) = delete;
  const ObjectRef& point() const { return point_; }

 private:
  ObjectRef point_;
};

// A list that is its own last element.
class ListCycle {
 public:
  explicit ListCycle(std::vector<Any> values) : list_(values.begin(), values.end()) {
    list_.push_back(list_);
  }
  ~ListCycle() { list_.clear(); }
  ListCycle(const ListCycle&) = delete;
  ListCycle& operator=(const ListCycle&) = delete;
  const List<Any>& list() const { return list_; }

 private:
  List<Any> list_;
};

// `depth` lists, each the only element of the next. Taken apart from the outside: destroying it
// in one go would recurse.
class DeepList {
 public:
  explicit DeepList(int depth) {
    for (int i = 0; i < depth; ++i) list_ = List<Any>{std::move(list_)};
  }
  explicit DeepList(Any list) : list_(std::move(list)) {}
  ~DeepList() {
    while (list_ != nullptr) {
      auto outer = std::move(list_).cast<List<Any>>();
      list_ = outer[0];
      outer.clear();
    }
  }
  DeepList(const DeepList&) = delete;
  DeepList& operator=(const DeepList&) = delete;
  const Any& list() const { return list_; }

 private:
  Any list_;
};

// Hooked objects, each the `inner` of the next, taken apart in the same way.
class DeepHooks {
 public:
  explicit DeepHooks(int depth) {
    for (int i = 0; i < depth; ++i) value_ = MakeRef<AllHooksObj>(std::move(value_));
  }
  ~DeepHooks() {
    while (value_ != nullptr) {
      Any outer = std::move(value_);
      value_ = std::move(Fields<AllHooksObj>(outer)->inner);
    }
  }
  DeepHooks(const DeepHooks&) = delete;
  DeepHooks& operator=(const DeepHooks&) = delete;
  const Any& value() const { return value_; }

 private:
  Any value_;
};

inline Tensor FloatTensor(std::vector<int64_t> shape, float first = 0) {
  struct Alloc {
    float first;
    void AllocData(DLTensor* tensor) {
      auto* data = new float[64]();
      data[0] = first;
      tensor->data = data;
    }
    void FreeData(DLTensor* tensor) { delete[] static_cast<float*>(tensor->data); }
  };
  return Tensor::FromNDAlloc(Alloc{first}, Shape(shape), DLDataType{kDLFloat, 32, 1},
                             DLDevice{kDLCPU, 0});
}

}  // namespace tvmffi::test

#endif  // TVMFFI_TESTS_LIBFFI_CORE_DATACLASS_TEST_TYPES_H_
