/*!
 * \file tvm/ffi/reflection/registry.h
 * \brief Telling the process what there is: global functions, and the fields and methods of types.
 *
 * \code
 * TVM_FFI_STATIC_INIT_BLOCK() {
 *   namespace refl = tvm::ffi::reflection;
 *   refl::GlobalDef().def("my.add", [](int64_t a, int64_t b) { return a + b; }, "Adds.");
 *   refl::ObjectDef<PointObj>("A point.")
 *       .def(refl::init<int64_t, int64_t>())
 *       .def_ro("x", &PointObj::x)
 *       .def_rw("label", &PointObj::label, refl::default_value("none"), refl::kw_only(true))
 *       .def("norm", &PointObj::Norm, "The Euclidean norm.");
 * }
 * \endcode
 *
 * What follows a name and what it names are traits, in any order: documentation as a string
 * literal, Metadata, and for fields defaults and flags. Other text, such as a `const char*`
 * variable, is ignored.
 *
 * Registration takes place once, when a library is loaded, and throws Error when a name or a type
 * is taken. The library copies what it is given.
 */
#ifndef TVM_FFI_REFLECTION_REGISTRY_H_
#define TVM_FFI_REFLECTION_REGISTRY_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/string.h>

#include <exception>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tvm {
namespace ffi {
namespace reflection {

/*! \brief A field about to be registered. */
struct FieldInfoBuilder : public TVMFFIFieldInfo {
  /*! \brief JSON object without its closing brace; traits append members. */
  std::string metadata_json;
};

/*! \brief A method or global function about to be registered. */
struct MethodInfoBuilder : public TVMFFIMethodInfo {
  /*! \brief JSON object without its closing brace; traits append members. */
  std::string metadata_json;
};

/*! \brief Base of traits. A trait has `void Apply(Builder*) const` for each builder it fits. */
struct InfoTrait {};
/*! \brief Base of traits that fit fields only. */
struct FieldInfoTrait : public InfoTrait {};

/*! \brief Members of the metadata JSON, in order, after `type_schema`. */
class Metadata : public InfoTrait {
 public:
  Metadata(std::initializer_list<std::pair<String, Any>> members)  // NOLINT
      : members_(members) {}

  /*! \brief TypeError for a value that is not an int, a bool or a string. */
  template <typename Builder>
  void Apply(Builder* info) const {
    for (const auto& [key, value] : members_) {
      info->metadata_json.append(",").append(Quoted(key)).append(":").append(ToJSON(key, value));
    }
  }

 private:
  std::vector<std::pair<String, Any>> members_;

  static std::string Quoted(const String& text) { return EscapeStringJSON(text); }
  static std::string ToJSON(const String& key, const Any& value) {
    switch (value.type_index()) {
      case kTVMFFIInt:
        return std::to_string(value.cast<int64_t>());
      case kTVMFFIBool:
        return value.cast<bool>() ? "true" : "false";
      case kTVMFFISmallStr:
      case kTVMFFIStr:
        return Quoted(value.cast<String>());
      default:
        TVM_FFI_THROW(TypeError) << "Metadata can be only int, bool or string, but on key `" << key
                                 << "`, the type is " << value.GetTypeKey();
    }
    TVM_FFI_UNREACHABLE();
  }
};

/*! \brief The value of a field that is not given. */
class DefaultValue : public FieldInfoTrait {
 public:
  explicit DefaultValue(Any value) : value_(std::move(value)) {}
  void Apply(FieldInfoBuilder* info) const {
    info->default_value_or_factory = AnyView(value_).CopyToTVMFFIAny();
    info->flags |= kTVMFFIFieldFlagBitMaskHasDefault;
  }

