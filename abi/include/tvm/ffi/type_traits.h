/*!
 * \file tvm/ffi/type_traits.h
 * \brief How C++ types travel in a TVMFFIAny: the TypeTraits customization point and the plain
 * types.
 *
 * A specialization of TypeTraits<T> has:
 *  - convert_enabled: values can be passed as arguments;
 *  - storage_enabled: values can live in Any and containers;
 *  - CopyToAnyView / MoveToAny: write a borrowed / an owned image;
 *  - CheckAnyStrict, CopyFromAnyViewAfterCheck, MoveFromAnyAfterCheck: read exactly this type;
 *  - TryCastFromAnyView: read with conversions, std::nullopt when there is none;
 *  - GetMismatchTypeInfo, TypeStr: the "got" and "expected" words of error messages; TypeSchema:
 * JSON.
 */
#ifndef TVM_FFI_TYPE_TRAITS_H_
#define TVM_FFI_TYPE_TRAITS_H_

#include <tvm/ffi/error.h>
#include <tvm/ffi/object.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief Describes T; this primary template says that T cannot travel. */
template <typename T, typename = void>
struct TypeTraits {
  static constexpr bool convert_enabled = false;
  static constexpr bool storage_enabled = false;
};

/*! \brief TypeTraits of T without const and reference. */
template <typename T>
using TypeTraitsNoCR = TypeTraits<std::remove_const_t<std::remove_reference_t<T>>>;

/*! \brief Set to false before giving a reference class traits of its own. */
template <typename T>
inline constexpr bool use_default_type_traits_v = true;

/*! \brief Whether every Source value is a valid Target value with the same representation. */
template <typename Target, typename Source>
inline constexpr bool type_subsumes_v =
    std::is_base_of_v<Target, Source> || std::is_same_v<Target, Source>;
template <typename Source>
inline constexpr bool type_subsumes_v<Any, Source> = true;
template <>
inline constexpr bool type_subsumes_v<Any, Any> = true;
template <typename Base, typename Derived>
inline constexpr bool type_subsumes_v<ObjectPtr<Base>, ObjectPtr<Derived>> =
    std::is_base_of_v<Base, Derived>;
template <typename Base, typename Derived>
inline constexpr bool type_subsumes_v<ObjectPtr<Base>, Arc<Derived>> =
    std::is_base_of_v<Base, Derived>;
template <typename Base, typename Derived>
inline constexpr bool type_subsumes_v<Arc<Base>, Arc<Derived>> = std::is_base_of_v<Base, Derived>;

/*! \brief Defaults for traits that support everything. */
struct TypeTraitsBase {
  static constexpr bool convert_enabled = true;
  static constexpr bool storage_enabled = true;
  static constexpr int32_t field_static_type_index = kTVMFFIAny;

  static std::string GetMismatchTypeInfo(const TVMFFIAny* source) {
    return TypeIndexToTypeKey(source->type_index);
  }
};

/*! \brief The type index to record for a field of type T; kTVMFFIAny when it varies. */
template <typename T, typename = void>
struct TypeToFieldStaticTypeIndex {
  static constexpr int32_t value = kTVMFFIAny;
};
template <typename T>
struct TypeToFieldStaticTypeIndex<T, std::enable_if_t<TypeTraits<T>::convert_enabled>> {
  static constexpr int32_t value = TypeTraits<T>::field_static_type_index;
};

/*! \brief The type index that an object class or a plain type has in this process. */
template <typename T, typename = void>
struct TypeToRuntimeTypeIndex {
  static int32_t v() { return TypeToFieldStaticTypeIndex<T>::value; }
};
template <typename T>
struct TypeToRuntimeTypeIndex<T, std::enable_if_t<std::is_base_of_v<ObjectRef, T>>> {
  static int32_t v() { return T::ContainerType::RuntimeTypeIndex(); }
};

