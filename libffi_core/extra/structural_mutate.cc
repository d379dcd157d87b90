// The type of mutators, how containers are mutated, and mutations from other languages.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/structural_mutate.h>
#include <tvm/ffi/reflection/registry.h>

#include <vector>

#include "libffi_core/extra/structural_callbacks.h"

namespace tvmffi::core {
namespace {

namespace refl = tvm::ffi::reflection;
using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::ArrayObj;
using tvm::ffi::DictObj;
using tvm::ffi::FStructuralMutate;
using tvm::ffi::Function;
using tvm::ffi::InplaceMode;
using tvm::ffi::ListObj;
using tvm::ffi::MapObj;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::StructuralMutator;
using tvm::ffi::StructuralMutatorObj;
using tvm::ffi::Tuple;
using tvm::ffi::WalkOrder;
using tvm::ffi::details::AnyUnsafe;
using tvm::ffi::details::CallbackMutatorObj;
using tvm::ffi::details::ErrorInFlight;
using tvm::ffi::details::ExpectedUnsafe;
using tvm::ffi::details::IsErrorResult;
using tvm::ffi::details::IsReplacement;
using tvm::ffi::details::MapMutatorObj;
using tvm::ffi::details::MutateWith;
using tvm::ffi::details::UnchangedResult;

// The values in a container, in order.
template <typename SeqObj>
struct Sequence {
  using Obj = SeqObj;
  template <typename Visit>
  static void ForEach(Obj* container, Visit&& visit) {
    for (Any* it = container->MutableBegin(); it != container->MutableEnd(); ++it) {
      if (!visit(*it)) return;
    }
  }
  static ObjectPtr<Obj> Copy(const Obj* from) {
    ObjectPtr<Obj> copy = Obj::Empty(static_cast<int64_t>(from->size()));
    for (const Any& element : *from) copy->EmplaceBack(element);
    return copy;
  }
};

template <typename MappingObj>
struct Mapping {
  using Obj = MappingObj;
  template <typename Visit>
  static void ForEach(Obj* container, Visit&& visit) {
    for (uint64_t i = container->FirstSlot(); i != Obj::kNoSlot; i = container->NextSlot(i)) {
      if (!visit(container->PairAt(i).second)) return;
    }
  }
  static ObjectPtr<Obj> Copy(const Obj* from) {
    ObjectPtr<Obj> copy = Obj::Empty(from->size());
    for (uint64_t i = from->FirstSlot(); i != Obj::kNoSlot; i = from->NextSlot(i)) {
      copy->Set(from->PairAt(i).first, from->PairAt(i).second);
    }
    return copy;
  }
};

// Replaces the elements. Returns whether there were any, or an error.
template <typename Container>
Any MutateElements(StructuralMutatorObj* mutator, typename Container::Obj* container,
                   InplaceMode mode) {
  Any outcome = false;
  Container::ForEach(container, [&](Any& element) {
    Any result = ExpectedUnsafe::MoveToAny(mutator->MutateExpected(AnyView(element), mode));
    if (IsErrorResult(result)) {
      outcome = std::move(result);
      return false;
    }
    if (IsReplacement(result, element)) {
      element.swap(result);
      outcome = true;
    }
    return true;
  });
  return outcome;
}

// The copy comes first: callbacks may change a List or Dict.
template <typename Container>
Any MutateCopy(StructuralMutatorObj* mutator, typename Container::Obj* container) {
  const ObjectPtr<typename Container::Obj> copy = Container::Copy(container);
  Any outcome = MutateElements<Container>(mutator, copy.get(), InplaceMode::kDisallow);
  if (IsErrorResult(outcome)) return outcome;
  return outcome.cast<bool>() ? Any(copy) : UnchangedResult();
}

// The mutator's caller has the only reference.
template <typename Container>
Any MutateInPlace(StructuralMutatorObj* mutator, typename Container::Obj* container) {
  Any outcome = MutateElements<Container>(mutator, container, InplaceMode::kAllow);
  return IsErrorResult(outcome) ? outcome : UnchangedResult();
}

template <typename Container, Any (*mutate)(StructuralMutatorObj*, typename Container::Obj*)>
TVMFFIAny MutateContainer(StructuralMutatorObj* mutator, AnyView value) noexcept {
  using Obj = typename Container::Obj;
  try {
    if (value.type_index() != Obj::_type_index) {
      TVM_FFI_THROW(TypeError) << "cannot mutate a `" << value.GetTypeKey() << "` as a container";
    }
    auto* container = reinterpret_cast<Obj*>(value.CopyToTVMFFIAny().v_obj);
    return AnyUnsafe::MoveAnyToTVMFFIAny(mutate(mutator, container));
  } catch (...) {
    return AnyUnsafe::MoveAnyToTVMFFIAny(Any(ErrorInFlight()));
  }
}

template <typename Container>
void RegisterContainer() {
  const FStructuralMutate copy = MutateContainer<Container, MutateCopy<Container>>;
  const FStructuralMutate in_place = MutateContainer<Container, MutateInPlace<Container>>;
  refl::TypeAttrDef<typename Container::Obj>()
      .attr(refl::type_attr::kStructuralMutate, reinterpret_cast<void*>(copy))
      .attr(refl::type_attr::kStructuralMaybeInplaceMutate, reinterpret_cast<void*>(in_place));
}

TVMFFIAny LeaveUnchanged(StructuralMutatorObj*, AnyView) noexcept {
  return tvm::ffi::Unchanged().CopyToTVMFFIAny();
}

// Mutators compiled from the published headers would want to copy these.
void RegisterPlainObjects() {
  const FStructuralMutate leave = LeaveUnchanged;
  TVMFFIAny hook{};
  hook.type_index = kTVMFFIOpaquePtr;
  hook.v_ptr = reinterpret_cast<void*>(leave);
  for (const int32_t type_index : {kTVMFFIStr, kTVMFFIBytes, kTVMFFIBigInt}) {
    for (const char* name :
         {refl::type_attr::kStructuralMutate, refl::type_attr::kStructuralMaybeInplaceMutate}) {
      const TVMFFIByteArray column = refl::AsByteArray(name);
      TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterAttr(type_index, &column, &hook));
    }
  }
}

ObjectRef RefuseCopy(const StructuralMutatorObj*) {
  TVM_FFI_THROW(TypeError) << "a mutator cannot be copied: it belongs to its mutation";
  TVM_FFI_UNREACHABLE();
}

// The callbacks of ffi.StructuralMap. One that is None leaves what it takes as it is.
class MapFunctions {
 public:
  MapFunctions(const TypedCallbacks& callbacks, const TypedCallbacks& with_kind)
      : callbacks_(callbacks, with_kind) {}

