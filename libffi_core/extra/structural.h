// What structural equality and structural hash have in common: how a type takes part in them, what
// a field sees of definition regions, and how deep they may recurse.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>

#include <cstdint>
#include <memory>

namespace tvmffi::core {

inline const TVMFFIAny& Raw(const tvm::ffi::Any& value) {
  return *tvm::ffi::details::AnyUnsafe::TVMFFIAnyPtrFromAny(value);
}

// The kind of a type; TypeError when it has none.
TVMFFISEqHashKind RequireStructuralKind(const TVMFFITypeInfo& info);

// ValueError unless `kind` is one of the three.
TVMFFIDefRegionKind RequireDefRegion(int64_t kind);

// The region in which a field is visited: its own flag can open one or widen it, never narrow it.
inline TVMFFIDefRegionKind NestedRegion(TVMFFIDefRegionKind outer, TVMFFIDefRegionKind own) {
  if (outer == kTVMFFIDefRegionKindRecursive || own == kTVMFFIDefRegionKindNone) return outer;
  return own;
}
inline TVMFFIDefRegionKind FieldRegion(TVMFFIDefRegionKind outer, const TVMFFIFieldInfo& field) {
  if ((field.flags & kTVMFFIFieldFlagBitMaskSEqHashDefRecursive) != 0) {
    return kTVMFFIDefRegionKindRecursive;
  }
  if ((field.flags & kTVMFFIFieldFlagBitMaskSEqHashDefNonRecursive) != 0) {
    return NestedRegion(outer, kTVMFFIDefRegionKindNonRecursive);
  }
  return outer;
}
// The region of a variable's own fields.
inline TVMFFIDefRegionKind VariableFieldRegion(TVMFFIDefRegionKind region) {
  return region == kTVMFFIDefRegionKindNonRecursive ? kTVMFFIDefRegionKindNone : region;
}

// The field of an object, as its getter returns it.
tvm::ffi::Any ReadField(const TVMFFIObject* object, const TVMFFIFieldInfo& field);

// Calls `visit(field)` for the fields that take part, those of ancestors first, while it returns
// true.
template <typename Visit>
bool ForEachStructuralField(const TVMFFITypeInfo& info, Visit&& visit) {
  auto visit_own = [&visit](const TVMFFITypeInfo& type) {
    for (int32_t i = 0; i < type.num_fields; ++i) {
      const TVMFFIFieldInfo& field = type.fields[i];
      if ((field.flags & kTVMFFIFieldFlagBitMaskSEqHashIgnore) == 0 && !visit(field)) return false;
    }
    return true;
  };
  for (int32_t i = 1; i < info.type_depth; ++i) {
    if (!visit_own(*info.type_ancestors[i])) return false;
  }
  return visit_own(info);
}

// Calls the hook of a type with `args`.
tvm::ffi::Any CallHook(const TVMFFIAny& hook, const TVMFFIAny* args, int32_t num_args);

inline uint64_t StrongCount(const TVMFFIObject* object) {
  return tvm::ffi::details::StrongRefCount(object);
}

// Throws RuntimeError before deep recursion would run off the end of the thread's stack.
class StackGuard {
 public:
  StackGuard();
  void Check(const char* what) const {
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    if (here < lowest_ && here >= end_) ThrowTooDeep(what);
  }

 private:
  [[noreturn]] static void ThrowTooDeep(const char* what);
  uintptr_t end_;
  uintptr_t lowest_;
};

// What a callback given to a hook holds: the visitor, until the visit ends. A hook may keep the
// callback for longer; calling it then is an error.
template <typename Visitor>
class VisitorLease {
 public:
  explicit VisitorLease(Visitor* visitor) : slot_(std::make_shared<Visitor*>(visitor)) {}
  VisitorLease(const VisitorLease&) = delete;
  VisitorLease& operator=(const VisitorLease&) = delete;
  ~VisitorLease() { *slot_ = nullptr; }

  std::shared_ptr<Visitor*> Share() const { return slot_; }
  static Visitor& Require(const std::shared_ptr<Visitor*>& slot) {
    if (*slot == nullptr) ThrowEnded();
    return **slot;
  }

 private:
  [[noreturn]] static void ThrowEnded() {
    TVM_FFI_THROW(RuntimeError) << "the callback of a structural hook was called after the "
                                   "comparison or hash it belongs to had ended";
    TVM_FFI_UNREACHABLE();
  }
  std::shared_ptr<Visitor*> slot_;
};

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_H_
