#include "tests/libffi_core/visit_test_types.h"

namespace tvmffi_test {
namespace {

namespace refl = tvm::ffi::reflection;

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<NodeObj>()
      .def_rw("l", &NodeObj::l)
      .def_rw("r", &NodeObj::r)
      .def_rw("note", &NodeObj::note, refl::AttachFieldFlag::SEqHashIgnore());
  refl::ObjectDef<WideNodeObj>().def_ro("extra", &WideNodeObj::extra);
  refl::ObjectDef<VarObj>().def_ro("type", &VarObj::type);
  refl::ObjectDef<LetObj>()
      .def_ro("pattern", &LetObj::pattern, refl::AttachFieldFlag::SEqHashDefRecursive())
      .def_ro("var", &LetObj::var, refl::AttachFieldFlag::SEqHashDefNonRecursive())
      .def_ro("body", &LetObj::body);
}

}  // namespace
}  // namespace tvmffi_test