namespace details {

/*! \brief `{"type":"<name>"}` */
inline std::string TypeSchemaOf(const char* name) {
  return std::string("{\"type\":\"").append(name).append("\"}");
}

template <typename T>
struct TypeSchema {
  static std::string v() { return TypeTraitsNoCR<T>::TypeSchema(); }
};
template <>
struct TypeSchema<void> {
  static std::string v() { return TypeSchemaOf(StaticTypeKey::kTVMFFINone); }
};

/*! \brief `{"type":"<name>","args":[...]}` over the schemas of Args. */
template <typename... Args>
std::string CompositeTypeSchema(const char* name) {
  std::string result = std::string("{\"type\":\"").append(name).append("\",\"args\":[");
  const size_t begin = result.size();
  ((result += TypeSchema<Args>::v(), result += ','), ...);
  if (result.size() != begin) {
    result.pop_back();
  }
  return result.append("]}");
}

/*! \brief The word for T in error messages. */
template <typename T>
struct Type2Str {
  static std::string v() { return TypeTraitsNoCR<T>::TypeStr(); }
};
template <>
struct Type2Str<void> {
  static std::string v() { return "void"; }
};

[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowIntOverflow(
    uint64_t value) {
  TVM_FFI_THROW(OverflowError) << "Integer value " << value << " is too large to fit in int64_t. "
                               << "Cast it to int64_t first if wrapping around is intended.";
  TVM_FFI_UNREACHABLE();
}

/*!
 * \brief Traits of plain types: a fixed index and a payload word.
 *
 * The traits that follow are templates even where they serve one type: what a file does not use of
 * them is then not compiled.
 */
template <typename T, int32_t kTypeIndex>
struct PODTypeTraits : public TypeTraitsBase {
  static constexpr int32_t field_static_type_index = kTypeIndex;

  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kTypeIndex;
  }
  TVM_FFI_INLINE static T MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return TypeTraits<T>::CopyFromAnyViewAfterCheck(src);
  }

 protected:
  TVM_FFI_INLINE static void SetInt(TVMFFIAny* result, int64_t value) {
    result->type_index = kTypeIndex;
    result->zero_padding = 0;
    result->v_int64 = value;
  }
  TVM_FFI_INLINE static void SetPtr(TVMFFIAny* result, const void* value) {
    result->type_index = kTypeIndex;
    result->zero_padding = 0;
    TVM_FFI_CLEAR_PTR_PADDING_IN_FFI_ANY(result);
    result->v_ptr = const_cast<void*>(value);
  }
  TVM_FFI_INLINE static bool IsIntOrBool(const TVMFFIAny* src) {
    return src->type_index == kTVMFFIInt || src->type_index == kTVMFFIBool;
  }
};

template <typename T>
struct NullptrTypeTraits : public PODTypeTraits<T, kTVMFFINone> {
  TVM_FFI_INLINE static void CopyToAnyView(const T&, TVMFFIAny* result) {
    NullptrTypeTraits::SetInt(result, 0);
  }
  TVM_FFI_INLINE static void MoveToAny(T, TVMFFIAny* result) {
    NullptrTypeTraits::SetInt(result, 0);
  }
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const TVMFFIAny*) { return nullptr; }
  TVM_FFI_INLINE static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFINone) {
      return T(nullptr);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFINone; }
  static std::string TypeSchema() { return TypeSchemaOf(StaticTypeKey::kTVMFFINone); }
};

/*! \brief bool, which takes integers too, and StrictBool. */
template <typename T, bool kAcceptsInt>
struct BoolTypeTraits : public PODTypeTraits<T, kTVMFFIBool> {
  TVM_FFI_INLINE static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    BoolTypeTraits::SetInt(result, src ? 1 : 0);
  }
  TVM_FFI_INLINE static void MoveToAny(T src, TVMFFIAny* result) {
    BoolTypeTraits::SetInt(result, src ? 1 : 0);
  }
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return src->v_int64 != 0;
  }
  TVM_FFI_INLINE static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    if (BoolTypeTraits::CheckAnyStrict(src) || (kAcceptsInt && BoolTypeTraits::IsIntOrBool(src))) {
      return T(src->v_int64 != 0);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIBool; }
  static std::string TypeSchema() { return TypeSchemaOf(StaticTypeKey::kTVMFFIBool); }
};

template <typename T>
struct OpaquePtrTypeTraits : public PODTypeTraits<T, kTVMFFIOpaquePtr> {
  TVM_FFI_INLINE static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    OpaquePtrTypeTraits::SetPtr(result, src);
  }
  TVM_FFI_INLINE static void MoveToAny(T src, TVMFFIAny* result) {
    OpaquePtrTypeTraits::SetPtr(result, src);
  }
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const TVMFFIAny* src) { return src->v_ptr; }
  TVM_FFI_INLINE static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFIOpaquePtr) {
      return src->v_ptr;
    }
    if (src->type_index == kTVMFFINone) {
      return T(nullptr);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIOpaquePtr; }
  static std::string TypeSchema() { return TypeSchemaOf(StaticTypeKey::kTVMFFIOpaquePtr); }
};

