// Hooks of reflection/native_function.h: pointers and Functions. That they behave as the published
// ones do is in tests/compat.
#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/reflection/native_function.h>

#include <string>
#include <type_traits>
#include <utility>

#include "expect_error.h"

namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Error;
using tvm::ffi::Function;
using tvm::ffi::Object;
using tvm::ffi::String;
using tvm::ffi::TypeTraits;
using tvm::ffi::details::AnyUnsafe;
using tvm::ffi::reflection::NativeFunction;
using tvm::ffi::reflection::NativeFunctionView;

using IntView = NativeFunctionView<int64_t(const Any&)>;
using IntHook = NativeFunction<int64_t(const Any&)>;

static_assert(sizeof(IntView) == 16 && std::is_trivially_copyable_v<IntView>);
static_assert(sizeof(IntHook) == 16 && !std::is_default_constructible_v<IntHook>);
static_assert(noexcept(std::declval<IntHook>().CallExpected(std::declval<const Any&>())));

class PointObj : public Object {
 public:
  int64_t x = 3;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.NativeFunctionPoint", PointObj, Object);
};

template <typename T>
TVMFFIAny Owned(T value) {
  return AnyUnsafe::MoveAnyToTVMFFIAny(Any(std::move(value)));
}
TVMFFIAny PlusOne(const Any& x) noexcept { return Owned(x.cast<int64_t>() + 1); }
TVMFFIAny Fail(const Any&) noexcept { return Owned(Error("KeyError", "lost", "")); }
TVMFFIAny Nothing(const Any&) noexcept { return Owned(nullptr); }
TVMFFIAny Name(const Any&) noexcept { return Owned(String("a name that needs an object")); }
TVMFFIAny GetX(const PointObj* point) noexcept { return Owned(point == nullptr ? -1 : point->x); }
TVMFFIAny Add(const Array<int64_t>& values, int64_t offset) noexcept {
  return Owned(static_cast<int64_t>(values.size()) + offset);
}

template <typename F>
Any Pointer(F* function) {
  return Any(reinterpret_cast<void*>(function));
}

TEST(NativeFunction, CallsAPointerDirectly) {
  EXPECT_EQ(Pointer(PlusOne).cast<IntView>()(41), 42);
  EXPECT_EQ(Pointer(PlusOne).cast<IntHook>()(41), 42);
  EXPECT_EQ((Pointer(Add).cast<NativeFunctionView<int64_t(const Array<int64_t>&, int64_t)>>()(
                Array<int64_t>{1, 2}, 40)),
            42);
  EXPECT_EQ(Pointer(Name).cast<NativeFunctionView<String(const Any&)>>()(1),
            "a name that needs an object");
}

TEST(NativeFunction, ObjectsAreBorrowedAndMayBeNull) {
  using Hook = NativeFunctionView<int64_t(const PointObj*)>;
  const auto point = tvm::ffi::make_object<PointObj>();
  const Any packed(Function::FromPacked(
      [](tvm::ffi::PackedArgs args, Any* result) { *result = args[0] == nullptr ? -1 : 1; }));

  EXPECT_EQ(Pointer(GetX).cast<Hook>()(point.get()), 3);
  EXPECT_EQ(Pointer(GetX).cast<Hook>()(nullptr), -1);
  EXPECT_EQ(packed.cast<Hook>()(point.get()), 1);
  EXPECT_EQ(packed.cast<Hook>()(nullptr), -1);
  EXPECT_EQ(point.use_count(), 1);
}

TEST(NativeFunction, CallsAFunctionInItsPlace) {
  const Any twice(Function::FromTyped([](int64_t x) { return x * 2; }));
  const Any text(Function::FromTyped([](int64_t) { return String("x"); }));

  EXPECT_EQ(twice.cast<IntView>()(21), 42);
  EXPECT_EQ(twice.cast<NativeFunctionView<double(const Any&)>>()(21), 42.0);
  EXPECT_ERROR(text.cast<IntView>()(1), "TypeError", "Packed hook result type mismatch");
  EXPECT_ERROR(text.cast<NativeFunctionView<void(const Any&)>>()(1), "TypeError",
               "Packed hook result type mismatch");
  EXPECT_ERROR_CONTAINS(twice.cast<IntView>()(String("x")), "TypeError", "Mismatched type");
}

TEST(NativeFunction, ErrorsAreThrownOrReturned) {
  const Any thrower(Function::FromTyped([](int64_t) { TVM_FFI_THROW(KeyError) << "lost"; }));
  for (const Any& failing : {Pointer(Fail), thrower}) {
    EXPECT_ERROR(failing.cast<IntView>()(1), "KeyError", "lost");
    EXPECT_ERROR(failing.cast<NativeFunctionView<void(const Any&)>>()(1), "KeyError", "lost");
    const auto result = failing.cast<IntHook>().CallExpected(1);
    ASSERT_TRUE(result.is_err());
    EXPECT_EQ(result.error().kind(), "KeyError");
  }
  EXPECT_NO_THROW(Pointer(Nothing).cast<NativeFunctionView<void(const Any&)>>()(1));
}

TEST(NativeFunction, AWrongResultOfAPointerIsNotReadAsAnotherType) {
  EXPECT_ERROR_CONTAINS(Pointer(Name).cast<IntView>()(1), "TypeError", "Cannot convert");
}

TEST(NativeFunction, AHookHoldsItsFunctionAViewDoesNot) {
  const Function function = Function::FromTyped([](int64_t x) { return x; });
  const auto view = AnyView(function).cast<IntView>();
  EXPECT_EQ(function.use_count(), 1);
  const IntHook hook(view);
  EXPECT_EQ(function.use_count(), 2);
  EXPECT_TRUE(Any(hook).same_as(Any(function)));
  EXPECT_EQ(Any(view).type_index(), kTVMFFIFunction);
}

TEST(NativeFunction, OtherValuesAreNoHooks) {
  for (const Any& value : {Any(1), Any(nullptr), Any(static_cast<void*>(nullptr)), Any("x")}) {
    EXPECT_FALSE(value.try_cast<IntView>().has_value());
    EXPECT_FALSE(value.as<IntHook>().has_value());
  }
  EXPECT_ERROR(Any(1).cast<IntView>(), "TypeError",
               "Cannot convert from type `int` to `Variant<void*, (0: Any) -> int>`");
  EXPECT_EQ(TypeTraits<IntHook>::TypeStr(), "Variant<void*, (0: Any) -> int>");
}

}  // namespace
