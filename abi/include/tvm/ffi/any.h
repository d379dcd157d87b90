/*!
 * \file tvm/ffi/any.h
 * \brief AnyView, a borrowed value, and Any, an owned one; their hash and equality.
 */
#ifndef TVM_FFI_ANY_H_
#define TVM_FFI_ANY_H_

#include <tvm/ffi/string.h>
#include <tvm/ffi/type_traits.h>

#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace tvm {
namespace ffi {

class Any;
class AnyView;

namespace details {
struct AnyUnsafe;

/*! \brief Types that Any and AnyView are made of; themselves excluded. */
template <typename T>
inline constexpr bool any_convertible_v = TypeTraits<T>::convert_enabled;
template <>
inline constexpr bool any_convertible_v<Any> = false;
template <>
inline constexpr bool any_convertible_v<AnyView> = false;

/*!
 * \brief Types with no object to borrow from, such as std::vector: CopyToAnyView makes one, and the
 * image owns it.
 */
template <typename T>
inline constexpr bool view_owns_v = false;

template <typename T>
inline constexpr bool is_any_or_view_v = std::is_same_v<T, Any> || std::is_same_v<T, AnyView>;

/*! \brief Types that as<T> and cast<T> produce. */
template <typename T>
inline constexpr bool any_readable_v = any_convertible_v<T> || is_any_or_view_v<T>;

template <typename T, typename = void>
inline constexpr bool has_strict_check_v = false;
template <typename T>
inline constexpr bool has_strict_check_v<
    T, std::void_t<decltype(TypeTraits<T>::CheckAnyStrict(std::declval<const TVMFFIAny*>())),
                   decltype(TypeTraits<T>::CopyFromAnyViewAfterCheck(
                       std::declval<const TVMFFIAny*>()))>> = true;

[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowCannotConvert(
    const std::string& actual, const std::string& expected) {
  TVM_FFI_THROW(TypeError) << "Cannot convert from type `" << actual << "` to `" << expected << "`";
  TVM_FFI_UNREACHABLE();
}

[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowCannotTreatAs(
    const std::string& actual, const std::string& expected) {
  TVM_FFI_THROW(TypeError) << "Cannot treat type `" << actual << "` as type `" << expected << "`";
  TVM_FFI_UNREACHABLE();
}

/*! \brief A view of the object an rvalue reference offers; the reference stays as it is. */
inline TVMFFIAny ViewOfRValueRef(const TVMFFIAny* src) {
  TVMFFIAny view;
  SetObjectOrNone(&view, *static_cast<TVMFFIObject**>(src->v_ptr));
  return view;
}

/*! \brief Whether T takes the object out of an rvalue reference itself. */
template <typename T>
inline constexpr bool reads_rvalue_ref_v = false;

/*! \brief Reads with conversions; an rvalue reference reads like the object it offers. */
template <typename T>
TVM_FFI_INLINE std::optional<T> TryCastView(const TVMFFIAny* src) {
  if constexpr (!reads_rvalue_ref_v<T>) {
    TVMFFIAny view;
    if (TVM_FFI_PREDICT_FALSE(src->type_index == kTVMFFIObjectRValueRef)) {
      view = ViewOfRValueRef(src);
      src = &view;
    }
    return TypeTraits<T>::TryCastFromAnyView(src);
  } else {
    return TypeTraits<T>::TryCastFromAnyView(src);
  }
}

/*! \brief Reads without conversions. Types that cannot be stored have none and are tried as
 * TryCastView does. */
template <typename T>
TVM_FFI_INLINE std::optional<T> TryStrictView(const TVMFFIAny* src) {
  if constexpr (has_strict_check_v<T>) {
    if (TypeTraits<T>::CheckAnyStrict(src)) {
      return TypeTraits<T>::CopyFromAnyViewAfterCheck(src);
    }
    return std::nullopt;
  } else {
    return TryCastView<T>(src);
  }
}

template <typename T>
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ T CastViewSlow(const TVMFFIAny* src) {
  if (std::optional<T> result = TryCastView<T>(src)) {
    return *std::move(result);
  }
  ThrowCannotConvert(TypeTraits<T>::GetMismatchTypeInfo(src), TypeTraits<T>::TypeStr());
}

template <typename T>
TVM_FFI_INLINE T CastView(const TVMFFIAny* src) {
  if constexpr (has_strict_check_v<T>) {
    if (TVM_FFI_PREDICT_TRUE(TypeTraits<T>::CheckAnyStrict(src))) {
      return TypeTraits<T>::CopyFromAnyViewAfterCheck(src);
    }
  }
  return CastViewSlow<T>(src);
}
}  // namespace details

/*!
 * \brief A borrowed value: trivially copyable, valid as long as what it was made from.
 *
 * A std::string becomes a raw C string: content behind a NUL is lost when it is read back.
 */
class AnyView {
 public:
  AnyView() {
    data_.type_index = kTVMFFINone;
    data_.zero_padding = 0;
    data_.v_int64 = 0;
  }
  template <typename T, typename = std::enable_if_t<details::any_convertible_v<T>>>
  AnyView(const T& other) {  // NOLINT(google-explicit-constructor)
    TypeTraits<T>::CopyToAnyView(other, &data_);
  }
  template <typename T, typename = std::enable_if_t<details::any_convertible_v<T>>>
  AnyView& operator=(const T& other) {
    TypeTraits<T>::CopyToAnyView(other, &data_);
    return *this;
  }

  void reset() { *this = AnyView(); }
  void swap(AnyView& other) noexcept { std::swap(data_, other.data_); }
  int32_t type_index() const { return data_.type_index; }
  std::string GetTypeKey() const { return TypeIndexToTypeKey(data_.type_index); }
  bool operator==(std::nullptr_t) const { return data_.type_index == kTVMFFINone; }
  bool operator!=(std::nullptr_t) const { return data_.type_index != kTVMFFINone; }

  /*! \brief The value if it is exactly a T. */
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  TVM_FFI_INLINE std::optional<T> as() const {
    if constexpr (details::is_any_or_view_v<T>) {
      return T(*this);
    } else {
      return details::TryStrictView<T>(&data_);
    }
  }
  /*! \brief The object if it is an ObjectType, else nullptr. */
  template <typename ObjectType, typename = std::enable_if_t<std::is_base_of_v<Object, ObjectType>>>
  TVM_FFI_INLINE const ObjectType* as() const {
    if (data_.type_index >= kTVMFFIStaticObjectBegin &&
        details::IsObjectInstance<ObjectType>(data_.type_index)) {
      return details::ObjectUnsafe::RawObjectPtrFromUnowned<ObjectType>(data_.v_obj);
    }
    return nullptr;
  }
  /*! \brief The value as a T, converted if need be, or TypeError. */
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  TVM_FFI_INLINE T cast() const {
    if constexpr (details::is_any_or_view_v<T>) {
      return T(*this);
    } else {
      return details::CastView<T>(&data_);
    }
  }
  /*! \brief The value as a T, converted if need be. */
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  TVM_FFI_INLINE std::optional<T> try_cast() const {
    if constexpr (details::is_any_or_view_v<T>) {
      return T(*this);
    } else {
      return details::TryCastView<T>(&data_);
    }
  }

  TVMFFIAny CopyToTVMFFIAny() const { return data_; }
  static AnyView CopyFromTVMFFIAny(TVMFFIAny data) {
    AnyView view;
    view.data_ = data;
    return view;
  }

 private:
  TVMFFIAny data_;
  friend class Any;
  friend struct details::AnyUnsafe;
};

namespace details {

/*! \brief Turns a copied view into an owned value in place. Only for the few kinds that need work.
 */
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void OwnBorrowedKind(TVMFFIAny* data) {
  if (data->type_index == kTVMFFIRawStr) {
    TypeTraits<String>::MoveToAny(String(data->v_c_str), data);
  } else if (data->type_index == kTVMFFIByteArrayPtr) {
    TypeTraits<Bytes>::MoveToAny(Bytes(*static_cast<TVMFFIByteArray*>(data->v_ptr)), data);
  } else {
    TVMFFIObject** slot = static_cast<TVMFFIObject**>(data->v_ptr);
    TVM_FFI_ICHECK(*slot != nullptr) << "RValueRef already moved";
    SetObjectView(data, std::exchange(*slot, nullptr));
  }
}

TVM_FFI_INLINE void OwnView(TVMFFIAny* data) {
  if (data->type_index >= kTVMFFIStaticObjectBegin) {
    IncStrongRef(data->v_obj);
  } else if (data->type_index >= kTVMFFIRawStr && data->type_index <= kTVMFFIObjectRValueRef) {
    OwnBorrowedKind(data);
  }
}
}  // namespace details

/*! \brief An owned value. None when default constructed or moved from. */
class Any {
 public:
  Any() { SetNone(); }
  TVM_FFI_INLINE ~Any() { Release(); }
  TVM_FFI_INLINE Any(const Any& other) : data_(other.data_) {
    if (data_.type_index >= kTVMFFIStaticObjectBegin) {
      details::IncStrongRef(data_.v_obj);
    }
  }
  TVM_FFI_INLINE Any(Any&& other) noexcept {
    details::CopyFields(other.data_, &data_);
    other.SetNone();
  }
  TVM_FFI_INLINE Any& operator=(const Any& other) { return *this = Any(other); }
  TVM_FFI_INLINE Any& operator=(Any&& other) noexcept {
    TVMFFIAny value;
    details::CopyFields(other.data_, &value);
    other.SetNone();
    Replace(value);
    return *this;
  }
  /*! \brief Strings and bytes are copied, an rvalue reference is taken, objects are shared. */
  Any(const AnyView& other) {  // NOLINT(google-explicit-constructor)
    // SetNone first: OwnView may throw, and then nothing must be released.
    TVMFFIAny data;
    details::CopyFields(other.data_, &data);
    SetNone();
    details::OwnView(&data);
    details::CopyFields(data, &data_);
  }
  Any& operator=(const AnyView& other) { return *this = Any(other); }
  template <typename T, typename = std::enable_if_t<details::any_convertible_v<T>>>
  TVM_FFI_INLINE Any(T other) {  // NOLINT(google-explicit-constructor)
    TypeTraits<T>::MoveToAny(std::move(other), &data_);
  }
  template <typename T, typename = std::enable_if_t<details::any_convertible_v<T>>>
  TVM_FFI_INLINE Any& operator=(T other) {
    TVMFFIAny value;
    TypeTraits<T>::MoveToAny(std::move(other), &value);
    Replace(value);
    return *this;
  }
  operator AnyView() const { return AnyView::CopyFromTVMFFIAny(data_); }  // NOLINT

  void reset() {
    Release();
    SetNone();
  }
  void swap(Any& other) noexcept {
    TVMFFIAny mine;
    details::CopyFields(data_, &mine);
    details::CopyFields(other.data_, &data_);
    details::CopyFields(mine, &other.data_);
  }
  int32_t type_index() const { return data_.type_index; }
  std::string GetTypeKey() const { return TypeIndexToTypeKey(data_.type_index); }
  bool operator==(std::nullptr_t) const { return data_.type_index == kTVMFFINone; }
  bool operator!=(std::nullptr_t) const { return data_.type_index != kTVMFFINone; }

  /*! \brief The same object, or the same plain value. */
  bool same_as(const Any& other) const {
    return data_.type_index == other.data_.type_index &&
           data_.zero_padding == other.data_.zero_padding && data_.v_int64 == other.data_.v_int64;
  }
  bool same_as(const ObjectRef& other) const {
    TVMFFIAny view;
    details::SetObjectOrNone(&view, details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(other));
    return data_.type_index == view.type_index && data_.v_int64 == view.v_int64;
  }

  /*! \brief The value if it is exactly a T. */
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  TVM_FFI_INLINE std::optional<T> as() const& {
    if constexpr (details::is_any_or_view_v<T>) {
      return T(*this);
    } else {
      return details::TryStrictView<T>(&data_);
    }
  }
  /*! \brief The same, moved out: on success this becomes None. */
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  TVM_FFI_INLINE std::optional<T> as() && {
    if constexpr (std::is_same_v<T, Any>) {
      return std::move(*this);
    } else if constexpr (TypeTraits<T>::storage_enabled) {
      if (TypeTraits<T>::CheckAnyStrict(&data_)) {
        return MoveAfterCheck<T>();
      }
      return std::nullopt;
    } else {
      return static_cast<const Any&>(*this).as<T>();
    }
  }
  /*! \brief The object if it is an ObjectType, else nullptr. */
  template <typename ObjectType, typename = std::enable_if_t<std::is_base_of_v<Object, ObjectType>>>
  TVM_FFI_INLINE const ObjectType* as() const& {
    return AnyView(*this).as<ObjectType>();
  }
  template <typename ObjectType, typename = std::enable_if_t<std::is_base_of_v<Object, ObjectType>>>
  TVM_FFI_INLINE const ObjectType* as() && {
    return AnyView(*this).as<ObjectType>();
  }

  /*! \brief The value as a T, converted if need be, or TypeError. */
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  TVM_FFI_INLINE T cast() const& {
    if constexpr (details::is_any_or_view_v<T>) {
      return T(*this);
    } else {
      return details::CastView<T>(&data_);
    }
  }
  /*! \brief The same; moved out when no conversion is needed. */
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  TVM_FFI_INLINE T cast() && {
    if constexpr (std::is_same_v<T, Any>) {
      return std::move(*this);
    } else if constexpr (details::is_any_or_view_v<T>) {
      return T(*this);
    } else if constexpr (TypeTraits<T>::storage_enabled) {
      if (TVM_FFI_PREDICT_TRUE(TypeTraits<T>::CheckAnyStrict(&data_))) {
        return MoveAfterCheck<T>();
      }
      return details::CastViewSlow<T>(&data_);
    } else {
      return details::CastView<T>(&data_);
    }
  }
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  TVM_FFI_INLINE std::optional<T> try_cast() const {
    if constexpr (details::is_any_or_view_v<T>) {
      return T(*this);
    } else {
      // No rvalue reference to look behind: owning one took its object.
      return TypeTraits<T>::TryCastFromAnyView(&data_);
    }
  }
  /*! \brief The value, which must be exactly a T, or TypeError. */
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  T as_or_throw() const& {
    if (std::optional<T> result = as<T>()) {
      return *std::move(result);
    }
    details::ThrowCannotTreatAs(TypeTraits<T>::GetMismatchTypeInfo(&data_),
                                TypeTraits<T>::TypeStr());
  }
  template <typename T, typename = std::enable_if_t<details::any_readable_v<T>>>
  T as_or_throw() && {
    if (std::optional<T> result = std::move(*this).template as<T>()) {
      return *std::move(result);
    }
    details::ThrowCannotTreatAs(TypeTraits<T>::GetMismatchTypeInfo(&data_),
                                TypeTraits<T>::TypeStr());
  }

 private:
  TVMFFIAny data_;

  void SetNone() {
    data_.type_index = kTVMFFINone;
    data_.zero_padding = 0;
    data_.v_int64 = 0;
  }
  TVM_FFI_INLINE void Release() {
    if (data_.type_index >= kTVMFFIStaticObjectBegin) {
      details::ObjectUnsafe::DecRefObjectHandle(data_.v_obj);
    }
  }
  /*! \brief Takes over `value`, then releases what was here: its destructor may look at this. */
  TVM_FFI_INLINE void Replace(const TVMFFIAny& value) {
    const int32_t old_type_index = data_.type_index;
    TVMFFIObject* const old_object = data_.v_obj;
    details::CopyFields(value, &data_);
    if (old_type_index >= kTVMFFIStaticObjectBegin) {
      details::ObjectUnsafe::DecRefObjectHandle(old_object);
    }
  }
  template <typename T>
  TVM_FFI_INLINE T MoveAfterCheck() {
    T result = TypeTraits<T>::MoveFromAnyAfterCheck(&data_);
    SetNone();
    return result;
  }
  friend struct details::AnyUnsafe;
};

static_assert(sizeof(AnyView) == sizeof(TVMFFIAny) && sizeof(Any) == sizeof(TVMFFIAny),
              "Any and AnyView are passed as TVMFFIAny");
static_assert(std::is_trivially_copyable_v<AnyView>, "an AnyView is only a view");

template <>
struct TypeTraits<Any> : public TypeTraitsBase {
  TVM_FFI_INLINE static void CopyToAnyView(const Any& src, TVMFFIAny* result) {
    *result = AnyView(src).CopyToTVMFFIAny();
  }
  TVM_FFI_INLINE static void MoveToAny(Any src, TVMFFIAny* result) {
    Any* target = ::new (static_cast<void*>(result)) Any();
    target->swap(src);
  }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny*) { return true; }
  TVM_FFI_INLINE static Any CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return Any(AnyView::CopyFromTVMFFIAny(*src));
  }
  TVM_FFI_INLINE static Any MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return std::move(*reinterpret_cast<Any*>(src));
  }
  TVM_FFI_INLINE static std::optional<Any> TryCastFromAnyView(const TVMFFIAny* src) {
    return CopyFromAnyViewAfterCheck(src);
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIAny; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIAny); }
};

