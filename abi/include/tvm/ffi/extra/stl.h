/*!
 * \file tvm/ffi/extra/stl.h
 * \brief Standard library types as arguments and results.
 *
 *  type                            reads from                  becomes
 *  std::vector<T>                  Array, List                 Array
 *  std::array<T, N>, std::tuple    Array of exactly that size  Array
 *  std::map, std::unordered_map    Map                         Map
 *  std::optional<T>                None, what T reads from     None, what T becomes
 *  std::variant<T...>              what the first T that fits  what that T becomes
 *                                  reads from
 *  std::function<R(Args...)>       Function, None (empty)      Function
 *
 * Elements are converted and copied both ways. They cannot be stored in Any, Array or Map as they
 * are, except std::optional and std::variant of types that can.
 *
 * Passing one of them to a Function makes an object that lives until the call returns. An AnyView
 * made from one by hand owns that object and, being a view, never releases it: make an Any first.
 */
#ifndef TVM_FFI_EXTRA_STL_H_
#define TVM_FFI_EXTRA_STL_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/function.h>

#include <array>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tvm {
namespace ffi {
namespace details {

template <typename T>
inline constexpr bool view_owns_v<std::vector<T>> = true;
template <typename T, size_t N>
inline constexpr bool view_owns_v<std::array<T, N>> = true;
template <typename... T>
inline constexpr bool view_owns_v<std::tuple<T...>> = true;
template <typename K, typename V>
inline constexpr bool view_owns_v<std::map<K, V>> = true;
template <typename K, typename V>
inline constexpr bool view_owns_v<std::unordered_map<K, V>> = true;
template <typename T>
inline constexpr bool view_owns_v<std::optional<T>> = view_owns_v<T>;
template <typename... T>
inline constexpr bool view_owns_v<std::variant<T...>> = (view_owns_v<T> || ...);
template <typename F>
inline constexpr bool view_owns_v<std::function<F>> = true;

/*! \brief `value` as an owned value; a container is copied only if it is not moved. */
template <typename T>
Any OwnElement(T&& value) {
  using Value = RemoveCVRef<T>;
  if constexpr (view_owns_v<Value> && std::is_lvalue_reference_v<T>) {
    return HoldArg(value);
  } else {
    return Any(Value(std::forward<T>(value)));
  }
}

/*! \brief Writes an image that owns: what CopyToAnyView does for types with view_owns_v. */
template <typename T>
void CopyOwnedImage(const T& value, TVMFFIAny* result) {
  TypeTraits<T>::CopyToAnyView(value, result);
  if (!view_owns_v<T> && result->type_index >= kTVMFFIStaticObjectBegin) {
    ObjectUnsafe::IncRefObjectHandle(result->v_obj);
  }
}

inline std::string JoinWithCommas(std::initializer_list<std::string> parts) {
  std::string result;
  for (const std::string& part : parts) {
    result.append(result.empty() ? "" : ", ").append(part);
  }
  return result;
}

/*! \brief `{"type":"<name>","args":[<first>, <second>]}` */
template <typename... T>
std::string SpacedTypeSchema(const char* name) {
  return std::string("{\"type\":\"").append(name).append("\",\"args\":[") +
         JoinWithCommas({TypeSchema<T>::v()...}) + "]}";
}

/*! \brief What the traits of all STL types with an object image share. */
template <typename T, typename Derived>
struct StlTypeTraits : public TypeTraitsBase {
  static constexpr bool storage_enabled = false;

  static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    *result = AnyUnsafe::MoveAnyToTVMFFIAny(Derived::ToObject(src));
  }
  static void MoveToAny(T src, TVMFFIAny* result) {
    *result = AnyUnsafe::MoveAnyToTVMFFIAny(Derived::ToObject(std::move(src)));
  }
};

/*! \brief Types of a fixed number of elements: std::array and std::tuple. */
template <typename Fixed, typename Derived, typename... T>
struct StlFixedTypeTraits : public StlTypeTraits<Fixed, Derived> {
  static constexpr int32_t field_static_type_index = kTVMFFIArray;

