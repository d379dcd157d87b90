// The types of enums, as bindings see them.
#include <tvm/ffi/enum.h>
#include <tvm/ffi/reflection/registry.h>

namespace tvmffi::core {
namespace {

namespace refl = tvm::ffi::reflection;
using tvm::ffi::EnumObj;
using tvm::ffi::EnumStateObj;
using tvm::ffi::IntEnum;
using tvm::ffi::IntEnumObj;
using tvm::ffi::StrEnum;
using tvm::ffi::StrEnumObj;

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<EnumStateObj>()
      .def_ro("entries", &EnumStateObj::entries, refl::init(false))
      .def_ro("indexes", &EnumStateObj::indexes, refl::init(false))
      .def_ro("attrs", &EnumStateObj::attrs, refl::init(false))
      .def(refl::init<>());
  // The name alone identifies a value among those of its type.
  refl::ObjectDef<EnumObj>(refl::init(false))
      .def_ro("_int_index", &EnumObj::_int_index, refl::AttachFieldFlag::SEqHashIgnore())
      .def_ro("_str_index", &EnumObj::_str_index);
  refl::ObjectDef<IntEnumObj>(refl::init(false))
      .def_ro("value", &IntEnumObj::_int_index, refl::init(false),
              refl::AttachFieldFlag::SEqHashIgnore())
      .def_convert<IntEnum>();
  refl::ObjectDef<StrEnumObj>(refl::init(false))
      .def_ro("value", &StrEnumObj::_str_index, refl::init(false),
              refl::AttachFieldFlag::SEqHashIgnore())
      .def_convert<StrEnum>();
}

}  // namespace
}  // namespace tvmffi::core
