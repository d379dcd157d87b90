/*!
 * \file tvm/ffi/extra/structural_visit.h
 * \brief Visiting a value and everything in it: StructuralWalk with callbacks, or visitors of one's
 * own.
 *
 * \code
 * int64_t sum = 0;
 * StructuralWalk<WalkOrder::kPreOrder>(
 *     root, [&](int64_t x) { sum += x; return WalkResult::Advance(); },
 *     [](const SkippedObj*) { return WalkResult::Skip(); });
 * \endcode
 *
 * In an object these are its reflected fields, ancestors' first, without those marked
 * SEqHashIgnore; in containers the elements and, of maps, the values. A type can say otherwise with
 * the attribute `__s_visit__`: an opaque pointer to a function like StructuralVisitorVTable::visit,
 * or a Function `(visitor, value) -> Optional<VisitInterrupt>`. A value that is reached twice is
 * visited twice; nesting too deep for the thread's stack is a RuntimeError. An error carries the
 * objects it left as a VisitErrorContext.
 */
#ifndef TVM_FFI_EXTRA_STRUCTURAL_VISIT_H_
#define TVM_FFI_EXTRA_STRUCTURAL_VISIT_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/expected.h>
#include <tvm/ffi/extra/base.h>
#include <tvm/ffi/extra/visit_error_context.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/reflection/accessor.h>

#if defined(__linux__)
#include <pthread.h>
#endif

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief The object behind VisitInterrupt. */
class VisitInterruptObj : public Object {
 public:
  Any value;

  VisitInterruptObj() = default;
  explicit VisitInterruptObj(Any value) : value(std::move(value)) {}

  static constexpr int32_t _type_index = kTVMFFIVisitInterrupt;
  static constexpr bool _type_final = true;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIVisitInterrupt, VisitInterruptObj,
                                     Object);
};

/*! \brief Ends a visit early and carries a value out of it; never null. */
class VisitInterrupt : public ObjectRef {
 public:
  explicit VisitInterrupt(Any value = nullptr)
      : ObjectRef(ObjectPtr<Object>(make_object<VisitInterruptObj>(std::move(value)))) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(VisitInterrupt, ObjectRef, VisitInterruptObj);
};

class StructuralVisitorObj;

/*! \brief What a visitor does with a value. One static table per visitor class; it outlives them.
 */
struct StructuralVisitorVTable {
  /*!
   * \brief Visit `value`, which may be None.
   * \return An owned value: None to go on, a VisitInterrupt to stop, or an Error.
   */
  TVMFFIAny (*visit)(StructuralVisitorObj* self, AnyView value) noexcept;
};

namespace details {

using VisitResult = Expected<Optional<VisitInterrupt>>;

/*! \brief Whether the visit ends with this result: an interrupt or an error. */
TVM_FFI_INLINE bool EndsVisit(const VisitResult& result) {
  return result.type_index() != kTVMFFINone;
}
TVM_FFI_INLINE bool EndsVisit(const Optional<VisitInterrupt>& result) { return result.has_value(); }

TVM_FFI_INLINE VisitResult ContinueVisit() { return Optional<VisitInterrupt>(); }

inline void RecordIfError(const VisitResult& result, const Any& node) noexcept {
  if (TVM_FFI_PREDICT_FALSE(result.is_err())) {
    RecordVisitedNode(result.error(), node);
  }
}

/*! \brief Whether the thread has too little stack left to visit one level deeper. */
inline bool VisitStackIsLow() {
#if defined(__linux__)
  struct Range {
    uintptr_t end = 0;
    uintptr_t lowest = 0;

    Range() {
      // A sixteenth of the stack, at most 256 KiB, stays free for callbacks and deleters.
      constexpr uintptr_t kMaxReserve = 256 << 10;
      pthread_attr_t attributes;
      if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return;
      }
      void* address = nullptr;
      size_t size = 0;
      if (pthread_attr_getstack(&attributes, &address, &size) == 0) {
        end = reinterpret_cast<uintptr_t>(address);
        lowest = end + (size / 16 < kMaxReserve ? size / 16 : kMaxReserve);
      }
      pthread_attr_destroy(&attributes);
    }
  };
  thread_local const Range range;
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  return here < range.lowest && here >= range.end;
#else
  return false;
#endif
}

TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline Error VisitTooDeepError() {
  return Error("RuntimeError",
               "cannot visit: the value nests too deeply for the stack of this thread",
               TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0));
}
}  // namespace details

