#include "tests/libffi_core/dataclass_test_types.h"

namespace tvmffi::test {
namespace {

namespace refl = tvm::ffi::reflection;

int64_t ThrowFromHook() { TVM_FFI_THROW(ValueError) << "from the hook"; }

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<PointObj>()
      .def_rw("x", &PointObj::x)
      .def_rw("s", &PointObj::s)
      .def_rw("link", &PointObj::link);
  refl::ObjectDef<Point3Obj>().def_rw("z", &Point3Obj::z);
  refl::ObjectDef<FlagsObj>()
      .def_ro("a", &FlagsObj::a)
      .def_ro("no_repr", &FlagsObj::no_repr, refl::repr(false))
      .def_ro("no_hash", &FlagsObj::no_hash, refl::hash(false))
      .def_ro("no_compare", &FlagsObj::no_compare, refl::compare(false));
  refl::ObjectDef<NoFieldsObj>();
  refl::ObjectDef<HiddenFieldsObj>().def_ro("a", &HiddenFieldsObj::a, refl::repr(false));
  refl::ObjectDef<NotCopyableObj>(refl::init(false)).def_ro("a", &NotCopyableObj::a);
  refl::ObjectDef<HookedObj>().def_rw("inner", &HookedObj::inner);

  refl::ObjectDef<AllHooksObj>()
      .def_type_attr("__ffi_repr__",
                     [](const AllHooksObj* self, const Function& repr) {
                       return String("<<") + repr(self->inner).cast<String>() + ">>";
                     })
      .def_type_attr("__ffi_hash__",
                     [](const AllHooksObj* self, const Function& hash) {
                       return hash(self->inner).cast<int64_t>();
                     })
      .def_type_attr("__ffi_eq__",
                     [](const AllHooksObj* lhs, const AllHooksObj* rhs, const Function& eq) {
                       return eq(lhs->inner, rhs->inner).cast<bool>();
                     })
      .def_type_attr("__ffi_compare__",
                     [](const AllHooksObj* lhs, const AllHooksObj* rhs, const Function& compare) {
                       return compare(lhs->inner, rhs->inner).cast<int64_t>();
                     });
  refl::ObjectDef<ReversedObj>().def_type_attr(
      "__ffi_compare__",
      [](const ReversedObj* lhs, const ReversedObj* rhs, const Function& compare) {
        return compare(rhs->inner, lhs->inner).cast<int64_t>();
      });
  refl::ObjectDef<AllEqualObj>().def_type_attr(
      "__ffi_eq__", [](const AllEqualObj*, const AllEqualObj*, const Function&) { return true; });
  refl::ObjectDef<ThrowingObj>()
      .def_type_attr("__ffi_repr__",
                     [](const ThrowingObj*, const Function&) { return ThrowFromHook(); })
      .def_type_attr("__ffi_hash__",
                     [](const ThrowingObj*, const Function&) { return ThrowFromHook(); })
      .def_type_attr("__ffi_compare__", [](const ThrowingObj*, const ThrowingObj*,
                                           const Function&) { return ThrowFromHook(); });
  refl::ObjectDef<WrongResultObj>()
      .def_type_attr("__ffi_repr__", [](const WrongResultObj*, const Function&) { return 5; })
      .def_type_attr("__ffi_hash__",
                     [](const WrongResultObj*, const Function&) { return String("x"); })
      .def_type_attr("__ffi_compare__", [](const WrongResultObj*, const WrongResultObj*,
                                           const Function&) { return String("x"); });
}

}  // namespace
}  // namespace tvmffi::test
