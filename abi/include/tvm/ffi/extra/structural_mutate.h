/*!
 * \file tvm/ffi/extra/structural_mutate.h
 * \brief Making a changed copy of a value and everything in it: StructuralMap with callbacks that
 * replace values, StructuralMutate with callbacks that also decide how to go on.
 *
 * \code
 * Any doubled = StructuralMap<WalkOrder::kPostOrder>(root, [](int64_t x) { return x * 2; });
 * \endcode
 *
 * What is in a value is what a visit finds (structural_visit.h). The result shares with the input
 * whatever did not change, up to the whole; the input stays as it is. Of containers that nobody
 * else holds (a root passed with std::move, and what only it holds) the elements are replaced in
 * place instead. Objects are copied by `__ffi_shallow_copy__`, unless their type says otherwise:
 * the attributes `__s_mutate__`, and for an object that nobody else holds
 * `__s_maybe_inplace_mutate__`, are an opaque pointer like those of StructuralMutatorVTable or a
 * Function `(mutator, value) -> replacement`.
 *
 * Variables (FreeVar) change where a definition region visits them and their fields change; later
 * uses become the changed variable. A DAG node is gone into once and has one replacement. An error
 * carries the objects it left as a VisitErrorContext; what was changed in place stays so.
 */
#ifndef TVM_FFI_EXTRA_STRUCTURAL_MUTATE_H_
#define TVM_FFI_EXTRA_STRUCTURAL_MUTATE_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/expected.h>
#include <tvm/ffi/extra/structural_visit.h>
#include <tvm/ffi/extra/visit_error_context.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/reflection/accessor.h>

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief Whether a value may be changed in place, if nobody else holds it. */
enum class InplaceMode : int32_t { kDisallow = 0, kAllow = 1 };

/*! \brief The result of a mutation that leaves a value as it is. */
struct Unchanged {
  TVMFFIAny CopyToTVMFFIAny() const noexcept {
    TVMFFIAny raw{};
    raw.type_index = kTVMFFIUnchanged;
    return raw;
  }
};

template <>
struct TypeTraits<Unchanged> : public TypeTraitsBase {
  static constexpr bool storage_enabled = false;

  static void CopyToAnyView(const Unchanged& src, TVMFFIAny* result) {
    *result = src.CopyToTVMFFIAny();
  }
  static void MoveToAny(Unchanged src, TVMFFIAny* result) { *result = src.CopyToTVMFFIAny(); }
  static bool CheckAnyStrict(const TVMFFIAny* src) { return src->type_index == kTVMFFIUnchanged; }
  static Unchanged CopyFromAnyViewAfterCheck(const TVMFFIAny*) { return Unchanged(); }
  static Unchanged MoveFromAnyAfterCheck(TVMFFIAny*) { return Unchanged(); }
  static std::optional<Unchanged> TryCastFromAnyView(const TVMFFIAny* src) {
    return CheckAnyStrict(src) ? std::optional<Unchanged>(Unchanged()) : std::nullopt;
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIUnchanged; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIUnchanged); }
};

/*! \brief A replacement, or that there is none. Its value is moved out, once. */
template <typename T>
class UnchangedOr {
 public:
  UnchangedOr(Unchanged)  // NOLINT(google-explicit-constructor)
      : data_(details::AnyUnsafe::MoveTVMFFIAnyToAny(Unchanged().CopyToTVMFFIAny())) {}
  UnchangedOr(T value) : data_(std::move(value)) {}  // NOLINT(google-explicit-constructor)

  bool IsUnchanged() const { return data_.type_index() == kTVMFFIUnchanged; }
  /*! \brief Whether a user of `original` would see the same object or plain value. True also for
   * an object that was changed in place. */
  bool UnchangedOrSameAs(AnyView original) const {
    return IsUnchanged() || Any(original).same_as(data_);
  }
  /*! \brief The replacement, else `original`. */
  T ValueOrUnchanged(T original) && {
    return IsUnchanged() ? std::move(original) : std::move(data_).template cast<T>();
  }
  /*! \brief The replacement; there must be one. */
  T ValueUnchecked() && { return std::move(data_).template cast<T>(); }

 private:
  explicit UnchangedOr(Any&& data, std::nullptr_t) : data_(std::move(data)) {}
  Any data_;
  friend struct TypeTraits<UnchangedOr<T>>;
};

template <typename T>
struct TypeTraits<UnchangedOr<T>> : public TypeTraitsBase {
  static constexpr bool storage_enabled = false;