/*!
 * \brief Base of visitors. A class of one's own gives the constructor a table with its function,
 * which calls DefaultVisitExpected to go on into a value.
 *
 * Used by one thread at a time.
 */
class StructuralVisitorObj : public Object {
 public:
  /*! \brief Visit a value; throws what VisitExpected returns as an error. */
  Optional<VisitInterrupt> Visit(AnyView value) { return VisitExpected(value).value(); }
  /*! \brief Visit a value the way the class of this visitor does it. */
  details::VisitResult VisitExpected(AnyView value) noexcept {
    if (TVM_FFI_PREDICT_FALSE(details::VisitStackIsLow())) {
      return details::VisitTooDeepError();
    }
    return details::ExpectedUnsafe::MoveFromTVMFFIAny<Optional<VisitInterrupt>>(
        vtable_->visit(this, value));
  }
  /*! \brief Visit what is in a value: by the hook of its type, else by its fields. */
  inline details::VisitResult DefaultVisitExpected(AnyView value) noexcept;

  /*! \brief Whether free variables met here are defined here, and how deep that reaches. */
  TVMFFIDefRegionKind def_region_kind() const { return def_region_kind_; }
  /*! \brief Calls `callback()` while def_region_kind is `kind`; returns its result. */
  template <typename Callback>
  auto WithDefRegionKind(TVMFFIDefRegionKind kind, Callback&& callback) {
    struct Restore {
      StructuralVisitorObj* self;
      TVMFFIDefRegionKind kind;
      ~Restore() { self->def_region_kind_ = kind; }
    };
    const Restore restore{this, def_region_kind_};
    def_region_kind_ = kind;
    return std::forward<Callback>(callback)();
  }

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("ffi.StructuralVisitor", StructuralVisitorObj, Object);

 protected:
  explicit StructuralVisitorObj(const StructuralVisitorVTable* vtable) : vtable_(vtable) {}
  // A copy of the base alone would lack what the function in the table works with.
  StructuralVisitorObj(const StructuralVisitorObj&) = default;
  StructuralVisitorObj& operator=(const StructuralVisitorObj&) = default;

 private:
  const StructuralVisitorVTable* vtable_;
  TVMFFIDefRegionKind def_region_kind_{kTVMFFIDefRegionKindNone};

  inline details::VisitResult VisitByHook(const TVMFFIAny& hook, AnyView value);
  inline details::VisitResult VisitFields(const TVMFFIObject* object);
  inline details::VisitResult VisitField(const TVMFFIObject* object, const TVMFFIFieldInfo& field,
                                         TVMFFIDefRegionKind inherited);
};

/*! \brief A visitor; never null. */
class StructuralVisitor : public ObjectRef {
 public:
  explicit StructuralVisitor(ObjectPtr<StructuralVisitorObj> ptr)
      : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {
    TVM_FFI_ICHECK(defined()) << "a StructuralVisitor is never null";
  }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(StructuralVisitor, ObjectRef, StructuralVisitorObj);
};

static_assert(sizeof(VisitInterruptObj) == 40 && sizeof(StructuralVisitorObj) == 40,
              "part of the ABI");

inline details::VisitResult StructuralVisitorObj::DefaultVisitExpected(AnyView value) noexcept {
  if (value.type_index() < kTVMFFIStaticObjectBegin) {
    return details::ContinueVisit();
  }
  try {
    static const TVMFFITypeAttrColumn* const column =
        details::FindTypeAttrColumn(reflection::type_attr::kStructuralVisit);
    const TVMFFIAny* hook = details::FindTypeAttr(column, value.type_index());
    details::VisitResult result =
        hook != nullptr ? VisitByHook(*hook, value) : VisitFields(value.CopyToTVMFFIAny().v_obj);
    details::RecordIfError(result, value);
    return result;
  } catch (...) {
    return details::VisitErrorInFlight(value);
  }
}

