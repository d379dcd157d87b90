/*!
 * \file tvm/ffi/reflection/accessor.h
 * \brief Reading what types registered of themselves: fields, methods, type attributes.
 *
 * Every lookup is by exact name and may run on any thread. What is returned as a pointer is
 * borrowed from the type table. Type infos and attribute columns live as long as the process; field
 * and method infos are valid until the next registration on the same type.
 */
#ifndef TVM_FFI_REFLECTION_ACCESSOR_H_
#define TVM_FFI_REFLECTION_ACCESSOR_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/native_function.h>
#include <tvm/ffi/string.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace tvm {
namespace ffi {
namespace details {
/*! \brief The info of the type with this key; InternalError for an unknown key. */
inline const TypeInfo* TypeInfoOfKey(std::string_view type_key) {
  return TVMFFIGetTypeInfo(TypeKeyToIndex(type_key));
}

inline bool NameIs(const TVMFFIByteArray& name, std::string_view text) {
  return std::string_view(name.data, name.size) == text;
}

/*! \brief Where a field lies, given its object. */
TVM_FFI_INLINE void* FieldAddress(const Object* obj, const TVMFFIFieldInfo* info) {
  return reinterpret_cast<char*>(ObjectUnsafe::GetHeader(obj)) + info->offset;
}
}  // namespace details

namespace reflection {

/*! \brief Names of the type attributes that the library and the language bindings look at. */
namespace type_attr {
/*! \brief `() -> T`: an object whose fields are default constructed. */
inline constexpr const char* kNew = "__ffi_new__";
/*! \brief `(*args) -> T`: the constructor. */
inline constexpr const char* kInit = "__ffi_init__";
/*! \brief `(AnyView) -> T`: an implicit conversion. */
inline constexpr const char* kConvert = "__ffi_convert__";
/*! \brief The schema of what kConvert takes. */
inline constexpr const char* kConvertTypeSchema = "__ffi_convert_type_schema__";
/*! \brief `(T) -> T`: a copy that shares what the fields refer to. */
inline constexpr const char* kShallowCopy = "__ffi_shallow_copy__";
/*! \brief `(T, fn(value) -> str) -> str`. */
inline constexpr const char* kRepr = "__ffi_repr__";
/*! \brief `(T, fn) -> int`. */
inline constexpr const char* kHash = "__ffi_hash__";
/*! \brief `(T, T, fn) -> bool`. */
inline constexpr const char* kEq = "__ffi_eq__";
/*! \brief `(T, T, fn) -> int`, negative, zero or positive. */
inline constexpr const char* kCompare = "__ffi_compare__";
/*! \brief Hash as a map key: an opaque function pointer or a Function. */
inline constexpr const char* kAnyHash = "__any_hash__";
/*! \brief Equality as a map key: an opaque function pointer or a Function. */
inline constexpr const char* kAnyEqual = "__any_equal__";
/*! \brief Structural hash: `(T, int, fn(value, init, def_region)) -> int`. */
inline constexpr const char* kSHash = "__s_hash__";
/*! \brief Structural equality: `(T, T, fn(lhs, rhs, def_region, field_name)) -> bool`. */
inline constexpr const char* kSEqual = "__s_equal__";
/*! \brief Structural visit. */
inline constexpr const char* kStructuralVisit = "__s_visit__";
/*! \brief Structural mutation that leaves the object as it is. */
inline constexpr const char* kStructuralMutate = "__s_mutate__";
/*! \brief Structural mutation of an object that nobody else holds. */
inline constexpr const char* kStructuralMaybeInplaceMutate = "__s_maybe_inplace_mutate__";
/*! \brief `(T) -> Any`: what stands for the object in a JSON graph. */
inline constexpr const char* kDataToJson = "__data_to_json__";
/*! \brief `(Any) -> T`: the way back. */
inline constexpr const char* kDataFromJson = "__data_from_json__";
/*! \brief The instances of an enum type. */
inline constexpr const char* kEnumState = "__ffi_enum__";
}  // namespace type_attr

/*! \brief A view of `text`, which must outlive it. */
TVM_FFI_INLINE TVMFFIByteArray AsByteArray(std::string_view text) {
  return TVMFFIByteArray{text.data(), text.size()};
}

/*! \brief The info of an own field of the type; RuntimeError when it has none of that name. */
inline const TVMFFIFieldInfo* GetFieldInfo(std::string_view type_key, const char* field_name) {
  const TypeInfo* info = details::TypeInfoOfKey(type_key);
  const int32_t count = details::LoadPublished(info->num_fields);
  const auto* fields = details::LoadPublished(info->fields);
  for (int32_t i = 0; i < count; ++i) {
    if (details::NameIs(fields[i].name, field_name)) {
      return &fields[i];
    }
  }
  TVM_FFI_THROW(RuntimeError) << "Cannot find field  `" << field_name << "` in " << type_key;
  TVM_FFI_UNREACHABLE();
}

/*! \brief The info of an own method of the type; RuntimeError when it has none of that name. */
inline const TVMFFIMethodInfo* GetMethodInfo(std::string_view type_key, const char* method_name) {
  const TypeInfo* info = details::TypeInfoOfKey(type_key);
  const int32_t count = details::LoadPublished(info->num_methods);
  const auto* methods = details::LoadPublished(info->methods);
  for (int32_t i = 0; i < count; ++i) {
    if (details::NameIs(methods[i].name, method_name)) {
      return &methods[i];
    }
  }
  TVM_FFI_THROW(RuntimeError) << "Cannot find method " << method_name << " in " << type_key;
  TVM_FFI_UNREACHABLE();
}

/*! \brief The method as a Function. Its first argument is the object, unless it is static. */
inline Function GetMethod(std::string_view type_key, const char* method_name) {
  const TVMFFIMethodInfo* info = GetMethodInfo(type_key, method_name);
  return AnyView::CopyFromTVMFFIAny(info->method).cast<Function>();
}

/*! \brief Reads one field of objects of one type. */
class FieldGetter {
 public:
  explicit FieldGetter(const TVMFFIFieldInfo* field_info) : field_info_(field_info) {}
  /*! \brief InternalError for an unknown type, RuntimeError for an unknown field. */
  explicit FieldGetter(std::string_view type_key, const char* field_name)
      : FieldGetter(GetFieldInfo(type_key, field_name)) {}