  static void CopyToAnyView(const UnchangedOr<T>& src, TVMFFIAny* result) {
    *result = AnyView(src.data_).CopyToTVMFFIAny();
  }
  static void MoveToAny(UnchangedOr<T> src, TVMFFIAny* result) {
    *result = details::AnyUnsafe::MoveAnyToTVMFFIAny(std::move(src.data_));
  }
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    if constexpr (std::is_same_v<T, Any>) {
      return true;
    } else {
      return src->type_index == kTVMFFIUnchanged || TypeTraits<T>::CheckAnyStrict(src);
    }
  }
  static UnchangedOr<T> MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return UnchangedOr<T>(details::AnyUnsafe::MoveTVMFFIAnyToAny(src), nullptr);
  }
  static std::optional<UnchangedOr<T>> TryCastFromAnyView(const TVMFFIAny* src) {
    if constexpr (!std::is_same_v<T, Any>) {
      if (src->type_index != kTVMFFIUnchanged &&
          !TypeTraits<T>::TryCastFromAnyView(src).has_value()) {
        return std::nullopt;
      }
    }
    return UnchangedOr<T>(Any(AnyView::CopyFromTVMFFIAny(*src)), nullptr);
  }
  static std::string TypeStr() { return "UnchangedOr<" + details::Type2Str<T>::v() + ">"; }
  static std::string TypeSchema() { return details::CompositeTypeSchema<Unchanged, T>("Variant"); }
};

class StructuralMutatorObj;

/*! \brief Returns an owned value: a replacement, the Unchanged marker, or an Error. */
using FStructuralMutate = TVMFFIAny (*)(StructuralMutatorObj* self, AnyView value) noexcept;
/*! \brief Returns an owned value: the replacement of `var`, None when it has none, or an Error. */
using FStructuralVarRemapGet = TVMFFIAny (*)(StructuralMutatorObj* self, AnyView var) noexcept;
/*! \brief Returns None or an Error. */
using FStructuralVarRemapSet = TVMFFIAny (*)(StructuralMutatorObj* self, AnyView var,
                                             AnyView mapped_value) noexcept;

/*! \brief What a mutator does. One static table per mutator class; it outlives them. */
struct StructuralMutatorVTable {
  FStructuralMutate mutate = nullptr;
  /*! \brief For a value that nobody but the caller holds. */
  FStructuralMutate maybe_inplace_mutate = nullptr;
  FStructuralVarRemapGet var_remap_get = nullptr;
  FStructuralVarRemapSet var_remap_set = nullptr;
};

namespace details {

// A result in one Any: a replacement, the Unchanged marker, or an Error.
TVM_FFI_INLINE Any UnchangedResult() {
  return AnyUnsafe::MoveTVMFFIAnyToAny(Unchanged().CopyToTVMFFIAny());
}
TVM_FFI_INLINE bool IsErrorResult(const Any& result) { return result.type_index() == kTVMFFIError; }
/*! \brief Whether a result is a replacement that differs from `original`. */
TVM_FFI_INLINE bool IsReplacement(const Any& result, AnyView original) {
  if (result.type_index() == kTVMFFIUnchanged) {
    return false;
  }
  const TVMFFIAny* lhs = AnyUnsafe::TVMFFIAnyPtrFromAny(result);
  const TVMFFIAny rhs = original.CopyToTVMFFIAny();
  return lhs->type_index != rhs.type_index || lhs->zero_padding != rhs.zero_padding ||
         lhs->v_int64 != rhs.v_int64;
}
TVM_FFI_INLINE bool IsUniqueObject(AnyView value) {
  return value.type_index() >= kTVMFFIStaticObjectBegin &&
         StrongRefCount(value.CopyToTVMFFIAny().v_obj) == 1;
}
}  // namespace details

/*!
 * \brief Base of mutators. A class of one's own gives the constructor a table with its functions,
 * which call DefaultMutateExpected to go on into a value.
 *
 * Used by one thread at a time.
 */
class StructuralMutatorObj : public Object {
 public:
  /*! \brief Mutate a value; throws what MutateExpected returns as an error. */
  UnchangedOr<Any> Mutate(AnyView value, InplaceMode mode = InplaceMode::kDisallow) {
    return MutateExpected(value, mode).value();
  }
  /*! \brief Mutate a value the way the class of this mutator does it; in place only if `mode`
   * allows it and nobody but the caller holds the value. */
  Expected<UnchangedOr<Any>> MutateExpected(AnyView value,
                                            InplaceMode mode = InplaceMode::kDisallow) noexcept {
    if (TVM_FFI_PREDICT_FALSE(details::VisitStackIsLow())) {
      return details::VisitTooDeepError();
    }
    const bool in_place = mode == InplaceMode::kAllow && details::IsUniqueObject(value);
    return details::ExpectedUnsafe::MoveFromTVMFFIAny<UnchangedOr<Any>>(
        (in_place ? vtable_->maybe_inplace_mutate : vtable_->mutate)(this, value));
  }
  /*! \brief Mutate what is in a value: by the hook of its type, else by its fields. */
  inline Expected<UnchangedOr<Any>> DefaultMutateExpected(
      AnyView value, InplaceMode mode = InplaceMode::kDisallow) noexcept;
  /*! \brief DefaultMutateExpected that throws the error. */
  UnchangedOr<Any> DefaultMutate(AnyView value, InplaceMode mode = InplaceMode::kDisallow) {
    return DefaultMutateExpected(value, mode).value();
  }

