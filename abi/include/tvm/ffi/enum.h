/*!
 * \file tvm/ffi/enum.h
 * \brief Enum: objects of which every type has a fixed set, looked up by number or by name.
 *
 * A value is one object for the whole process and for every language in it: all of a type's values
 * are kept in an EnumState, the type's entry in the attribute column `__ffi_enum__`. C++ adds
 * values with reflection::EnumDef (tvm/ffi/reflection/enum_def.h). Values are added while libraries
 * load; that is not locked against lookups.
 */
#ifndef TVM_FFI_ENUM_H_
#define TVM_FFI_ENUM_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/string.h>

#include <optional>
#include <utility>

namespace tvm {
namespace ffi {

class Enum;

/*! \brief The object behind Enum: one value. Derive from it to make one's own enum type. */
class EnumObj : public Object {
 public:
  /*! \brief The number of the value; by default its position in the order of registration. */
  int64_t _int_index{0};
  /*! \brief The name of the value. */
  String _str_index;

  EnumObj() = default;
  EnumObj(int64_t int_index, String str_index)
      : _int_index(int_index), _str_index(std::move(str_index)) {}

  /*! \brief The value of this number or name, or ValueError when the type has none. */
  static inline Enum _GetByIntIndex(int32_t type_index, int64_t int_index);
  static inline Enum _GetByStrIndex(int32_t type_index, const String& str_index);
  /*! \brief The same for the type of an object class. */
  template <typename EnumClsObj>
  static inline Enum _GetByIntIndex(int64_t int_index);
  template <typename EnumClsObj>
  static inline Enum _GetByStrIndex(const String& str_index);

  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindUniqueInstance;
  TVM_FFI_DECLARE_OBJECT_INFO("ffi.Enum", EnumObj, Object);
};

/*! \brief A value of an enum type. */
class Enum : public ObjectRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Enum, ObjectRef, EnumObj);
};

/*! \brief A value that stands for an int, which its registration states: its number. */
class IntEnumObj : public EnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO("ffi.IntEnum", IntEnumObj, EnumObj);
};

class IntEnum : public Enum {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(IntEnum, Enum, IntEnumObj);
};

/*! \brief A value that stands for a string: its name. */
class StrEnumObj : public EnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO("ffi.StrEnum", StrEnumObj, EnumObj);
};

class StrEnum : public Enum {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(StrEnum, Enum, StrEnumObj);
};

/*! \brief The object behind EnumState. */
class EnumStateObj : public Object {
 public:
  /*! \brief The values in the order of registration. */
  List<ObjectRef> entries;
  /*! \brief From each number and each name to its value. */
  Dict<Any, ObjectRef> indexes;
  /*! \brief From an attribute's name to what it is for each value that has it. */
  Dict<String, Dict<ObjectRef, Any>> attrs;

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("ffi.EnumState", EnumStateObj, Object);
};

/*! \brief All values of one enum type; never null. */
class EnumState : public ObjectRef {
 public:
  explicit EnumState(ObjectPtr<EnumStateObj> ptr) : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {
    TVM_FFI_ICHECK(defined()) << "an EnumState is never null";
  }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(EnumState, ObjectRef, EnumStateObj);
};

static_assert(sizeof(EnumObj) == 48 && sizeof(IntEnumObj) == 48 && sizeof(StrEnumObj) == 48 &&
                  sizeof(EnumStateObj) == 48,
              "part of the ABI");

namespace details {

inline constexpr const char* kEnumStateAttr = "__ffi_enum__";

/*! \brief The state of an enum type, or nothing before its first value. */
inline std::optional<EnumState> FindEnumState(int32_t type_index) {
  static const TVMFFITypeAttrColumn* const column = FindTypeAttrColumn(kEnumStateAttr);
  if (column == nullptr) {
    TVM_FFI_THROW(RuntimeError) << "Cannot find type attribute " << kEnumStateAttr;
  }
  const TVMFFIAny* state = FindTypeAttr(column, type_index);
  if (state == nullptr) {
    return std::nullopt;
  }
  return AnyView::CopyFromTVMFFIAny(*state).cast<EnumState>();
}

/*! \brief `index` is an int or a String. */
template <typename Index>
inline Enum GetEnum(int32_t type_index, const Index& index) {
  if (std::optional<EnumState> state = FindEnumState(type_index)) {
    if (std::optional<ObjectRef> value = (*state)->indexes.Get(index)) {
      return Any(*std::move(value)).cast<Enum>();
    }
  }
  TVM_FFI_THROW(ValueError) << "Enum `" << TypeIndexToTypeKey(type_index)
                            << "` has no instance with index " << index;
  TVM_FFI_UNREACHABLE();
}
}  // namespace details

inline Enum EnumObj::_GetByIntIndex(int32_t type_index, int64_t int_index) {
  return details::GetEnum(type_index, int_index);
}

inline Enum EnumObj::_GetByStrIndex(int32_t type_index, const String& str_index) {
  return details::GetEnum(type_index, str_index);
}

template <typename EnumClsObj>
inline Enum EnumObj::_GetByIntIndex(int64_t int_index) {
  static_assert(std::is_base_of_v<EnumObj, EnumClsObj>, "name the object class of an enum type");
  return _GetByIntIndex(EnumClsObj::RuntimeTypeIndex(), int_index);
}

template <typename EnumClsObj>
inline Enum EnumObj::_GetByStrIndex(const String& str_index) {
  static_assert(std::is_base_of_v<EnumObj, EnumClsObj>, "name the object class of an enum type");
  return _GetByStrIndex(EnumClsObj::RuntimeTypeIndex(), str_index);
}

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_ENUM_H_