  Any operator()(AnyView value, TVMFFIDefRegionKind kind) const {
    const CallbackList::Callback* callback = callbacks_.Find(value);
    if (callback == nullptr || callback->function == nullptr) return UnchangedResult();
    return callback->takes_more ? callback->function(value, static_cast<int64_t>(kind))
                                : callback->function(value);
  }

 private:
  CallbackList callbacks_;
};

Any Map(Any root, const TypedCallbacks& callbacks, const TypedCallbacks& with_kind, int64_t order) {
  const MapFunctions dispatch(callbacks, with_kind);
  switch (order) {
    case static_cast<int64_t>(WalkOrder::kPreOrder):
      return MutateWith<MapMutatorObj<WalkOrder::kPreOrder, MapFunctions>>(std::move(root),
                                                                           dispatch)
          .value();
    case static_cast<int64_t>(WalkOrder::kPostOrder):
      return MutateWith<MapMutatorObj<WalkOrder::kPostOrder, MapFunctions>>(std::move(root),
                                                                            dispatch)
          .value();
    default:
      TVM_FFI_THROW(ValueError) << "the order of a map is 0 (pre) or 1 (post), not " << order;
  }
  TVM_FFI_UNREACHABLE();
}

// The type a callback takes, the callback, and whether it wants the mode.
using MutateCallback = Tuple<int64_t, Function, bool>;

// The callbacks of ffi.StructuralMutate.
class MutateFunctions {
 public:
  explicit MutateFunctions(const Array<MutateCallback>& callbacks) {
    for (const auto& callback : callbacks) {
      callbacks_.Add(callback.get<0>(), callback.get<1>(), callback.get<2>());
    }
    callbacks_.RefuseNone("StructuralMutate");
  }

  bool operator()(AnyView value, StructuralMutatorObj* mutator, InplaceMode mode,
                  Any* result) const {
    const CallbackList::Callback* callback = callbacks_.Find(value);
    if (callback == nullptr) return false;
    const StructuralMutator self(
        tvm::ffi::details::ObjectUnsafe::ObjectPtrFromUnowned<StructuralMutatorObj>(mutator));
    *result = callback->takes_more ? callback->function(value, self, static_cast<int64_t>(mode))
                                   : callback->function(value, self);
    return true;
  }

 private:
  CallbackList callbacks_;
};

Any Mutate(Any root, const Array<MutateCallback>& callbacks) {
  const MutateFunctions dispatch(callbacks);
  return MutateWith<CallbackMutatorObj<MutateFunctions>>(std::move(root), dispatch).value();
}

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<StructuralMutatorObj>().def_type_attr(refl::type_attr::kShallowCopy, RefuseCopy);
  RegisterContainer<Sequence<ArrayObj>>();
  RegisterContainer<Sequence<ListObj>>();
  RegisterContainer<Mapping<MapObj>>();
  RegisterContainer<Mapping<DictObj>>();
  RegisterPlainObjects();
  refl::GlobalDef()
      .def("ffi.StructuralMap", Map)
      .def("ffi.StructuralMutate", Mutate)
      .def("ffi.StructuralMutatorMutate",
           [](const StructuralMutator& mutator, const Any& value) {
             return mutator->Mutate(value).ValueOrUnchanged(value);
           })
      .def("ffi.StructuralMutatorDefaultMutate",
           [](const StructuralMutator& mutator, const Any& value) {
             return mutator->DefaultMutate(value).ValueOrUnchanged(value);
           })
      .def("ffi.StructuralMutatorVarRemapGet",
           [](const StructuralMutator& mutator, const Any& var) {
             return mutator->VarRemapGet(var);
           })
      .def("ffi.StructuralMutatorVarRemapSet",
           [](const StructuralMutator& mutator, const Any& var, const Any& mapped_value) {
             mutator->VarRemapSet(var, mapped_value);
           })
      .def("ffi.StructuralMutatorDefRegionKind",
           [](const StructuralMutator& mutator) { return mutator->def_region_kind(); })
      .def("ffi.StructuralMutatorWithDefRegionKind", [](const StructuralMutator& mutator,
                                                        int64_t kind, const Function& callback) {
        return mutator->WithDefRegionKind(CheckDefRegionKind(kind), [&] { return callback(); });
      });
}

}  // namespace
}  // namespace tvmffi::core