inline details::VisitResult StructuralVisitorObj::VisitByHook(const TVMFFIAny& hook,
                                                              AnyView value) {
  if (hook.type_index == kTVMFFIOpaquePtr) {
    auto* visit = reinterpret_cast<decltype(StructuralVisitorVTable::visit)>(hook.v_ptr);
    return details::ExpectedUnsafe::MoveFromTVMFFIAny<Optional<VisitInterrupt>>(visit(this, value));
  }
  std::optional<Function> function = AnyView::CopyFromTVMFFIAny(hook).as<Function>();
  if (!function.has_value()) {
    TVM_FFI_THROW(TypeError) << "__s_visit__ must be an opaque function pointer or ffi.Function";
  }
  return function->CallExpected<Optional<VisitInterrupt>>(
      StructuralVisitor(details::ObjectUnsafe::ObjectPtrFromUnowned<StructuralVisitorObj>(this)),
      value);
}

inline details::VisitResult StructuralVisitorObj::VisitFields(const TVMFFIObject* object) {
  const TypeInfo* info = TVMFFIGetTypeInfo(object->type_index);
  // What a free variable consists of is not defined along with the variable itself.
  const bool is_free_var = info->metadata != nullptr &&
                           info->metadata->structural_eq_hash_kind == kTVMFFISEqHashKindFreeVar;
  const TVMFFIDefRegionKind inherited =
      is_free_var && def_region_kind_ == kTVMFFIDefRegionKindNonRecursive ? kTVMFFIDefRegionKindNone
                                                                          : def_region_kind_;
  details::VisitResult result = details::ContinueVisit();
  reflection::ForEachFieldInfoWithEarlyStop(info, [&](const TVMFFIFieldInfo* field) {
    if ((field->flags & kTVMFFIFieldFlagBitMaskSEqHashIgnore) != 0) {
      return false;
    }
    result = VisitField(object, *field, inherited);
    return details::EndsVisit(result);
  });
  return result;
}

inline details::VisitResult StructuralVisitorObj::VisitField(const TVMFFIObject* object,
                                                             const TVMFFIFieldInfo& field,
                                                             TVMFFIDefRegionKind inherited) {
  TVMFFIDefRegionKind kind = inherited;
  if (def_region_kind_ != kTVMFFIDefRegionKindRecursive) {
    if ((field.flags & kTVMFFIFieldFlagBitMaskSEqHashDefRecursive) != 0) {
      kind = kTVMFFIDefRegionKindRecursive;
    } else if ((field.flags & kTVMFFIFieldFlagBitMaskSEqHashDefNonRecursive) != 0) {
      kind = kTVMFFIDefRegionKindNonRecursive;
    }
  }
  Any value;
  void* address = reinterpret_cast<char*>(const_cast<TVMFFIObject*>(object)) + field.offset;
  TVM_FFI_CHECK_SAFE_CALL(field.getter(address, reinterpret_cast<TVMFFIAny*>(&value)));
  return WithDefRegionKind(kind, [&] { return VisitExpected(value); });
}

/*! \brief Whether callbacks see a value before or after what is in it. */
enum class WalkOrder : int32_t { kPreOrder = 0, kPostOrder = 1 };

/*! \brief How a walk goes on after a callback. From other languages also None, meaning Advance. */
class WalkResult {
 public:
  static WalkResult Advance() { return WalkResult(Any(int64_t{0})); }
  /*! \brief Do not go into the value; nothing to skip in post-order. */
  static WalkResult Skip() { return WalkResult(Any(int64_t{1})); }
  /*! \brief Stop; the walk returns `interrupt`. */
  static WalkResult Interrupt(VisitInterrupt interrupt = VisitInterrupt()) {
    return WalkResult(Any(std::move(interrupt)));
  }

 private:
  explicit WalkResult(Any data) : data_(std::move(data)) {}
  Any data_;
  friend struct TypeTraits<WalkResult>;
};

template <>
struct TypeTraits<WalkResult> : public TypeTraitsBase {
  static void CopyToAnyView(const WalkResult& src, TVMFFIAny* result) {
    *result = AnyView(src.data_).CopyToTVMFFIAny();
  }
  static void MoveToAny(WalkResult src, TVMFFIAny* result) {
    *result = details::AnyUnsafe::MoveAnyToTVMFFIAny(std::move(src.data_));
  }
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kTVMFFINone || src->type_index == kTVMFFIInt ||
           src->type_index == kTVMFFIVisitInterrupt;
  }
  static WalkResult CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return src->type_index == kTVMFFINone ? WalkResult::Advance()
                                          : WalkResult(Any(AnyView::CopyFromTVMFFIAny(*src)));
  }
  static WalkResult MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return src->type_index == kTVMFFINone ? WalkResult::Advance()
                                          : WalkResult(details::AnyUnsafe::MoveTVMFFIAnyToAny(src));
  }
  static std::optional<WalkResult> TryCastFromAnyView(const TVMFFIAny* src) {
    if (CheckAnyStrict(src)) {
      return CopyFromAnyViewAfterCheck(src);
    }
    if (src->type_index == kTVMFFIBool) {
      return src->v_int64 != 0 ? WalkResult::Skip() : WalkResult::Advance();
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return "WalkResult"; }
  static std::string TypeSchema() {
    return details::CompositeTypeSchema<int64_t, VisitInterrupt>("Variant");
  }
};