  template <typename Source>
  static Any ToObject(Source&& src) {
    ObjectPtr<ArrayObj> array = ArrayObj::Empty(sizeof...(T));
    std::apply(
        [&](auto&&... element) {
          (array->EmplaceBack(OwnElement(std::forward<decltype(element)>(element))), ...);
        },
        std::forward<Source>(src));
    return Any(std::move(array));
  }
  static std::optional<Fixed> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index != kTVMFFIArray || SeqFromAny(src)->size() != sizeof...(T)) {
      return std::nullopt;
    }
    return Collect(SeqFromAny(src)->begin(), std::index_sequence_for<T...>{});
  }

 private:
  template <size_t... I>
  static std::optional<Fixed> Collect(const Any* elements, std::index_sequence<I...>) {
    std::tuple<std::optional<T>...> values;
    if (((std::get<I>(values) = TryCastElement<T>(elements[I])).has_value() && ...)) {
      return Fixed{*std::get<I>(std::move(values))...};
    }
    return std::nullopt;
  }
};

template <typename TMap, typename Derived>
struct StlMapTypeTraits : public StlTypeTraits<TMap, Derived> {
  using K = typename TMap::key_type;
  using V = typename TMap::mapped_type;
  static constexpr int32_t field_static_type_index = kTVMFFIMap;

  template <typename Source>
  static Any ToObject(Source&& src) {
    Map<Any, Any> map(MapObj::Empty(src.size()));
    for (auto& entry : src) {
      if constexpr (std::is_lvalue_reference_v<Source>) {
        map.CopyOnWrite()->Set(OwnElement(entry.first), OwnElement(entry.second));
      } else {
        map.CopyOnWrite()->Set(OwnElement(entry.first), OwnElement(std::move(entry.second)));
      }
    }
    return Any(std::move(map));
  }
  static std::optional<TMap> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index != kTVMFFIMap) {
      return std::nullopt;
    }
    TMap result;
    const MapBaseObj* map = MapFromAny(src);
    for (uint64_t i = map->FirstSlot(); i != MapBaseObj::kNoSlot; i = map->NextSlot(i)) {
      std::optional<K> key = TryCastElement<K>(map->PairAt(i).first);
      std::optional<V> value = TryCastElement<V>(map->PairAt(i).second);
      if (!key.has_value() || !value.has_value()) {
        return std::nullopt;
      }
      result.insert_or_assign(*std::move(key), *std::move(value));
    }
    return result;
  }
};
}  // namespace details

template <typename T>
struct TypeTraits<std::vector<T>>
    : public details::StlTypeTraits<std::vector<T>, TypeTraits<std::vector<T>>> {
  static constexpr int32_t field_static_type_index = kTVMFFIArray;

  template <typename Source>
  static Any ToObject(Source&& src) {
    ObjectPtr<ArrayObj> array = ArrayObj::Empty(static_cast<int64_t>(src.size()));
    for (auto&& element : src) {
      if constexpr (std::is_lvalue_reference_v<Source>) {
        array->EmplaceBack(details::OwnElement(static_cast<const T&>(element)));
      } else {
        array->EmplaceBack(details::OwnElement(static_cast<T>(std::move(element))));
      }
    }
    return Any(std::move(array));
  }
  static std::optional<std::vector<T>> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index != kTVMFFIArray && src->type_index != kTVMFFIList) {
      return std::nullopt;
    }
    std::vector<T> result;
    result.reserve(details::SeqFromAny(src)->size());
    for (const Any& element : *details::SeqFromAny(src)) {
      std::optional<T> value = details::TryCastElement<T>(element);
      if (!value.has_value()) {
        return std::nullopt;
      }
      result.push_back(*std::move(value));
    }
    return result;
  }
  static std::string TypeStr() { return details::ContainerTypeStr<T>("std::vector"); }
  static std::string TypeSchema() { return details::CompositeTypeSchema<T>("std::vector"); }
};

namespace details {
template <typename T, typename Index>
struct StlArrayTypeTraits;
template <typename T, size_t... I>
struct StlArrayTypeTraits<T, std::index_sequence<I...>> {
  template <size_t>
  using Element = T;
  using Array = std::array<T, sizeof...(I)>;
  using type = StlFixedTypeTraits<Array, TypeTraits<Array>, Element<I>...>;
};
}  // namespace details

