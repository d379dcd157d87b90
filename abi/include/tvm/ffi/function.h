/*!
 * \file tvm/ffi/function.h
 * \brief Function, TypedFunction, and the macros that export C++ functions.
 */
#ifndef TVM_FFI_FUNCTION_H_
#define TVM_FFI_FUNCTION_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/base_details.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/expected.h>
#include <tvm/ffi/function_details.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#ifndef TVM_FFI_DLL_EXPORT_INCLUDE_METADATA
/*! \brief 1: exported functions also export their signature and documentation. */
#define TVM_FFI_DLL_EXPORT_INCLUDE_METADATA 0
#endif

/*!
 * \brief Opens and closes the body of a C ABI function.
 *
 * END returns 0. An exception becomes this thread's raised error and -1: an Error as it is, a
 * std::exception as kind "InternalError" with its what().
 */
#define TVM_FFI_SAFE_CALL_BEGIN() \
  try {                           \
  (void)0
#define TVM_FFI_SAFE_CALL_END()                             \
  return 0;                                                 \
  }                                                         \
  catch (const ::tvm::ffi::Error& tvm_ffi_error_) {         \
    return ::tvm::ffi::details::RaiseError(tvm_ffi_error_); \
  }                                                         \
  catch (...) {                                             \
    return ::tvm::ffi::details::RaiseCurrentException();    \
  }                                                         \
  TVM_FFI_UNREACHABLE()

/*! \brief Calls a C ABI function; what it raised is thrown as Error. */
#define TVM_FFI_CHECK_SAFE_CALL(func)                      \
  do {                                                     \
    if (TVM_FFI_PREDICT_FALSE((func) != 0)) {              \
      throw ::tvm::ffi::details::MoveFromSafeCallRaised(); \
    }                                                      \
  } while (false)

namespace tvm {
namespace ffi {

/*! \brief The object behind a Function: how C calls it, and how C++ may. */
class FunctionObj : public Object, public TVMFFIFunctionCell {
 public:
  /*! \brief Type of cpp_call: throws instead of returning a code. */
  using FCall = void (*)(const FunctionObj*, const AnyView*, int32_t, Any*);

  /*! \brief Call. Exceptions of a C++ callee arrive unchanged, errors of others as Error. */
  TVM_FFI_INLINE void CallPacked(const AnyView* args, int32_t num_args, Any* result) const {
    if (TVM_FFI_PREDICT_TRUE(cpp_call != nullptr)) {
      reinterpret_cast<FCall>(cpp_call)(this, args, num_args, result);
    } else {
      CallPackedThroughC(args, num_args, result);
    }
  }

  static constexpr int32_t _type_index = kTVMFFIFunction;
  static constexpr bool _type_final = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIFunction, FunctionObj, Object);

 protected:
  FunctionObj() : TVMFFIFunctionCell{nullptr, nullptr} {}
  friend class Function;

 private:
  TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ void CallPackedThroughC(const AnyView* args, int32_t num_args,
                                                            Any* result) const {
    Any fresh;
    TVMFFIObject* handle = details::ObjectUnsafe::GetHeader(this);
    TVM_FFI_CHECK_SAFE_CALL(safe_call(handle, reinterpret_cast<const TVMFFIAny*>(args), num_args,
                                      reinterpret_cast<TVMFFIAny*>(&fresh)));
    *result = std::move(fresh);
  }
};

/*! \brief The arguments of a packed call; borrowed. */
class PackedArgs {
 public:
  PackedArgs(const AnyView* data, int32_t size) : data_(data), size_(size) {}

  int size() const { return size_; }
  const AnyView* data() const { return data_; }
  AnyView operator[](int i) const { return data_[i]; }
  /*! \brief Arguments begin to end; all that follow when `end` is -1. */
  PackedArgs Slice(int begin, int end = -1) const {
    return PackedArgs(data_ + begin, (end == -1 ? size_ : end) - begin);
  }
  /*! \brief Views of `args`, one after the other. They live as long as what they were made from. */
  template <typename... Args>
  TVM_FFI_INLINE static void Fill(AnyView* data, Args&&... args) {
    [[maybe_unused]] size_t i = 0;
    ((data[i++] = AnyView(std::forward<Args>(args))), ...);
  }

