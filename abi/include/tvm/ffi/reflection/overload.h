/*!
 * \file tvm/ffi/reflection/overload.h
 * \brief OverloadObjectDef: methods of one name with several signatures.
 */
#ifndef TVM_FFI_REFLECTION_OVERLOAD_H_
#define TVM_FFI_REFLECTION_OVERLOAD_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/reflection/registry.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace tvm {
namespace ffi {
namespace details {

/*! \brief One candidate of an overload set. */
class Overload {
 public:
  virtual ~Overload() = default;
  /*! \brief The call when there is no other candidate: mismatches are errors. */
  virtual void Call(std::string_view name, PackedArgs args, Any* result) = 0;
  /*! \brief False, and nothing called, when the arguments do not fit. */
  virtual bool TryCall(PackedArgs args, Any* result) = 0;
  /*! \brief Why arguments that TryCall refused do not fit. */
  virtual std::string Mismatch(std::string_view name, PackedArgs args) const = 0;
};

/*! \brief The name and signature as messages about overloads show them. */
inline std::string OverloadSignature(std::string_view name, const SignatureInfo& signature) {
  return std::string(name).append(" ").append(FormatSignature(signature));
}

template <typename F, typename Signature>
class OverloadImpl;

template <typename F, typename R, typename... Args>
class OverloadImpl<F, R(Args...)> : public Overload {
 public:
  explicit OverloadImpl(F function) : function_(std::move(function)) {}

  void Call(std::string_view name, PackedArgs args, Any* result) override {
    UnpackCall<ResultSlot::kUsed>(name, function_, args.data(), args.size(), result);
  }
  bool TryCall(PackedArgs args, Any* result) override {
    return args.size() == kNumArgs && TryCallWith(std::index_sequence_for<Args...>{}, args, result);
  }
  std::string Mismatch(std::string_view name, PackedArgs args) const override {
    const SignatureInfo& signature = FunctionSignature<R, Args...>::kInfo;
    if (args.size() != kNumArgs) {
      return "Mismatched number of arguments when calling: `" + OverloadSignature(name, signature) +
             "`. Expected " + std::to_string(kNumArgs) + " arguments";
    }
    const auto [index, actual] = FirstMismatch(std::index_sequence_for<Args...>{}, args);
    return "Mismatched type on argument #" + std::to_string(index) + " when calling: `" +
           OverloadSignature(name, signature) + "`. Expected `" +
           signature.type_names[index + 1]() + "` but got `" + actual + "`";
  }

 private:
  static constexpr int kNumArgs = static_cast<int>(sizeof...(Args));
  F function_;

  template <size_t... I>
  bool TryCallWith(std::index_sequence<I...>, [[maybe_unused]] PackedArgs args, Any* result) {
    // In braces, the arguments are converted from left to right; the first that fails ends it.
    std::tuple<std::optional<RemoveCVRef<Args>>...> values;
    const bool fits =
        ((std::get<I>(values) = args[I].template try_cast<RemoveCVRef<Args>>()).has_value() && ...);
    if (fits) {
      OrderedCall<R, ResultSlot::kUsed>{function_, result, *std::move(std::get<I>(values))...};
    }
    return fits;
  }

  template <typename Arg>
  static std::optional<std::string> MismatchOf(AnyView value) {
    if (value.try_cast<Arg>().has_value()) {
      return std::nullopt;
    }
    const TVMFFIAny raw = value.CopyToTVMFFIAny();
    return TypeTraits<Arg>::GetMismatchTypeInfo(&raw);
  }
  template <size_t... I>
  static std::pair<size_t, std::string> FirstMismatch(std::index_sequence<I...>,
                                                      [[maybe_unused]] PackedArgs args) {
    std::pair<size_t, std::string> result;
    [[maybe_unused]] const auto check = [&result](size_t index, std::optional<std::string> actual) {
      if (actual.has_value()) {
        result = {index, *std::move(actual)};
      }
      return actual.has_value();
    };
    (void)(check(I, MismatchOf<RemoveCVRef<Args>>(args[I])) || ...);
    return result;
  }
};

/*! \brief A packed callable that tries its candidates in the order they were added. */
class OverloadSet {
 public:
  explicit OverloadSet(std::string name) : name_(std::move(name)) {}
  OverloadSet(OverloadSet&&) = default;

  template <typename F>
  void Add(F&& function) {
    using Callable = std::decay_t<F>;
    using Impl = OverloadImpl<Callable, typename FunctionInfo<Callable>::FType>;
    candidates_.push_back(std::make_unique<Impl>(std::forward<F>(function)));
  }

  void operator()(PackedArgs args, Any* result) {
    if (candidates_.size() == 1) {
      candidates_.front()->Call(name_, args, result);
      return;
    }
    for (const std::unique_ptr<Overload>& candidate : candidates_) {
      if (candidate->TryCall(args, result)) {
        return;
      }
    }
    ThrowNoMatch(args);
  }