template <typename T, size_t N>
struct TypeTraits<std::array<T, N>>
    : public details::StlArrayTypeTraits<T, std::make_index_sequence<N>>::type {
  static std::string TypeStr() {
    return "std::array<" + details::Type2Str<T>::v() + ", " + std::to_string(N) + ">";
  }
  static std::string TypeSchema() {
    return "{\"type\":\"std::array\",\"args\":[" + details::TypeSchema<T>::v() + "," +
           std::to_string(N) + "]}";
  }
};

template <typename... T>
struct TypeTraits<std::tuple<T...>>
    : public details::StlFixedTypeTraits<std::tuple<T...>, TypeTraits<std::tuple<T...>>, T...> {
  static_assert(sizeof...(T) > 0, "a tuple without elements does not travel");

  static std::string TypeStr() { return details::ContainerTypeStr<T...>("std::tuple"); }
  static std::string TypeSchema() { return details::SpacedTypeSchema<T...>("std::tuple"); }
};

template <typename K, typename V>
struct TypeTraits<std::map<K, V>>
    : public details::StlMapTypeTraits<std::map<K, V>, TypeTraits<std::map<K, V>>> {
  static std::string TypeStr() { return details::ContainerTypeStr<K, V>("std::map"); }
  static std::string TypeSchema() { return details::CompositeTypeSchema<K, V>("std::map"); }
};

template <typename K, typename V>
struct TypeTraits<std::unordered_map<K, V>>
    : public details::StlMapTypeTraits<std::unordered_map<K, V>,
                                       TypeTraits<std::unordered_map<K, V>>> {
  static std::string TypeStr() { return details::ContainerTypeStr<K, V>("std::unordered_map"); }
  static std::string TypeSchema() {
    return details::CompositeTypeSchema<K, V>("std::unordered_map");
  }
};

template <typename T>
struct TypeTraits<std::optional<T>> : public TypeTraitsBase {
  static constexpr bool convert_enabled = TypeTraits<T>::convert_enabled;
  static constexpr bool storage_enabled = TypeTraits<T>::storage_enabled;

  static void CopyToAnyView(const std::optional<T>& src, TVMFFIAny* result) {
    if (src.has_value()) {
      TypeTraits<T>::CopyToAnyView(*src, result);
    } else {
      TypeTraits<std::nullptr_t>::CopyToAnyView(nullptr, result);
    }
  }
  static void MoveToAny(std::optional<T> src, TVMFFIAny* result) {
    if (src.has_value()) {
      TypeTraits<T>::MoveToAny(*std::move(src), result);
    } else {
      TypeTraits<std::nullptr_t>::MoveToAny(nullptr, result);
    }
  }
  template <typename U = T, typename = std::enable_if_t<details::has_strict_check_v<U>>>
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kTVMFFINone || TypeTraits<U>::CheckAnyStrict(src);
  }
  template <typename U = T, typename = std::enable_if_t<details::has_strict_check_v<U>>>
  static std::optional<T> CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFINone) {
      return std::nullopt;
    }
    return TypeTraits<U>::CopyFromAnyViewAfterCheck(src);
  }
  static std::optional<T> MoveFromAnyAfterCheck(TVMFFIAny* src) {
    if (src->type_index == kTVMFFINone) {
      return std::nullopt;
    }
    return TypeTraits<T>::MoveFromAnyAfterCheck(src);
  }
  static std::optional<std::optional<T>> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFINone) {
      return std::optional<std::optional<T>>(std::in_place);
    }
    if (std::optional<T> value = TypeTraits<T>::TryCastFromAnyView(src)) {
      return value;
    }
    return std::nullopt;
  }
  static std::string GetMismatchTypeInfo(const TVMFFIAny* src) {
    return TypeTraits<T>::GetMismatchTypeInfo(src);
  }
  static std::string TypeStr() { return details::ContainerTypeStr<T>("std::optional"); }
  static std::string TypeSchema() { return details::CompositeTypeSchema<T>("std::optional"); }
};

/*! \brief Alternatives are tried in their order, each with its conversions. */
template <typename... T>
struct TypeTraits<std::variant<T...>> : public TypeTraitsBase {
  using Variant = std::variant<T...>;
  static constexpr bool storage_enabled = (TypeTraits<T>::storage_enabled && ...);