template <>
struct TypeTraits<AnyView> : public TypeTraitsBase {
  static constexpr bool storage_enabled = false;

  TVM_FFI_INLINE static void CopyToAnyView(const AnyView& src, TVMFFIAny* result) {
    *result = src.CopyToTVMFFIAny();
  }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny*) { return true; }
  TVM_FFI_INLINE static AnyView CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return AnyView::CopyFromTVMFFIAny(*src);
  }
  TVM_FFI_INLINE static std::optional<AnyView> TryCastFromAnyView(const TVMFFIAny* src) {
    return AnyView::CopyFromTVMFFIAny(*src);
  }
  static std::string TypeStr() { return "AnyView"; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIAny); }
};

namespace details {

/*! \brief Moves values between the C++ classes and TVMFFIAny. The names say who owns what. */
struct AnyUnsafe : public ObjectUnsafe {
  TVM_FFI_INLINE static TVMFFIAny MoveAnyToTVMFFIAny(Any&& any) {
    TVMFFIAny result = any.data_;
    any.SetNone();
    return result;
  }
  TVM_FFI_INLINE static Any MoveTVMFFIAnyToAny(TVMFFIAny* data) {
    Any result;
    CopyFields(*data, &result.data_);
    data->type_index = kTVMFFINone;
    data->zero_padding = 0;
    data->v_int64 = 0;
    return result;
  }
  TVM_FFI_INLINE static Any MoveTVMFFIAnyToAny(TVMFFIAny&& data) {
    return MoveTVMFFIAnyToAny(&data);
  }
  template <typename T>
  TVM_FFI_INLINE static bool CheckAnyStrict(const Any& ref) {
    return TypeTraits<T>::CheckAnyStrict(&ref.data_);
  }
  template <typename T>
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const Any& ref) {
    if constexpr (std::is_same_v<T, Any>) {
      return ref;
    } else {
      return TypeTraits<T>::CopyFromAnyViewAfterCheck(&ref.data_);
    }
  }
  template <typename T>
  TVM_FFI_INLINE static T MoveFromAnyAfterCheck(Any&& ref) {
    if constexpr (std::is_same_v<T, Any>) {
      return std::move(ref);
    } else {
      return ref.template MoveAfterCheck<T>();
    }
  }
  TVM_FFI_INLINE static Object* ObjectPtrFromAnyAfterCheck(const Any& ref) {
    return reinterpret_cast<Object*>(ref.data_.v_obj);
  }
  TVM_FFI_INLINE static const TVMFFIAny* TVMFFIAnyPtrFromAny(const Any& ref) { return &ref.data_; }
  template <typename T>
  static std::string GetMismatchTypeInfo(const Any& ref) {
    return TypeTraits<T>::GetMismatchTypeInfo(&ref.data_);
  }
};