 private:
  const AnyView* data_;
  int32_t size_;
};

namespace details {

template <typename F>
inline constexpr bool is_packed_callable_v = std::is_invocable_v<F&, const AnyView*, int32_t, Any*>;
template <typename F>
inline constexpr bool is_packed_args_callable_v = std::is_invocable_v<F&, PackedArgs, Any*>;

/*! \brief A Function around a callable with a packed signature. */
template <typename TCallable>
class FunctionObjImpl : public FunctionObj {
 public:
  template <typename... Args>
  explicit FunctionObjImpl(Args&&... args) : callable_(std::forward<Args>(args)...) {
    this->safe_call = SafeCall;
    this->cpp_call = reinterpret_cast<void*>(CppCall);
  }
  TCallable* callable() { return &callable_; }

 private:
  static void CppCall(const FunctionObj* func, const AnyView* args, int32_t num_args, Any* result) {
    static_cast<const FunctionObjImpl*>(func)->Call(args, num_args, result);
  }
  static int SafeCall(void* func, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
    TVM_FFI_SAFE_CALL_BEGIN();
    TVM_FFI_ICHECK_LT(result->type_index, static_cast<int32_t>(kTVMFFIStaticObjectBegin))
        << "the result of a call must not hold an object on entry";
    ObjectUnsafe::RawObjectPtrFromUnowned<FunctionObjImpl>(static_cast<TVMFFIObject*>(func))
        ->Call(reinterpret_cast<const AnyView*>(args), num_args, reinterpret_cast<Any*>(result));
    TVM_FFI_SAFE_CALL_END();
  }

  TVM_FFI_INLINE void Call(const AnyView* args, int32_t num_args, Any* result) const {
    if constexpr (is_packed_callable_v<TCallable>) {
      callable_(args, num_args, result);
    } else {
      callable_(PackedArgs(args, num_args), result);
    }
  }

  // Callables are called through const pointers whether they change state or not.
  mutable TCallable callable_;
};

/*! \brief Packed form of a typed callable. */
template <typename F>
class TypedCallable {
 public:
  TypedCallable(F f, std::string name) : f_(std::move(f)), name_(std::move(name)) {}
  TVM_FFI_INLINE void operator()(const AnyView* args, int32_t num_args, Any* result) {
    UnpackCall<ResultSlot::kUsed>(name_, f_, args, num_args, result);
  }

 private:
  F f_;
  std::string name_;
};

/*! \brief The common case without a name. */
template <typename F>
class UnnamedTypedCallable {
 public:
  explicit UnnamedTypedCallable(F f) : f_(std::move(f)) {}
  TVM_FFI_INLINE void operator()(const AnyView* args, int32_t num_args, Any* result) {
    UnpackCall<ResultSlot::kUsed>(std::string_view(), f_, args, num_args, result);
  }

