// Prints what hooks of native_function.h and TVM_FFI_S_MUTATE_ASSIGN_OR_RETURN make of many values:
// the same with every release that has them.
#include <tvm/ffi/extra/dataclass.h>
#include <tvm/ffi/extra/structural_mutate.h>
#include <tvm/ffi/reflection/native_function.h>
#include <tvm/ffi/tvm_ffi.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Error;
using tvm::ffi::Expected;
using tvm::ffi::Function;
using tvm::ffi::Optional;
using tvm::ffi::String;
using tvm::ffi::TypeTraits;
using tvm::ffi::Unchanged;
using tvm::ffi::UnchangedOr;
using tvm::ffi::detail::AnyUnsafe;
using tvm::ffi::reflection::NativeFunction;
using tvm::ffi::reflection::NativeFunctionView;

struct PointObj : public tvm::ffi::Object {
  int64_t x = 3;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("compat.HookPoint", PointObj, tvm::ffi::Object);
};

template <typename T>
TVMFFIAny Owned(T value) {
  return AnyUnsafe::MoveAnyToTVMFFIAny(Any(std::move(value)));
}
TVMFFIAny PlusOne(const Any& x) noexcept { return Owned(x.cast<int64_t>() + 1); }
TVMFFIAny Fail(const Any&) noexcept { return Owned(Error("KeyError", "lost", "")); }
TVMFFIAny Nothing(const Any&) noexcept { return Owned(nullptr); }
TVMFFIAny Numbers(const Any&) noexcept { return Owned(Array<int64_t>{1, 2}); }
TVMFFIAny GetX(const PointObj* point) noexcept { return Owned(point->x); }
TVMFFIAny Size(const Array<int64_t>& values) noexcept {
  return Owned(static_cast<int64_t>(values.size()));
}

std::string Text(const Any& value) { return tvm::ffi::ReprPrint(value); }
template <typename F>
Any Pointer(F* function) {
  return Any(reinterpret_cast<void*>(function));
}
template <typename T>
Any Constant(T value) {
  return Any(Function::FromTyped([value](const Any&) { return value; }));
}

template <typename Body>
void Show(const std::string& what, Body&& body) {
  std::cout << what << ": ";
  try {
    std::cout << body() << "\n";
  } catch (const Error& error) {
    std::cout << error.kind() << " " << error.message() << "\n";
  }
}
#define SHOW(...) Show(#__VA_ARGS__, [&] { return (__VA_ARGS__); })

template <typename R>
void ShowAs(const std::string& type, const std::vector<Any>& hooks) {
  using View = NativeFunctionView<R(const Any&)>;
  for (const Any& hook : hooks) {
    Show(type, [&] { return Text(Any(hook.cast<View>()(1))); });
    Show(type, [&] {
      const auto result = hook.cast<NativeFunction<R(const Any&)>>().CallExpected(1);
      return result.is_err() ? std::string(result.error().kind()) : Text(Any(result.value()));
    });
  }
}

void ShowHooks() {
  using View = NativeFunctionView<int64_t(const Any&)>;
  using Hook = NativeFunction<int64_t(const Any&)>;
  const Any thrower(Function::FromTyped([](int64_t) { TVM_FFI_THROW(KeyError) << "lost"; }));
  const std::vector<Any> packed = {thrower,
                                   Constant(5),
                                   Constant(true),
                                   Constant(2.5),
                                   Constant(nullptr),
                                   Constant(String("x")),
                                   Constant(Array<int64_t>{1}),
                                   Constant(Error("KeyError", "lost", ""))};
  ShowAs<int64_t>("int", packed);
  ShowAs<double>("double", packed);
  ShowAs<bool>("bool", packed);
  ShowAs<Any>("any", packed);
  ShowAs<Optional<String>>("optional", packed);
  ShowAs<Array<String>>("array", packed);
  for (const Any& hook : packed) {
    Show("void", [&] { return hook.cast<NativeFunctionView<void(const Any&)>>()(1), "done"; });
  }
  ShowAs<int64_t>("native", {Pointer(PlusOne), Pointer(Fail)});
  ShowAs<Any>("native", {Pointer(PlusOne), Pointer(Fail), Pointer(Nothing), Pointer(Numbers)});
  ShowAs<Array<int64_t>>("native", {Pointer(Numbers), Pointer(Fail)});
  SHOW(Pointer(Nothing).cast<NativeFunctionView<void(const Any&)>>().CallExpected(1).is_ok());
  SHOW(Pointer(Size).cast<NativeFunctionView<int64_t(const Array<int64_t>&)>>()(
      Array<int64_t>{1, 2, 3}));
  const auto point = tvm::ffi::make_object<PointObj>();
  SHOW(Pointer(GetX).cast<NativeFunctionView<int64_t(const PointObj*)>>()(point.get()));
  for (const Any& other :
       std::vector<Any>{1, nullptr, Any(static_cast<void*>(nullptr)), String("x"),
                        Any(Array<Any>{}), Pointer(PlusOne), packed[1]}) {
    Show("cast", [&] { return other.cast<View>(), other.cast<Hook>(), "a hook"; });
    SHOW(other.as<View>().has_value(), other.try_cast<Hook>().has_value());
  }
  const Function function = packed[1].cast<Function>();
  const View view = AnyView(function).cast<View>();
  const auto before = function.use_count();
  const Hook hook(view);
  SHOW(function.use_count() - before);
  SHOW(Any(hook).same_as(packed[1]));
  SHOW(Any(Hook(Pointer(PlusOne).cast<View>())).type_index());
  SHOW(TypeTraits<Hook>::TypeStr());
  SHOW(TypeTraits<NativeFunctionView<void(const PointObj*, AnyView)>>::TypeStr());
  SHOW(sizeof(View), sizeof(Hook));
}

using Result = Expected<UnchangedOr<Any>>;

template <typename T>
Expected<String> Assign(Result result) noexcept {
  TVM_FFI_S_MUTATE_ASSIGN_OR_RETURN(UnchangedOr<T>, value, std::move(result));
  return value.IsUnchanged() ? String("unchanged") : String("changed");
}
Expected<String> AssignPlain(Result result) noexcept {
  TVM_FFI_S_MUTATE_ASSIGN_OR_RETURN(int64_t, value, std::move(result));
  return String(std::to_string(value));
}
Expected<void> AssignInVoid(Result result) noexcept {
  TVM_FFI_S_MUTATE_ASSIGN_OR_RETURN(double, value, std::move(result));
  static_cast<void>(value);
  return {};
}

void ShowAssignments() {
  std::vector<Result> results = {UnchangedOr<Any>(Unchanged()), Error("KeyError", "lost", "")};
  for (const Any& value : std::vector<Any>{5, true, 2.5, String("x"), nullptr, Any(Array<Any>{1}),
                                           Any(Array<Any>{String("x")}), Any(Array<Any>{})}) {
    results.emplace_back(UnchangedOr<Any>(value));
  }
  for (const Result& result : results) {
    SHOW(Assign<int64_t>(result).value());
    SHOW(Assign<double>(result).value());
    SHOW(Assign<Array<String>>(result).value());
    SHOW(Assign<Any>(result).value());
    SHOW(AssignPlain(result).value());
    SHOW(AssignInVoid(result).is_ok());
  }
}

}  // namespace

int main() {
  ShowHooks();
  ShowAssignments();
  return 0;
}