/*! \brief The tensor that an argument is or holds, or nullptr. */
TVM_FFI_INLINE DLTensor* FindDLTensor(const TVMFFIAny* src) {
  if (src->type_index == kTVMFFIDLTensorPtr) {
    return static_cast<DLTensor*>(src->v_ptr);
  }
  return src->type_index == kTVMFFITensor ? TVMFFITensorGetDLTensorPtr(src->v_obj) : nullptr;
}

template <typename T>
struct DLTensorPtrTypeTraits : public PODTypeTraits<T, kTVMFFIDLTensorPtr> {
  static constexpr bool storage_enabled = false;

  TVM_FFI_INLINE static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    TVM_FFI_ICHECK_NOTNULL(src);
    DLTensorPtrTypeTraits::SetPtr(result, src);
  }
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE static void MoveToAny(T, TVMFFIAny*) {
    TVM_FFI_THROW(RuntimeError)
        << "DLTensor* cannot be held in Any as it does not retain ownership, use Tensor instead";
  }
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return static_cast<T>(src->v_ptr);
  }
  TVM_FFI_INLINE static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    if (DLTensor* tensor = FindDLTensor(src)) {
      return tensor;
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIDLTensorPtr; }
  static std::string TypeSchema() { return TypeSchemaOf(StaticTypeKey::kTVMFFIDLTensorPtr); }
};
}  // namespace details

/*! \brief A bool parameter that accepts only bool; usable as a fallback type. */
class StrictBool {
 public:
  StrictBool(bool value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  operator bool() const { return value_; }   // NOLINT(google-explicit-constructor)

 private:
  bool value_;
};

/*! \brief Enums over an integer type travel as int. */
template <typename T, typename = void>
inline constexpr bool is_integeral_enum_v = false;
template <typename T>
inline constexpr bool is_integeral_enum_v<T, std::enable_if_t<std::is_enum_v<T>>> =
    std::is_integral_v<std::underlying_type_t<T>>;

template <>
struct TypeTraits<std::nullptr_t> : public details::NullptrTypeTraits<std::nullptr_t> {};

template <>
struct TypeTraits<bool> : public details::BoolTypeTraits<bool, true> {};

template <>
struct TypeTraits<StrictBool> : public details::BoolTypeTraits<StrictBool, false> {};

template <typename Int>
struct TypeTraits<Int, std::enable_if_t<std::is_integral_v<Int> || is_integeral_enum_v<Int>>>
    : public details::PODTypeTraits<Int, kTVMFFIInt> {
  TVM_FFI_INLINE static void CopyToAnyView(const Int& src, TVMFFIAny* result) {
    MoveToAny(src, result);
  }
  TVM_FFI_INLINE static void MoveToAny(Int src, TVMFFIAny* result) {
    if constexpr (std::is_same_v<Int, uint64_t>) {
      if (TVM_FFI_PREDICT_FALSE(src > static_cast<uint64_t>(INT64_MAX))) {
        details::ThrowIntOverflow(src);
      }
    }
    TypeTraits::SetInt(result, static_cast<int64_t>(src));
  }
  TVM_FFI_INLINE static Int CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return static_cast<Int>(src->v_int64);
  }
  TVM_FFI_INLINE static std::optional<Int> TryCastFromAnyView(const TVMFFIAny* src) {
    if (TypeTraits::IsIntOrBool(src)) {
      return static_cast<Int>(src->v_int64);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIInt; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIInt); }
};

template <typename Float>
struct TypeTraits<Float, std::enable_if_t<std::is_floating_point_v<Float>>>
    : public details::PODTypeTraits<Float, kTVMFFIFloat> {
  TVM_FFI_INLINE static void CopyToAnyView(const Float& src, TVMFFIAny* result) {
    MoveToAny(src, result);
  }
  TVM_FFI_INLINE static void MoveToAny(Float src, TVMFFIAny* result) {
    result->type_index = kTVMFFIFloat;
    result->zero_padding = 0;
    result->v_float64 = static_cast<double>(src);
  }
  TVM_FFI_INLINE static Float CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return static_cast<Float>(src->v_float64);
  }
  TVM_FFI_INLINE static std::optional<Float> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFIFloat) {
      return static_cast<Float>(src->v_float64);
    }
    if (TypeTraits::IsIntOrBool(src)) {
      return static_cast<Float>(src->v_int64);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIFloat; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIFloat); }
};