 private:
  F f_;
};

/*! \brief An array of views that needs no default construction. */
template <size_t N>
struct ArgArray {
  AnyView views[N];
  const AnyView* data() const { return views; }
};
template <>
struct ArgArray<0> {
  const AnyView* data() const { return nullptr; }
};

/*! \brief Whether views of these arguments need HoldArg. */
template <typename... Args>
inline constexpr bool any_view_owns_v = (view_owns_v<RemoveCVRef<Args>> || ...);
}  // namespace details

/*!
 * \brief A packed function: a reference, may be null.
 *
 * Arguments are borrowed during the call, the result is owned. Calling a null Function is
 * undefined.
 */
class Function : public ObjectRef {
 public:
  Function(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  /*! \brief From a packed callable. */
  template <typename TCallable, typename = std::enable_if_t<
                                    !std::is_base_of_v<ObjectRef, std::decay_t<TCallable>> &&
                                    (details::is_packed_callable_v<std::decay_t<TCallable>> ||
                                     details::is_packed_args_callable_v<std::decay_t<TCallable>>)>>
  explicit Function(TCallable&& callable)
      : Function(FromPacked(std::forward<TCallable>(callable))) {}

  /*! \brief From `void(const AnyView*, int32_t, Any*)` or `void(PackedArgs, Any*)`. */
  template <typename TCallable>
  static Function FromPacked(TCallable&& callable) {
    using F = std::decay_t<TCallable>;
    static_assert(details::is_packed_callable_v<F> || details::is_packed_args_callable_v<F>,
                  "a packed callable takes (const AnyView*, int32_t, Any*) or (PackedArgs, Any*)");
    return Make<F>(std::forward<TCallable>(callable));
  }
  /*! \brief Builds the callable inside the Function; the pointer lives as long as the Function. */
  template <typename TCallable, typename... Args>
  static std::tuple<Function, TCallable*> FromPackedInplace(Args&&... args) {
    auto ptr = make_object<details::FunctionObjImpl<TCallable>>(std::forward<Args>(args)...);
    TCallable* callable = ptr->callable();
    return {Function(ObjectPtr<FunctionObj>(std::move(ptr))), callable};
  }
  /*! \brief From any callable with one signature; arguments and result are converted. */
  template <typename TCallable>
  static Function FromTyped(TCallable&& callable) {
    return Make<details::UnnamedTypedCallable<std::decay_t<TCallable>>>(
        std::forward<TCallable>(callable));
  }
  /*! \brief The same; `name` appears in argument errors. */
  template <typename TCallable>
  static Function FromTyped(TCallable&& callable, std::string name) {
    return Make<details::TypedCallable<std::decay_t<TCallable>>>(std::forward<TCallable>(callable),
                                                                 std::move(name));
  }
  /*! \brief From a C callback; `deleter(self)` runs when the Function dies. */
  static Function FromExternC(void* self, TVMFFISafeCallType safe_call, void (*deleter)(void*)) {
    TVMFFIObjectHandle handle = nullptr;
    TVM_FFI_CHECK_SAFE_CALL(TVMFFIFunctionCreate(self, safe_call, deleter, &handle));
    return FromOwnedHandle(handle);
  }

  /*! \brief The global function of this name, or nullopt. */
  static std::optional<Function> GetGlobal(std::string_view name) {
    TVMFFIByteArray bytes{name.data(), name.size()};
    TVMFFIObjectHandle handle = nullptr;
    TVM_FFI_CHECK_SAFE_CALL(TVMFFIFunctionGetGlobal(&bytes, &handle));
    if (handle == nullptr) {
      return std::nullopt;
    }
    return FromOwnedHandle(handle);
  }
  static std::optional<Function> GetGlobal(const std::string& name) {
    return GetGlobal(std::string_view(name));
  }
  static std::optional<Function> GetGlobal(const String& name) {
    return GetGlobal(std::string_view(name.data(), name.size()));
  }
  static std::optional<Function> GetGlobal(const char* name) {
    return GetGlobal(std::string_view(name));
  }
  /*! \brief The global function of this name, or ValueError. */
  static Function GetGlobalRequired(std::string_view name) {
    std::optional<Function> result = GetGlobal(name);
    if (TVM_FFI_PREDICT_FALSE(!result.has_value())) {
      TVM_FFI_THROW(ValueError) << "Function " << name << " not found";
    }
    return *std::move(result);
  }
  static Function GetGlobalRequired(const std::string& name) {
    return GetGlobalRequired(std::string_view(name));
  }
  static Function GetGlobalRequired(const String& name) {
    return GetGlobalRequired(std::string_view(name.data(), name.size()));
  }
  static Function GetGlobalRequired(const char* name) {
    return GetGlobalRequired(std::string_view(name));
  }
  /*! \brief Publishes a global function; RuntimeError for a taken name unless `override`. */
  static void SetGlobal(std::string_view name, Function func, bool override = false) {
    TVMFFIByteArray bytes{name.data(), name.size()};
    TVM_FFI_CHECK_SAFE_CALL(TVMFFIFunctionSetGlobal(
        &bytes, details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(func), override ? 1 : 0));
  }
  /*! \brief All global names, in the order they were registered. */
  static std::vector<String> ListGlobalNames() {
    const Function names =
        GetGlobalRequired("ffi.FunctionListGlobalNamesFunctor")().cast<Function>();
    const int64_t count = names(-1).cast<int64_t>();
    std::vector<String> result;
    result.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      result.push_back(names(i).cast<String>());
    }
    return result;
  }
  /*! \brief Removes a global function; an unknown name is no error. */
  static void RemoveGlobal(const String& name) {
    static const Function remove = GetGlobalRequired("ffi.FunctionRemoveGlobal");
    remove(name);
  }
  /*! \brief Calls a C ABI function, such as a library's exported symbol. */
  template <typename... Args>
  static Any InvokeExternC(void* handle, TVMFFISafeCallType safe_call, Args&&... args) {
    Any result;
    const auto call = [&](const AnyView* packed, int32_t num_args) {
      TVM_FFI_CHECK_SAFE_CALL(safe_call(handle, reinterpret_cast<const TVMFFIAny*>(packed),
                                        num_args, reinterpret_cast<TVMFFIAny*>(&result)));
    };
    WithPacked(call, std::forward<Args>(args)...);
    return result;
  }