/*! \brief The argument of a call itself, or the owner of the object made for it. */
template <typename T>
TVM_FFI_INLINE decltype(auto) HoldArg(T&& arg) {
  using Value = std::remove_cv_t<std::remove_reference_t<T>>;
  if constexpr (view_owns_v<Value>) {
    TVMFFIAny image;
    TypeTraits<Value>::CopyToAnyView(arg, &image);
    return AnyUnsafe::MoveTVMFFIAnyToAny(&image);
  } else {
    return static_cast<T&&>(arg);
  }
}

/*! \brief A type attribute column by name; looked up once and kept. */
inline const TVMFFITypeAttrColumn* FindTypeAttrColumn(std::string_view name) {
  TVMFFIByteArray bytes{name.data(), name.size()};
  return TVMFFIGetTypeAttrColumn(&bytes);
}

/*! \brief Reads what the library may be publishing on another thread: a count before its array. */
template <typename T>
TVM_FFI_INLINE T LoadPublished(const T& source) {
  return __atomic_load_n(&source, __ATOMIC_ACQUIRE);
}

/*! \brief A type's entry in a column, or nullptr. */
TVM_FFI_INLINE const TVMFFIAny* FindTypeAttr(const TVMFFITypeAttrColumn* column,
                                             int32_t type_index) {
  if (column == nullptr) {
    return nullptr;
  }
  const int32_t offset = type_index - column->begin_index;
  if (offset < 0 || offset >= LoadPublished(column->size)) {
    return nullptr;
  }
  const TVMFFIAny* entry = LoadPublished(column->data) + offset;
  return LoadPublished(entry->type_index) == kTVMFFINone ? nullptr : entry;
}