namespace details {

inline bool IsSkip(const Expected<WalkResult>& result) {
  const TVMFFIAny* raw = AnyUnsafe::TVMFFIAnyPtrFromAny(ExpectedUnsafe::GetAny(result));
  return raw->type_index == kTVMFFIInt && raw->v_int64 == 1;
}

/*! \brief What a visit returns for a callback's result: an interrupt and an error end it. */
inline VisitResult ToVisitResult(Expected<WalkResult> result) {
  if (result.type_index() < kTVMFFIStaticObjectBegin) {
    return ContinueVisit();
  }
  return ExpectedUnsafe::MoveFromAny<Optional<VisitInterrupt>>(
      ExpectedUnsafe::MoveToAny(std::move(result)));
}

/*! \brief The value a callback takes, and whether it also takes the def-region kind. */
template <typename FType>
struct WalkCallbackSignature {
  static_assert(!std::is_same_v<FType, FType>,
                "a walk callback takes (value) or (value, TVMFFIDefRegionKind)");
};
template <typename R, typename T>
struct WalkCallbackSignature<R(T)> {
  using Value = RemoveCVRef<T>;
  static constexpr bool kTakesKind = false;
};
template <typename R, typename T, typename Kind>
struct WalkCallbackSignature<R(T, Kind)> {
  static_assert(std::is_same_v<RemoveCVRef<Kind>, TVMFFIDefRegionKind>,
                "the second parameter of a walk callback is a TVMFFIDefRegionKind");
  using Value = RemoveCVRef<T>;
  static constexpr bool kTakesKind = true;
};

/*! \brief Calls `callback` if `value` is exactly what it takes; tells whether it did. */
template <typename Callback>
inline bool TryWalkCallback(Callback& callback, const AnyView& value, TVMFFIDefRegionKind kind,
                            Expected<WalkResult>* result) {
  using Signature = WalkCallbackSignature<typename FunctionInfo<Callback>::FType>;
  using Value = typename Signature::Value;
  auto argument = value.template as<Value>();
  if (!argument.has_value()) {
    return false;
  }
  if constexpr (Signature::kTakesKind) {
    *result = callback(*std::move(argument), kind);
  } else {
    *result = callback(*std::move(argument));
  }
  return true;
}

/*! \brief Dispatches values to the callbacks of a walk. */
template <typename... Callbacks>
class WalkCallbacks {
 public:
  explicit WalkCallbacks(Callbacks&... callbacks) : callbacks_(callbacks...) {}

  Expected<WalkResult> operator()(const AnyView& value, TVMFFIDefRegionKind kind) const {
    Expected<WalkResult> result = WalkResult::Advance();
    std::apply(
        [&](Callbacks&... callbacks) {
          (void)(TryWalkCallback(callbacks, value, kind, &result) || ...);
        },
        callbacks_);
    return result;
  }

 private:
  std::tuple<Callbacks&...> callbacks_;
};

/*! \brief The visitor of a walk. `dispatch` is called with (value, kind), in `order`. */
template <WalkOrder order, typename Dispatch>
class WalkVisitorObj : public StructuralVisitorObj {
 public:
  explicit WalkVisitorObj(const Dispatch* dispatch)
      : StructuralVisitorObj(&kVTable), dispatch_(dispatch) {}

  /*! \brief A hook may keep the visitor; after the walk it is of no use any more. */
  void EndWalk() { dispatch_ = nullptr; }

 private:
  static TVMFFIAny VisitImpl(StructuralVisitorObj* self, AnyView value) noexcept {
    return ExpectedUnsafe::MoveToTVMFFIAny(static_cast<WalkVisitorObj*>(self)->Walk(value));
  }
  static constexpr StructuralVisitorVTable kVTable = {&VisitImpl};

