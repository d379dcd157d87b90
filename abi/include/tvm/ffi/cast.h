/*!
 * \file tvm/ffi/cast.h
 * \brief From raw object pointers back to references.
 */
#ifndef TVM_FFI_CAST_H_
#define TVM_FFI_CAST_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/optional.h>

namespace tvm {
namespace ffi {

/*!
 * \brief A reference to the object at `ptr`, sharing ownership.
 * \param ptr An object made by make_object. Null only for a nullable RefType, otherwise
 * InternalError.
 */
template <typename RefType, typename ObjectType>
inline RefType GetRef(const ObjectType* ptr) {
  static_assert(object_ref_contains_v<RefType, ObjectType>,
                "the reference class cannot hold every object of this class");
  if constexpr (is_optional_type_v<RefType> || RefType::_type_is_nullable) {
    if (ptr == nullptr) {
      return details::ObjectUnsafe::ObjectRefFromObjectPtr<RefType>(nullptr);
    }
  } else {
    TVM_FFI_ICHECK_NOTNULL(ptr);
  }
  return details::ObjectUnsafe::ObjectRefFromObjectPtr<RefType>(
      details::ObjectUnsafe::ObjectPtrFromUnowned<Object>(
          const_cast<Object*>(static_cast<const Object*>(ptr))));
}

/*! \brief A pointer to the object at `ptr`, sharing ownership; null for null. */
template <typename BaseType, typename ObjectType>
inline ObjectPtr<BaseType> GetObjectPtr(ObjectType* ptr) {
  static_assert(std::is_base_of_v<BaseType, ObjectType>, "only to the same class or a base");
  return details::ObjectUnsafe::ObjectPtrFromUnowned<BaseType>(static_cast<Object*>(ptr));
}

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CAST_H_