  /*! \brief The replacement of an object, None when it has none. */
  Expected<Any> VarRemapGetExpected(AnyView var) noexcept {
    return details::ExpectedUnsafe::MoveFromTVMFFIAny<Any>(vtable_->var_remap_get(this, var));
  }
  Any VarRemapGet(AnyView var) { return VarRemapGetExpected(var).value(); }
  /*! \brief Makes `mapped_value` the replacement of an object in the rest of this mutation. */
  Expected<void> VarRemapSetExpected(AnyView var, AnyView mapped_value) noexcept {
    return details::ExpectedUnsafe::MoveFromTVMFFIAny<void>(
        vtable_->var_remap_set(this, var, mapped_value));
  }
  void VarRemapSet(AnyView var, AnyView mapped_value) {
    VarRemapSetExpected(var, mapped_value).value();
  }

  /*! \brief Whether free variables met here are defined here, and how deep that reaches. */
  TVMFFIDefRegionKind def_region_kind() const { return def_region_kind_; }
  /*! \brief Calls `callback()` while def_region_kind is `kind`, or stays Recursive if it is;
   * returns its result. */
  template <typename Callback>
  auto WithDefRegionKind(TVMFFIDefRegionKind kind, Callback&& callback) {
    struct Restore {
      StructuralMutatorObj* self;
      TVMFFIDefRegionKind kind;
      ~Restore() { self->def_region_kind_ = kind; }
    };
    const Restore restore{this, def_region_kind_};
    if (def_region_kind_ != kTVMFFIDefRegionKindRecursive) {
      def_region_kind_ = kind;
    }
    return std::forward<Callback>(callback)();
  }

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("ffi.StructuralMutator", StructuralMutatorObj, Object);

 protected:
  explicit StructuralMutatorObj(const StructuralMutatorVTable* vtable) : vtable_(vtable) {}
  // A copy of the base alone would lack what the functions in the table work with.
  StructuralMutatorObj(const StructuralMutatorObj&) = default;
  StructuralMutatorObj& operator=(const StructuralMutatorObj&) = default;

 private:
  const StructuralMutatorVTable* vtable_;
  TVMFFIDefRegionKind def_region_kind_{kTVMFFIDefRegionKindNone};

  inline Any MutateObject(AnyView value, InplaceMode mode);
  inline Any MutateByHook(const TVMFFIAny& hook, AnyView value);
  inline Any MutateByFields(AnyView value);
  inline Any MutateFieldsOf(AnyView value, const TVMFFITypeInfo* info, bool is_variable);
  inline TVMFFIDefRegionKind RegionOfField(const TVMFFIFieldInfo& field, bool of_variable) const;
};

/*! \brief A mutator; never null. */
class StructuralMutator : public ObjectRef {
 public:
  explicit StructuralMutator(ObjectPtr<StructuralMutatorObj> ptr)
      : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {
    TVM_FFI_ICHECK(defined()) << "a StructuralMutator is never null";
  }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(StructuralMutator, ObjectRef, StructuralMutatorObj);
};

static_assert(sizeof(StructuralMutatorObj) == 40, "part of the ABI");

inline Expected<UnchangedOr<Any>> StructuralMutatorObj::DefaultMutateExpected(
    AnyView value, InplaceMode mode) noexcept {
  if (value.type_index() < kTVMFFIStaticObjectBegin) {
    return UnchangedOr<Any>(Unchanged());
  }
  try {
    Any result = MutateObject(value, mode);
    if (TVM_FFI_PREDICT_FALSE(details::IsErrorResult(result))) {
      details::RecordVisitedNode(result.cast<Error>(), value);
    }
    return details::ExpectedUnsafe::MoveFromAny<UnchangedOr<Any>>(std::move(result));
  } catch (...) {
    return details::VisitErrorInFlight(value);
  }
}