  /*! \brief Call. Errors arrive as exceptions. */
  template <typename... Args>
  TVM_FFI_INLINE Any operator()(Args&&... args) const {
    // In the outermost scope, so that gcc builds it where the caller wants it.
    Any result;
    const auto call = [&](const AnyView* packed, int32_t num_args) {
      get()->CallPacked(packed, num_args, &result);
    };
    WithPacked(call, std::forward<Args>(args)...);
    return result;
  }
  TVM_FFI_INLINE void CallPacked(const AnyView* args, int32_t num_args, Any* result) const {
    get()->CallPacked(args, num_args, result);
  }
  TVM_FFI_INLINE void CallPacked(PackedArgs args, Any* result) const {
    get()->CallPacked(args.data(), args.size(), result);
  }
  /*! \brief Call without exceptions: an error, a result of kind Error or of the wrong type is an
   * error. */
  template <typename T = Any, typename... Args>
  Expected<T> CallExpected(Args&&... args) const {
    const auto call = [&](const AnyView* packed, int32_t num_args) {
      return CallPackedExpected<T>(packed, num_args);
    };
    return WithPacked(call, std::forward<Args>(args)...);
  }

  bool operator==(std::nullptr_t) const { return data_ == nullptr; }
  bool operator!=(std::nullptr_t) const { return data_ != nullptr; }
  using ObjectRef::operator==;
  using ObjectRef::operator!=;

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Function, ObjectRef, FunctionObj);

 private:
  template <typename TCallable, typename... Args>
  static Function Make(Args&&... args) {
    return Function(ObjectPtr<FunctionObj>(
        make_object<details::FunctionObjImpl<TCallable>>(std::forward<Args>(args)...)));
  }
  // Calls `call(views, count)`; what the views borrow lives until it returns.
  template <typename Call, typename... Args>
  TVM_FFI_INLINE static auto WithPacked(const Call& call, Args&&... args) {
    if constexpr (details::any_view_owns_v<Args...>) {
      return WithPacked(call, details::HoldArg(std::forward<Args>(args))...);
    } else {
      const details::ArgArray<sizeof...(Args)> packed{AnyView(std::forward<Args>(args))...};
      return call(packed.data(), static_cast<int32_t>(sizeof...(Args)));
    }
  }
  template <typename T>
  Expected<T> CallPackedExpected(const AnyView* args, int32_t num_args) const {
    Any result;
    TVMFFIObject* handle = details::ObjectUnsafe::GetHeader(get());
    if (get()->safe_call(handle, reinterpret_cast<const TVMFFIAny*>(args), num_args,
                         reinterpret_cast<TVMFFIAny*>(&result)) != 0) {
      return details::MoveFromSafeCallRaised();
    }
    if (result.type_index() == kTVMFFIError) {
      return std::move(result).cast<Error>();
    }
    if constexpr (std::is_void_v<T>) {
      if (result == nullptr) {
        return Expected<void>();
      }
    } else if (std::optional<T> value = result.template try_cast<T>()) {
      return *std::move(value);
    }
    using Value = details::ExpectedValue<T>;
    return ResultMismatch(
        details::Type2Str<T>::v(),
        TypeTraits<Value>::GetMismatchTypeInfo(details::AnyUnsafe::TVMFFIAnyPtrFromAny(result)));
  }
  static Function FromOwnedHandle(TVMFFIObjectHandle handle) {
    return Function(
        details::ObjectUnsafe::ObjectPtrFromOwned<FunctionObj>(static_cast<TVMFFIObject*>(handle)));
  }
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ static Error ResultMismatch(
      const std::string& expected, const std::string& actual) {
    return Error("TypeError",
                 "CallExpected: result type mismatch, expected " + expected + ", but got " + actual,
                 TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0));
  }
};