  /*! \brief The value of the field of `obj`, which must be of the type or a subclass. */
  Any operator()(const Object* obj) const {
    Any result;
    void* field = details::FieldAddress(obj, field_info_);
    TVM_FFI_CHECK_SAFE_CALL(field_info_->getter(field, reinterpret_cast<TVMFFIAny*>(&result)));
    return result;
  }
  Any operator()(const ObjectPtr<Object>& obj) const { return operator()(obj.get()); }
  Any operator()(const ObjectRef& obj) const { return operator()(obj.get()); }

 private:
  const TVMFFIFieldInfo* field_info_;
};

/*!
 * \brief Stores `value` into the field at `field_addr`, whichever kind of setter the field has.
 * \return 0, or nonzero with the thread's raised error set. A field without a setter is an error.
 */
inline int CallFieldSetter(const TVMFFIFieldInfo* field_info, void* field_addr,
                           const TVMFFIAny* value) {
  TVM_FFI_SAFE_CALL_BEGIN();
  if (field_info->setter == nullptr) {
    TVM_FFI_THROW(TypeError) << "field `"
                             << std::string_view(field_info->name.data, field_info->name.size)
                             << "` cannot be set: it has no setter";
  }
  if ((field_info->flags & kTVMFFIFieldFlagBitSetterIsFunctionObj) == 0) {
    return reinterpret_cast<TVMFFIFieldSetter>(field_info->setter)(field_addr, value);
  }
  TVMFFIAny args[2];
  TypeTraits<void*>::CopyToAnyView(field_addr, &args[0]);
  args[1] = *value;
  Any result;
  return TVMFFIFunctionCall(field_info->setter, args, 2, reinterpret_cast<TVMFFIAny*>(&result));
  TVM_FFI_SAFE_CALL_END();
}

/*! \brief Writes one field of objects of one type, read-only fields included. */
class FieldSetter {
 public:
  explicit FieldSetter(const TVMFFIFieldInfo* field_info) : field_info_(field_info) {}
  /*! \brief InternalError for an unknown type, RuntimeError for an unknown field. */
  explicit FieldSetter(std::string_view type_key, const char* field_name)
      : FieldSetter(GetFieldInfo(type_key, field_name)) {}