 private:
  Any value_;
};
using default_value = DefaultValue;

/*! \brief Makes the value of a field that is not given: `() -> Any`, called for each object. */
class DefaultFactory : public FieldInfoTrait {
 public:
  explicit DefaultFactory(Function factory) : factory_(std::move(factory)) {}
  template <typename F, typename = std::enable_if_t<!std::is_base_of_v<ObjectRef, std::decay_t<F>>>>
  explicit DefaultFactory(F&& factory) : factory_(Function::FromTyped(std::forward<F>(factory))) {}
  void Apply(FieldInfoBuilder* info) const {
    info->default_value_or_factory = AnyView(factory_).CopyToTVMFFIAny();
    info->flags |= kTVMFFIFieldFlagBitMaskHasDefault | kTVMFFIFieldFlagBitMaskDefaultFromFactory;
  }

 private:
  Function factory_;
};
using default_factory = DefaultFactory;

/*! \brief Sets flags that no other trait sets. */
class AttachFieldFlag : public FieldInfoTrait {
 public:
  explicit AttachFieldFlag(int32_t flag) : flag_(flag) {}
  /*! \brief Structural equality and hash skip the field. */
  static AttachFieldFlag SEqHashIgnore() {
    return AttachFieldFlag(kTVMFFIFieldFlagBitMaskSEqHashIgnore);
  }
  /*! \brief Free variables anywhere in the field are defined there. */
  static AttachFieldFlag SEqHashDefRecursive() {
    return AttachFieldFlag(kTVMFFIFieldFlagBitMaskSEqHashDefRecursive);
  }
  /*! \brief A free variable that is the field is defined there. */
  static AttachFieldFlag SEqHashDefNonRecursive() {
    return AttachFieldFlag(kTVMFFIFieldFlagBitMaskSEqHashDefNonRecursive);
  }
  /*! \brief The name of SEqHashDefRecursive before 0.1.12. */
  static AttachFieldFlag SEqHashDef() { return SEqHashDefRecursive(); }
  /*! \brief The names of the two since 0.1.15. */
  static AttachFieldFlag SEqHashDefPattern() { return SEqHashDefRecursive(); }
  static AttachFieldFlag SEqHashDefSimple() { return SEqHashDefNonRecursive(); }
  void Apply(FieldInfoBuilder* info) const { info->flags |= flag_; }

 private:
  int32_t flag_;
};

namespace registry_details {

/*! \brief A flag that is set when the trait's value equals `kSetWhen`. */
template <int32_t kFlag, bool kSetWhen>
class FlagTrait : public FieldInfoTrait {
 public:
  explicit FlagTrait(bool value) : value_(value) {}
  void Apply(FieldInfoBuilder* info) const {
    if (value_ == kSetWhen) {
      info->flags |= kFlag;
    }
  }

 private:
  bool value_;
};

struct InitTag {};

/*! \brief The column with a bool for each ObjectDef: whether the class is final. */
inline constexpr const char* kTypeFinal = "__ffi_type_final__";
}  // namespace registry_details

/*! \brief Whether the automatic constructor takes the field by keyword only. */
using kw_only = registry_details::FlagTrait<kTVMFFIFieldFlagBitMaskKwOnly, true>;
/*! \brief Whether the printed form shows the field. */
using repr = registry_details::FlagTrait<kTVMFFIFieldFlagBitMaskReprOff, false>;
/*! \brief The name of repr before 0.1.10. */
using Repr = repr;
/*! \brief Whether equality and order look at the field. */
using compare = registry_details::FlagTrait<kTVMFFIFieldFlagBitMaskCompareOff, false>;
/*! \brief Whether the hash looks at the field. */
using hash = registry_details::FlagTrait<kTVMFFIFieldFlagBitMaskHashOff, false>;

/*!
 * \brief `init<Args...>()` in ObjectDef::def: a constructor that calls Class(Args...).
 *
 * As a trait of a field, `init(false)` keeps it out of the automatic constructor; of an ObjectDef,
 * it says that there is no automatic constructor.
 */
template <typename... Args>
class init : public FieldInfoTrait, public registry_details::InitTag {
 public:
  init() = default;
  explicit init(bool value) : value_(value) {}
  bool value() const { return value_; }
  void Apply(FieldInfoBuilder* info) const {
    if (!value_) {
      info->flags |= kTVMFFIFieldFlagBitMaskInitOff;
    }
  }
  /*! \brief The constructor for Class. */
  template <typename Class>
  static ObjectRef execute(Args... args) {
    return ObjectRef(ObjectPtr<Object>(make_object<Class>(std::forward<Args>(args)...)));
  }

