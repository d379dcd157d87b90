/*!
 * \file tvm/ffi/function_details.h
 * \brief From packed arguments to a typed call: signatures, argument conversion, error messages.
 */
#ifndef TVM_FFI_FUNCTION_DETAILS_H_
#define TVM_FFI_FUNCTION_DETAILS_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/base_details.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/expected.h>
#include <tvm/ffi/rvalue_ref.h>

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {

class Function;
template <typename FType>
class TypedFunction;

namespace details {

template <typename T>
using RemoveCVRef = std::remove_cv_t<std::remove_reference_t<T>>;

/*! \brief Whether an argument of this declared type can be taken. */
template <typename Arg>
inline constexpr bool ArgTypeSupported =
    any_readable_v<RemoveCVRef<Arg>> &&
    !(std::is_lvalue_reference_v<Arg> && !std::is_const_v<std::remove_reference_t<Arg>>)&&!(
        std::is_rvalue_reference_v<Arg> && std::is_const_v<std::remove_reference_t<Arg>>);

template <typename R>
inline constexpr bool RetTypeSupported = std::is_void_v<R> || any_readable_v<RemoveCVRef<R>>;

using TypeNameGetter = std::string (*)();

/*! \brief A signature as data, so that the code that prints it exists once. */
struct SignatureInfo {
  /*! \brief Result first, then the arguments. */
  const TypeNameGetter* type_names;
  size_t num_args;
};

inline std::string FormatSignature(const SignatureInfo& signature) {
  std::string result = "(";
  for (size_t i = 0; i < signature.num_args; ++i) {
    if (i != 0) {
      result += ", ";
    }
    result.append(std::to_string(i)).append(": ").append(signature.type_names[i + 1]());
  }
  return result.append(") -> ").append(signature.type_names[0]());
}

template <typename R, typename... Args>
struct FunctionSignature {
  using RetType = R;
  using FType = R(Args...);
  static constexpr size_t num_args = sizeof...(Args);
  static constexpr bool supported = (ArgTypeSupported<Args> && ...) && RetTypeSupported<R>;

  static constexpr TypeNameGetter kTypeNames[] = {&Type2Str<RemoveCVRef<R>>::v,
                                                  &Type2Str<RemoveCVRef<Args>>::v...};
  static constexpr SignatureInfo kInfo = {kTypeNames, sizeof...(Args)};

  static std::string Sig() { return FormatSignature(kInfo); }
  static std::string TypeSchema() {
    return CompositeTypeSchema<RemoveCVRef<R>, RemoveCVRef<Args>...>(
        StaticTypeKey::kTVMFFIFunction);
  }
};

/*! \brief The FunctionSignature of anything with exactly one way to be called. */
template <typename F>
struct FunctionInfo : public FunctionInfo<decltype(&F::operator())> {};
template <typename F>
struct FunctionInfo<F&> : public FunctionInfo<F> {};
template <typename F>
struct FunctionInfo<F&&> : public FunctionInfo<F> {};
template <typename F>
struct FunctionInfo<const F> : public FunctionInfo<F> {};
template <typename R, typename... Args>
struct FunctionInfo<R(Args...)> : public FunctionSignature<R, Args...> {};
template <typename R, typename... Args>
struct FunctionInfo<R(Args...) noexcept> : public FunctionSignature<R, Args...> {};
template <typename R, typename... Args>
struct FunctionInfo<R (*)(Args...)> : public FunctionSignature<R, Args...> {};
template <typename R, typename... Args>
struct FunctionInfo<R (*)(Args...) noexcept> : public FunctionSignature<R, Args...> {};
template <typename C, typename R, typename... Args>
struct FunctionInfo<R (C::*)(Args...)> : public FunctionSignature<R, Args...> {};
template <typename C, typename R, typename... Args>
struct FunctionInfo<R (C::*)(Args...) const> : public FunctionSignature<R, Args...> {};
template <typename C, typename R, typename... Args>
struct FunctionInfo<R (C::*)(Args...) noexcept> : public FunctionSignature<R, Args...> {};
template <typename C, typename R, typename... Args>
struct FunctionInfo<R (C::*)(Args...) const noexcept> : public FunctionSignature<R, Args...> {};

/*! \brief What error messages need to know of a call. */
struct CallContext {
  std::string_view name;
  const SignatureInfo* signature;
};

[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowArgCountMismatch(
    const CallContext& context, int32_t num_args) {
  TVM_FFI_THROW(TypeError) << "Mismatched number of arguments when calling: `" << context.name
                           << FormatSignature(*context.signature) << "`. Expected "
                           << context.signature->num_args << " but got " << num_args
                           << " arguments";
  TVM_FFI_UNREACHABLE();
}

[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowArgTypeMismatch(
    const CallContext& context, size_t index, const std::string& actual) {
  TVM_FFI_THROW(TypeError) << "Mismatched type on argument #" << index << " when calling: `"
                           << context.name << FormatSignature(*context.signature) << "`. Expected `"
                           << context.signature->type_names[index + 1]() << "` but got `" << actual
                           << "`";
  TVM_FFI_UNREACHABLE();
}

/*! \brief Types whose whole conversion is short enough to stand in the caller. */
template <typename T>
inline constexpr bool inline_arg_cast_v = std::is_same_v<T, DLTensor*>;

template <typename T>
TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ T ConvertArgSlow(const TVMFFIAny* src, size_t index,
                                                   const CallContext& context) {
  if (std::optional<T> value = TryCastView<T>(src)) {
    return *std::move(value);
  }
  ThrowArgTypeMismatch(context, index, TypeTraits<T>::GetMismatchTypeInfo(src));
}

template <typename T>
TVM_FFI_INLINE T ConvertArg(const AnyView* args, size_t index, const CallContext& context) {
  if constexpr (is_any_or_view_v<T>) {
    return T(args[index]);
  } else {
    const TVMFFIAny* src = reinterpret_cast<const TVMFFIAny*>(args + index);
    if constexpr (inline_arg_cast_v<T>) {
      if (auto value = TypeTraits<T>::TryCastFromAnyView(src)) {
        return *std::move(value);
      }
    } else if constexpr (has_strict_check_v<T>) {
      if (TVM_FFI_PREDICT_TRUE(TypeTraits<T>::CheckAnyStrict(src))) {
        return TypeTraits<T>::CopyFromAnyViewAfterCheck(src);
      }
    }
    if constexpr (std::is_same_v<T, String>) {
      // How C++ callers pass literals. A null one is refused on the slow way.
      if (src->type_index == kTVMFFIRawStr && TVM_FFI_PREDICT_TRUE(src->v_c_str != nullptr)) {
        return String(src->v_c_str, std::strlen(src->v_c_str));
      }
    }
    return ConvertArgSlow<T>(src, index, context);
  }
}

/*! \brief How the result reaches the caller. */
enum class ResultSlot {
  /*! \brief The slot holds no object and is overwritten. */
  kFresh,
  /*! \brief The slot may hold anything, also an argument of this very call. */
  kUsed,
};

/*! \brief Calls in its constructor: in braces the arguments are converted from left to right. */
template <typename R, ResultSlot kSlot>
struct OrderedCall {
  template <typename F, typename... Args>
  TVM_FFI_INLINE OrderedCall(F& f, Any* result, Args&&... args) {
    if constexpr (std::is_void_v<R>) {
      f(static_cast<Args&&>(args)...);
      if constexpr (kSlot == ResultSlot::kUsed) {
        result->reset();
      }
    } else if constexpr (kSlot == ResultSlot::kFresh && !std::is_same_v<RemoveCVRef<R>, AnyView>) {
      TypeTraits<RemoveCVRef<R>>::MoveToAny(f(static_cast<Args&&>(args)...),
                                            reinterpret_cast<TVMFFIAny*>(result));
    } else {
      *result = Any(f(static_cast<Args&&>(args)...));
    }
  }
};

template <typename Signature, ResultSlot kSlot>
struct PackedCaller;

template <typename R, typename... Args, ResultSlot kSlot>
struct PackedCaller<R(Args...), kSlot> {
  template <typename F>
  TVM_FFI_INLINE static void Call(std::string_view name, F& f, const AnyView* args,
                                  int32_t num_args, Any* result) {
    static_assert((ArgTypeSupported<Args> && ...),
                  "arguments are values, const T& or T&& of types that TypeTraits supports");
    static_assert(RetTypeSupported<R>, "the result is void or a type that TypeTraits supports");
    const CallContext context{name, &FunctionSignature<R, Args...>::kInfo};
    if (TVM_FFI_PREDICT_FALSE(num_args != static_cast<int32_t>(sizeof...(Args)))) {
      ThrowArgCountMismatch(context, num_args);
    }
    CallWith(std::index_sequence_for<Args...>{}, context, f, args, result);
  }

 private:
  template <size_t... I, typename F>
  TVM_FFI_INLINE static void CallWith(std::index_sequence<I...>,
                                      [[maybe_unused]] const CallContext& context, F& f,
                                      [[maybe_unused]] const AnyView* args, Any* result) {
    OrderedCall<R, kSlot>{f, result, ConvertArg<RemoveCVRef<Args>>(args, I, context)...};
  }
};

/*! \brief Converts `args`, calls `f`, stores the result. `name` is for error messages. */
template <ResultSlot kSlot, typename F>
TVM_FFI_INLINE void UnpackCall(std::string_view name, F& f, const AnyView* args, int32_t num_args,
                               Any* result) {
  PackedCaller<typename FunctionInfo<F>::FType, kSlot>::Call(name, f, args, num_args, result);
}

/*! \brief Stores the exception being handled as this thread's raised error. Returns -1. */
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline int RaiseError(const Error& error) {
  SetSafeCallRaised(error);
  return -1;
}

TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline int RaiseCurrentException() {
  try {
    throw;
  } catch (const std::exception& error) {
    return RaiseError(Error("InternalError", error.what(), ""));
#if defined(__GLIBCXX__)
  } catch (__cxxabiv1::__forced_unwind&) {
    // The thread is being cancelled; that must go on.
    throw;
#endif
  } catch (...) {
    return RaiseError(
        Error("InternalError", "an exception that is not a std::exception was thrown", ""));
  }
}

}  // namespace details
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_FUNCTION_DETAILS_H_