  /*! \brief Converts and stores; TypeError when `value` does not convert to the field's type. */
  void operator()(const Object* obj, AnyView value) const {
    const TVMFFIAny raw = value.CopyToTVMFFIAny();
    TVM_FFI_CHECK_SAFE_CALL(
        CallFieldSetter(field_info_, details::FieldAddress(obj, field_info_), &raw));
  }
  void operator()(const ObjectPtr<Object>& obj, AnyView value) const {
    operator()(obj.get(), value);
  }
  void operator()(const ObjectRef& obj, AnyView value) const { operator()(obj.get(), value); }

 private:
  const TVMFFIFieldInfo* field_info_;
};

/*!
 * \brief Stores the default of a field, or what its default factory returns.
 * \note The field must have the HasDefault flag. Setter and factory errors are thrown.
 */
inline void SetFieldToDefault(const TVMFFIFieldInfo* field_info, void* field_addr) {
  Any value = AnyView::CopyFromTVMFFIAny(field_info->default_value_or_factory);
  if ((field_info->flags & kTVMFFIFieldFlagBitMaskDefaultFromFactory) != 0) {
    value = value.cast<Function>()();
  }
  const TVMFFIAny raw = AnyView(value).CopyToTVMFFIAny();
  TVM_FFI_CHECK_SAFE_CALL(CallFieldSetter(field_info, field_addr, &raw));
}

/*! \brief One value per type under a name, such as type_attr::kRepr. */
class TypeAttrColumn {
 public:
  /*! \brief RuntimeError when nobody registered or ensured the column. */
  explicit TypeAttrColumn(std::string_view attr_name) {
    const TVMFFIByteArray name = AsByteArray(attr_name);
    column_ = TVMFFIGetTypeAttrColumn(&name);
    if (column_ == nullptr) {
      TVM_FFI_THROW(RuntimeError) << "Cannot find type attribute " << attr_name;
    }
  }

  /*! \brief The type's own entry, not an ancestor's; None when it has none. Borrowed. */
  AnyView operator[](int32_t type_index) const {
    const TVMFFIAny* attr = details::FindTypeAttr(column_, type_index);
    return attr == nullptr ? AnyView() : AnyView::CopyFromTVMFFIAny(*attr);
  }

 private:
  const TVMFFITypeAttrColumn* column_;
};

/*!
 * \brief Calls `callback(const TVMFFIFieldInfo*) -> bool` for inherited and own fields until it
 * returns true.
 *
 * Ancestors first, each type's fields in the order of registration.
 * \return Whether a call returned true.
 */
template <typename Callback>
inline bool ForEachFieldInfoWithEarlyStop(const TypeInfo* type_info, Callback callback) {
  const auto visit = [&](const TypeInfo* info) {
    const int32_t count = details::LoadPublished(info->num_fields);
    const TVMFFIFieldInfo* fields = details::LoadPublished(info->fields);
    for (int32_t i = 0; i < count; ++i) {
      if (callback(&fields[i])) {
        return true;
      }
    }
    return false;
  };
  // The root, ffi.Object, has no fields.
  for (int32_t i = 1; i < type_info->type_depth; ++i) {
    if (visit(type_info->type_ancestors[i])) {
      return true;
    }
  }
  return visit(type_info);
}

/*! \brief Calls `callback(const TVMFFIFieldInfo*)` for inherited and own fields, ancestors first.
 */
template <typename Callback>
inline void ForEachFieldInfo(const TypeInfo* type_info, Callback callback) {
  ForEachFieldInfoWithEarlyStop(type_info, [&](const TVMFFIFieldInfo* info) {
    callback(info);
    return false;
  });
}

}  // namespace reflection
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_REFLECTION_ACCESSOR_H_
