/*!
 * \file tvm/ffi/extra/dataclass.h
 * \brief What dataclasses do, for any value: text, copy, hash, equality and order by content.
 *
 * All of these follow containers and the reflected fields of objects, however deep, and end on
 * cycles. A type changes what happens to its own objects through the type attributes of
 * reflection/accessor.h: `__ffi_repr__`, `__ffi_shallow_copy__`, `__ffi_hash__`, `__ffi_eq__`,
 * `__ffi_compare__`; an attribute is not inherited. Errors that such a function throws pass
 * through. Everything may run on any thread, but nothing locks the objects.
 */
#ifndef TVM_FFI_EXTRA_DATACLASS_H_
#define TVM_FFI_EXTRA_DATACLASS_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/variant.h>
#include <tvm/ffi/extra/base.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

#include <ostream>

namespace tvm {
namespace ffi {

/*!
 * \brief A copy that shares no mutable part with `value`.
 *
 * An object that is referred to twice is copied once. Strings, bytes, shapes and enum values are
 * shared. Map keys are copied too.
 * \return The copy; plain values as they are.
 * \note InternalError when an object in it has no `__ffi_shallow_copy__`, such as a tensor or a
 * function.
 */
TVM_FFI_EXTRA_CXX_API Any DeepCopy(const Any& value);

/*!
 * \brief `value` as text, in the style of Python.
 *
 * Arrays and tuples print as `(1, 2)`, lists as `[1, 2]`, maps and dicts as `{"a": 1}`, objects as
 * `key(field=value)` without the fields that say repr(false). An object inside itself prints as
 * `...`. With the environment variable TVM_FFI_REPR_WITH_ADDR=1 objects show their address.
 */
TVM_FFI_EXTRA_CXX_API String ReprPrint(const Any& value);

/*!
 * \brief A hash of the content; equal for values that RecursiveEq calls equal.
 *
 * Fields that say hash(false) or compare(false) do not count.
 * \note ValueError for a type with `__ffi_eq__` or `__ffi_compare__` but no `__ffi_hash__`.
 */
TVM_FFI_EXTRA_CXX_API int64_t RecursiveHash(const Any& value);

/*!
 * \brief Whether two values have the same type and content.
 *
 * NaN equals NaN, 0.0 equals -0.0; 1, 1.0 and true are different. The order of map entries does not
 * count, and neither do fields that say compare(false). Objects of a type without fields are equal.
 */
TVM_FFI_EXTRA_CXX_API bool RecursiveEq(const Any& lhs, const Any& rhs);

/*!
 * \brief Whether `lhs` comes before `rhs`: None first, sequences and fields lexicographically.
 * \note TypeError for different types, NaN, maps that differ; ValueError for cycles.
 */
TVM_FFI_EXTRA_CXX_API bool RecursiveLt(const Any& lhs, const Any& rhs);
/*! \brief RecursiveLt, or equal. */
TVM_FFI_EXTRA_CXX_API bool RecursiveLe(const Any& lhs, const Any& rhs);
/*! \brief RecursiveLt with the sides exchanged. */
TVM_FFI_EXTRA_CXX_API bool RecursiveGt(const Any& lhs, const Any& rhs);
/*! \brief RecursiveGt, or equal. */
TVM_FFI_EXTRA_CXX_API bool RecursiveGe(const Any& lhs, const Any& rhs);

/*! \brief Writes ReprPrint(value). */
inline std::ostream& operator<<(std::ostream& os, const Any& value) {
  return os << ReprPrint(value);
}
/*! \brief Writes ReprPrint(value); None for a null reference. */
inline std::ostream& operator<<(std::ostream& os, const ObjectRef& value) {
  return os << ReprPrint(Any(value));
}
/*! \brief Writes the value it holds. */
template <typename... V>
inline std::ostream& operator<<(std::ostream& os, const Variant<V...>& value) {
  return os << ReprPrint(Any(value));
}
/*! \brief Writes the value, or None. */
template <typename T>
inline std::ostream& operator<<(std::ostream& os, const Optional<T>& value) {
  return os << (value.has_value() ? ReprPrint(Any(value.value())) : String("None"));
}

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_DATACLASS_H_
