/*!
 * \file tvm/ffi/extra/structural_key.h
 * \brief StructuralKey: a value that maps find by structure.
 */
#ifndef TVM_FFI_EXTRA_STRUCTURAL_KEY_H_
#define TVM_FFI_EXTRA_STRUCTURAL_KEY_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>

#include <functional>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief The object behind StructuralKey. */
class StructuralKeyObj : public Object {
 public:
  Any key;
  /*! \brief StructuralHash of the key. */
  int64_t hash_i64{0};

  explicit StructuralKeyObj(UnsafeInit) {}
  explicit StructuralKeyObj(Any key)
      : key(std::move(key)), hash_i64(static_cast<int64_t>(StructuralHash::Hash(this->key))) {}

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("ffi.StructuralKey", StructuralKeyObj, Object);
};

/*!
 * \brief A value with its structural hash; never null.
 *
 * Works as a key of Map and Dict (through `__any_hash__` and `__any_equal__`) and of the standard
 * unordered containers. What the key refers to must not change while it is one.
 */
class StructuralKey : public ObjectRef {
 public:
  /*! \brief Hashes the value; throws what StructuralHash throws. */
  explicit StructuralKey(Any key)
      : ObjectRef(ObjectPtr<Object>(make_object<StructuralKeyObj>(std::move(key)))) {}

  bool operator==(const StructuralKey& other) const {
    return same_as(other) ||
           (get()->hash_i64 == other->hash_i64 && StructuralEqual::Equal(get()->key, other->key));
  }
  bool operator!=(const StructuralKey& other) const { return !(*this == other); }

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(StructuralKey, ObjectRef, StructuralKeyObj);
};

}  // namespace ffi
}  // namespace tvm

namespace std {
template <>
struct hash<::tvm::ffi::StructuralKey> {
  size_t operator()(const ::tvm::ffi::StructuralKey& key) const {
    return static_cast<size_t>(key->hash_i64);
  }
};
}  // namespace std
#endif  // TVM_FFI_EXTRA_STRUCTURAL_KEY_H_