template <>
struct TypeTraits<void*> : public details::OpaquePtrTypeTraits<void*> {};

/*! \brief Borrowed tensors: arguments only. A Tensor object converts to one. */
template <>
struct TypeTraits<DLTensor*> : public details::DLTensorPtrTypeTraits<DLTensor*> {};

namespace details {

/*!
 * \brief `*to = from` in the pieces it is written in.
 *
 * A value that was just written field by field and is read as one 16-byte word makes the processor
 * wait until the fields have left its store buffer.
 */
TVM_FFI_INLINE void CopyFields(const TVMFFIAny& from, TVMFFIAny* to) {
  const int32_t type_index = from.type_index;
  const uint32_t padding = from.zero_padding;
  const int64_t payload = from.v_int64;
  to->type_index = type_index;
  to->zero_padding = padding;
  to->v_int64 = payload;
}

TVM_FFI_INLINE void SetObjectView(TVMFFIAny* result, TVMFFIObject* obj) {
  result->type_index = obj->type_index;
  result->zero_padding = 0;
  TVM_FFI_CLEAR_PTR_PADDING_IN_FFI_ANY(result);
  result->v_obj = obj;
}

/*! \brief The image of an object pointer; None for null. Borrowed or owned as the pointer was. */
TVM_FFI_INLINE void SetObjectOrNone(TVMFFIAny* result, TVMFFIObject* obj) {
  if (obj == nullptr) {
    result->type_index = kTVMFFINone;
    result->zero_padding = 0;
    result->v_int64 = 0;
  } else {
    SetObjectView(result, obj);
  }
}

TVM_FFI_INLINE Object* ObjectFromAny(const TVMFFIAny* src) {
  return src->type_index == kTVMFFINone ? nullptr : reinterpret_cast<Object*>(src->v_obj);
}

/*! \brief Takes the object out of an owned value and leaves None. */
TVM_FFI_INLINE Object* TakeObjectFromAny(TVMFFIAny* src) {
  Object* result = ObjectFromAny(src);
  src->type_index = kTVMFFINone;
  src->v_int64 = 0;
  return result;
}
}  // namespace details

/*! \brief Traits of reference classes: decided by the container class and nullability. */
template <typename TObjRef>
struct ObjectRefTypeTraitsBase : public TypeTraitsBase {
  using ContainerType = typename TObjRef::ContainerType;
  static constexpr int32_t field_static_type_index = kTVMFFIObject;

  TVM_FFI_INLINE static void CopyToAnyView(const TObjRef& src, TVMFFIAny* result) {
    details::SetObjectOrNone(result, details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(src));
  }
  TVM_FFI_INLINE static void MoveToAny(TObjRef src, TVMFFIAny* result) {
    details::SetObjectOrNone(result,
                             details::ObjectUnsafe::MoveObjectRefToTVMFFIObjectPtr(std::move(src)));
  }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny* src) {
    if constexpr (TObjRef::_type_is_nullable) {
      if (src->type_index == kTVMFFINone) {
        return true;
      }
    }
    return src->type_index >= kTVMFFIStaticObjectBegin &&
           details::IsObjectInstance<ContainerType>(src->type_index);
  }
  TVM_FFI_INLINE static TObjRef CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return details::ObjectUnsafe::ObjectRefFromObjectPtr<TObjRef>(
        details::ObjectUnsafe::ObjectPtrFromUnowned<Object>(details::ObjectFromAny(src)));
  }
  TVM_FFI_INLINE static TObjRef MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return details::ObjectUnsafe::ObjectRefFromObjectPtr<TObjRef>(
        details::ObjectUnsafe::ObjectPtrFromOwned<Object>(details::TakeObjectFromAny(src)));
  }
  TVM_FFI_INLINE static std::optional<TObjRef> TryCastFromAnyView(const TVMFFIAny* src) {
    if (CheckAnyStrict(src)) {
      return CopyFromAnyViewAfterCheck(src);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return ContainerType::_type_key; }
  static std::string TypeSchema() { return details::TypeSchemaOf(ContainerType::_type_key); }
};