 private:
  bool value_ = true;
};
init(bool)->init<>;

/*! \brief Picks the overload with these parameters: `overload_cast<int>(&C::f, const_)`. */
template <typename... Args>
struct overload_cast_impl {
  template <typename R>
  constexpr auto operator()(R (*function)(Args...)) const noexcept {
    return function;
  }
  template <typename R, typename Class>
  constexpr auto operator()(R (Class::*method)(Args...), std::false_type = {}) const noexcept {
    return method;
  }
  template <typename R, typename Class>
  constexpr auto operator()(R (Class::*method)(Args...) const, std::true_type) const noexcept {
    return method;
  }
};
template <typename... Args>
inline constexpr overload_cast_impl<Args...> overload_cast{};
/*! \brief Tells overload_cast to pick the const method. */
inline constexpr std::true_type const_{};

/*! \brief Bytes from the object header of a Class to its field. */
template <typename Class, typename T>
inline int64_t GetFieldByteOffsetToObject(T Class::*field) {
  // Any nonzero address works; nothing is dereferenced.
  Class* self = reinterpret_cast<Class*>(uintptr_t{1} << 12);
  return reinterpret_cast<int64_t>(&(self->*field)) -
         reinterpret_cast<int64_t>(static_cast<Object*>(self));
}

/*! \brief Makes sure the column exists, so that TypeAttrColumn finds it. */
inline void EnsureTypeAttrColumn(std::string_view name) {
  const TVMFFIByteArray bytes = AsByteArray(name);
  const TVMFFIAny none = AnyView().CopyToTVMFFIAny();
  TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterAttr(kTVMFFINone, &bytes, &none));
}

namespace registry_details {

template <typename Builder, typename Trait, typename = void>
inline constexpr bool kTraitFits = false;
template <typename Builder, typename Trait>
inline constexpr bool kTraitFits<
    Builder, Trait,
    std::void_t<decltype(std::declval<const Trait&>().Apply(std::declval<Builder*>()))>> = true;

template <size_t N>
inline void SetDoc(TVMFFIByteArray* doc, const char (&text)[N]) {
  *doc = AsByteArray(text);
}
/*! \brief Text that may be gone by the time it is read, or is not meant as documentation. */
template <typename Text>
inline void SetDoc(TVMFFIByteArray*, const Text&) {
  static_assert(std::is_convertible_v<const Text&, std::string_view>,
                "a trait derives from InfoTrait; documentation is a string literal");
}

template <typename Builder, typename Trait>
inline void ApplyTrait(Builder* info, const Trait& trait) {
  if constexpr (std::is_base_of_v<InfoTrait, Trait>) {
    static_assert(kTraitFits<Builder, Trait>, "this trait does not apply here");
    trait.Apply(info);
  } else {
    SetDoc(&info->doc, trait);
  }
}

inline std::string OpenMetadata(const std::string& type_schema) {
  return "{\"type_schema\":" + static_cast<std::string>(EscapeStringJSON(type_schema));
}

/*! \brief Closes the metadata and lets `info` refer to it. */
template <typename Builder>
inline void CloseMetadata(Builder* info) {
  info->metadata_json.push_back('}');
  info->metadata = AsByteArray(info->metadata_json);
}

/*! \brief Reads a field of type T; a TVMFFIFieldGetter. */
template <typename T>
inline int GetField(void* field, TVMFFIAny* result) {
  TVM_FFI_SAFE_CALL_BEGIN();
  // In place: moving the value there would read back what was just written in parts, and stall.
  ::new (static_cast<void*>(result)) Any(*static_cast<const T*>(field));
  TVM_FFI_SAFE_CALL_END();
}

/*! \brief Writes a field of type T; a TVMFFIFieldSetter. */
template <typename T>
inline int SetField(void* field, const TVMFFIAny* value) {
  TVM_FFI_SAFE_CALL_BEGIN();
  *static_cast<T*>(field) = AnyView::CopyFromTVMFFIAny(*value).cast<T>();
  TVM_FFI_SAFE_CALL_END();
}

/*! \brief An object as its default constructor leaves it. */
template <typename Class>
inline ObjectPtr<Class> MakeEmpty() {
  if constexpr (std::is_default_constructible_v<Class>) {
    return make_object<Class>();
  } else {
    return make_object<Class>(UnsafeInit{});
  }
}
template <typename Class>
inline constexpr bool kCanMakeEmpty =
    std::is_default_constructible_v<Class> || std::is_constructible_v<Class, UnsafeInit>;

/*! \brief A TVMFFIObjectCreator. */
template <typename Class>
inline int CreateEmpty(TVMFFIObjectHandle* result) {
  TVM_FFI_SAFE_CALL_BEGIN();
  *result = details::ObjectUnsafe::MoveObjectPtrToTVMFFIObjectPtr(MakeEmpty<Class>());
  TVM_FFI_SAFE_CALL_END();
}

/*! \brief References come by value, objects by pointer. */
template <typename Class, typename R, typename... Args, typename Method>
inline auto BindMethod(Method method) {
  static_assert(std::is_base_of_v<ObjectRef, Class> || std::is_base_of_v<Object, Class>,
                "methods belong to an object class or a reference class");
  if constexpr (std::is_base_of_v<ObjectRef, Class>) {
    return [method](Class self, Args... args) -> R {
      return (self.*method)(std::forward<Args>(args)...);
    };
  } else {
    return [method](const Class* self, Args... args) -> R {
      return (const_cast<Class*>(self)->*method)(std::forward<Args>(args)...);
    };
  }
}

/*! \brief A method as a function whose first argument is the receiver; other callables as they
 * are. */
template <typename F>
inline F&& AsFunction(F&& function) {
  return std::forward<F>(function);
}
template <typename Class, typename R, typename... Args>
inline auto AsFunction(R (Class::*method)(Args...)) {
  return BindMethod<Class, R, Args...>(method);
}
template <typename Class, typename R, typename... Args>
inline auto AsFunction(R (Class::*method)(Args...) const) {
  return BindMethod<Class, R, Args...>(method);
}
template <typename Class, typename R, typename... Args>
inline auto AsFunction(R (Class::*method)(Args...) noexcept) {
  return BindMethod<Class, R, Args...>(method);
}
template <typename Class, typename R, typename... Args>
inline auto AsFunction(R (Class::*method)(Args...) const noexcept) {
  return BindMethod<Class, R, Args...>(method);
}

template <typename Class>
inline std::string MemberName(std::string_view name) {
  return std::string(Class::_type_key).append(".").append(name);
}

inline void RegisterTypeAttr(int32_t type_index, std::string_view name, const AnyView& value) {
  const TVMFFIByteArray bytes = AsByteArray(name);
  const TVMFFIAny raw = value.CopyToTVMFFIAny();
  TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterAttr(type_index, &bytes, &raw));
}

/*! \brief Registers a value, or a callable as the function `<type key>.<name>`. */
template <typename Class, typename T>
inline void RegisterTypeAttrOf(std::string_view name, T&& value) {
  if constexpr (details::any_readable_v<std::decay_t<T>>) {
    RegisterTypeAttr(Class::RuntimeTypeIndex(), name, Any(std::forward<T>(value)));
  } else {
    RegisterTypeAttr(
        Class::RuntimeTypeIndex(), name,
        Function::FromTyped(AsFunction(std::forward<T>(value)), MemberName<Class>(name)));
  }
}

/*! \brief Registers the conversion from anything that converts to a TRef. */
template <typename Class, typename TRef>
inline void RegisterConvert() {
  static_assert(std::is_same_v<typename TRef::ContainerType, Class>,
                "the reference class must belong to the object class");
  RegisterTypeAttrOf<Class>(type_attr::kConvert, [](AnyView value) -> TRef {
    if (std::optional<TRef> result = value.try_cast<TRef>()) {
      return *std::move(result);
    }
    const TVMFFIAny raw = value.CopyToTVMFFIAny();
    TVM_FFI_THROW(TypeError) << "Cannot cast from `" << TypeTraits<TRef>::GetMismatchTypeInfo(&raw)
                             << "` to `" << TypeTraits<TRef>::TypeStr() << "`";
    TVM_FFI_UNREACHABLE();
  });
}
}  // namespace registry_details

