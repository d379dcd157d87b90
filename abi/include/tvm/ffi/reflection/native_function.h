/*!
 * \file tvm/ffi/reflection/native_function.h
 * \brief Typed hooks, as type attributes hold them: a function pointer that is called directly, or
 * a Function in its place.
 *
 * \code
 * TVMFFIAny Measure(const PairObj* pair) noexcept;  // registered as an opaque pointer
 *
 * using MeasureHook = NativeFunctionView<int64_t(const PairObj*)>;
 * int64_t length = TypeAttrColumn("measure")[index].cast<MeasureHook>()(pair);
 * \endcode
 *
 * A pointer does not say what it points to: whoever casts it to a hook vouches that the function is
 * `TVMFFIAny (*)(Args...) noexcept` and returns an owned R, an owned Error, or, for a void hook,
 * None.
 */
#ifndef TVM_FFI_REFLECTION_NATIVE_FUNCTION_H_
#define TVM_FFI_REFLECTION_NATIVE_FUNCTION_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/expected.h>
#include <tvm/ffi/function.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {
namespace reflection {

template <typename FType>
class NativeFunctionView;
template <typename FType>
class NativeFunction;

/*! \brief A hook that borrows its Function: not to be called after the value it was cast from is
 * gone. */
template <typename R, typename... Args>
class NativeFunctionView<R(Args...)> {
  static_assert(((std::is_lvalue_reference_v<Args> || std::is_trivially_copyable_v<Args>)&&...),
                "a hook takes references and what a register may hold");

 public:
  /*! \brief Calls the hook; throws the error that it returns or, as a Function, throws. */
  R operator()(Args... args) const { return CallExpected(std::forward<Args>(args)...).value(); }
  /*! \brief Calls the hook without exceptions. A result of a Function that does not convert to R is
   * a TypeError. */
  Expected<R> CallExpected(Args... args) const noexcept {
    if (TVM_FFI_PREDICT_TRUE(hook_.type_index == kTVMFFIOpaquePtr)) {
      auto* native = reinterpret_cast<TVMFFIAny (*)(Args...) noexcept>(hook_.v_ptr);
      return details::ExpectedUnsafe::MoveFromTVMFFIAny<R>(native(std::forward<Args>(args)...));
    }
    const Function function = AnyView::CopyFromTVMFFIAny(hook_).cast<Function>();
    Expected<Any> result = function.template CallExpected<Any>(std::forward<Args>(args)...);
    if (result.is_err()) {
      return std::move(result).error();
    }
    return FromPacked(details::ExpectedUnsafe::MoveToAny(std::move(result)));
  }

 private:
  TVMFFIAny hook_;
  explicit NativeFunctionView(const TVMFFIAny& hook) : hook_(hook) {}
  friend class NativeFunction<R(Args...)>;
  friend struct TypeTraits<NativeFunctionView>;

  static Expected<R> FromPacked(Any result) noexcept {
    if constexpr (std::is_void_v<R>) {
      if (result == nullptr) {
        return Expected<void>();
      }
    } else if (std::optional<R> value = result.try_cast<R>()) {
      return Expected<R>(*std::move(value));
    }
    return Error("TypeError", "Packed hook result type mismatch",
                 TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0));
  }
};

/*! \brief A hook that holds its Function. */
template <typename R, typename... Args>
class NativeFunction<R(Args...)> {
 public:
  explicit NativeFunction(NativeFunctionView<R(Args...)> view)
      : hook_(AnyView::CopyFromTVMFFIAny(view.hook_)) {}

  /*! \brief Calls the hook; throws the error that it returns or, as a Function, throws. */
  R operator()(Args... args) const { return View()(std::forward<Args>(args)...); }
  /*! \brief Calls the hook without exceptions. A result of a Function that does not convert to R is
   * a TypeError. */
  Expected<R> CallExpected(Args... args) const noexcept {
    return View().CallExpected(std::forward<Args>(args)...);
  }

 private:
  Any hook_;
  explicit NativeFunction(Any&& hook) : hook_(std::move(hook)) {}
  friend struct TypeTraits<NativeFunction>;

  NativeFunctionView<R(Args...)> View() const {
    return NativeFunctionView<R(Args...)>(AnyView(hook_).CopyToTVMFFIAny());
  }
};
}  // namespace reflection

namespace details {

/*! \brief What the traits of both hooks share. */
template <typename FType>
struct HookTraitsBase : public TypeTraitsBase {
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kTVMFFIOpaquePtr ? src->v_ptr != nullptr
                                               : src->type_index == kTVMFFIFunction;
  }
  static std::string TypeStr() {
    return "Variant<" + Type2Str<void*>::v() + ", " + FunctionInfo<FType>::Sig() + ">";
  }
  static std::string TypeSchema() {
    return CompositeTypeSchema<void*, TypedFunction<FType>>("Variant");
  }
};
}  // namespace details

template <typename FType>
struct TypeTraits<reflection::NativeFunctionView<FType>> : public details::HookTraitsBase<FType> {
  using Hook = reflection::NativeFunctionView<FType>;
  // A container would not know what it must keep.
  static constexpr bool storage_enabled = false;

  static void CopyToAnyView(const Hook& src, TVMFFIAny* result) { *result = src.hook_; }
  static void MoveToAny(Hook src, TVMFFIAny* result) {
    *result = details::AnyUnsafe::MoveAnyToTVMFFIAny(Any(AnyView::CopyFromTVMFFIAny(src.hook_)));
  }
  static Hook CopyFromAnyViewAfterCheck(const TVMFFIAny* src) { return Hook(*src); }
  static std::optional<Hook> TryCastFromAnyView(const TVMFFIAny* src) {
    return TypeTraits::CheckAnyStrict(src) ? std::optional<Hook>(Hook(*src)) : std::nullopt;
  }
};

template <typename FType>
struct TypeTraits<reflection::NativeFunction<FType>> : public details::HookTraitsBase<FType> {
  using Hook = reflection::NativeFunction<FType>;

  static void CopyToAnyView(const Hook& src, TVMFFIAny* result) {
    *result = AnyView(src.hook_).CopyToTVMFFIAny();
  }
  static void MoveToAny(Hook src, TVMFFIAny* result) {
    *result = details::AnyUnsafe::MoveAnyToTVMFFIAny(std::move(src.hook_));
  }
  static Hook CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return Hook(Any(AnyView::CopyFromTVMFFIAny(*src)));
  }
  static Hook MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return Hook(details::AnyUnsafe::MoveTVMFFIAnyToAny(src));
  }
  static std::optional<Hook> TryCastFromAnyView(const TVMFFIAny* src) {
    return TypeTraits::CheckAnyStrict(src) ? std::optional<Hook>(CopyFromAnyViewAfterCheck(src))
                                           : std::nullopt;
  }
};

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_REFLECTION_NATIVE_FUNCTION_H_
