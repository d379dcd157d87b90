/*!
 * \file tvm/ffi/expected.h
 * \brief Expected<T>: a value or an Error, for code that reports errors without exceptions.
 */
#ifndef TVM_FFI_EXPECTED_H_
#define TVM_FFI_EXPECTED_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/error.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief Marks an error, so that it cannot be mistaken for a value. */
template <typename E = Error>
class Unexpected {
  static_assert(std::is_base_of_v<Error, std::remove_cv_t<E>>, "an Unexpected holds an Error");

 public:
  explicit Unexpected(E error) : error_(std::move(error)) {}
  const E& error() const& { return error_; }
  E&& error() && { return std::move(error_); }

 private:
  E error_;
};
template <typename E>
Unexpected(E) -> Unexpected<E>;

template <typename T>
class Expected;

template <typename T>
inline constexpr bool is_expected_type_v = false;
template <typename T>
inline constexpr bool is_expected_type_v<Expected<T>> = true;

namespace details {
struct ExpectedUnsafe;

[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowBadExpected() {
  TVM_FFI_THROW(RuntimeError) << "Bad expected access: contains value, not error";
  TVM_FFI_UNREACHABLE();
}

/*! \brief The part that does not depend on the value's type: one Any, an error if it holds
 * ffi.Error. */
class ExpectedBase {
 public:
  bool is_ok() const { return !is_err(); }
  bool is_err() const { return data_.type_index() == kTVMFFIError; }
  bool has_value() const { return is_ok(); }
  int32_t type_index() const { return data_.type_index(); }
  /*! \brief The error, or RuntimeError when there is a value. */
  Error error() const& {
    if (is_ok()) {
      ThrowBadExpected();
    }
    return AnyUnsafe::CopyFromAnyViewAfterCheck<Error>(data_);
  }
  Error error() && {
    if (is_ok()) {
      ThrowBadExpected();
    }
    return AnyUnsafe::MoveFromAnyAfterCheck<Error>(std::move(data_));
  }

 protected:
  explicit ExpectedBase(Any data) : data_(std::move(data)) {}
  void ThrowIfError() const {
    if (TVM_FFI_PREDICT_FALSE(is_err())) {
      throw AnyUnsafe::CopyFromAnyViewAfterCheck<Error>(data_);
    }
  }
  Any data_;
  friend struct ExpectedUnsafe;
};
}  // namespace details

/*! \brief A T or an Error. */
template <typename T>
class Expected : public details::ExpectedBase {
  static_assert(!std::is_same_v<T, Error>, "Expected<Error> could not tell a value from an error");

 public:
  Expected(T value) : ExpectedBase(Any(std::move(value))) {}      // NOLINT
  Expected(Error error) : ExpectedBase(Any(std::move(error))) {}  // NOLINT
  template <typename E>
  Expected(Unexpected<E> unexpected)  // NOLINT
      : ExpectedBase(Any(Error(std::move(unexpected).error()))) {}

  /*! \brief The value; throws the error when there is one. */
  T value() const& {
    ThrowIfError();
    return data_.cast<T>();
  }
  T value() && {
    ThrowIfError();
    return std::move(data_).template cast<T>();
  }
  template <typename U = std::remove_cv_t<T>>
  T value_or(U&& default_value) const {
    return is_ok() ? data_.cast<T>() : static_cast<T>(std::forward<U>(default_value));
  }

 private:
  struct FromAny {};
  Expected(FromAny, Any data) : ExpectedBase(std::move(data)) {}
  friend struct details::ExpectedUnsafe;
};

/*! \brief Success or an Error. */
template <>
class Expected<void> : public details::ExpectedBase {
 public:
  Expected() : ExpectedBase(Any()) {}
  Expected(Error error) : ExpectedBase(Any(std::move(error))) {}  // NOLINT
  template <typename E>
  Expected(Unexpected<E> unexpected)  // NOLINT
      : ExpectedBase(Any(Error(std::move(unexpected).error()))) {}

  void value() const { ThrowIfError(); }

 private:
  struct FromAny {};
  Expected(FromAny, Any data) : ExpectedBase(std::move(data)) {}
  friend struct details::ExpectedUnsafe;
};

namespace details {

/*! \brief Moves an Expected to and from the value it is made of, unchecked. */
struct ExpectedUnsafe {
  template <typename T>
  static Expected<T> MoveFromAny(Any data) {
    return Expected<T>(typename Expected<T>::FromAny{}, std::move(data));
  }
  template <typename T>
  static Any MoveToAny(Expected<T>&& expected) {
    return std::move(expected.data_);
  }
  template <typename T>
  static Expected<T> MoveFromTVMFFIAny(TVMFFIAny data) {
    return MoveFromAny<T>(AnyUnsafe::MoveTVMFFIAnyToAny(std::move(data)));
  }
  template <typename T>
  static TVMFFIAny MoveToTVMFFIAny(Expected<T>&& expected) {
    return AnyUnsafe::MoveAnyToTVMFFIAny(std::move(expected.data_));
  }
  template <typename T>
  static const Any& GetAny(const Expected<T>& expected) {
    return expected.data_;
  }
};

/*! \brief What is inside an Expected<T>, for its traits. */
template <typename T>
using ExpectedValue = std::conditional_t<std::is_void_v<T>, std::nullptr_t, T>;
}  // namespace details

template <typename T>
struct TypeTraits<Expected<T>> : public TypeTraitsBase {
  using Value = details::ExpectedValue<T>;
  static constexpr bool storage_enabled = false;

  static void CopyToAnyView(const Expected<T>& src, TVMFFIAny* result) {
    *result = AnyView(details::ExpectedUnsafe::GetAny(src)).CopyToTVMFFIAny();
  }
  static void MoveToAny(Expected<T> src, TVMFFIAny* result) {
    *result = details::ExpectedUnsafe::MoveToTVMFFIAny(std::move(src));
  }
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kTVMFFIError || TypeTraits<Value>::CheckAnyStrict(src);
  }
  static Expected<T> CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return details::ExpectedUnsafe::MoveFromAny<T>(Any(AnyView::CopyFromTVMFFIAny(*src)));
  }
  static Expected<T> MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return details::ExpectedUnsafe::MoveFromAny<T>(details::AnyUnsafe::MoveTVMFFIAnyToAny(src));
  }
  static std::optional<Expected<T>> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFIError) {
      return CopyFromAnyViewAfterCheck(src);
    }
    if (std::optional<Value> value = TypeTraits<Value>::TryCastFromAnyView(src)) {
      return details::ExpectedUnsafe::MoveFromAny<T>(Any(*std::move(value)));
    }
    return std::nullopt;
  }
  static std::string GetMismatchTypeInfo(const TVMFFIAny* src) {
    return TypeTraits<Value>::GetMismatchTypeInfo(src);
  }
  static std::string TypeStr() { return "Expected<" + details::Type2Str<T>::v() + ">"; }
  static std::string TypeSchema() { return details::CompositeTypeSchema<T, Error>("Expected"); }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXPECTED_H_
