/*!
 * \file tvm/ffi/extra/structural_equal.h
 * \brief Equality of what values contain.
 */
#ifndef TVM_FFI_EXTRA_STRUCTURAL_EQUAL_H_
#define TVM_FFI_EXTRA_STRUCTURAL_EQUAL_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/extra/base.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/reflection/access_path.h>

namespace tvm {
namespace ffi {

/*!
 * \brief Compares two values by structure.
 *
 * Types must be the same: 1, 1.0 and true differ, and so do an Array and a List. NaN equals NaN.
 * Maps are equal whatever their order; a key that is an object finds the key its variable or graph
 * node was matched with, else itself. Objects take part as their `_type_s_eq_hash_kind` and field
 * flags say, or through the hook `__s_equal__`. Free variables match one to one inside definition
 * regions; elsewhere a variable equals only itself.
 *
 * Both functions throw TypeError for a type that does not support it, InternalError for tensors
 * whose content counts but is not contiguous CPU memory, and RuntimeError when the values nest too
 * deeply for the stack. What hooks and field getters throw is passed on.
 */
class StructuralEqual {
 public:
  /*!
   * \brief Whether two values are equal.
   * \param lhs One value.
   * \param rhs The other one.
   * \param map_free_vars Match free variables everywhere, not only in definition regions.
   * \param skip_tensor_content Only shape and dtype of tensors count.
   */
  TVM_FFI_EXTRA_CXX_API static bool Equal(const Any& lhs, const Any& rhs,
                                          bool map_free_vars = false,
                                          bool skip_tensor_content = false);

  /*! \brief Where the two values first differ, as a path in each; nothing when they are equal. */
  TVM_FFI_EXTRA_CXX_API static Optional<reflection::AccessPathPair> GetFirstMismatch(
      const Any& lhs, const Any& rhs, bool map_free_vars = false, bool skip_tensor_content = false);

  bool operator()(const Any& lhs, const Any& rhs) const { return Equal(lhs, rhs); }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_STRUCTURAL_EQUAL_H_