/*! \brief Registers global functions. Every call throws RuntimeError for a name that is taken. */
class GlobalDef {
 public:
  /*! \brief A function whose signature says how arguments and result convert. */
  template <typename F, typename... Traits>
  GlobalDef& def(const char* name, F&& function, const Traits&... traits) {
    using Info = details::FunctionInfo<std::decay_t<F>>;
    return Register(name, Function::FromTyped(std::forward<F>(function), std::string(name)),
                    Info::TypeSchema(), traits...);
  }
  /*! \brief `function(PackedArgs args, Any* result)` or a Function. */
  template <typename F, typename... Traits>
  GlobalDef& def_packed(const char* name, F&& function, const Traits&... traits) {
    return Register(name, ToPacked(std::forward<F>(function)),
                    details::TypeSchemaOf(StaticTypeKey::kTVMFFIFunction), traits...);
  }
  /*! \brief A method of an object class or a reference class; the receiver comes first. */
  template <typename Method, typename... Traits>
  GlobalDef& def_method(const char* name, Method&& method, const Traits&... traits) {
    return def(name, registry_details::AsFunction(std::forward<Method>(method)), traits...);
  }

 private:
  template <typename F>
  static Function ToPacked(F&& function) {
    if constexpr (std::is_same_v<std::decay_t<F>, Function>) {
      return function;
    } else {
      return Function::FromPacked(std::forward<F>(function));
    }
  }