/*! \brief A Function whose arguments and result have fixed types. */
template <typename R, typename... Args>
class TypedFunction<R(Args...)> {
 public:
  using TSelf = TypedFunction<R(Args...)>;

  TypedFunction() = default;
  TypedFunction(std::nullptr_t) {}                                // NOLINT
  TypedFunction(Function packed) : packed_(std::move(packed)) {}  // NOLINT
  template <typename F,
            typename = std::enable_if_t<std::is_invocable_r_v<R, F&, Args...> &&
                                        !std::is_base_of_v<ObjectRef, std::decay_t<F>> &&
                                        !std::is_same_v<std::decay_t<F>, TSelf>>>
  TypedFunction(F f)  // NOLINT
      : packed_(Function::FromTyped(Adapt(std::move(f)))) {}
  /*! \brief The name appears in argument errors. */
  template <typename F, typename = std::enable_if_t<std::is_invocable_r_v<R, F&, Args...>>>
  TypedFunction(F f, std::string name)
      : packed_(Function::FromTyped(Adapt(std::move(f)), std::move(name))) {}

  TypedFunction& operator=(Function packed) {
    packed_ = std::move(packed);
    return *this;
  }
  TypedFunction& operator=(std::nullptr_t) {
    packed_ = nullptr;
    return *this;
  }

  TVM_FFI_INLINE R operator()(Args... args) const {
    if constexpr (std::is_void_v<R>) {
      packed_(std::forward<Args>(args)...);
    } else {
      return packed_(std::forward<Args>(args)...).template cast<R>();
    }
  }

  operator Function() const { return packed_; }  // NOLINT(google-explicit-constructor)
  const Function& packed() const& { return packed_; }
  Function&& packed() && { return std::move(packed_); }
  bool operator==(std::nullptr_t) const { return packed_ == nullptr; }
  bool operator!=(std::nullptr_t) const { return packed_ != nullptr; }
  static std::string TypeSchema() { return details::FunctionSignature<R, Args...>::TypeSchema(); }

 private:
  /*! \brief Gives `f` exactly this signature; a callable that has it is left alone. */
  template <typename F>
  static auto Adapt(F f) {
    return [f = std::move(f)](Args... args) mutable -> R { return f(std::forward<Args>(args)...); };
  }

  Function packed_;
};

template <typename FType>
struct TypeTraits<TypedFunction<FType>> : public TypeTraitsBase {
  static constexpr int32_t field_static_type_index = kTVMFFIFunction;

  TVM_FFI_INLINE static void CopyToAnyView(const TypedFunction<FType>& src, TVMFFIAny* result) {
    TypeTraits<Function>::CopyToAnyView(src.packed(), result);
  }
  TVM_FFI_INLINE static void MoveToAny(TypedFunction<FType> src, TVMFFIAny* result) {
    TypeTraits<Function>::MoveToAny(std::move(src).packed(), result);
  }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny* src) {
    return TypeTraits<Function>::CheckAnyStrict(src);
  }
  TVM_FFI_INLINE static TypedFunction<FType> CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return TypedFunction<FType>(TypeTraits<Function>::CopyFromAnyViewAfterCheck(src));
  }
  TVM_FFI_INLINE static TypedFunction<FType> MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return TypedFunction<FType>(TypeTraits<Function>::MoveFromAnyAfterCheck(src));
  }
  TVM_FFI_INLINE static std::optional<TypedFunction<FType>> TryCastFromAnyView(
      const TVMFFIAny* src) {
    if (CheckAnyStrict(src)) {
      return CopyFromAnyViewAfterCheck(src);
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return details::FunctionInfo<FType>::Sig(); }
  static std::string TypeSchema() { return TypedFunction<FType>::TypeSchema(); }
};

/*! \brief The index of a registered type key, or InternalError. */
inline int32_t TypeKeyToIndex(std::string_view type_key) {
  return details::LookupTypeIndex(type_key);
}