inline Any StructuralMutatorObj::MutateObject(AnyView value, InplaceMode mode) {
  static const TVMFFITypeAttrColumn* const in_place_column =
      details::FindTypeAttrColumn(reflection::type_attr::kStructuralMaybeInplaceMutate);
  static const TVMFFITypeAttrColumn* const column =
      details::FindTypeAttrColumn(reflection::type_attr::kStructuralMutate);
  if (mode == InplaceMode::kAllow && details::IsUniqueObject(value)) {
    if (const TVMFFIAny* hook = details::FindTypeAttr(in_place_column, value.type_index())) {
      return MutateByHook(*hook, value);
    }
  }
  const TVMFFIAny* hook = details::FindTypeAttr(column, value.type_index());
  return hook != nullptr ? MutateByHook(*hook, value) : MutateByFields(value);
}

inline Any StructuralMutatorObj::MutateByHook(const TVMFFIAny& hook, AnyView value) {
  if (hook.type_index == kTVMFFIOpaquePtr) {
    return details::AnyUnsafe::MoveTVMFFIAnyToAny(
        reinterpret_cast<FStructuralMutate>(hook.v_ptr)(this, value));
  }
  std::optional<Function> function = AnyView::CopyFromTVMFFIAny(hook).as<Function>();
  if (!function.has_value()) {
    TVM_FFI_THROW(TypeError) << "__s_mutate__ and __s_maybe_inplace_mutate__ must be an opaque "
                                "function pointer or ffi.Function";
  }
  return (*function)(
      StructuralMutator(details::ObjectUnsafe::ObjectPtrFromUnowned<StructuralMutatorObj>(this)),
      value);
}

inline Any StructuralMutatorObj::MutateByFields(AnyView value) {
  const TypeInfo* info = TVMFFIGetTypeInfo(value.type_index());
  const TVMFFISEqHashKind kind = info->metadata != nullptr ? info->metadata->structural_eq_hash_kind
                                                           : kTVMFFISEqHashKindUnsupported;
  const bool is_variable = kind == kTVMFFISEqHashKindFreeVar;
  if (!is_variable && kind != kTVMFFISEqHashKindDAGNode) {
    return MutateFieldsOf(value, info, false);
  }
  Any known = VarRemapGet(value);
  if (known != nullptr) {
    return known;
  }
  if (is_variable && def_region_kind_ == kTVMFFIDefRegionKindNone) {
    return details::UnchangedResult();
  }
  Any result = MutateFieldsOf(value, info, is_variable);
  if (details::IsErrorResult(result)) {
    return result;
  }
  const bool replaced = details::IsReplacement(result, value);
  // What is defined once is not met in a definition again.
  if (replaced || def_region_kind_ == kTVMFFIDefRegionKindRecursive || !is_variable) {
    VarRemapSet(value, replaced ? AnyView(result) : value);
  }
  return result;
}

inline TVMFFIDefRegionKind StructuralMutatorObj::RegionOfField(const TVMFFIFieldInfo& field,
                                                               bool of_variable) const {
  if (def_region_kind_ == kTVMFFIDefRegionKindRecursive ||
      (field.flags & kTVMFFIFieldFlagBitMaskSEqHashDefRecursive) != 0) {
    return kTVMFFIDefRegionKindRecursive;
  }
  if ((field.flags & kTVMFFIFieldFlagBitMaskSEqHashDefNonRecursive) != 0) {
    return kTVMFFIDefRegionKindNonRecursive;
  }
  // What a free variable consists of is not defined along with the variable itself.
  return of_variable ? kTVMFFIDefRegionKindNone : def_region_kind_;
}

inline Any StructuralMutatorObj::MutateFieldsOf(AnyView value, const TVMFFITypeInfo* info,
                                                bool is_variable) {
  static const TVMFFITypeAttrColumn* const copy_column =
      details::FindTypeAttrColumn(reflection::type_attr::kShallowCopy);
  Any copy;
  Any result = details::UnchangedResult();
  reflection::ForEachFieldInfoWithEarlyStop(info, [&](const TVMFFIFieldInfo* field) {
    if ((field->flags & kTVMFFIFieldFlagBitMaskSEqHashIgnore) != 0) {
      return false;
    }
    // The value owns the object, so the field of a copy never frees what is read here.
    Any old_value;
    char* address = reinterpret_cast<char*>(value.CopyToTVMFFIAny().v_obj) + field->offset;
    TVM_FFI_CHECK_SAFE_CALL(field->getter(address, reinterpret_cast<TVMFFIAny*>(&old_value)));
    Any new_value = WithDefRegionKind(RegionOfField(*field, is_variable), [&] {
      return details::ExpectedUnsafe::MoveToAny(MutateExpected(old_value));
    });
    if (details::IsErrorResult(new_value)) {
      result = std::move(new_value);
      return true;
    }
    if (!details::IsReplacement(new_value, old_value)) {
      return false;
    }
    if (copy == nullptr) {
      const TVMFFIAny argument = value.CopyToTVMFFIAny();
      const TVMFFIAny* copy_function = details::FindTypeAttr(copy_column, value.type_index());
      if (copy_function == nullptr) {
        TVM_FFI_THROW(TypeError) << "cannot mutate an object of type `" << value.GetTypeKey()
                                 << "`: it has no __ffi_shallow_copy__";
      }
      copy = details::CallTypeAttrFunction(copy_function, &argument, 1);
      if (copy.type_index() != value.type_index()) {
        TVM_FFI_THROW(TypeError) << "__ffi_shallow_copy__ of `" << value.GetTypeKey()
                                 << "` returned `" << copy.GetTypeKey() << "`";
      }
    }
    reflection::FieldSetter setter(field);
    setter(details::AnyUnsafe::ObjectPtrFromAnyAfterCheck(copy), new_value);
    return false;
  });
  if (details::IsErrorResult(result) || copy == nullptr) {
    return result;
  }
  return copy;
}

