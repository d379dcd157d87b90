/*!
 * \file tvm/ffi/reflection/creator.h
 * \brief Making objects of a type known by its info or key.
 */
#ifndef TVM_FFI_REFLECTION_CREATOR_H_
#define TVM_FFI_REFLECTION_CREATOR_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/string.h>

#include <string_view>

namespace tvm {
namespace ffi {
namespace details {

/*! \brief The type's `__ffi_new__` attribute, or nullptr. */
inline const TVMFFIAny* FindNewAttr(const TypeInfo* type_info) {
  static const TVMFFITypeAttrColumn* const column = FindTypeAttrColumn(reflection::type_attr::kNew);
  return FindTypeAttr(column, type_info->type_index);
}

inline TVMFFIObjectCreator FindNativeCreator(const TypeInfo* type_info) {
  return type_info->metadata != nullptr ? type_info->metadata->creator : nullptr;
}
}  // namespace details

/*! \brief Whether CreateEmptyObject can make objects of this type. */
inline bool HasCreator(const TypeInfo* type_info) {
  return details::FindNativeCreator(type_info) != nullptr ||
         details::FindNewAttr(type_info) != nullptr;
}

/*!
 * \brief An object whose fields are as its default constructor leaves them.
 * \return The only reference to it.
 * \note RuntimeError when the type registered neither a creator nor `__ffi_new__`.
 */
inline ObjectPtr<Object> CreateEmptyObject(const TypeInfo* type_info) {
  if (TVMFFIObjectCreator creator = details::FindNativeCreator(type_info)) {
    TVMFFIObjectHandle handle = nullptr;
    TVM_FFI_CHECK_SAFE_CALL(creator(&handle));
    return details::ObjectUnsafe::ObjectPtrFromOwned<Object>(static_cast<TVMFFIObject*>(handle));
  }
  if (const TVMFFIAny* make = details::FindNewAttr(type_info)) {
    Any made = AnyView::CopyFromTVMFFIAny(*make).cast<Function>()();
    return details::ObjectUnsafe::ObjectPtrFromObjectRef<Object>(std::move(made).cast<ObjectRef>());
  }
  TVM_FFI_THROW(RuntimeError) << "Type `"
                              << std::string_view(type_info->type_key.data,
                                                  type_info->type_key.size)
                              << "` does not support reflection creation (no native creator or "
                                 "__ffi_new__ type attr)";
  TVM_FFI_UNREACHABLE();
}

namespace reflection {

/*! \brief Makes objects of one type from their fields. */
class ObjectCreator {
 public:
  /*! \brief InternalError for an unknown key, RuntimeError for a type that cannot be made. */
  explicit ObjectCreator(std::string_view type_key)
      : ObjectCreator(details::TypeInfoOfKey(type_key)) {}
  explicit ObjectCreator(const TypeInfo* type_info) : type_info_(type_info) {
    if (!HasCreator(type_info)) {
      TVM_FFI_THROW(RuntimeError) << "Type `" << TypeKey()
                                  << "` does not support default constructor, as a result cannot "
                                     "be created via reflection";
    }
  }

  /*!
   * \brief An object with these fields, inherited ones included, and defaults for the others.
   * \note TypeError for a required field that is missing, a field the type does not have, and a
   * value that does not convert.
   */
  Any operator()(const Map<String, Any>& fields) const {
    const ObjectPtr<Object> obj = CreateEmptyObject(type_info_);
    size_t num_matched = 0;
    ForEachFieldInfo(type_info_, [&](const TVMFFIFieldInfo* info) {
      void* addr = details::FieldAddress(obj.get(), info);
      const String name(info->name.data, info->name.size);
      const auto it = fields.find(name);
      if (it != fields.end()) {
        const TVMFFIAny value = AnyView((*it).second).CopyToTVMFFIAny();
        TVM_FFI_CHECK_SAFE_CALL(CallFieldSetter(info, addr, &value));
        ++num_matched;
      } else if ((info->flags & kTVMFFIFieldFlagBitMaskHasDefault) != 0) {
        SetFieldToDefault(info, addr);
      } else {
        TVM_FFI_THROW(TypeError) << "Required field `" << name << "` not set in type `" << TypeKey()
                                 << "`";
      }
    });
    if (num_matched != fields.size()) {
      ThrowUnknownField(fields);
    }
    return ObjectRef(obj);
  }

 private:
  const TypeInfo* type_info_;

  std::string_view TypeKey() const {
    return {type_info_->type_key.data, type_info_->type_key.size};
  }
  TVM_FFI_COLD_CODE void ThrowUnknownField(const Map<String, Any>& fields) const {
    for (const auto& entry : fields) {
      const std::string_view name(entry.first.data(), entry.first.size());
      const bool known = ForEachFieldInfoWithEarlyStop(
          type_info_,
          [&](const TVMFFIFieldInfo* info) { return details::NameIs(info->name, name); });
      if (!known) {
        TVM_FFI_THROW(TypeError) << "Type `" << TypeKey() << "` does not have field `" << name
                                 << "`";
      }
    }
  }
};

}  // namespace reflection
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_REFLECTION_CREATOR_H_
