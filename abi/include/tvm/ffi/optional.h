/*!
 * \file tvm/ffi/optional.h
 * \brief Optional<T>: a T or nothing, in the smallest form the ABI has for it.
 *
 * References and object pointers: one pointer, null is empty. Other values that fit in an Any: an
 * Any, None is empty. Everything else: a std::optional.
 */
#ifndef TVM_FFI_OPTIONAL_H_
#define TVM_FFI_OPTIONAL_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/type_traits.h>

#include <optional>
#include <string>
#include <utility>

namespace tvm {
namespace ffi {

template <typename T, typename = void>
class Optional;

template <typename T>
inline constexpr bool is_optional_type_v = false;
template <typename T>
inline constexpr bool is_optional_type_v<Optional<T>> = true;
template <typename T>
inline constexpr bool is_object_ptr_type_v = false;
template <typename T>
inline constexpr bool is_object_ptr_type_v<ObjectPtr<T>> = true;
template <typename T>
inline constexpr bool is_arc_type_v = false;
template <typename T>
inline constexpr bool is_arc_type_v<Arc<T>> = true;

/*! \brief Whether Optional<T> is a single pointer. */
template <typename T>
inline constexpr bool use_object_ref_optional_v =
    std::is_base_of_v<ObjectRef, T> || is_object_ptr_type_v<T> || is_arc_type_v<T>;

namespace details {
[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowBadOptional() {
  TVM_FFI_THROW(RuntimeError) << "Back optional access";
  TVM_FFI_UNREACHABLE();
}

template <typename T>
inline constexpr bool use_any_optional_v =
    !use_object_ref_optional_v<T> && TypeTraits<T>::storage_enabled && !std::is_same_v<T, Any>;

/*! \brief The object class behind a reference, ObjectPtr or Arc. */
template <typename T>
struct OptionalContainer {
  using type = typename T::ContainerType;
};
template <typename T>
struct OptionalContainer<ObjectPtr<T>> {
  using type = T;
};
template <typename T>
struct OptionalContainer<Arc<T>> {
  using type = T;
};

template <typename T, typename U>
using EqualResult = decltype(std::declval<const T&>() == std::declval<const U&>());
template <typename T, typename U, typename = void>
inline constexpr bool is_comparable_v = false;
template <typename T, typename U>
inline constexpr bool is_comparable_v<T, U, std::void_t<EqualResult<T, U>>> = true;

template <typename T>
inline constexpr bool is_optional_like_v = is_optional_type_v<T>;
template <typename T>
inline constexpr bool is_optional_like_v<std::optional<T>> = true;
template <>
inline constexpr bool is_optional_like_v<std::nullopt_t> = true;
template <>
inline constexpr bool is_optional_like_v<std::nullptr_t> = true;

/*! \brief The comparisons of the first two forms. */
template <typename Derived, typename T>
class OptionalComparisons {
 public:
  bool operator==(const Derived& other) const {
    return self().has_value() ? other.has_value() && *self() == *other : !other.has_value();
  }
  bool operator!=(const Derived& other) const { return !(*this == other); }
  bool operator==(const std::optional<T>& other) const {
    return self().has_value() ? other.has_value() && *self() == *other : !other.has_value();
  }
  bool operator!=(const std::optional<T>& other) const { return !(*this == other); }
  bool operator==(std::nullopt_t) const { return !self().has_value(); }
  bool operator!=(std::nullopt_t) const { return self().has_value(); }
  bool operator==(std::nullptr_t) const { return !self().has_value(); }
  bool operator!=(std::nullptr_t) const { return self().has_value(); }
  template <typename U,
            typename = std::enable_if_t<!is_optional_like_v<U> && is_comparable_v<T, U>>>
  bool operator==(const U& other) const {
    return self().has_value() && *self() == other;
  }
  template <typename U,
            typename = std::enable_if_t<!is_optional_like_v<U> && is_comparable_v<T, U>>>
  bool operator!=(const U& other) const {
    return !(*this == other);
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }
};
}  // namespace details

/*! \brief A reference or object pointer, or nothing. A null reference counts as nothing. */
template <typename T>
class Optional<T, std::enable_if_t<use_object_ref_optional_v<T>>>
    : public ObjectRef, public details::OptionalComparisons<Optional<T>, T> {
  using Comparisons = details::OptionalComparisons<Optional<T>, T>;

 public:
  using ContainerType = typename details::OptionalContainer<T>::type;
  static constexpr bool _type_is_nullable = true;

  Optional() = default;
  Optional(const Optional&) = default;
  Optional(Optional&&) noexcept = default;
  Optional& operator=(const Optional&) = default;
  Optional& operator=(Optional&&) noexcept = default;
  explicit Optional(UnsafeInit tag) : ObjectRef(tag) {}
  Optional(std::nullopt_t) {}  // NOLINT(google-explicit-constructor)
  Optional(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  Optional(T value) { data_ = TakePointer(std::move(value)); }  // NOLINT
  Optional(std::optional<T> value) {                            // NOLINT
    if (value.has_value()) {
      data_ = TakePointer(*std::move(value));
    }
  }
  Optional& operator=(std::nullopt_t) { return *this = Optional(); }
  Optional& operator=(std::nullptr_t) { return *this = Optional(); }
  Optional& operator=(T value) { return *this = Optional(std::move(value)); }

  bool has_value() const { return data_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  /*! \brief The value, or RuntimeError. */
  T value() const& {
    if (!has_value()) {
      details::ThrowBadOptional();
    }
    return **this;
  }
  T value() && {
    if (!has_value()) {
      details::ThrowBadOptional();
    }
    return *std::move(*this);
  }
  template <typename U = std::remove_cv_t<T>>
  T value_or(U&& default_value) const {
    return has_value() ? **this : T(std::forward<U>(default_value));
  }
  T operator*() const& { return FromPointer(data_); }
  T operator*() && { return FromPointer(std::move(data_)); }
  const ContainerType* get() const { return static_cast<const ContainerType*>(data_.get()); }
  const ContainerType* operator->() const { return get(); }

  using Comparisons::operator==;
  using Comparisons::operator!=;

 private:
  static ObjectPtr<Object> TakePointer(T&& value) {
    if constexpr (std::is_base_of_v<ObjectRef, T>) {
      return details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(std::move(value));
    } else {
      return ObjectPtr<Object>(static_cast<ObjectPtr<ContainerType>&&>(value));
    }
  }
  static T FromPointer(ObjectPtr<Object> ptr) {
    if constexpr (std::is_base_of_v<ObjectRef, T>) {
      return details::ObjectUnsafe::ObjectRefFromObjectPtr<T>(std::move(ptr));
    } else {
      auto typed = details::ObjectUnsafe::ObjectPtrFromOwned<ContainerType>(
          details::ObjectUnsafe::MoveObjectPtrToTVMFFIObjectPtr(std::move(ptr)));
      if constexpr (is_arc_type_v<T>) {
        return details::ObjectUnsafe::ArcFromObjectPtr<ContainerType>(std::move(typed));
      } else {
        return typed;
      }
    }
  }
};

/*! \brief A storable value, or nothing. */
template <typename T>
class Optional<T, std::enable_if_t<details::use_any_optional_v<T>>>
    : public details::OptionalComparisons<Optional<T>, T> {
 public:
  Optional() = default;
  Optional(const Optional&) = default;
  Optional(Optional&&) noexcept = default;
  Optional& operator=(const Optional&) = default;
  Optional& operator=(Optional&&) noexcept = default;
  Optional(std::nullopt_t) {}                     // NOLINT(google-explicit-constructor)
  Optional(std::nullptr_t) {}                     // NOLINT(google-explicit-constructor)
  Optional(T value) : data_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Optional(std::optional<T> value) {              // NOLINT(google-explicit-constructor)
    if (value.has_value()) {
      data_ = *std::move(value);
    }
  }
  Optional& operator=(std::nullopt_t) {
    data_.reset();
    return *this;
  }
  Optional& operator=(std::nullptr_t) {
    data_.reset();
    return *this;
  }
  Optional& operator=(T value) {
    data_ = std::move(value);
    return *this;
  }

  bool has_value() const { return data_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  /*! \brief The value, or RuntimeError. */
  T value() const& {
    if (!has_value()) {
      details::ThrowBadOptional();
    }
    return **this;
  }
  T value() && {
    if (!has_value()) {
      details::ThrowBadOptional();
    }
    return *std::move(*this);
  }
  template <typename U = std::remove_cv_t<T>>
  T value_or(U&& default_value) const {
    return has_value() ? **this : static_cast<T>(std::forward<U>(default_value));
  }
  T operator*() const& { return details::AnyUnsafe::CopyFromAnyViewAfterCheck<T>(data_); }
  T operator*() && { return details::AnyUnsafe::MoveFromAnyAfterCheck<T>(std::move(data_)); }

  bool same_as(const Optional& other) const { return data_.same_as(other.data_); }
  template <typename U>
  auto as() const {
    return data_.template as<U>();
  }

 private:
  Any data_;
  friend struct TypeTraits<Optional<T>>;
};

/*! \brief A value that cannot live in an Any, or nothing. */
template <typename T>
class Optional<T,
               std::enable_if_t<!use_object_ref_optional_v<T> && !details::use_any_optional_v<T>>> {
 public:
  Optional() = default;
  Optional(const Optional&) = default;
  Optional(Optional&&) = default;
  Optional& operator=(const Optional&) = default;
  Optional& operator=(Optional&&) = default;
  Optional(std::nullopt_t) {}                                    // NOLINT
  Optional(T value) : data_(std::move(value)) {}                 // NOLINT
  Optional(std::optional<T> value) : data_(std::move(value)) {}  // NOLINT
  Optional& operator=(std::nullopt_t) {
    data_.reset();
    return *this;
  }
  Optional& operator=(T value) {
    data_ = std::move(value);
    return *this;
  }

  bool has_value() const { return data_.has_value(); }
  explicit operator bool() const { return has_value(); }
  /*! \brief The value, or RuntimeError. */
  const T& value() const& {
    Check();
    return *data_;
  }
  T&& value() && {
    Check();
    return *std::move(data_);
  }
  template <typename U = std::remove_cv_t<T>>
  T value_or(U&& default_value) const {
    return data_.value_or(std::forward<U>(default_value));
  }
  const T& operator*() const& { return *data_; }
  T&& operator*() && { return *std::move(data_); }

  bool operator==(const Optional& other) const { return data_ == other.data_; }
  bool operator!=(const Optional& other) const { return !(data_ == other.data_); }
  bool operator==(std::nullopt_t) const { return !data_.has_value(); }
  bool operator!=(std::nullopt_t) const { return data_.has_value(); }
  template <typename U, typename = std::enable_if_t<!details::is_optional_like_v<U> &&
                                                    details::is_comparable_v<T, U>>>
  bool operator==(const U& other) const {
    return data_.has_value() && *data_ == other;
  }
  template <typename U, typename = std::enable_if_t<!details::is_optional_like_v<U> &&
                                                    details::is_comparable_v<T, U>>>
  bool operator!=(const U& other) const {
    return !(*this == other);
  }

 private:
  void Check() const {
    if (!data_.has_value()) {
      details::ThrowBadOptional();
    }
  }
  std::optional<T> data_;
};

template <typename T>
inline constexpr bool use_default_type_traits_v<Optional<T>> = false;
template <typename T>
inline constexpr bool details::view_owns_v<Optional<T>> = details::view_owns_v<T>;
template <typename Target, typename Source>
inline constexpr bool type_subsumes_v<Optional<Target>, Optional<Source>> =
    type_subsumes_v<Target, Source>;
template <typename Target, typename Source>
inline constexpr bool type_subsumes_v<Optional<Target>, Source> = type_subsumes_v<Target, Source>;

template <typename T>
struct TypeTraits<Optional<T>, std::enable_if_t<TypeTraits<T>::convert_enabled>>
    : public TypeTraitsBase {
  static constexpr bool storage_enabled = TypeTraits<T>::storage_enabled;

  TVM_FFI_INLINE static void CopyToAnyView(const Optional<T>& src, TVMFFIAny* result) {
    if constexpr (use_object_ref_optional_v<T>) {
      details::SetObjectOrNone(result, details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(src));
    } else if constexpr (details::use_any_optional_v<T>) {
      *result = *details::AnyUnsafe::TVMFFIAnyPtrFromAny(src.data_);
    } else if (src.has_value()) {
      TypeTraits<T>::CopyToAnyView(*src, result);
    } else {
      TypeTraits<std::nullptr_t>::CopyToAnyView(nullptr, result);
    }
  }
  TVM_FFI_INLINE static void MoveToAny(Optional<T> src, TVMFFIAny* result) {
    if constexpr (use_object_ref_optional_v<T>) {
      details::SetObjectOrNone(
          result, details::ObjectUnsafe::MoveObjectRefToTVMFFIObjectPtr(std::move(src)));
    } else if constexpr (details::use_any_optional_v<T>) {
      *result = details::AnyUnsafe::MoveAnyToTVMFFIAny(std::move(src.data_));
    } else if (src.has_value()) {
      TypeTraits<T>::MoveToAny(*std::move(src), result);
    } else {
      TypeTraits<std::nullptr_t>::MoveToAny(nullptr, result);
    }
  }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kTVMFFINone || CheckValueStrict(src);
  }
  TVM_FFI_INLINE static Optional<T> CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFINone) {
      return Optional<T>(std::nullopt);
    }
    if constexpr (details::has_strict_check_v<T>) {
      return TypeTraits<T>::CopyFromAnyViewAfterCheck(src);
    } else {
      return Optional<T>(TypeTraits<T>::TryCastFromAnyView(src));
    }
  }
  TVM_FFI_INLINE static Optional<T> MoveFromAnyAfterCheck(TVMFFIAny* src) {
    if (src->type_index == kTVMFFINone) {
      return Optional<T>(std::nullopt);
    }
    return TypeTraits<T>::MoveFromAnyAfterCheck(src);
  }
  TVM_FFI_INLINE static std::optional<Optional<T>> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFINone) {
      return Optional<T>(std::nullopt);
    }
    if (std::optional<T> value = TypeTraits<T>::TryCastFromAnyView(src)) {
      return Optional<T>(*std::move(value));
    }
    return std::nullopt;
  }
  static std::string GetMismatchTypeInfo(const TVMFFIAny* src) {
    return TypeTraits<T>::GetMismatchTypeInfo(src);
  }
  static std::string TypeStr() { return "Optional<" + TypeTraits<T>::TypeStr() + ">"; }
  static std::string TypeSchema() { return details::CompositeTypeSchema<T>("Optional"); }

 private:
  TVM_FFI_INLINE static bool CheckValueStrict(const TVMFFIAny* src) {
    if constexpr (details::has_strict_check_v<T>) {
      return TypeTraits<T>::CheckAnyStrict(src);
    } else {
      return TypeTraits<T>::TryCastFromAnyView(src).has_value();
    }
  }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_OPTIONAL_H_
