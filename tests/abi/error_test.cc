#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

TEST(CppApi, B101_CheckTexts) {
  const int x = 1;
  const int* p = nullptr;
  // The expression is shown as it is written.
  // clang-format off
  EXPECT_ERROR([&] { TVM_FFI_ICHECK(x==2) << "hi"; }(), "InternalError",
               "Check failed: (x==2) is false: hi");
  // clang-format on
  EXPECT_ERROR([&] { TVM_FFI_ICHECK_EQ(x, 2) << "hi"; }(), "InternalError",
               "Check failed: x == 2 (1 vs. 2) : hi");
  EXPECT_ERROR([&] { TVM_FFI_CHECK(x == 2, ValueError); }(), "ValueError",
               "Check failed: (x == 2) is false: ");
  EXPECT_ERROR([&] { TVM_FFI_CHECK_LT(2, x, IndexError) << "hi"; }(), "IndexError",
               "Check failed: 2 < x (2 vs. 1) : hi");
  EXPECT_ERROR(TVM_FFI_ICHECK_NOTNULL(p), "InternalError", "Check not null: p ");
  EXPECT_EQ(TVM_FFI_CHECK_NOTNULL(&x, ValueError), &x);
}

TEST(CppApi, B101_DTypesPrintInChecks) {
  const DLDataType lhs{kDLFloat, 32, 1};
  const DLDataType rhs{kDLFloat, 16, 1};
  EXPECT_ERROR([&] { TVM_FFI_ICHECK_EQ(lhs, rhs); }(), "InternalError",
               "Check failed: lhs == rhs (float32 vs. float16) : ");
}

TEST(CppApi, B102_ALiteralMayFollowTheMacro) {
  EXPECT_ERROR(
      [] {
        TVM_FFI_ICHECK_EQ(1, 2)
        "text";
      }(),
      "InternalError", "Check failed: 1 == 2 (1 vs. 2) : text");
}

TEST(CppApi, B103_ElseBindsToTheUsersIf) {
  const auto f = [](bool c) {
    if (c)
      TVM_FFI_THROW(AttributeError) << "attr";
    else
      return 1;
  };
  EXPECT_EQ(f(false), 1);
  EXPECT_ERROR(f(true), "AttributeError", "attr");
  const auto g = [](bool c) {
    if (c)
      TVM_FFI_ICHECK(!c) << "check";
    else
      return 1;
    return 2;
  };
  EXPECT_EQ(g(false), 1);
  EXPECT_ERROR_CONTAINS(g(true), "InternalError", "check");
}

int OnlyThrows() { TVM_FFI_THROW(ValueError) << "no value"; }

TEST(Error, AThrowCanEndAFunction) { EXPECT_ERROR(OnlyThrows(), "ValueError", "no value"); }

TEST(CppApi, B104_TextsAndBacktraces) {
  Error error("ValueError", "message", "  File \"a\", line 1, in f\n  File \"b\", line 2, in g\nx");
  EXPECT_STREQ(error.what(), "message");
  EXPECT_EQ(error.TracebackMostRecentCallLast(),
            "  File \"b\", line 2, in g\n  File \"a\", line 1, in f\n");
  EXPECT_EQ(error.FullMessage(),
            "Traceback (most recent call last):\n  File \"b\", line 2, in g\n"
            "  File \"a\", line 1, in f\nValueError: message\n");
  const TVMFFIByteArray more{"bt2\n", 4};
  Error plain("K", "m", "bt1\n");
  plain.UpdateBacktrace(&more, kTVMFFIBacktraceUpdateModeAppend);
  EXPECT_EQ(plain.backtrace(), "bt1\nbt2\n");
  plain.UpdateBacktrace(&more, kTVMFFIBacktraceUpdateModeReplace);
  EXPECT_EQ(plain.backtrace(), "bt2\n");
}

TEST(CppApi, B105_CauseAndContext) {
  const Error inner("KeyError", "inner", "");
  const Error outer("ValueError", "outer", "", inner, std::nullopt);
  EXPECT_EQ(outer.cause_chain().value().kind(), "KeyError");
  EXPECT_FALSE(outer.extra_context().has_value());
  EXPECT_EQ(inner.use_count(), 2);
  const Error with_context("ValueError", "m", "", std::nullopt, ObjectRef(Array<int>{1}));
  EXPECT_EQ(with_context.extra_context().value().type_index(), kTVMFFIArray);
}

// Objects from before 0.1.8 hold their kind string where newer ones have these fields.
TEST(Error, FieldsThatOldErrorsLackAreAbsent) {
  const Error error("ValueError", "m", "");
  ErrorObj* obj = const_cast<ErrorObj*>(error.get());
  obj->cause_chain = const_cast<char*>(obj->kind.data);
  obj->extra_context = reinterpret_cast<void*>(uintptr_t{10});

  EXPECT_FALSE(error.cause_chain().has_value());
  EXPECT_FALSE(error.extra_context().has_value());

  obj->cause_chain = nullptr;
  obj->extra_context = nullptr;
}

TEST(Error, AThrowSiteIsInTheBacktrace) {
  try {
    OnlyThrows();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.backtrace().find("error_test.cc"), std::string::npos) << error.backtrace();
    EXPECT_NE(error.backtrace().find("OnlyThrows"), std::string::npos) << error.backtrace();
  }
}

TEST(Error, OperandsAreEvaluatedOnce) {
  int calls = 0;
  const auto next = [&calls] { return ++calls; };
  TVM_FFI_ICHECK_EQ(next(), 1);
  TVM_FFI_ICHECK(next() == 2);
  TVM_FFI_ICHECK_NE(next(), 1u);
  EXPECT_EQ(calls, 3);
}

int RaisesValueError(void*, const TVMFFIAny*, int32_t, TVMFFIAny*) {
  TVM_FFI_SAFE_CALL_BEGIN();
  TVM_FFI_THROW(ValueError) << "raised";
  TVM_FFI_SAFE_CALL_END();
}
int RaisesNothing(void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return -1; }

TEST(Error, SafeCallsCarryErrors) {
  EXPECT_ERROR(Function::InvokeExternC(nullptr, RaisesValueError), "ValueError", "raised");
  EXPECT_ERROR_CONTAINS(Function::InvokeExternC(nullptr, RaisesNothing), "InternalError",
                        "without raising an error");
}

TEST(Error, InitBlocksRanWhenTheProgramWasLoaded) {
  EXPECT_EQ(Function::GetGlobalRequired("abi.test.from_init_block")().cast<int>(), 3);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  Function::SetGlobal("abi.test.from_init_block", Function::FromTyped([]() { return 3; }));
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