namespace details {

/*! \brief A mutator that remembers replacements of objects. */
class RemappingMutatorObj : public StructuralMutatorObj {
 protected:
  using StructuralMutatorObj::StructuralMutatorObj;

  static TVMFFIAny GetImpl(StructuralMutatorObj* self, AnyView var) noexcept {
    return Guarded([&] {
      RequireObject(var);
      const auto& remap = static_cast<RemappingMutatorObj*>(self)->remap_;
      const auto it = remap.find(var.CopyToTVMFFIAny().v_obj);
      return it == remap.end() ? Any() : it->second.mapped_value;
    });
  }
  static TVMFFIAny SetImpl(StructuralMutatorObj* self, AnyView var, AnyView mapped_value) noexcept {
    return Guarded([&] {
      RequireObject(var);
      static_cast<RemappingMutatorObj*>(self)->remap_[var.CopyToTVMFFIAny().v_obj] = {
          Any(var), Any(mapped_value)};
      return Any();
    });
  }
  /*! \brief What `body` returns, or what it threw as an Error. */
  template <typename Body>
  static TVMFFIAny Guarded(Body&& body) noexcept {
    try {
      return AnyUnsafe::MoveAnyToTVMFFIAny(body());
    } catch (...) {
      return AnyUnsafe::MoveAnyToTVMFFIAny(Any(ErrorInFlight()));
    }
  }

 private:
  struct Entry {
    // The address stays taken.
    Any keep_alive;
    Any mapped_value;
  };
  std::unordered_map<const TVMFFIObject*, Entry> remap_;

  static void RequireObject(AnyView var) {
    if (var.type_index() < kTVMFFIStaticObjectBegin) {
      TVM_FFI_THROW(TypeError) << "Variable-remap key must be an object-backed value";
    }
  }
};

/*! \brief What a callback returned, as a result. */
template <typename R>
TVM_FFI_INLINE Any ToMutateResult(R value) {
  TVMFFIAny raw{};
  TypeTraits<RemoveCVRef<R>>::MoveToAny(std::move(value), &raw);
  return AnyUnsafe::MoveTVMFFIAnyToAny(std::move(raw));
}

/*! \brief A mutator whose `Derived::MutateValue(value, mode)` asks a dispatch, while that is there.
 */
template <typename Derived, typename Dispatch>
class DispatchMutatorObj : public RemappingMutatorObj {
 public:
  /*! \brief A hook may keep the mutator; afterwards it is of no use any more. */
  void End() { dispatch_ = nullptr; }

 protected:
  explicit DispatchMutatorObj(const Dispatch* dispatch)
      : RemappingMutatorObj(&kVTable), dispatch_(dispatch) {}

  const Dispatch* dispatch_;

 private:
  template <InplaceMode mode>
  static TVMFFIAny MutateImpl(StructuralMutatorObj* self, AnyView value) noexcept {
    return AnyUnsafe::MoveAnyToTVMFFIAny(static_cast<Derived*>(self)->MutateValue(value, mode));
  }
  static constexpr StructuralMutatorVTable kVTable = {
      &MutateImpl<InplaceMode::kDisallow>, &MutateImpl<InplaceMode::kAllow>,
      &RemappingMutatorObj::GetImpl, &RemappingMutatorObj::SetImpl};
};

/*! \brief The mutator of StructuralMap: `dispatch(value, kind)` at every value, then or before
 * that what is in it. */
template <WalkOrder order, typename Dispatch>
class MapMutatorObj : public DispatchMutatorObj<MapMutatorObj<order, Dispatch>, Dispatch> {
  using Base = DispatchMutatorObj<MapMutatorObj, Dispatch>;

