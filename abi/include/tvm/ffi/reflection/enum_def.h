/*!
 * \file tvm/ffi/reflection/enum_def.h
 * \brief EnumDef: adds a value to an enum type.
 */
#ifndef TVM_FFI_REFLECTION_ENUM_DEF_H_
#define TVM_FFI_REFLECTION_ENUM_DEF_H_

#include <tvm/ffi/enum.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/memory.h>

#include <optional>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {
namespace details {

/*! \brief The state of an enum type, made when there is none. */
inline EnumState FindOrAddEnumState(int32_t type_index) {
  if (std::optional<EnumState> state = FindEnumState(type_index)) {
    return *std::move(state);
  }
  EnumState state(make_object<EnumStateObj>());
  const TVMFFIByteArray name{kEnumStateAttr, std::char_traits<char>::length(kEnumStateAttr)};
  const TVMFFIAny value = AnyView(state).CopyToTVMFFIAny();
  if (TVMFFITypeRegisterAttr(type_index, &name, &value) != 0) {
    throw MoveFromSafeCallRaised();
  }
  return state;
}

/*! \brief Adds `value`, whose two indices are set, or throws ValueError when one is taken. */
inline void AddEnumValue(const EnumState& state, const Enum& value) {
  Dict<Any, ObjectRef> indexes = state->indexes;
  if (indexes.count(value->_int_index) != 0 || indexes.count(value->_str_index) != 0) {
    TVM_FFI_THROW(ValueError) << "Duplicate enum index for type `" << value.GetTypeKey() << "`";
  }
  List<ObjectRef> entries = state->entries;
  entries.push_back(value);
  indexes.Set(value->_int_index, value);
  indexes.Set(value->_str_index, value);
}
}  // namespace details

namespace reflection {

/*!
 * \brief Adds a value to the enum type of an object class, in a static initialiser:
 *
 * \code
 * TVM_FFI_STATIC_INIT_BLOCK() {
 *   EnumDef<ColorObj>("red").set_attr("hex", "#ff0000");
 *   EnumDef<HttpStatusObj>("not_found", 404);  // an IntEnumObj
 * }
 * \endcode
 *
 * Throws ValueError when the type has a value of this name or number. The object is
 * default-constructed; fields of one's own keep what the constructor gave them.
 */
template <typename EnumClsObj, typename = std::enable_if_t<std::is_base_of_v<EnumObj, EnumClsObj>>>
class EnumDef {
 public:
  /*! \brief The number is the count of values before this one. */
  explicit EnumDef(const char* name) : state_(State()), value_(UnsafeInit{}) {
    static_assert(!kIsIntEnum, "a value of an IntEnum needs its number");
    Add(name, static_cast<int64_t>(state_->entries.size()));
  }
  EnumDef(const char* name, int64_t value) : state_(State()), value_(UnsafeInit{}) {
    static_assert(kIsIntEnum, "only values of an IntEnum state their number");
    Add(name, value);
  }

  /*! \brief Attaches an attribute to the value, replacing one of this name. */
  template <typename T>
  EnumDef& set_attr(const char* name, T value) {
    Dict<String, Dict<ObjectRef, Any>> attrs = state_->attrs;
    const String key(name);
    std::optional<Dict<ObjectRef, Any>> of_values = attrs.Get(key);
    if (!of_values.has_value()) {
      of_values.emplace();
      attrs.Set(key, *of_values);
    }
    of_values->Set(value_, Any(std::move(value)));
    return *this;
  }

 private:
  static constexpr bool kIsIntEnum = std::is_base_of_v<IntEnumObj, EnumClsObj>;

  static EnumState State() { return details::FindOrAddEnumState(EnumClsObj::RuntimeTypeIndex()); }
  void Add(const char* name, int64_t number) {
    ObjectPtr<EnumClsObj> object = make_object<EnumClsObj>();
    object->_int_index = number;
    object->_str_index = String(name);
    value_ =
        details::ObjectUnsafe::ObjectRefFromObjectPtr<Enum>(ObjectPtr<Object>(std::move(object)));
    details::AddEnumValue(state_, value_);
  }

  EnumState state_;
  Enum value_;
};

}  // namespace reflection
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_REFLECTION_ENUM_DEF_H_
