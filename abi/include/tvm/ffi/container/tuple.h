/*!
 * \file tvm/ffi/container/tuple.h
 * \brief Tuple<Types...>: a fixed number of values of fixed types, stored as an Array.
 */
#ifndef TVM_FFI_CONTAINER_TUPLE_H_
#define TVM_FFI_CONTAINER_TUPLE_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/container_details.h>

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {

template <typename... Types>
class Tuple;

template <typename... Types>
inline constexpr bool use_default_type_traits_v<Tuple<Types...>> = false;

namespace details {
template <typename TTuple, typename UTuple>
inline constexpr bool tuple_subsumes_v = false;
template <typename... T, typename... U>
inline constexpr bool tuple_subsumes_v<std::tuple<T...>, std::tuple<U...>> =
    (type_subsumes_v<T, U> && ...);

template <typename TTuple, typename UTuple>
constexpr bool TupleSubsumes() {
  if constexpr (std::tuple_size_v<TTuple> == std::tuple_size_v<UTuple>) {
    return tuple_subsumes_v<TTuple, UTuple>;
  } else {
    return false;
  }
}
}  // namespace details

template <typename... T, typename... U>
inline constexpr bool type_subsumes_v<Tuple<T...>, Tuple<U...>> =
    details::TupleSubsumes<std::tuple<T...>, std::tuple<U...>>();

/*! \brief Values of the given types, with copy-on-write. Supports structured bindings. */
template <typename... Types>
class Tuple : public ObjectRef {
  static_assert(details::all_storage_enabled_v<Types...>, "an element type cannot be stored");
  using ElementTypes = std::tuple<Types...>;

 public:
  /*! \brief Value-initialised elements. */
  Tuple() : ObjectRef(ObjectPtr<Object>(Make(Types()...))) {}
  explicit Tuple(UnsafeInit tag) : ObjectRef(tag) {}
  explicit Tuple(ObjectPtr<Object> ptr) : ObjectRef(std::move(ptr)) {}
  Tuple(const Tuple&) = default;
  Tuple(Tuple&&) noexcept = default;
  Tuple& operator=(const Tuple&) = default;
  Tuple& operator=(Tuple&&) noexcept = default;
  template <typename... U,
            typename = std::enable_if_t<sizeof...(U) == sizeof...(Types) && (sizeof...(U) > 0) &&
                                        (std::is_convertible_v<U&&, Types> && ...) &&
                                        !(sizeof...(U) == 1 &&
                                          (std::is_base_of_v<Tuple, std::decay_t<U>> || ...))>>
  explicit Tuple(U&&... values)
      : ObjectRef(ObjectPtr<Object>(Make(Types(std::forward<U>(values))...))) {}
  /*! \brief Shares the storage of a tuple whose elements are all valid here. */
  template <typename... U, typename = std::enable_if_t<type_subsumes_v<Tuple, Tuple<U...>> &&
                                                       !std::is_same_v<Tuple, Tuple<U...>>>>
  Tuple(const Tuple<U...>& other)  // NOLINT(google-explicit-constructor)
      : ObjectRef(details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(other)) {}

  /*! \brief Element I, by value. */
  template <size_t I>
  auto get() const {
    using T = std::tuple_element_t<I, ElementTypes>;
    return details::ElementConverter<T>::convert(GetArrayObj()->begin()[I]);
  }
  /*! \brief Replaces element I; a shared tuple is copied first. */
  template <size_t I, typename U>
  void Set(U&& value) {
    using T = std::tuple_element_t<I, ElementTypes>;
    Any element(T(std::forward<U>(value)));
    if (!data_.unique()) {
      data_ = ArrayObj::CopyFrom(sizeof...(Types), GetArrayObj());
    }
    GetArrayObj()->SetItem(I, std::move(element));
  }

  using ContainerType = ArrayObj;
  static constexpr bool _type_is_nullable = false;
  /*! \brief The element types matter too. */
  static constexpr bool _type_container_is_exact = false;

 private:
  ArrayObj* GetArrayObj() const { return static_cast<ArrayObj*>(data_.get()); }
  static ObjectPtr<ArrayObj> Make(Types... values) {
    ObjectPtr<ArrayObj> ptr = ArrayObj::Empty(sizeof...(Types));
    (ptr->EmplaceBack(Any(std::move(values))), ...);
    return ptr;
  }
};

template <typename... U>
Tuple(U&&...) -> Tuple<std::remove_const_t<std::remove_reference_t<U>>...>;

template <size_t I, typename... Types>
inline auto get(const Tuple<Types...>& tuple) {
  return tuple.template get<I>();
}

template <typename... Types>
struct TypeTraits<Tuple<Types...>> : public ObjectRefTypeTraitsBase<Tuple<Types...>> {
  static constexpr int32_t field_static_type_index = kTVMFFIArray;

  static bool CheckAnyStrict(const TVMFFIAny* src) {
    return HasLength(src) && ElementsStrict(src, std::index_sequence_for<Types...>{});
  }
  static std::optional<Tuple<Types...>> TryCastFromAnyView(const TVMFFIAny* src) {
    if (!HasLength(src)) {
      return std::nullopt;
    }
    if (CheckAnyStrict(src)) {
      return TypeTraits::CopyFromAnyViewAfterCheck(src);
    }
    ObjectPtr<ArrayObj> result = ArrayObj::Empty(sizeof...(Types));
    if (!ConvertElements(src, result.get(), std::index_sequence_for<Types...>{})) {
      return std::nullopt;
    }
    return Tuple<Types...>(ObjectPtr<Object>(std::move(result)));
  }
  static std::string GetMismatchTypeInfo(const TVMFFIAny* src) {
    if (src->type_index != kTVMFFIArray) {
      return TypeTraitsBase::GetMismatchTypeInfo(src);
    }
    if (!HasLength(src)) {
      return "Array[size=" + std::to_string(details::SeqFromAny(src)->size()) + "]";
    }
    return FirstMismatch(src, std::index_sequence_for<Types...>{});
  }
  static std::string TypeStr() { return details::ContainerTypeStr<Types...>("Tuple"); }
  static std::string TypeSchema() { return details::CompositeTypeSchema<Types...>("Tuple"); }

 private:
  static bool HasLength(const TVMFFIAny* src) {
    return src->type_index == kTVMFFIArray && details::SeqFromAny(src)->size() == sizeof...(Types);
  }
  static const Any& Element([[maybe_unused]] const TVMFFIAny* src, size_t i) {
    return details::SeqFromAny(src)->begin()[i];
  }
  template <size_t... I>
  static bool ElementsStrict([[maybe_unused]] const TVMFFIAny* src, std::index_sequence<I...>) {
    return (details::AnyUnsafe::CheckAnyStrict<Types>(Element(src, I)) && ...);
  }
  template <typename T>
  static bool ConvertElement(const Any& element, ArrayObj* result) {
    std::optional<T> value = details::TryCastElement<T>(element);
    if (!value.has_value()) {
      return false;
    }
    result->EmplaceBack(Any(*std::move(value)));
    return true;
  }
  template <size_t... I>
  static bool ConvertElements([[maybe_unused]] const TVMFFIAny* src,
                              [[maybe_unused]] ArrayObj* result, std::index_sequence<I...>) {
    return (ConvertElement<Types>(Element(src, I), result) && ...);
  }
  template <typename T>
  static bool Mismatches(const Any& element, size_t i, std::string* text) {
    if (details::TryCastElement<T>(element).has_value()) {
      return false;
    }
    *text = "Array[index " + std::to_string(i) + ": " +
            details::AnyUnsafe::GetMismatchTypeInfo<T>(element) + "]";
    return true;
  }
  template <size_t... I>
  static std::string FirstMismatch(const TVMFFIAny* src, std::index_sequence<I...>) {
    std::string text = TypeTraitsBase::GetMismatchTypeInfo(src);
    (void)(Mismatches<Types>(Element(src, I), I, &text) || ...);
    return text;
  }
};

}  // namespace ffi
}  // namespace tvm

namespace std {
template <typename... Types>
struct tuple_size<::tvm::ffi::Tuple<Types...>>
    : public std::integral_constant<size_t, sizeof...(Types)> {};
template <size_t I, typename... Types>
struct tuple_element<I, ::tvm::ffi::Tuple<Types...>> {
  using type = std::tuple_element_t<I, std::tuple<Types...>>;
};
}  // namespace std
#endif  // TVM_FFI_CONTAINER_TUPLE_H_