  VisitResult Walk(AnyView value) noexcept {
    if (value == nullptr) {
      return ContinueVisit();
    }
    if constexpr (order == WalkOrder::kPreOrder) {
      Expected<WalkResult> result = Call(value);
      if (IsSkip(result)) {
        return ContinueVisit();
      }
      VisitResult visit_result = ToVisitResult(std::move(result));
      return EndsVisit(visit_result) ? visit_result : DefaultVisitExpected(value);
    } else {
      VisitResult visit_result = DefaultVisitExpected(value);
      return EndsVisit(visit_result) ? visit_result : ToVisitResult(Call(value));
    }
  }

  Expected<WalkResult> Call(const AnyView& value) noexcept {
    try {
      if (dispatch_ == nullptr) {
        TVM_FFI_THROW(RuntimeError) << "cannot visit: the walk of this visitor has ended";
      }
      Expected<WalkResult> result = (*dispatch_)(value, def_region_kind());
      if (TVM_FFI_PREDICT_FALSE(result.is_err())) {
        RecordVisitedNode(result.error(), value);
      }
      return result;
    } catch (...) {
      return VisitErrorInFlight(value);
    }
  }

  const Dispatch* dispatch_;
};

template <WalkOrder order, typename Dispatch>
inline VisitResult WalkWith(const Any& root, const Dispatch& dispatch) {
  // Held here: callbacks may change the variable that `root` refers to.
  const Any held = root;
  auto visitor = make_object<WalkVisitorObj<order, Dispatch>>(&dispatch);
  VisitResult result = visitor->VisitExpected(held);
  visitor->EndWalk();
  return result;
}
}  // namespace details

/*!
 * \brief Visit `root` and everything in it; None values are passed over.
 *
 * Each value goes to the first callback whose first parameter is exactly of its type (as `as<T>()`
 * tells, without conversion); others are gone into. A second parameter of type TVMFFIDefRegionKind
 * receives the kind of region the value is in. Callbacks return WalkResult or Expected<WalkResult>.
 *
 * \return The interrupt that ended the walk, nothing when it came to its end, or an error: whatever
 *         a callback or hook threw, a std::exception as InternalError.
 */
template <WalkOrder order, typename... Callbacks>
inline Expected<Optional<VisitInterrupt>> StructuralWalkExpected(const Any& root,
                                                                 Callbacks&&... callbacks) {
  static_assert(sizeof...(Callbacks) != 0, "StructuralWalk requires at least one callback");
  return details::WalkWith<order>(
      root, details::WalkCallbacks<std::remove_reference_t<Callbacks>...>(callbacks...));
}

/*! \brief StructuralWalkExpected that throws the error. */
template <WalkOrder order, typename... Callbacks>
inline Optional<VisitInterrupt> StructuralWalk(const Any& root, Callbacks&&... callbacks) {
  return StructuralWalkExpected<order>(root, std::forward<Callbacks>(callbacks)...).value();
}

}  // namespace ffi
}  // namespace tvm

/*!
 * \brief In a function that returns an Expected<Optional<VisitInterrupt>>, or an
 * Optional<VisitInterrupt> when `Result` is one: returns `Result` if it ends the visit.
 */
#define TVM_FFI_S_VISIT_MAYBE_EARLY_RETURN(Result)                                      \
  do {                                                                                  \
    auto tvm_ffi_visit_result_ = (Result);                                              \
    if (TVM_FFI_PREDICT_FALSE(::tvm::ffi::details::EndsVisit(tvm_ffi_visit_result_))) { \
      return tvm_ffi_visit_result_;                                                     \
    }                                                                                   \
  } while (false)

/*! \brief The same; an error first records `Node` in its VisitErrorContext. */
#define TVM_FFI_S_VISIT_MAYBE_EARLY_RETURN_WITH_ERROR_CONTEXT(Result, Node)             \
  do {                                                                                  \
    auto tvm_ffi_visit_result_ = (Result);                                              \
    if (TVM_FFI_PREDICT_FALSE(::tvm::ffi::details::EndsVisit(tvm_ffi_visit_result_))) { \
      ::tvm::ffi::details::RecordIfError(tvm_ffi_visit_result_, (Node));                \
      return tvm_ffi_visit_result_;                                                     \
    }                                                                                   \
  } while (false)

#endif  // TVM_FFI_EXTRA_STRUCTURAL_VISIT_H_
