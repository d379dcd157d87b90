// The types of structural visits, how containers are visited, and visits from other languages.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/structural_visit.h>
#include <tvm/ffi/reflection/registry.h>

#include <vector>

#include "libffi_core/extra/structural_callbacks.h"

namespace tvmffi::core {
namespace {

namespace refl = tvm::ffi::reflection;
using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::ArrayObj;
using tvm::ffi::DictObj;
using tvm::ffi::Expected;
using tvm::ffi::Function;
using tvm::ffi::ListObj;
using tvm::ffi::MapObj;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::StructuralVisitor;
using tvm::ffi::StructuralVisitorObj;
using tvm::ffi::StructuralVisitorVTable;
using tvm::ffi::Tuple;
using tvm::ffi::VisitInterrupt;
using tvm::ffi::VisitInterruptObj;
using tvm::ffi::WalkOrder;
using tvm::ffi::WalkResult;
using tvm::ffi::details::ContinueVisit;
using tvm::ffi::details::EndsVisit;
using tvm::ffi::details::ErrorInFlight;
using tvm::ffi::details::ExpectedUnsafe;
using tvm::ffi::details::VisitResult;

// Visits what `values_of` collects or refers to in the container. Callbacks may change a List or
// Dict, and an Array or Map that nobody else holds.
template <typename ContainerObj, VisitResult (*visit_values)(StructuralVisitorObj*, ContainerObj*)>
TVMFFIAny VisitContainer(StructuralVisitorObj* visitor, AnyView value) noexcept {
  try {
    const auto container = value.cast<ObjectPtr<ContainerObj>>();
    return ExpectedUnsafe::MoveToTVMFFIAny(visit_values(visitor, container.get()));
  } catch (...) {
    return ExpectedUnsafe::MoveToTVMFFIAny(VisitResult(ErrorInFlight()));
  }
}

template <typename Values>
VisitResult VisitEach(StructuralVisitorObj* visitor, const Values& values) {
  for (const Any& value : values) {
    VisitResult result = visitor->VisitExpected(value);
    if (EndsVisit(result)) return result;
  }
  return ContinueVisit();
}

VisitResult VisitArray(StructuralVisitorObj* visitor, ArrayObj* array) {
  return VisitEach(visitor, *array);
}

VisitResult VisitList(StructuralVisitorObj* visitor, ListObj* list) {
  return VisitEach(visitor, std::vector<Any>(list->begin(), list->end()));
}

VisitResult VisitMap(StructuralVisitorObj* visitor, MapObj* map) {
  for (uint64_t slot = map->FirstSlot(); slot != MapObj::kNoSlot; slot = map->NextSlot(slot)) {
    VisitResult result = visitor->VisitExpected(map->PairAt(slot).second);
    if (EndsVisit(result)) return result;
  }
  return ContinueVisit();
}

VisitResult VisitDict(StructuralVisitorObj* visitor, DictObj* dict) {
  std::vector<Any> values;
  values.reserve(dict->size());
  for (uint64_t slot = dict->FirstSlot(); slot != DictObj::kNoSlot; slot = dict->NextSlot(slot)) {
    values.push_back(dict->PairAt(slot).second);
  }
  return VisitEach(visitor, values);
}

template <typename ContainerObj, VisitResult (*visit_values)(StructuralVisitorObj*, ContainerObj*)>
void RegisterContainer() {
  const decltype(StructuralVisitorVTable::visit) visit = VisitContainer<ContainerObj, visit_values>;
  refl::TypeAttrDef<ContainerObj>().attr(refl::type_attr::kStructuralVisit,
                                         reinterpret_cast<void*>(visit));
}

ObjectRef RefuseCopy(const StructuralVisitorObj*) {
  TVM_FFI_THROW(TypeError) << "a visitor cannot be copied: it belongs to its visit";
  TVM_FFI_UNREACHABLE();
}

// The callbacks of a walk from another language.
class FunctionCallbacks {
 public:
  FunctionCallbacks(const TypedCallbacks& callbacks, const TypedCallbacks& with_kind)
      : callbacks_(callbacks, with_kind) {
    callbacks_.RefuseNone("StructuralWalk");
  }

