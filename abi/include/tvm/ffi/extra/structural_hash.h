/*!
 * \file tvm/ffi/extra/structural_hash.h
 * \brief A hash of what a value contains.
 */
#ifndef TVM_FFI_EXTRA_STRUCTURAL_HASH_H_
#define TVM_FFI_EXTRA_STRUCTURAL_HASH_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/extra/base.h>

namespace tvm {
namespace ffi {

/*!
 * \brief Hash of a value by structure: what StructuralEqual calls equal hashes alike.
 *
 * The same in every process, except for free variables that no definition region covers, which
 * hash by address. The order of a map does not matter; keys that are
 * objects count only when the object was met before the map. Types take part as their
 * `_type_s_eq_hash_kind` and field flags say, or through the hook `__s_hash__`.
 *
 * A variable is numbered where it is met first. Graph nodes (DAGNode) are too, so that sharing a
 * node and repeating it differ.
 */
class StructuralHash {
 public:
  /*!
   * \brief Hash a value.
   * \param value The value.
   * \param map_free_vars Number free variables in order of appearance instead of by address.
   * \param skip_tensor_content Only shape and dtype of tensors count.
   * \note TypeError for a type that does not support it; InternalError for a tensor whose content
   * counts but is not contiguous CPU memory; RuntimeError when the value nests too deeply for the
   * stack. What hooks and field getters throw is passed on.
   */
  TVM_FFI_EXTRA_CXX_API static uint64_t Hash(const Any& value, bool map_free_vars = false,
                                             bool skip_tensor_content = false);

  uint64_t operator()(const Any& value) const { return Hash(value); }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_STRUCTURAL_HASH_H_