/*! \brief Calls the Function in `attr`, which is not an opaque pointer. */
inline Any CallTypeAttrFunction(const TVMFFIAny* attr, const TVMFFIAny* args, int32_t num_args) {
  TVM_FFI_CHECK(attr->type_index == kTVMFFIFunction, TypeError)
      << "a hash or equality attribute must be a function, not "
      << TypeIndexToTypeKey(attr->type_index);
  TVMFFIAny result;
  result.type_index = kTVMFFINone;
  result.zero_padding = 0;
  result.v_int64 = 0;
  if (TVMFFIFunctionGetCellPtr(attr->v_obj)->safe_call(attr->v_obj, args, num_args, &result) != 0) {
    throw MoveFromSafeCallRaised();
  }
  return AnyUnsafe::MoveTVMFFIAnyToAny(&result);
}
}  // namespace details

namespace details {
/*!
 * \brief Whether a pointer in `__any_hash__` or `__any_equal__` returns a TVMFFIAny in place of the
 * plain number.
 *
 * Those that a library newer than 0.1.14 registers for its own types do.
 */
TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline bool MapHookReturnsAny(int32_t type_index) {
  static const bool library_is_newer = [] {
    TVMFFIVersion version{};
    TVMFFIGetVersion(&version);
    return version.major > 0 || version.minor > 1 || (version.minor == 1 && version.patch > 14);
  }();
  return library_is_newer &&
         std::strncmp(TVMFFIGetTypeInfo(type_index)->type_key.data, "ffi.", 4) == 0;
}

template <typename Plain, typename... Values>
Plain CallMapHook(void* hook, int32_t type_index, const Values&... values) {
  if (TVM_FFI_PREDICT_FALSE(MapHookReturnsAny(type_index))) {
    TVMFFIAny result = reinterpret_cast<TVMFFIAny (*)(const Values&...)>(hook)(values...);
    return AnyUnsafe::MoveTVMFFIAnyToAny(&result).template cast<Plain>();
  }
  return reinterpret_cast<Plain (*)(const Values&...)>(hook)(values...);
}
}  // namespace details

