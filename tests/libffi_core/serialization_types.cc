#include "tests/libffi_core/serialization_types.h"

namespace tvmffi_test {
namespace {

namespace refl = tvm::ffi::reflection;

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<PairObj>().def_rw("x", &PairObj::x).def_rw("s", &PairObj::s);
  refl::ObjectDef<EverythingObj>()
      .def_ro("any", &EverythingObj::any)
      .def_ro("flag", &EverythingObj::flag)
      .def_ro("number", &EverythingObj::number)
      .def_ro("dtype", &EverythingObj::dtype)
      .def_ro("device", &EverythingObj::device)
      .def_ro("array", &EverythingObj::array)
      .def_ro("list", &EverythingObj::list)
      .def_ro("map", &EverythingObj::map)
      .def_ro("dict", &EverythingObj::dict)
      .def_ro("shape", &EverythingObj::shape)
      .def_ro("bytes", &EverythingObj::bytes)
      .def_ro("text", &EverythingObj::text)
      .def_ro("maybe", &EverythingObj::maybe)
      .def_ro("pair", &EverythingObj::pair)
      .def_ro("with_default", &EverythingObj::with_default, refl::default_value(7));
  refl::ObjectDef<CustomObj>().def_ro("secret", &CustomObj::secret);
  refl::TypeAttrDef<CustomObj>()
      .def(refl::type_attr::kDataToJson,
           [](const CustomObj* self) -> Any {
             return Map<String, Any>{{"hidden", self->secret + 1000}};
           })
      .def(refl::type_attr::kDataFromJson, [](const Any& data) -> Custom {
        return Custom(data.cast<Map<String, int64_t>>().at("hidden") - 1000);
      });
  refl::ObjectDef<WithoutCreatorObj>().def_ro("x", &WithoutCreatorObj::x);
  refl::ObjectDef<NodeObj>().def_ro("next", &NodeObj::next);
  refl::ObjectDef<ColorObj>();
  refl::ObjectDef<StatusObj>();
  refl::ObjectDef<ModeObj>();
  refl::EnumDef<ColorObj>("red");
  refl::EnumDef<ColorObj>("green");
  refl::EnumDef<StatusObj>("ok", 200);
  refl::EnumDef<StatusObj>("not_found", 404);
  refl::EnumDef<ModeObj>("fast");
}

}  // namespace
}  // namespace tvmffi_test