 public:
  explicit MapMutatorObj(const Dispatch* dispatch) : Base(dispatch) {}

 private:
  friend Base;
  using Base::dispatch_;

  Any MutateValue(AnyView value, InplaceMode mode) noexcept {
    if constexpr (order == WalkOrder::kPreOrder) {
      return Then(
          value, mode, [this](AnyView v, InplaceMode) { return Call(v); },
          [this](AnyView v, InplaceMode m) { return GoInto(v, m); });
    } else {
      return Then(
          value, mode, [this](AnyView v, InplaceMode m) { return GoInto(v, m); },
          [this](AnyView v, InplaceMode) { return Call(v); });
    }
  }

  /*! \brief `second` of the result of `first`. */
  template <typename First, typename Second>
  static Any Then(AnyView value, InplaceMode mode, First&& first, Second&& second) noexcept {
    Any result = first(value, mode);
    if (IsErrorResult(result)) {
      return result;
    }
    if (!IsReplacement(result, value)) {
      // Dropped first: it may be one more reference to a value to be changed in place.
      result = UnchangedResult();
      return second(value, mode);
    }
    Any last = second(result, InplaceMode::kDisallow);
    return last.type_index() == kTVMFFIUnchanged ? result : last;
  }

  Any GoInto(AnyView value, InplaceMode mode) noexcept {
    return ExpectedUnsafe::MoveToAny(this->DefaultMutateExpected(value, mode));
  }

  Any Call(AnyView value) noexcept {
    try {
      if (dispatch_ == nullptr) {
        TVM_FFI_THROW(RuntimeError) << "cannot mutate: the StructuralMap of this mutator has ended";
      }
      Any result = (*dispatch_)(value, this->def_region_kind());
      if (TVM_FFI_PREDICT_FALSE(IsErrorResult(result))) {
        RecordVisitedNode(result.template cast<Error>(), value);
      }
      return result;
    } catch (...) {
      return Any(VisitErrorInFlight(value));
    }
  }
};

/*! \brief The mutator of StructuralMutate: `dispatch(value, this, mode, &result)` tells whether a
 * callback took the value; others are gone into. */
template <typename Dispatch>
class CallbackMutatorObj : public DispatchMutatorObj<CallbackMutatorObj<Dispatch>, Dispatch> {
  using Base = DispatchMutatorObj<CallbackMutatorObj, Dispatch>;

 public:
  explicit CallbackMutatorObj(const Dispatch* dispatch) : Base(dispatch) {}

 private:
  friend Base;
  using Base::dispatch_;

  Any MutateValue(AnyView value, InplaceMode mode) noexcept {
    try {
      if (dispatch_ == nullptr) {
        TVM_FFI_THROW(RuntimeError)
            << "cannot mutate: the StructuralMutate of this mutator has ended";
      }
      Any result;
      if (!(*dispatch_)(value, this, mode, &result)) {
        return ExpectedUnsafe::MoveToAny(this->DefaultMutateExpected(value, mode));
      }
      if (TVM_FFI_PREDICT_FALSE(IsErrorResult(result))) {
        RecordVisitedNode(result.template cast<Error>(), value);
      }
      return result;
    } catch (...) {
      return Any(VisitErrorInFlight(value));
    }
  }
};

/*! \brief Runs a mutator of class `Mutator` over `root`. */
template <typename Mutator, typename Dispatch>
inline Expected<Any> MutateWith(Any root, const Dispatch& dispatch) noexcept {
  try {
    auto mutator = make_object<Mutator>(&dispatch);
    Any result =
        ExpectedUnsafe::MoveToAny(mutator->MutateExpected(AnyView(root), InplaceMode::kAllow));
    mutator->End();
    return ExpectedUnsafe::MoveFromAny<Any>(
        result.type_index() == kTVMFFIUnchanged ? std::move(root) : std::move(result));
  } catch (...) {
    return ErrorInFlight();
  }
}

/*! \brief Dispatches values to the callbacks of StructuralMap. */
template <typename... Callbacks>
class MapCallbacks {
 public:
  explicit MapCallbacks(Callbacks&... callbacks) : callbacks_(callbacks...) {}

  Any operator()(AnyView value, TVMFFIDefRegionKind kind) const {
    Any result = UnchangedResult();
    std::apply(
        [&](Callbacks&... callbacks) { (void)(Try(callbacks, value, kind, &result) || ...); },
        callbacks_);
    return result;
  }

 private:
  std::tuple<Callbacks&...> callbacks_;