template <typename TObjRef>
struct TypeTraits<TObjRef, std::enable_if_t<std::is_base_of_v<ObjectRef, TObjRef> &&
                                            use_default_type_traits_v<TObjRef>>>
    : public ObjectRefTypeTraitsBase<TObjRef> {};

namespace details {

/*! \brief Traits of ObjectPtr (nullable) and Arc (not). */
template <typename TPtr, typename TObject, bool kNullable>
struct ObjectPtrTypeTraits : public TypeTraitsBase {
  TVM_FFI_INLINE static void CopyToAnyView(const TPtr& src, TVMFFIAny* result) {
    SetObjectOrNone(result, ObjectUnsafe::TVMFFIObjectPtrFromObjectPtr<TObject>(src));
  }
  TVM_FFI_INLINE static void MoveToAny(TPtr src, TVMFFIAny* result) {
    SetObjectOrNone(result, ObjectUnsafe::MoveObjectPtrToTVMFFIObjectPtr<TObject>(std::move(src)));
  }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny* src) {
    if (src->type_index == kTVMFFINone) {
      return kNullable;
    }
    return src->type_index >= kTVMFFIStaticObjectBegin &&
           IsObjectInstance<TObject>(src->type_index);
  }
  TVM_FFI_INLINE static TPtr CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return Wrap(ObjectUnsafe::ObjectPtrFromUnowned<TObject>(ObjectFromAny(src)));
  }
  TVM_FFI_INLINE static TPtr MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return Wrap(ObjectUnsafe::ObjectPtrFromOwned<TObject>(TakeObjectFromAny(src)));
  }
  TVM_FFI_INLINE static std::optional<TPtr> TryCastFromAnyView(const TVMFFIAny* src) {
    if (CheckAnyStrict(src)) {
      return CopyFromAnyViewAfterCheck(src);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return TObject::_type_key; }

 private:
  TVM_FFI_INLINE static TPtr Wrap(ObjectPtr<TObject> ptr) {
    if constexpr (kNullable) {
      return ptr;
    } else {
      return ObjectUnsafe::ArcFromObjectPtr<TObject>(std::move(ptr));
    }
  }
};
}  // namespace details

template <typename TObject>
struct TypeTraits<ObjectPtr<TObject>>
    : public details::ObjectPtrTypeTraits<ObjectPtr<TObject>, TObject, true> {
  static std::string TypeSchema() {
    return "{\"type\":\"Optional\",\"args\":[" + details::TypeSchemaOf(TObject::_type_key) + "]}";
  }
};

template <typename TObject>
struct TypeTraits<Arc<TObject>>
    : public details::ObjectPtrTypeTraits<Arc<TObject>, TObject, false> {
  static std::string TypeSchema() { return details::TypeSchemaOf(TObject::_type_key); }
};

/*! \brief Plain object pointers borrow as arguments; storing one takes a reference. */
template <typename TObject>
struct TypeTraits<TObject*,
                  std::enable_if_t<std::is_base_of_v<Object, std::remove_const_t<TObject>>>>
    : public TypeTraitsBase {
  using ObjectType = std::remove_const_t<TObject>;
  static constexpr bool storage_enabled = false;
  static_assert(std::is_const_v<TObject> || ObjectType::_type_mutable,
                "a pointer to non-const needs an object class with _type_mutable = true");

  TVM_FFI_INLINE static void CopyToAnyView(TObject* const& src, TVMFFIAny* result) {
    details::SetObjectOrNone(
        result, src == nullptr ? nullptr
                               : details::ObjectUnsafe::GetHeader(static_cast<const Object*>(src)));
  }
  TVM_FFI_INLINE static void MoveToAny(TObject* src, TVMFFIAny* result) {
    CopyToAnyView(src, result);
    if (src != nullptr) {
      details::ObjectUnsafe::IncRefObjectHandle(result->v_obj);
    }
  }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index >= kTVMFFIStaticObjectBegin &&
           details::IsObjectInstance<ObjectType>(src->type_index);
  }
  TVM_FFI_INLINE static TObject* CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return details::ObjectUnsafe::RawObjectPtrFromUnowned<ObjectType>(src->v_obj);
  }
  TVM_FFI_INLINE static TObject* MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return CopyFromAnyViewAfterCheck(src);
  }
  TVM_FFI_INLINE static std::optional<TObject*> TryCastFromAnyView(const TVMFFIAny* src) {
    if (CheckAnyStrict(src)) {
      return CopyFromAnyViewAfterCheck(src);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return ObjectType::_type_key; }
  static std::string TypeSchema() { return details::TypeSchemaOf(ObjectType::_type_key); }
};

