/*!
 * \file tvm/ffi/container/container_details.h
 * \brief What the containers share: iterators that convert, type properties, names.
 */
#ifndef TVM_FFI_CONTAINER_CONTAINER_DETAILS_H_
#define TVM_FFI_CONTAINER_CONTAINER_DETAILS_H_

#include <tvm/ffi/any.h>

#include <cstddef>
#include <string>
#include <type_traits>

namespace tvm {
namespace ffi {
namespace details {

/*! \brief Random access iterator over Any elements that yields Converter::convert(element), by
 * value. */
template <typename Converter, typename TIter, int kStep>
class BasicIterAdapter {
 public:
  using difference_type = std::ptrdiff_t;
  using value_type = typename Converter::ResultType;
  using pointer = typename Converter::ResultType*;
  using reference = typename Converter::ResultType;
  using iterator_category = std::random_access_iterator_tag;

  BasicIterAdapter() = default;
  explicit BasicIterAdapter(TIter iter) : iter_(iter) {}

  value_type operator*() const { return Converter::convert(*iter_); }
  value_type operator[](difference_type n) const { return Converter::convert(iter_[kStep * n]); }
  BasicIterAdapter& operator++() { return *this += 1; }
  BasicIterAdapter& operator--() { return *this -= 1; }
  BasicIterAdapter operator++(int) {
    BasicIterAdapter old = *this;
    ++*this;
    return old;
  }
  BasicIterAdapter operator--(int) {
    BasicIterAdapter old = *this;
    --*this;
    return old;
  }
  BasicIterAdapter& operator+=(difference_type n) {
    iter_ += kStep * n;
    return *this;
  }
  BasicIterAdapter& operator-=(difference_type n) { return *this += -n; }
  BasicIterAdapter operator+(difference_type n) const { return BasicIterAdapter(*this) += n; }
  BasicIterAdapter operator-(difference_type n) const { return BasicIterAdapter(*this) -= n; }
  friend BasicIterAdapter operator+(difference_type n, const BasicIterAdapter& iter) {
    return iter + n;
  }
  difference_type operator-(const BasicIterAdapter& other) const {
    return (iter_ - other.iter_) * kStep;
  }
  bool operator==(const BasicIterAdapter& other) const { return iter_ == other.iter_; }
  bool operator!=(const BasicIterAdapter& other) const { return iter_ != other.iter_; }
  bool operator<(const BasicIterAdapter& other) const { return *this - other < 0; }
  bool operator>(const BasicIterAdapter& other) const { return *this - other > 0; }
  bool operator<=(const BasicIterAdapter& other) const { return *this - other <= 0; }
  bool operator>=(const BasicIterAdapter& other) const { return *this - other >= 0; }

  /*! \brief Where it stands in the storage. */
  TIter base() const { return iter_; }

 private:
  TIter iter_{};
};

template <typename Converter, typename TIter>
using IterAdapter = BasicIterAdapter<Converter, TIter, 1>;
template <typename Converter, typename TIter>
using ReverseIterAdapter = BasicIterAdapter<Converter, TIter, -1>;

/*! \brief Whether a T can be an element. */
template <typename T>
inline constexpr bool storage_enabled_v = std::is_same_v<T, Any> || TypeTraits<T>::storage_enabled;
template <typename... T>
inline constexpr bool all_storage_enabled_v = (storage_enabled_v<T> && ...);
template <typename... T>
inline constexpr bool all_object_ref_v = (std::is_base_of_v<ObjectRef, T> && ...);

/*! \brief `name<A, B>` with the names that error messages use. */
template <typename... V>
std::string ContainerTypeStr(const char* name) {
  std::string result = name;
  const char* separator = "<";
  ((result.append(separator).append(Type2Str<V>::v()), separator = ", "), ...);
  return result.append(">");
}

template <typename T>
struct ElementConverter {
  using ResultType = T;
  static T convert(const Any& element) { return AnyUnsafe::CopyFromAnyViewAfterCheck<T>(element); }
};

/*! \brief Reads `element` as a T with conversions. */
template <typename T>
std::optional<T> TryCastElement(const Any& element) {
  return TypeTraits<T>::TryCastFromAnyView(AnyUnsafe::TVMFFIAnyPtrFromAny(element));
}

/*! \brief A key or value as an Any for the time of a call, without counting a reference. */
template <typename T>
class BorrowedAny {
 public:
  explicit BorrowedAny(const T& value) { TypeTraits<T>::CopyToAnyView(value, &view_); }
  const Any& get() const { return reinterpret_cast<const Any&>(view_); }

 private:
  TVMFFIAny view_;
};
template <>
class BorrowedAny<Any> {
 public:
  explicit BorrowedAny(const Any& value) : value_(value) {}
  const Any& get() const { return value_; }

 private:
  const Any& value_;
};
}  // namespace details
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_CONTAINER_CONTAINER_DETAILS_H_
