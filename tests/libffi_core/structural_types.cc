#include "tests/libffi_core/structural_types.h"

#include <tvm/ffi/reflection/registry.h>

namespace structural_test {
namespace {

namespace reflection = tvm::ffi::reflection;
using reflection::AttachFieldFlag;

template <typename TObj>
void RegisterNode() {
  reflection::ObjectDef<TObj>().def_ro("a", &TObj::a).def_ro("b", &TObj::b);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  reflection::ObjectDef<PairObj>().def_ro("x", &PairObj::x).def_ro("s", &PairObj::s);
  reflection::ObjectDef<TripleObj>().def_ro("z", &TripleObj::z);
  RegisterNode<TreeObj>();
  RegisterNode<GraphObj>();
  RegisterNode<ConstObj>();
  RegisterNode<UniqueObj>();
  RegisterNode<UnsupportedObj>();
  reflection::ObjectDef<VarObj>()
      .def_ro("name", &VarObj::name, AttachFieldFlag::SEqHashIgnore())
      .def_ro("type", &VarObj::type);
  reflection::ObjectDef<FuncObj>()
      .def_ro("params", &FuncObj::params, AttachFieldFlag::SEqHashDefRecursive())
      .def_ro("body", &FuncObj::body)
      .def_ro("comment", &FuncObj::comment, AttachFieldFlag::SEqHashIgnore());
  reflection::ObjectDef<LetObj>()
      .def_ro("params", &LetObj::params, AttachFieldFlag::SEqHashDefNonRecursive())
      .def_ro("body", &LetObj::body);
  reflection::ObjectDef<HookedObj>().def_ro("a", &HookedObj::a);
  reflection::TypeAttrDef<HookedObj>()
      .def(reflection::type_attr::kSEqual, &HookedObj::SEqual)
      .def(reflection::type_attr::kSHash, &HookedObj::SHash);
}

}  // namespace
}  // namespace structural_test