/*!
 * \brief Base of traits for a T that is only ever converted from other types.
 *
 * TryCastFromAnyView tries each fallback type in order and passes what it got to the derived
 * `static T ConvertFallbackValue(Fallback)`. Use StrictBool in the list, not bool.
 */
template <typename T, typename... FallbackTypes>
struct FallbackOnlyTraitsBase : public TypeTraitsBase {
  static_assert((!std::is_same_v<FallbackTypes, bool> && ...),
                "bool as a fallback would also take integers: use StrictBool");
  static constexpr bool storage_enabled = false;

  TVM_FFI_INLINE static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    std::optional<T> result;
    (void)(TryFallback<FallbackTypes>(src, &result) || ...);
    return result;
  }

 private:
  template <typename Fallback>
  TVM_FFI_INLINE static bool TryFallback(const TVMFFIAny* src, std::optional<T>* result) {
    if (auto value = TypeTraits<Fallback>::TryCastFromAnyView(src)) {
      result->emplace(TypeTraits<T>::ConvertFallbackValue(*std::move(value)));
      return true;
    }
    return false;
  }
};

/*! \brief Like ObjectRefTypeTraitsBase, then the fallback types as in FallbackOnlyTraitsBase. */
template <typename TObjRef, typename... FallbackTypes>
struct ObjectRefWithFallbackTraitsBase : public ObjectRefTypeTraitsBase<TObjRef> {
  static_assert((!std::is_same_v<FallbackTypes, bool> && ...),
                "bool as a fallback would also take integers: use StrictBool");

  TVM_FFI_INLINE static std::optional<TObjRef> TryCastFromAnyView(const TVMFFIAny* src) {
    std::optional<TObjRef> result = ObjectRefTypeTraitsBase<TObjRef>::TryCastFromAnyView(src);
    (void)(result.has_value() || ... || TryFallback<FallbackTypes>(src, &result));
    return result;
  }

 private:
  template <typename Fallback>
  TVM_FFI_INLINE static bool TryFallback(const TVMFFIAny* src, std::optional<TObjRef>* result) {
    if (auto value = TypeTraits<Fallback>::TryCastFromAnyView(src)) {
      result->emplace(TypeTraits<TObjRef>::ConvertFallbackValue(*std::move(value)));
      return true;
    }
    return false;
  }
};

}  // namespace ffi
}  // namespace tvm

/*! \brief In the body of a class that mirrors an object type of another library: its key is looked
 * up, never made. */
#define TVM_FFI_DECLARE_OBJECT_INFO_LOOKUP(TypeKey, TypeDepth)                       \
  static constexpr const char* _type_key = TypeKey;                                  \
  static constexpr int32_t _type_depth = TypeDepth;                                  \
  static constexpr bool _type_mutable = true;                                        \
  static constexpr bool _type_final = false;                                         \
  static constexpr int32_t _type_child_slots = 0;                                    \
  static int32_t RuntimeTypeIndex() {                                                \
    static const int32_t type_index = ::tvm::ffi::details::LookupTypeIndex(TypeKey); \
    return type_index;                                                               \
  }                                                                                  \
  static int32_t _GetOrAllocRuntimeTypeIndex() { return RuntimeTypeIndex(); }

namespace tvm {
namespace ffi {
namespace details {
/*! \brief The index of a registered key, or throws what the library raised. */
inline int32_t LookupTypeIndex(std::string_view type_key) {
  TVMFFIByteArray key{type_key.data(), type_key.size()};
  int32_t type_index = 0;
  if (TVMFFITypeKeyToIndex(&key, &type_index) != 0) {
    throw MoveFromSafeCallRaised();
  }
  return type_index;
}
}  // namespace details
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_TYPE_TRAITS_H_