  static void CopyToAnyView(const Variant& src, TVMFFIAny* result) {
    std::visit(
        [result](const auto& value) {
          using Value = details::RemoveCVRef<decltype(value)>;
          if constexpr (details::view_owns_v<Variant>) {
            details::CopyOwnedImage<Value>(value, result);
          } else {
            TypeTraits<Value>::CopyToAnyView(value, result);
          }
        },
        src);
  }
  static void MoveToAny(Variant src, TVMFFIAny* result) {
    std::visit(
        [result](auto&& value) {
          TypeTraits<details::RemoveCVRef<decltype(value)>>::MoveToAny(std::move(value), result);
        },
        std::move(src));
  }
  /*! \brief Whether the alternative that TryCastFromAnyView would take is met exactly. */
  template <typename U = Variant,
            typename = std::enable_if_t<std::is_same_v<U, Variant> &&
                                        (details::has_strict_check_v<T> && ...)>>
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    bool strict = false;
    (void)((TypeTraits<T>::CheckAnyStrict(src)
                ? (strict = true)
                : TypeTraits<T>::TryCastFromAnyView(src).has_value()) ||
           ...);
    return strict;
  }
  template <typename U = Variant,
            typename = std::enable_if_t<std::is_same_v<U, Variant> &&
                                        (details::has_strict_check_v<T> && ...)>>
  static Variant CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return *TakeFirst(src, std::index_sequence_for<T...>{}, [](const TVMFFIAny* from, auto tag) {
      using Value = typename decltype(tag)::type;
      return TypeTraits<Value>::CheckAnyStrict(from)
                 ? std::optional<Value>(TypeTraits<Value>::CopyFromAnyViewAfterCheck(from))
                 : std::nullopt;
    });
  }
  static Variant MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return CopyFromAnyViewAfterCheck(
        details::AnyUnsafe::TVMFFIAnyPtrFromAny(details::AnyUnsafe::MoveTVMFFIAnyToAny(src)));
  }
  static std::optional<Variant> TryCastFromAnyView(const TVMFFIAny* src) {
    return TakeFirst(src, std::index_sequence_for<T...>{}, [](const TVMFFIAny* from, auto tag) {
      return TypeTraits<typename decltype(tag)::type>::TryCastFromAnyView(from);
    });
  }
  static std::string TypeStr() { return details::ContainerTypeStr<T...>("std::variant"); }
  static std::string TypeSchema() { return details::SpacedTypeSchema<T...>("std::variant"); }

 private:
  template <typename Value>
  struct Tag {
    using type = Value;
  };
  template <size_t I, typename Value>
  static bool Emplace(std::optional<Value> value, std::optional<Variant>* result) {
    if (value.has_value()) {
      result->emplace(std::in_place_index<I>, *std::move(value));
    }
    return value.has_value();
  }
  template <size_t... I, typename F>
  static std::optional<Variant> TakeFirst(const TVMFFIAny* src, std::index_sequence<I...>, F read) {
    std::optional<Variant> result;
    (void)(Emplace<I, T>(read(src, Tag<T>{}), &result) || ...);
    return result;
  }
};

template <typename R, typename... Args>
struct TypeTraits<std::function<R(Args...)>>
    : public details::StlTypeTraits<std::function<R(Args...)>,
                                    TypeTraits<std::function<R(Args...)>>> {
  static constexpr int32_t field_static_type_index = kTVMFFIFunction;

  /*! \brief Calling the Function of an empty std::function throws std::bad_function_call. */
  static Any ToObject(std::function<R(Args...)> src) {
    return Any(Function::FromTyped(std::move(src)));
  }
  static std::optional<std::function<R(Args...)>> TryCastFromAnyView(const TVMFFIAny* src) {
    std::optional<Function> function = TypeTraits<Function>::TryCastFromAnyView(src);
    if (!function.has_value()) {
      return std::nullopt;
    }
    if (*function == nullptr) {
      return std::function<R(Args...)>();
    }
    return std::function<R(Args...)>(TypedFunction<R(Args...)>(*std::move(function)));
  }
  static std::string TypeStr() {
    return "std::function<" + details::Type2Str<R>::v() + "(" +
           details::JoinWithCommas({details::Type2Str<Args>::v()...}) + ")>";
  }
  static std::string TypeSchema() {
    return "{\"type\":\"std::function\",\"named_args\":{\"return\":[" +
           details::TypeSchema<R>::v() + "],\"params\":[" +
           details::JoinWithCommas({details::TypeSchema<Args>::v()...}) + "]}}";
  }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_STL_H_
