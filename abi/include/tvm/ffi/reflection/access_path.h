/*!
 * \file tvm/ffi/reflection/access_path.h
 * \brief AccessPath: where a value lies inside another one.
 *
 * A path is a chain of steps back to the root. Paths and steps are immutable; every method that
 * goes one step further returns a new path that shares the old one. Printed form (through the
 * `__ffi_repr__` attribute of both types): `<root>.a[1]["k"][<missing:"z">]`.
 */
#ifndef TVM_FFI_REFLECTION_ACCESS_PATH_H_
#define TVM_FFI_REFLECTION_ACCESS_PATH_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tuple.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

#include <utility>
#include <vector>

namespace tvm {
namespace ffi {
namespace reflection {

class AccessStep;
class AccessPath;

/*! \brief What a step does. The numbers are part of the ABI. */
enum class AccessKind : int32_t {
  /*! \brief Reads a field; the key is its name. */
  kAttr = 0,
  /*! \brief Reads an element of a sequence; the key is its index. */
  kArrayItem = 1,
  /*! \brief Reads a value of a map; the key is the map's key. */
  kMapItem = 2,
  /*! \brief The field is not there. */
  kAttrMissing = 3,
  /*! \brief The sequence ends before this index. */
  kArrayItemMissing = 4,
  /*! \brief The map does not have this key. */
  kMapItemMissing = 5,
};

/*! \brief The object behind AccessStep. */
class AccessStepObj : public Object {
 public:
  AccessKind kind;
  /*! \brief A String, an int or any map key, as `kind` says. */
  Any key;

  explicit AccessStepObj(UnsafeInit) : kind(AccessKind::kAttr) {}
  AccessStepObj(AccessKind kind, Any key) : kind(kind), key(std::move(key)) {}

  /*! \brief The same kind, and keys that are equal as map keys (AnyEqual). */
  inline bool StepEqual(const AccessStep& other) const;

  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindConstTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("ffi.reflection.AccessStep", AccessStepObj, Object);
};

/*! \brief One step of a path; never null. */
class AccessStep : public ObjectRef {
 public:
  AccessStep(AccessKind kind, Any key)
      : ObjectRef(ObjectPtr<Object>(make_object<AccessStepObj>(kind, std::move(key)))) {}

  static AccessStep Attr(String field_name) { return {AccessKind::kAttr, std::move(field_name)}; }
  static AccessStep AttrMissing(String field_name) {
    return {AccessKind::kAttrMissing, std::move(field_name)};
  }
  static AccessStep ArrayItem(int64_t index) { return {AccessKind::kArrayItem, index}; }
  static AccessStep ArrayItemMissing(int64_t index) {
    return {AccessKind::kArrayItemMissing, index};
  }
  static AccessStep MapItem(Any key) { return {AccessKind::kMapItem, std::move(key)}; }
  static AccessStep MapItemMissing(Any key = nullptr) {
    return {AccessKind::kMapItemMissing, std::move(key)};
  }

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(AccessStep, ObjectRef, AccessStepObj);
};

inline bool AccessStepObj::StepEqual(const AccessStep& other) const {
  return kind == other->kind && AnyEqual()(key, other->key);
}

/*! \brief The object behind AccessPath. */
class AccessPathObj : public Object {
 public:
  /*! \brief The AccessPath this one extends by one step; nothing at the root. */
  Optional<ObjectRef> parent;
  /*! \brief The last step; nothing at the root. */
  Optional<AccessStep> step;
  /*! \brief Number of steps. */
  int32_t depth;

  explicit AccessPathObj(UnsafeInit) : depth(0) {}
  AccessPathObj(Optional<ObjectRef> parent, Optional<AccessStep> step, int32_t depth)
      : parent(std::move(parent)), step(std::move(step)), depth(depth) {}

  /*! \brief This path without its last step; nothing at the root. */
  inline Optional<AccessPath> GetParent() const;
  /*! \brief This path and one more step. */
  inline AccessPath Extend(AccessStep step) const;
  inline AccessPath Attr(String field_name) const;
  inline AccessPath AttrMissing(String field_name) const;
  inline AccessPath ArrayItem(int64_t index) const;
  inline AccessPath ArrayItemMissing(int64_t index) const;
  inline AccessPath MapItem(Any key) const;
  inline AccessPath MapItemMissing(Any key) const;
  /*! \brief The steps, first one first. */
  inline Array<AccessStep> ToSteps() const;
  /*! \brief The same steps (AccessStepObj::StepEqual). */
  inline bool PathEqual(const AccessPath& other) const;
  /*! \brief Whether `other` begins with this path or equals it. */
  inline bool IsPrefixOf(const AccessPath& other) const;

  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindConstTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("ffi.reflection.AccessPath", AccessPathObj, Object);