/*! \brief Hash of a value; the same in every module, because they read each other's maps. */
struct AnyHash {
  TVM_FFI_INLINE uint64_t operator()(const Any& src) const {
    const TVMFFIAny* data = details::AnyUnsafe::TVMFFIAnyPtrFromAny(src);
    const int32_t type_index = data->type_index;
    if (type_index == kTVMFFIStr || type_index == kTVMFFIBytes) {
      const TVMFFIByteArray* bytes = TVMFFIBytesGetByteArrayPtr(data->v_obj);
      return details::StableHashCombine(static_cast<uint64_t>(type_index),
                                        details::StableHashBytes(bytes->data, bytes->size));
    }
    if (type_index == kTVMFFISmallStr || type_index == kTVMFFISmallBytes) {
      return details::StableHashCombine(type_index == kTVMFFISmallStr ? kTVMFFIStr : kTVMFFIBytes,
                                        details::StableHashSmallStrBytes(data));
    }
    if (type_index >= kTVMFFIStaticObjectBegin) {
      return HashObject(src);
    }
    return HashPayload(data);
  }

 private:
  TVM_FFI_INLINE static uint64_t HashPayload(const TVMFFIAny* data) {
    return details::StableHashCombine(static_cast<uint64_t>(static_cast<int64_t>(data->type_index)),
                                      data->v_uint64);
  }
  TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ static uint64_t HashObject(const Any& src) {
    const TVMFFIAny* data = details::AnyUnsafe::TVMFFIAnyPtrFromAny(src);
    static const TVMFFITypeAttrColumn* const column = details::FindTypeAttrColumn("__any_hash__");
    if (const TVMFFIAny* attr = details::FindTypeAttr(column, data->type_index)) {
      return details::StableHashCombine(static_cast<uint64_t>(data->type_index),
                                        CustomHash(attr, src));
    }
    return HashPayload(data);
  }
  static int64_t CustomHash(const TVMFFIAny* attr, const Any& src) {
    if (attr->type_index == kTVMFFIOpaquePtr) {
      return details::CallMapHook<int64_t>(attr->v_ptr, src.type_index(), src);
    }
    return details::CallTypeAttrFunction(attr, details::AnyUnsafe::TVMFFIAnyPtrFromAny(src), 1)
        .cast<int64_t>();
  }
};