  template <typename... Traits>
  GlobalDef& Register(const char* name, const Function& function, const std::string& schema,
                      const Traits&... traits) {
    MethodInfoBuilder info{};
    info.name = AsByteArray(name);
    info.flags = kTVMFFIFieldFlagBitMaskIsStaticMethod;
    info.method = AnyView(function).CopyToTVMFFIAny();
    info.metadata_json = registry_details::OpenMetadata(schema);
    (registry_details::ApplyTrait(&info, traits), ...);
    registry_details::CloseMetadata(&info);
    TVM_FFI_CHECK_SAFE_CALL(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0));
    return *this;
  }
};

/*!
 * \brief Registers an object class: its metadata, fields and methods, and as the type attribute
 * `__ffi_type_final__` whether it is final.
 *
 * The destructor completes the registration, and throws when it cannot: a copy constructible class
 * gets `__ffi_shallow_copy__`; one that is constructible from nothing or from UnsafeInit gets
 * `__ffi_new__` and, unless there was an `init<...>` or `init(false)`, an automatic `__ffi_init__`
 * over its fields. When a registration failed before, the destructor adds nothing.
 */
template <typename Class>
class ObjectDef {
 public:
  /*! \brief RuntimeError when the type is registered already. Traits: documentation and init. */
  template <typename... Traits>
  explicit ObjectDef(const Traits&... traits) {
    static_assert(std::is_base_of_v<Object, Class>, "an object class derives from Object");
    TVMFFITypeMetadata metadata{};
    metadata.total_size = static_cast<int32_t>(sizeof(Class));
    metadata.structural_eq_hash_kind = Class::_type_s_eq_hash_kind;
    if constexpr (registry_details::kCanMakeEmpty<Class>) {
      metadata.creator = registry_details::CreateEmpty<Class>;
    }
    (ApplyTypeTrait(&metadata, traits), ...);
    TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterMetadata(type_index_, &metadata));
    registry_details::RegisterTypeAttr(type_index_, registry_details::kTypeFinal,
                                       bool{Class::_type_final});
  }
  ObjectDef(const ObjectDef&) = delete;
  ObjectDef& operator=(const ObjectDef&) = delete;

  ~ObjectDef() noexcept(false) {
    if (std::uncaught_exceptions() > num_exceptions_) {
      return;
    }
    if constexpr (std::is_copy_constructible_v<Class>) {
      def_type_attr(type_attr::kShallowCopy, [](const Class* self) {
        return ObjectRef(ObjectPtr<Object>(make_object<Class>(*self)));
      });
    }
    if constexpr (registry_details::kCanMakeEmpty<Class>) {
      def_type_attr(type_attr::kNew, [] {
        return ObjectRef(ObjectPtr<Object>(registry_details::MakeEmpty<Class>()));
      });
      RegisterAutoInit();
    }
  }

  /*! \brief A field that bindings only read. T is any type that converts to and from Any. */
  template <typename T, typename BaseClass, typename... Traits>
  ObjectDef& def_ro(const char* name, T BaseClass::*field, const Traits&... traits) {
    RegisterField(name, field, 0, traits...);
    return *this;
  }
  /*! \brief A field that bindings read and write. */
  template <typename T, typename BaseClass, typename... Traits>
  ObjectDef& def_rw(const char* name, T BaseClass::*field, const Traits&... traits) {
    static_assert(Class::_type_mutable, "def_rw needs an object class with _type_mutable = true");
    RegisterField(name, field, kTVMFFIFieldFlagBitMaskWritable, traits...);
    return *this;
  }
  /*! \brief A method, or a callable whose first parameter takes the object. */
  template <typename Method, typename... Traits>
  ObjectDef& def(const char* name, Method&& method, const Traits&... traits) {
    RegisterMethod(name, registry_details::AsFunction(std::forward<Method>(method)), 0, traits...);
    return *this;
  }
  /*! \brief A function of the type, without an object. */
  template <typename F, typename... Traits>
  ObjectDef& def_static(const char* name, F&& function, const Traits&... traits) {
    RegisterMethod(name, std::forward<F>(function), kTVMFFIFieldFlagBitMaskIsStaticMethod,
                   traits...);
    return *this;
  }
  /*! \brief The constructor: the static method and the type attribute `__ffi_init__`. */
  template <typename... Args, typename... Traits>
  ObjectDef& def(init<Args...>, const Traits&... traits) {
    DisableAutoInit();
    const Function constructor =
        RegisterMethod(type_attr::kInit, &init<Args...>::template execute<Class>,
                       kTVMFFIFieldFlagBitMaskIsStaticMethod, traits...);
    registry_details::RegisterTypeAttr(type_index_, type_attr::kInit, constructor);
    return *this;
  }
  /*! \brief A type attribute: a value, or a callable that becomes a Function. */
  template <typename T>
  ObjectDef& def_type_attr(const char* name, T&& value) {
    registry_details::RegisterTypeAttrOf<Class>(name, std::forward<T>(value));
    return *this;
  }
  /*! \brief `__ffi_convert__`: what converts to a TRef converts to this type. */
  template <typename TRef>
  ObjectDef& def_convert() {
    registry_details::RegisterConvert<Class, TRef>();
    return *this;
  }

 protected:
  /*! \brief Registers `method` under `name` with the schema of one signature. */
  template <typename... Traits>
  void RegisterMethodEntry(const char* name, const Function& method, const std::string& schema,
                           int64_t flags, const Traits&... traits) {
    MethodInfoBuilder info{};
    info.name = AsByteArray(name);
    info.flags = flags;
    info.method = AnyView(method).CopyToTVMFFIAny();
    info.metadata_json = registry_details::OpenMetadata(schema);
    (registry_details::ApplyTrait(&info, traits), ...);
    registry_details::CloseMetadata(&info);
    TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterMethod(type_index_, &info));
  }
  /*! \brief There is a constructor: the destructor adds none. */
  void DisableAutoInit() { auto_init_ = false; }

 private:
  const int32_t type_index_ = Class::_GetOrAllocRuntimeTypeIndex();
  const int num_exceptions_ = std::uncaught_exceptions();
  bool auto_init_ = true;

  template <typename Trait>
  void ApplyTypeTrait(TVMFFITypeMetadata* metadata, const Trait& trait) {
    if constexpr (std::is_base_of_v<registry_details::InitTag, Trait>) {
      auto_init_ = trait.value();
    } else {
      static_assert(!std::is_base_of_v<InfoTrait, Trait>, "this trait does not apply to types");
      registry_details::SetDoc(&metadata->doc, trait);
    }
  }

  template <typename T, typename BaseClass, typename... Traits>
  void RegisterField(const char* name, T BaseClass::*field, int64_t flags,
                     const Traits&... traits) {
    static_assert(std::is_base_of_v<BaseClass, Class>, "the field belongs to the class or a base");
    FieldInfoBuilder info{};
    info.name = AsByteArray(name);
    info.flags = flags;
    info.size = sizeof(T);
    info.alignment = alignof(T);
    info.offset = GetFieldByteOffsetToObject<Class, T>(field);
    info.getter = registry_details::GetField<T>;
    info.setter = reinterpret_cast<void*>(&registry_details::SetField<T>);
    info.default_value_or_factory = AnyView().CopyToTVMFFIAny();
    info.field_static_type_index = TypeToFieldStaticTypeIndex<T>::value;
    info.metadata_json = registry_details::OpenMetadata(details::TypeSchema<T>::v());
    (registry_details::ApplyTrait(&info, traits), ...);
    registry_details::CloseMetadata(&info);
    TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterField(type_index_, &info));
  }

  template <typename F, typename... Traits>
  Function RegisterMethod(const char* name, F&& function, int64_t flags, const Traits&... traits) {
    using Info = details::FunctionInfo<std::decay_t<F>>;
    const Function method =
        Function::FromTyped(std::forward<F>(function), registry_details::MemberName<Class>(name));
    RegisterMethodEntry(name, method, Info::TypeSchema(), flags, traits...);
    return method;
  }

  void RegisterAutoInit() {
    if (!auto_init_) {
      return;
    }
    // A library that has no automatic constructors does not offer the function.
    if (std::optional<Function> add_init = Function::GetGlobal("ffi._RegisterFFIInit")) {
      (*add_init)(type_index_);
    }
  }
};

/*! \brief Adds type attributes to an object class that is registered elsewhere or not at all. */
template <typename Class>
class TypeAttrDef {
 public:
  /*! \brief A callable or method, named `<type key>.<name>` in errors. */
  template <typename F>
  TypeAttrDef& def(const char* name, F&& function) {
    registry_details::RegisterTypeAttr(
        Class::RuntimeTypeIndex(), name,
        Function::FromTyped(registry_details::AsFunction(std::forward<F>(function)),
                            registry_details::MemberName<Class>(name)));
    return *this;
  }
  /*! \brief Any value. */
  template <typename T>
  TypeAttrDef& attr(const char* name, T value) {
    registry_details::RegisterTypeAttr(Class::RuntimeTypeIndex(), name, Any(std::move(value)));
    return *this;
  }
  /*! \brief `__ffi_convert__`: what converts to a TRef converts to this type. */
  template <typename TRef>
  TypeAttrDef& def_convert() {
    registry_details::RegisterConvert<Class, TRef>();
    return *this;
  }
};

}  // namespace reflection
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_REFLECTION_REGISTRY_H_
