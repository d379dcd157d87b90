// `testing.*` types about the def-regions of a structural visit.
#include <tvm/ffi/extra/structural_visit.h>
#include <tvm/ffi/tvm_ffi.h>

#include <utility>

namespace tvmffi::testing {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Function;
using tvm::ffi::make_object;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::StructuralVisitor;
using tvm::ffi::VisitInterrupt;
namespace refl = tvm::ffi::reflection;

struct TestVisitRegionsObj : public Object {
  int64_t simple = 0;
  int64_t pattern = 0;
  int64_t ordinary = 0;
  TestVisitRegionsObj() = default;
  TestVisitRegionsObj(int64_t simple_value, int64_t pattern_value, int64_t ordinary_value)
      : simple(simple_value), pattern(pattern_value), ordinary(ordinary_value) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestVisitRegions", TestVisitRegionsObj, Object);
};

// Its hook visits the child as a definition, then a value that no field holds.
struct TestVisitHookObj : public Object {
  ObjectRef child;
  explicit TestVisitHookObj(ObjectRef child_value) : child(std::move(child_value)) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestVisitHook", TestVisitHookObj, Object);
};

constexpr int64_t kValueOfNoField = 4;

// A region within which everything is defined stays one.
TVMFFIDefRegionKind SimpleRegionWithin(TVMFFIDefRegionKind outer) {
  return outer == kTVMFFIDefRegionKindRecursive ? outer : kTVMFFIDefRegionKindNonRecursive;
}

Optional<VisitInterrupt> VisitHooked(const StructuralVisitor& visitor, AnyView value) {
  const auto self = value.cast<ObjectPtr<TestVisitHookObj>>();
  auto* target = const_cast<tvm::ffi::StructuralVisitorObj*>(visitor.get());
  Optional<VisitInterrupt> interrupt = target->WithDefRegionKind(
      SimpleRegionWithin(target->def_region_kind()), [&] { return target->Visit(self->child); });
  return interrupt.has_value() ? interrupt : target->Visit(kValueOfNoField);
}

// TestVisitRegions(simple=1, pattern=2, ordinary=3), on request in a TestVisitHook.
Any MakeVisitRegionGraph(bool in_hook) {
  const ObjectRef regions(ObjectPtr<Object>(make_object<TestVisitRegionsObj>(1, 2, 3)));
  return in_hook ? Any(make_object<TestVisitHookObj>(regions)) : Any(regions);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<TestVisitRegionsObj>()
      .def_ro("simple", &TestVisitRegionsObj::simple, refl::AttachFieldFlag::SEqHashDefSimple())
      .def_ro("pattern", &TestVisitRegionsObj::pattern, refl::AttachFieldFlag::SEqHashDefPattern())
      .def_ro("ordinary", &TestVisitRegionsObj::ordinary);
  refl::ObjectDef<TestVisitHookObj>()
      .def_ro("child", &TestVisitHookObj::child)
      .def_type_attr(refl::type_attr::kStructuralVisit, Function::FromTyped(VisitHooked));
  refl::GlobalDef().def("testing.make_visit_region_graph", MakeVisitRegionGraph);
}

}  // namespace
}  // namespace tvmffi::testing