  Expected<WalkResult> operator()(const AnyView& value, TVMFFIDefRegionKind kind) const {
    const CallbackList::Callback* callback = callbacks_.Find(value);
    if (callback == nullptr) return WalkResult::Advance();
    return callback->takes_more
               ? callback->function.CallExpected<WalkResult>(value, static_cast<int64_t>(kind))
               : callback->function.CallExpected<WalkResult>(value);
  }

 private:
  CallbackList callbacks_;
};

Optional<VisitInterrupt> Walk(const Any& root, const TypedCallbacks& callbacks,
                              const TypedCallbacks& with_kind, int64_t order) {
  const FunctionCallbacks dispatch(callbacks, with_kind);
  switch (order) {
    case static_cast<int64_t>(WalkOrder::kPreOrder):
      return tvm::ffi::details::WalkWith<WalkOrder::kPreOrder>(root, dispatch).value();
    case static_cast<int64_t>(WalkOrder::kPostOrder):
      return tvm::ffi::details::WalkWith<WalkOrder::kPostOrder>(root, dispatch).value();
    default:
      TVM_FFI_THROW(ValueError) << "the order of a walk is 0 (pre) or 1 (post), not " << order;
  }
  TVM_FFI_UNREACHABLE();
}

// The visitor of ffi.StructuralVisit: a callback that takes a value decides how to go on.
class CallbackVisitorObj : public StructuralVisitorObj {
 public:
  explicit CallbackVisitorObj(const TypedCallbacks& callbacks)
      : StructuralVisitorObj(&kVTable), callbacks_(callbacks, {}) {
    callbacks_.RefuseNone("StructuralVisit");
  }

 private:
  static TVMFFIAny VisitImpl(StructuralVisitorObj* self, AnyView value) noexcept {
    return ExpectedUnsafe::MoveToTVMFFIAny(
        static_cast<CallbackVisitorObj*>(self)->VisitValue(value));
  }
  static constexpr StructuralVisitorVTable kVTable = {&VisitImpl};

  VisitResult VisitValue(AnyView value) noexcept {
    if (value == nullptr) return ContinueVisit();
    try {
      const CallbackList::Callback* callback = callbacks_.Find(value);
      if (callback == nullptr) return DefaultVisitExpected(value);
      const StructuralVisitor self(
          tvm::ffi::details::ObjectUnsafe::ObjectPtrFromUnowned<StructuralVisitorObj>(this));
      VisitResult result = callback->function.CallExpected<Optional<VisitInterrupt>>(value, self);
      tvm::ffi::details::RecordIfError(result, value);
      return result;
    } catch (...) {
      return tvm::ffi::details::VisitErrorInFlight(value);
    }
  }

  CallbackList callbacks_;
};

Optional<VisitInterrupt> VisitWithCallbacks(const Any& root, const TypedCallbacks& callbacks) {
  return tvm::ffi::make_object<CallbackVisitorObj>(callbacks)->Visit(root);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<VisitInterruptObj>().def_ro("value", &VisitInterruptObj::value,
                                              refl::default_value(nullptr));
  refl::ObjectDef<StructuralVisitorObj>().def_type_attr(refl::type_attr::kShallowCopy, RefuseCopy);
  RegisterContainer<ArrayObj, VisitArray>();
  RegisterContainer<ListObj, VisitList>();
  RegisterContainer<MapObj, VisitMap>();
  RegisterContainer<DictObj, VisitDict>();
  refl::GlobalDef()
      .def("ffi.VisitInterrupt", [](const Any& value) { return VisitInterrupt(value); })
      .def("ffi.StructuralVisitorVisit",
           [](const StructuralVisitor& visitor, const Any& value) { return visitor->Visit(value); })
      .def("ffi.StructuralVisitorDefaultVisit",
           [](const StructuralVisitor& visitor, const Any& value) {
             return visitor->DefaultVisitExpected(value).value();
           })
      .def("ffi.StructuralVisitorDefRegionKind",
           [](const StructuralVisitor& visitor) { return visitor->def_region_kind(); })
      .def("ffi.StructuralVisitorWithDefRegionKind",
           [](const StructuralVisitor& visitor, int64_t kind, const Function& callback) {
             return visitor->WithDefRegionKind(CheckDefRegionKind(kind),
                                               [&] { return callback(); });
           })
      .def("ffi.StructuralWalk", Walk)
      .def("ffi.StructuralVisit", VisitWithCallbacks);
}

}  // namespace
}  // namespace tvmffi::core
