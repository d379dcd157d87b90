// What structural equality and structural hash have in common: how a type takes part in them, what
// a field sees of definition regions, and how deep they may recurse.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

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

// The field of an object, as its getter returns it. Throws what the getter raises.
inline tvm::ffi::Any ReadField(const TVMFFIObject* object, const TVMFFIFieldInfo& field) {
  // In place: a value is 16 bytes, and copying what was just written in parts stalls.
  tvm::ffi::Any value;
  auto* result = const_cast<TVMFFIAny*>(&Raw(value));
  void* address = reinterpret_cast<char*>(const_cast<TVMFFIObject*>(object)) + field.offset;
  TVM_FFI_CHECK_SAFE_CALL(field.getter(address, result));
  return value;
}

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

// Throws RuntimeError before deep recursion would run off the end of the thread's stack. Belongs to
// one thread; a stack that the thread switched to is not watched.
class StackGuard {
 public:
  void Check(const char* what) {
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    if (__builtin_expect(here < limit_, 0)) CheckSlow(here, what);
  }

 private:
  void CheckSlow(uintptr_t here, const char* what);
  // Unknown at first, so that the first check looks.
  uintptr_t limit_ = UINTPTR_MAX;
};

// What a callback given to a hook holds: the visitor, until the visit ends. A hook may keep the
// callback for longer; calling it then is an error.
template <typename Visitor>
class VisitorLease {
 public:
  VisitorLease() = default;
  VisitorLease(const VisitorLease&) = delete;
  VisitorLease& operator=(const VisitorLease&) = delete;
  ~VisitorLease() {
    if (slot_ != nullptr) *slot_ = nullptr;
  }

  std::shared_ptr<Visitor*> Share(Visitor* visitor) {
    if (slot_ == nullptr) slot_ = std::make_shared<Visitor*>(visitor);
    return slot_;
  }
  static Visitor& Require(const std::shared_ptr<Visitor*>& slot) {
    if (*slot == nullptr) {
      TVM_FFI_THROW(RuntimeError) << "the callback of a structural hook was called after the "
                                     "comparison or hash it belongs to had ended";
    }
    return **slot;
  }

 private:
  std::shared_ptr<Visitor*> slot_;
};

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_STRUCTURAL_H_
