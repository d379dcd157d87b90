/*!
 * \file tvm/ffi/rvalue_ref.h
 * \brief RValueRef: hand the only reference to an object over to the callee.
 */
#ifndef TVM_FFI_RVALUE_REF_H_
#define TVM_FFI_RVALUE_REF_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/type_traits.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {

/*!
 * \brief An argument that may be moved out of.
 *
 * A callee whose parameter is an RValueRef<TRef> too becomes the owner, so it can change a unique
 * object in place. A callee that takes a TRef shares it, and the RValueRef's destructor drops it.
 */
template <typename TObjRef, typename = std::enable_if_t<std::is_base_of_v<ObjectRef, TObjRef>>>
class RValueRef {
 public:
  explicit RValueRef(TObjRef&& data) : data_(std::move(data)) {}
  /*! \brief Takes the reference out. */
  TObjRef operator*() && { return std::move(data_); }

 private:
  mutable TObjRef data_;

  template <typename, typename>
  friend struct TypeTraits;
};

namespace details {
template <typename TObjRef>
inline constexpr bool reads_rvalue_ref_v<RValueRef<TObjRef>> = true;
}  // namespace details

template <typename TObjRef>
struct TypeTraits<RValueRef<TObjRef>> : public TypeTraitsBase {
  static constexpr bool storage_enabled = false;

  TVM_FFI_INLINE static void CopyToAnyView(const RValueRef<TObjRef>& src, TVMFFIAny* result) {
    if (!src.data_.defined()) {
      TypeTraits<std::nullptr_t>::CopyToAnyView(nullptr, result);
      return;
    }
    result->type_index = kTVMFFIObjectRValueRef;
    result->zero_padding = 0;
    TVM_FFI_CLEAR_PTR_PADDING_IN_FFI_ANY(result);
    // The callee empties this slot when it takes the object; a reference is nothing but its
    // pointer.
    result->v_ptr = static_cast<ObjectRef*>(&src.data_);
  }
  TVM_FFI_INLINE static void MoveToAny(RValueRef<TObjRef> src, TVMFFIAny* result) {
    TypeTraits<TObjRef>::MoveToAny(std::move(src.data_), result);
  }
  static std::optional<RValueRef<TObjRef>> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index != kTVMFFIObjectRValueRef) {
      return Wrap(TypeTraits<TObjRef>::TryCastFromAnyView(src));
    }
    TVMFFIAny value = details::ViewOfRValueRef(src);
    if (value.type_index == kTVMFFINone || !TypeTraits<TObjRef>::CheckAnyStrict(&value)) {
      return Wrap(TypeTraits<TObjRef>::TryCastFromAnyView(&value));
    }
    *static_cast<TVMFFIObject**>(src->v_ptr) = nullptr;
    return RValueRef<TObjRef>(TypeTraits<TObjRef>::MoveFromAnyAfterCheck(&value));
  }
  static std::string GetMismatchTypeInfo(const TVMFFIAny* src) {
    if (src->type_index != kTVMFFIObjectRValueRef) {
      return TypeTraits<TObjRef>::GetMismatchTypeInfo(src);
    }
    const TVMFFIAny value = details::ViewOfRValueRef(src);
    return "RValueRef<" + TypeIndexToTypeKey(value.type_index) + ">";
  }
  static std::string TypeStr() { return "RValueRef<" + TypeTraits<TObjRef>::TypeStr() + ">"; }
  static std::string TypeSchema() {
    return details::CompositeTypeSchema<TObjRef>(StaticTypeKey::kTVMFFIObjectRValueRef);
  }

 private:
  static std::optional<RValueRef<TObjRef>> Wrap(std::optional<TObjRef> value) {
    if (value.has_value()) {
      return RValueRef<TObjRef>(*std::move(value));
    }
    return std::nullopt;
  }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_RVALUE_REF_H_