  template <typename Callback>
  static bool Try(Callback& callback, AnyView value, TVMFFIDefRegionKind kind, Any* result) {
    using Signature = WalkCallbackSignature<typename FunctionInfo<Callback>::FType>;
    auto argument = value.template as<typename Signature::Value>();
    if (!argument.has_value()) {
      return false;
    }
    if constexpr (Signature::kTakesKind) {
      *result = ToMutateResult(callback(*std::move(argument), kind));
    } else {
      *result = ToMutateResult(callback(*std::move(argument)));
    }
    return true;
  }
};

/*! \brief The value a callback of StructuralMutate takes, and whether it also takes the mode. */
template <typename FType>
struct MutateCallbackSignature {
  static_assert(!std::is_same_v<FType, FType>,
                "a callback of StructuralMutate takes (value, StructuralMutatorObj*) or (value, "
                "StructuralMutatorObj*, InplaceMode)");
};
template <typename R, typename T>
struct MutateCallbackSignature<R(T, StructuralMutatorObj*)> {
  using Value = RemoveCVRef<T>;
  static constexpr bool kTakesMode = false;
};
template <typename R, typename T>
struct MutateCallbackSignature<R(T, StructuralMutatorObj*, InplaceMode)> {
  using Value = RemoveCVRef<T>;
  static constexpr bool kTakesMode = true;
};

/*! \brief Dispatches values to the callbacks of StructuralMutate. */
template <typename... Callbacks>
class MutateCallbacks {
 public:
  explicit MutateCallbacks(Callbacks&... callbacks) : callbacks_(callbacks...) {}

  bool operator()(AnyView value, StructuralMutatorObj* mutator, InplaceMode mode,
                  Any* result) const {
    return std::apply(
        [&](Callbacks&... callbacks) {
          return (Try(callbacks, value, mutator, mode, result) || ...);
        },
        callbacks_);
  }

 private:
  std::tuple<Callbacks&...> callbacks_;

  template <typename Callback>
  static bool Try(Callback& callback, AnyView value, StructuralMutatorObj* mutator,
                  InplaceMode mode, Any* result) {
    using Signature = MutateCallbackSignature<typename FunctionInfo<Callback>::FType>;
    auto argument = value.template as<typename Signature::Value>();
    if (!argument.has_value()) {
      return false;
    }
    if constexpr (Signature::kTakesMode) {
      *result = ToMutateResult(callback(*std::move(argument), mutator, mode));
    } else {
      *result = ToMutateResult(callback(*std::move(argument), mutator));
    }
    return true;
  }
};
}  // namespace details

/*!
 * \brief Replace values in `root` and everything in it, None values included; returns the result.
 *
 * Each value goes to the first callback whose first parameter is exactly of its type (as `as<T>()`
 * tells, without conversion), at every place where it stands. A second parameter of type
 * TVMFFIDefRegionKind receives the kind of region the value is in. A callback returns the
 * replacement, Unchanged, UnchangedOr, or an Expected of these; it does not change its argument. In
 * pre-order what is in the replacement is mapped too; in post-order the callback is chosen by, and
 * gets, the value with its parts already replaced.
 *
 * \param root Moved in, what nobody else holds may be changed in place.
 * \return The result, or an error: whatever a callback or hook threw, a std::exception as
 *         InternalError.
 */
template <WalkOrder order, typename... Callbacks>
inline Expected<Any> StructuralMapExpected(Any root, Callbacks&&... callbacks) noexcept {
  static_assert(sizeof...(Callbacks) != 0, "StructuralMap requires at least one callback");
  using Dispatch = details::MapCallbacks<std::remove_reference_t<Callbacks>...>;
  return details::MutateWith<details::MapMutatorObj<order, Dispatch>>(std::move(root),
                                                                      Dispatch(callbacks...));
}

/*! \brief StructuralMapExpected that throws the error. */
template <WalkOrder order, typename... Callbacks>
inline Any StructuralMap(Any root, Callbacks&&... callbacks) {
  return StructuralMapExpected<order>(std::move(root), std::forward<Callbacks>(callbacks)...)
      .value();
}

/*!
 * \brief Mutate `root` with callbacks that go on themselves: `(value, StructuralMutatorObj*)` or
 * `(value, StructuralMutatorObj*, InplaceMode)`.
 *
 * The first callback that takes a value owns it: its result is final. It may call
 * DefaultMutateExpected on the value, or MutateExpected on parts of it. A value no callback takes
 * is gone into. The mode is kAllow if nobody else holds the value; a callback that wants to pass it
 * on takes a pointer to the object class, since a reference of its own is one more holder.
 */