 private:
  const AccessPathObj* ParentObj() const {
    return parent.has_value() ? static_cast<const AccessPathObj*>((*parent).get()) : nullptr;
  }
  static bool SameSteps(const AccessPathObj* a, const AccessPathObj* b) {
    for (; a != b && a->step.has_value(); a = a->ParentObj(), b = b->ParentObj()) {
      if (!(*a->step)->StepEqual(*b->step)) {
        return false;
      }
    }
    return true;
  }
};

/*! \brief A path; never null. */
class AccessPath : public ObjectRef {
 public:
  /*! \brief The path without steps. */
  static AccessPath Root() {
    return AccessPath(make_object<AccessPathObj>(std::nullopt, std::nullopt, 0));
  }
  /*! \brief The path with the AccessSteps of a range. */
  template <typename Iter>
  static AccessPath FromSteps(Iter begin, Iter end) {
    AccessPath path = Root();
    for (; begin != end; ++begin) {
      path = path->Extend(*begin);
    }
    return path;
  }
  static AccessPath FromSteps(const Array<AccessStep>& steps) {
    return FromSteps(steps.begin(), steps.end());
  }

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(AccessPath, ObjectRef, AccessPathObj);

 private:
  friend class AccessPathObj;
  explicit AccessPath(ObjectPtr<AccessPathObj> ptr)
      : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {}
};

/*! \brief The places of one difference in the two values compared. */
using AccessPathPair = Tuple<AccessPath, AccessPath>;

inline Optional<AccessPath> AccessPathObj::GetParent() const {
  if (!parent.has_value()) {
    return std::nullopt;
  }
  return details::ObjectUnsafe::ObjectRefFromObjectPtr<AccessPath>(
      details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(*parent));
}

inline AccessPath AccessPathObj::Extend(AccessStep step) const {
  ObjectRef self(
      details::ObjectUnsafe::ObjectPtrFromUnowned<Object>(const_cast<AccessPathObj*>(this)));
  return AccessPath(make_object<AccessPathObj>(std::move(self), std::move(step), depth + 1));
}

inline AccessPath AccessPathObj::Attr(String field_name) const {
  return Extend(AccessStep::Attr(std::move(field_name)));
}
inline AccessPath AccessPathObj::AttrMissing(String field_name) const {
  return Extend(AccessStep::AttrMissing(std::move(field_name)));
}
inline AccessPath AccessPathObj::ArrayItem(int64_t index) const {
  return Extend(AccessStep::ArrayItem(index));
}
inline AccessPath AccessPathObj::ArrayItemMissing(int64_t index) const {
  return Extend(AccessStep::ArrayItemMissing(index));
}
inline AccessPath AccessPathObj::MapItem(Any key) const {
  return Extend(AccessStep::MapItem(std::move(key)));
}
inline AccessPath AccessPathObj::MapItemMissing(Any key) const {
  return Extend(AccessStep::MapItemMissing(std::move(key)));
}

inline Array<AccessStep> AccessPathObj::ToSteps() const {
  std::vector<AccessStep> steps;
  steps.reserve(static_cast<size_t>(depth));
  for (const AccessPathObj* path = this; path->step.has_value(); path = path->ParentObj()) {
    steps.push_back(*path->step);
  }
  return Array<AccessStep>(steps.rbegin(), steps.rend());
}

inline bool AccessPathObj::PathEqual(const AccessPath& other) const {
  return depth == other->depth && SameSteps(this, other.get());
}

inline bool AccessPathObj::IsPrefixOf(const AccessPath& other) const {
  if (depth > other->depth) {
    return false;
  }
  const AccessPathObj* start = other.get();
  while (start->depth > depth) {
    start = start->ParentObj();
  }
  return SameSteps(this, start);
}

}  // namespace reflection
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_REFLECTION_ACCESS_PATH_H_
