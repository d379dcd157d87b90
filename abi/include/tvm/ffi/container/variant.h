/*!
 * \file tvm/ffi/container/variant.h
 * \brief Variant<V...>: a value of one of several types.
 */
#ifndef TVM_FFI_CONTAINER_VARIANT_H_
#define TVM_FFI_CONTAINER_VARIANT_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/container_details.h>
#include <tvm/ffi/optional.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {

template <typename... V>
class Variant;

template <typename... V, typename T>
inline constexpr bool type_subsumes_v<Variant<V...>, T> = (type_subsumes_v<V, T> || ...);

/*! \brief One Any that holds one of the types V. */
template <typename... V>
class Variant {
  static_assert(details::all_storage_enabled_v<V...>, "an alternative cannot be stored");

 public:
  /*! \brief Whether T is, or is a subtype of, one of the alternatives. */
  template <typename T>
  static constexpr bool variant_contains_v = (type_subsumes_v<V, T> || ...);
  static constexpr bool _type_all_object_ref = details::all_object_ref_v<V...>;

  template <typename T, typename = std::enable_if_t<variant_contains_v<T>>>
  Variant(T value) : data_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Variant(const Variant&) = default;
  Variant(Variant&&) noexcept = default;
  Variant& operator=(const Variant&) = default;
  Variant& operator=(Variant&&) noexcept = default;
  template <typename T, typename = std::enable_if_t<variant_contains_v<T>>>
  Variant& operator=(T value) {
    data_ = Any(std::move(value));
    return *this;
  }

  /*! \brief The value if it is exactly a T. */
  template <typename T, typename = std::enable_if_t<!std::is_base_of_v<Object, T>>>
  std::optional<T> as() const {
    return data_.as<T>();
  }
  template <typename T, typename = std::enable_if_t<std::is_base_of_v<Object, T>>>
  const T* as() const {
    return data_.as<T>();
  }
  /*! \brief The value as a T, or TypeError. */
  template <typename T, typename = std::enable_if_t<variant_contains_v<T>>>
  T get() const& {
    return data_.template cast<T>();
  }
  template <typename T, typename = std::enable_if_t<variant_contains_v<T>>>
  T get() && {
    return std::move(data_).template cast<T>();
  }
  std::string GetTypeKey() const { return data_.GetTypeKey(); }
  bool same_as(const Variant& other) const { return data_.same_as(other.data_); }
  bool operator==(const Variant& other) const { return AnyEqual()(data_, other.data_); }
  bool operator!=(const Variant& other) const { return !(*this == other); }

 private:
  explicit Variant(UnsafeInit, Any data) : data_(std::move(data)) {}
  const Object* GetObjectPtrForHashEqual() const {
    return data_ == nullptr ? nullptr : details::AnyUnsafe::ObjectPtrFromAnyAfterCheck(data_);
  }
  Any data_;

  friend struct TypeTraits<Variant<V...>>;
  friend struct ObjectPtrHash;
  friend struct ObjectPtrEqual;
};

template <typename... V>
struct TypeTraits<Variant<V...>> : public TypeTraitsBase {
  TVM_FFI_INLINE static void CopyToAnyView(const Variant<V...>& src, TVMFFIAny* result) {
    *result = *details::AnyUnsafe::TVMFFIAnyPtrFromAny(src.data_);
  }
  TVM_FFI_INLINE static void MoveToAny(Variant<V...> src, TVMFFIAny* result) {
    *result = details::AnyUnsafe::MoveAnyToTVMFFIAny(std::move(src.data_));
  }
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    return (TypeTraits<V>::CheckAnyStrict(src) || ...);
  }
  static Variant<V...> CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return Variant<V...>(UnsafeInit{}, Any(AnyView::CopyFromTVMFFIAny(*src)));
  }
  static Variant<V...> MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return Variant<V...>(UnsafeInit{}, details::AnyUnsafe::MoveTVMFFIAnyToAny(src));
  }
  /*! \brief An exact alternative, else the first one that converts. */
  static std::optional<Variant<V...>> TryCastFromAnyView(const TVMFFIAny* src) {
    if (CheckAnyStrict(src)) {
      return CopyFromAnyViewAfterCheck(src);
    }
    std::optional<Variant<V...>> result;
    (void)(TryAlternative<V>(src, &result) || ...);
    return result;
  }
  static std::string TypeStr() { return details::ContainerTypeStr<V...>("Variant"); }
  static std::string TypeSchema() { return details::CompositeTypeSchema<V...>("Variant"); }

 private:
  template <typename T>
  static bool TryAlternative(const TVMFFIAny* src, std::optional<Variant<V...>>* result) {
    std::optional<T> value = TypeTraits<T>::TryCastFromAnyView(src);
    if (value.has_value()) {
      result->emplace(Variant<V...>(UnsafeInit{}, Any(*std::move(value))));
    }
    return value.has_value();
  }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_VARIANT_H_