namespace details {

/*! \brief Body of an exported symbol. */
template <typename F>
TVM_FFI_INLINE int CallExported(std::string_view name, F&& f, const TVMFFIAny* args,
                                int32_t num_args, TVMFFIAny* result) {
  TVM_FFI_SAFE_CALL_BEGIN();
  UnpackCall<ResultSlot::kFresh>(name, f, reinterpret_cast<const AnyView*>(args), num_args,
                                 reinterpret_cast<Any*>(result));
  TVM_FFI_SAFE_CALL_END();
}

/*! \brief Body of an exported metadata or doc symbol. The library makes the string, so it outlives
 * the module. */
inline int ReturnText(const std::string& text, TVMFFIAny* result) {
  TVMFFIByteArray bytes{text.data(), text.size()};
  return TVMFFIStringFromByteArray(&bytes, result);
}

/*! \brief `{"type_schema":"..."}` */
inline std::string FunctionMetadata(const std::string& type_schema) {
  return "{\"type_schema\":" + static_cast<std::string>(EscapeStringJSON(type_schema)) + "}";
}
}  // namespace details
}  // namespace ffi
}  // namespace tvm

#define TVM_FFI_DLL_EXPORT_SYMBOL_(Symbol, args, num_args, result)                 \
  extern "C" TVM_FFI_DLL_EXPORT int Symbol([[maybe_unused]] void* self,            \
                                           [[maybe_unused]] const TVMFFIAny* args, \
                                           [[maybe_unused]] int32_t num_args, TVMFFIAny* result)

#define TVM_FFI_DLL_EXPORT_CALL_(ExportName, Function)                               \
  TVM_FFI_DLL_EXPORT_SYMBOL_(__tvm_ffi_##ExportName, tvm_ffi_args, tvm_ffi_num_args, \
                             tvm_ffi_result) {                                       \
    return ::tvm::ffi::details::CallExported(#ExportName, Function, tvm_ffi_args,    \
                                             tvm_ffi_num_args, tvm_ffi_result);      \
  }

#define TVM_FFI_DLL_EXPORT_METADATA_(ExportName, Function)                                     \
  TVM_FFI_DLL_EXPORT_SYMBOL_(__tvm_ffi__metadata_##ExportName, tvm_ffi_args, tvm_ffi_num_args, \
                             tvm_ffi_result) {                                                 \
    TVM_FFI_SAFE_CALL_BEGIN();                                                                 \
    return ::tvm::ffi::details::ReturnText(                                                    \
        ::tvm::ffi::details::FunctionMetadata(                                                 \
            ::tvm::ffi::details::FunctionInfo<decltype(Function)>::TypeSchema()),              \
        tvm_ffi_result);                                                                       \
    TVM_FFI_SAFE_CALL_END();                                                                   \
  }

/*!
 * \brief Export a function as `__tvm_ffi_<ExportName>`, callable from every language of this ABI.
 *
 * At namespace scope, in any namespace. `Function` is a function, a static member function, or a
 * template instance in parentheses: `TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, (Kernel<int, 4>))`.
 */
#if TVM_FFI_DLL_EXPORT_INCLUDE_METADATA
#define TVM_FFI_DLL_EXPORT_TYPED_FUNC(ExportName, Function) \
  TVM_FFI_DLL_EXPORT_CALL_(ExportName, Function)            \
  TVM_FFI_DLL_EXPORT_METADATA_(ExportName, Function)
/*! \brief Document an exported function; nothing without metadata. */
#define TVM_FFI_DLL_EXPORT_TYPED_FUNC_DOC(ExportName, DocString)                          \
  TVM_FFI_DLL_EXPORT_SYMBOL_(__tvm_ffi__doc_##ExportName, tvm_ffi_args, tvm_ffi_num_args, \
                             tvm_ffi_result) {                                            \
    TVM_FFI_SAFE_CALL_BEGIN();                                                            \
    return ::tvm::ffi::details::ReturnText(DocString, tvm_ffi_result);                    \
    TVM_FFI_SAFE_CALL_END();                                                              \
  }
#else
#define TVM_FFI_DLL_EXPORT_TYPED_FUNC(ExportName, Function) \
  TVM_FFI_DLL_EXPORT_CALL_(ExportName, Function)
#define TVM_FFI_DLL_EXPORT_TYPED_FUNC_DOC(ExportName, DocString)
#endif

#endif  // TVM_FFI_FUNCTION_H_