 private:
  std::string name_;
  std::vector<std::unique_ptr<Overload>> candidates_;

  [[noreturn]] TVM_FFI_COLD_CODE void ThrowNoMatch(PackedArgs args) const {
    std::string lines;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      lines.append("\nOverload #").append(std::to_string(i)).append(": ");
      lines.append(candidates_[i]->Mismatch(name_, args));
    }
    TVM_FFI_THROW(TypeError) << "No matching overload found when calling: `" << name_ << "` with "
                             << args.size() << " arguments:" << lines;
    TVM_FFI_UNREACHABLE();
  }
};
}  // namespace details

namespace reflection {

/*!
 * \brief ObjectDef whose methods, static functions and constructors may share a name.
 *
 * A call takes the first candidate, in the order of registration, whose argument count fits and
 * whose arguments convert. Every signature has a method entry of its own; all entries of a name
 * hold the same Function. The set must be complete before it is called.
 */
template <typename Class>
class OverloadObjectDef : private ObjectDef<Class> {
  using Base = ObjectDef<Class>;

 public:
  /*! \brief As ObjectDef's. */
  template <typename... Traits>
  explicit OverloadObjectDef(const Traits&... traits) : Base(traits...) {}

  /*! \brief A field that bindings only read. */
  template <typename T, typename BaseClass, typename... Traits>
  OverloadObjectDef& def_ro(const char* name, T BaseClass::*field, const Traits&... traits) {
    Base::def_ro(name, field, traits...);
    return *this;
  }
  /*! \brief A field that bindings read and write. */
  template <typename T, typename BaseClass, typename... Traits>
  OverloadObjectDef& def_rw(const char* name, T BaseClass::*field, const Traits&... traits) {
    Base::def_rw(name, field, traits...);
    return *this;
  }
  /*! \brief A method, or another signature of it; pick member overloads with overload_cast. */
  template <typename Method, typename... Traits>
  OverloadObjectDef& def(const char* name, Method&& method, const Traits&... traits) {
    AddOverload(name, registry_details::AsFunction(std::forward<Method>(method)), 0, traits...);
    return *this;
  }
  /*! \brief A function of the type without an object, or another signature of it. */
  template <typename F, typename... Traits>
  OverloadObjectDef& def_static(const char* name, F&& function, const Traits&... traits) {
    AddOverload(name, std::forward<F>(function), kTVMFFIFieldFlagBitMaskIsStaticMethod, traits...);
    return *this;
  }
  /*! \brief A constructor, or another signature of it. */
  template <typename... Args, typename... Traits>
  OverloadObjectDef& def(init<Args...>, const Traits&... traits) {
    const bool is_first = FindSet(type_attr::kInit) == nullptr;
    const Function constructor =
        AddOverload(type_attr::kInit, &init<Args...>::template execute<Class>,
                    kTVMFFIFieldFlagBitMaskIsStaticMethod, traits...);
    if (is_first) {
      Base::DisableAutoInit();
      registry_details::RegisterTypeAttr(Class::RuntimeTypeIndex(), type_attr::kInit, constructor);
    }
    return *this;
  }
  /*! \brief A type attribute: a value, or a callable that becomes a Function. */
  template <typename T>
  OverloadObjectDef& def_type_attr(const char* name, T&& value) {
    Base::def_type_attr(name, std::forward<T>(value));
    return *this;
  }
  /*! \brief `__ffi_convert__`: what converts to a TRef converts to this type. */
  template <typename TRef>
  OverloadObjectDef& def_convert() {
    Base::template def_convert<TRef>();
    return *this;
  }

 private:
  struct NamedSet {
    std::string name;
    Function function;
    details::OverloadSet* set;
  };
  std::vector<NamedSet> sets_;

  NamedSet* FindSet(std::string_view name) {
    for (NamedSet& candidate : sets_) {
      if (candidate.name == name) {
        return &candidate;
      }
    }
    return nullptr;
  }

  template <typename F, typename... Traits>
  Function AddOverload(const char* name, F&& function, int64_t flags, const Traits&... traits) {
    const std::string schema = details::FunctionInfo<std::decay_t<F>>::TypeSchema();
    NamedSet* named = FindSet(name);
    if (named == nullptr) {
      auto [packed, set] = Function::FromPackedInplace<details::OverloadSet>(
          registry_details::MemberName<Class>(name));
      named = &sets_.emplace_back(NamedSet{name, std::move(packed), set});
    }
    named->set->Add(std::forward<F>(function));
    Base::RegisterMethodEntry(name, named->function, schema, flags, traits...);
    return named->function;
  }
};

}  // namespace reflection
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_REFLECTION_OVERLOAD_H_