/*! \brief Equality of values as map keys: identity for objects, content for strings and bytes. */
struct AnyEqual {
  TVM_FFI_INLINE bool operator()(const Any& lhs, const Any& rhs) const {
    const TVMFFIAny* a = details::AnyUnsafe::TVMFFIAnyPtrFromAny(lhs);
    const TVMFFIAny* b = details::AnyUnsafe::TVMFFIAnyPtrFromAny(rhs);
    if (a->type_index == b->type_index) {
      if (a->v_int64 == b->v_int64 && a->zero_padding == b->zero_padding) {
        return true;
      }
      if (a->type_index < kTVMFFIStaticObjectBegin) {
        return false;
      }
      if (a->type_index == kTVMFFIStr) {
        return SameContent(*TVMFFIBytesGetByteArrayPtr(a->v_obj),
                           *TVMFFIBytesGetByteArrayPtr(b->v_obj));
      }
      return EqualObjects(lhs, rhs);
    }
    // Of two types, but still equal if one is a heap object: the other its small form.
    if (TVM_FFI_PREDICT_TRUE(a->type_index < kTVMFFIStaticObjectBegin &&
                             b->type_index < kTVMFFIStaticObjectBegin)) {
      return false;
    }
    return EqualForms(a, b);
  }

 private:
  TVM_FFI_INLINE static bool SameContent(const TVMFFIByteArray& a, const TVMFFIByteArray& b) {
    if (a.size != b.size) {
      return false;
    }
    if (a.size < 8) {
      return Bytes::memequal(a.data, b.data, a.size, b.size);
    }
    // Most keys differ in their first word, and few are so long that a call would pay.
    const size_t last = a.size - 8;
    for (size_t i = 0; i < last; i += 8) {
      if (details::LoadLittleEndian8(a.data + i) != details::LoadLittleEndian8(b.data + i)) {
        return false;
      }
    }
    return details::LoadLittleEndian8(a.data + last) == details::LoadLittleEndian8(b.data + last);
  }
  static bool SmallEqualsHeap(const TVMFFIAny* small, const TVMFFIAny* heap) {
    if ((small->type_index == kTVMFFISmallStr && heap->type_index == kTVMFFIStr) ||
        (small->type_index == kTVMFFISmallBytes && heap->type_index == kTVMFFIBytes)) {
      return SameContent(TVMFFISmallBytesGetContentByteArray(small),
                         *TVMFFIBytesGetByteArrayPtr(heap->v_obj));
    }
    return false;
  }
  TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ static bool EqualForms(const TVMFFIAny* a, const TVMFFIAny* b) {
    return SmallEqualsHeap(a, b) || SmallEqualsHeap(b, a);
  }
  /*! \brief Of two different objects of one type, not strings. */
  TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ static bool EqualObjects(const Any& lhs, const Any& rhs) {
    const TVMFFIAny* a = details::AnyUnsafe::TVMFFIAnyPtrFromAny(lhs);
    const TVMFFIAny* b = details::AnyUnsafe::TVMFFIAnyPtrFromAny(rhs);
    if (a->type_index == kTVMFFIBytes) {
      return SameContent(*TVMFFIBytesGetByteArrayPtr(a->v_obj),
                         *TVMFFIBytesGetByteArrayPtr(b->v_obj));
    }
    static const TVMFFITypeAttrColumn* const column = details::FindTypeAttrColumn("__any_equal__");
    const TVMFFIAny* attr = details::FindTypeAttr(column, a->type_index);
    return attr != nullptr && CustomEqual(attr, lhs, rhs);
  }
  static bool CustomEqual(const TVMFFIAny* attr, const Any& lhs, const Any& rhs) {
    if (attr->type_index == kTVMFFIOpaquePtr) {
      return details::CallMapHook<bool>(attr->v_ptr, lhs.type_index(), lhs, rhs);
    }
    const TVMFFIAny args[] = {*details::AnyUnsafe::TVMFFIAnyPtrFromAny(lhs),
                              *details::AnyUnsafe::TVMFFIAnyPtrFromAny(rhs)};
    return details::CallTypeAttrFunction(attr, args, 2).cast<bool>();
  }
};

template <typename RefType, typename>
inline std::optional<RefType> ObjectRef::as() const& {
  return AnyView(*this).as<RefType>();
}

template <typename RefType, typename>
inline std::optional<RefType> ObjectRef::as() && {
  return Any(std::move(*this)).as<RefType>();
}

template <typename RefType, typename>
inline RefType ObjectRef::as_or_throw() const& {
  return Any(*this).as_or_throw<RefType>();
}

template <typename RefType, typename>
inline RefType ObjectRef::as_or_throw() && {
  return Any(std::move(*this)).as_or_throw<RefType>();
}

}  // namespace ffi

// Also known without the inner namespace.
using tvm::ffi::Any;
using tvm::ffi::AnyView;

}  // namespace tvm
#endif  // TVM_FFI_ANY_H_