template <typename... Callbacks>
inline Expected<Any> StructuralMutateExpected(Any root, Callbacks&&... callbacks) noexcept {
  static_assert(sizeof...(Callbacks) != 0, "StructuralMutate requires at least one callback");
  using Dispatch = details::MutateCallbacks<std::remove_reference_t<Callbacks>...>;
  return details::MutateWith<details::CallbackMutatorObj<Dispatch>>(std::move(root),
                                                                    Dispatch(callbacks...));
}

/*! \brief StructuralMutateExpected that throws the error. */
template <typename... Callbacks>
inline Any StructuralMutate(Any root, Callbacks&&... callbacks) {
  return StructuralMutateExpected(std::move(root), std::forward<Callbacks>(callbacks)...).value();
}

namespace details {

/*! \brief What a mutation returns early: the error, in a hook or in a function of an Expected. */
class MutateEarlyReturn {
 public:
  explicit MutateEarlyReturn(Error error) : error_(std::move(error)) {}

  template <typename T>
  operator Expected<T>() && noexcept {  // NOLINT(google-explicit-constructor)
    return std::move(error_);
  }
  operator TVMFFIAny() && noexcept {  // NOLINT(google-explicit-constructor)
    return AnyUnsafe::MoveAnyToTVMFFIAny(Any(std::move(error_)));
  }

 private:
  Error error_;
};

TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline Error MutateTypeMismatch() {
  return Error("TypeError", "structural mutate result does not match the declared type",
               TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0));
}

/*! \brief The value of a result that is a T. */
template <typename T, typename R>
inline T TakeMutateResultUnchecked(Expected<R>&& result) {
  Any value = ExpectedUnsafe::MoveToAny(std::move(result));
  if constexpr (std::is_same_v<T, Any>) {
    return value;
  } else {
    TVMFFIAny raw = AnyUnsafe::MoveAnyToTVMFFIAny(std::move(value));
    return TypeTraits<T>::MoveFromAnyAfterCheck(&raw);
  }
}

/*! \brief The value of a result, if it is a T. */
template <typename T, typename R>
inline std::optional<T> TakeMutateResult(Expected<R>&& result) {
  if constexpr (!std::is_same_v<T, R> && !std::is_same_v<T, Any>) {
    const Any& value = ExpectedUnsafe::GetAny(result);
    if (!TypeTraits<T>::CheckAnyStrict(AnyUnsafe::TVMFFIAnyPtrFromAny(value))) {
      return std::nullopt;
    }
  }
  return TakeMutateResultUnchecked<T>(std::move(result));
}
}  // namespace details

}  // namespace ffi
}  // namespace tvm

#define TVM_FFI_S_MUTATE_RETURN_ERROR_(Result)                                \
  if (TVM_FFI_PREDICT_FALSE((Result).is_err())) {                             \
    return ::tvm::ffi::details::MutateEarlyReturn(std::move(Result).error()); \
  }

/*!
 * \brief Declares `Type Name` with the value of an Expected, or returns its error.
 *
 * For functions that return an Expected of anything, and for hooks, which return a TVMFFIAny. A
 * value that is not a Type is a TypeError. In a braced block only, never alone under an
 * `if`; a Type with a comma needs an alias.
 */
#define TVM_FFI_S_MUTATE_ASSIGN_OR_RETURN(Type, Name, ResultExpr)                             \
  auto tvm_ffi_result_of_##Name = (ResultExpr);                                               \
  TVM_FFI_S_MUTATE_RETURN_ERROR_(tvm_ffi_result_of_##Name)                                    \
  auto tvm_ffi_value_of_##Name =                                                              \
      ::tvm::ffi::details::TakeMutateResult<Type>(std::move(tvm_ffi_result_of_##Name));       \
  if (TVM_FFI_PREDICT_FALSE(!tvm_ffi_value_of_##Name.has_value())) {                          \
    return ::tvm::ffi::details::MutateEarlyReturn(::tvm::ffi::details::MutateTypeMismatch()); \
  }                                                                                           \
  Type Name = *std::move(tvm_ffi_value_of_##Name)

/*! \brief The same without the check: the caller guarantees that the value is a Type. */
#define TVM_FFI_UNSAFE_S_MUTATE_ASSIGN_OR_RETURN(Type, Name, ResultExpr) \
  auto tvm_ffi_result_of_##Name = (ResultExpr);                          \
  TVM_FFI_S_MUTATE_RETURN_ERROR_(tvm_ffi_result_of_##Name)               \
  Type Name =                                                            \
      ::tvm::ffi::details::TakeMutateResultUnchecked<Type>(std::move(tvm_ffi_result_of_##Name))

#endif  // TVM_FFI_EXTRA_STRUCTURAL_MUTATE_H_
