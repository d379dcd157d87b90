#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

void* seen_self = nullptr;
int32_t seen_num_args = -1;
int deleter_calls = 0;
void* deleted_self = nullptr;

int Remember(void* self, const TVMFFIAny*, int32_t num_args, TVMFFIAny*) {
  seen_self = self;
  seen_num_args = num_args;
  return 0;
}
void CountDelete(void* self) {
  ++deleter_calls;
  deleted_self = self;
}
int Fail42(void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return 42; }

Ref MakeFunction(void* self, TVMFFISafeCallType callback, void (*deleter)(void*)) {
  Ref function;
  EXPECT_EQ(TVMFFIFunctionCreate(self, callback, deleter, function.out()), 0);
  return function;
}

TEST(CAbi, C023_FailureWithoutARaisedErrorLeavesNone) {
  Ref function = MakeFunction(
      nullptr, [](void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return -1; }, nullptr);
  Value result;
  EXPECT_EQ(Call(function.get(), {}, &result), -1);
  EXPECT_FALSE(TakeRaised().present);
}

TEST(CAbi, C026_ACallbackWithSelfIsCalledThroughATrampoline) {
  int self = 0;
  deleter_calls = 0;
  Ref function = MakeFunction(&self, Remember, CountDelete);
  EXPECT_EQ(Header(function.get())->type_index, kTVMFFIFunction);
  EXPECT_EQ(TVMFFIFunctionGetCellPtr(function.get())->cpp_call, nullptr);
  EXPECT_NE(TVMFFIFunctionGetCellPtr(function.get())->safe_call, &Remember);

  Value result;
  EXPECT_EQ(Call(function.get(), {Int(1)}, &result), 0);
  EXPECT_EQ(seen_self, &self);

  function.Drop();
  EXPECT_EQ(deleter_calls, 1);
  EXPECT_EQ(deleted_self, &self);
}

TEST(CAbi, C027_WithoutSelfAndDeleterTheCallbackItselfIsTheEntry) {
  Ref function = MakeFunction(nullptr, Remember, nullptr);
  EXPECT_EQ(TVMFFIFunctionGetCellPtr(function.get())->safe_call, &Remember);

  Value result;
  EXPECT_EQ(Call(function.get(), {}, &result), 0);

  EXPECT_EQ(seen_self, function.get());
}

TEST(CAbi, ADeleterWithoutSelfIsCalledWithNull) {
  deleter_calls = 0;
  deleted_self = &deleter_calls;
  Ref function = MakeFunction(nullptr, Remember, CountDelete);
  Value result;
  EXPECT_EQ(Call(function.get(), {}, &result), 0);
  EXPECT_EQ(seen_self, nullptr);

  function.Drop();

  EXPECT_EQ(deleter_calls, 1);
  EXPECT_EQ(deleted_self, nullptr);
}

TEST(CAbi, C028_CallWithoutArgumentsLeavesTheResultNone) {
  Ref function = MakeFunction(nullptr, Remember, nullptr);
  TVMFFIAny result = None();

  EXPECT_EQ(TVMFFIFunctionCall(function.get(), nullptr, 0, &result), 0);

  EXPECT_EQ(seen_num_args, 0);
  EXPECT_EQ(result.type_index, kTVMFFINone);
}

TEST(CAbi, C029_TheCallbacksCodeIsPassedThrough) {
  int self = 0;
  Value result;
  EXPECT_EQ(Call(MakeFunction(nullptr, Fail42, nullptr).get(), {}, &result), 42);
  EXPECT_EQ(Call(MakeFunction(&self, Fail42, nullptr).get(), {}, &result), 42);
}

int SetGlobal(std::string_view name, TVMFFIObjectHandle function, bool allow_override) {
  const TVMFFIByteArray key = Bytes(name);
  return TVMFFIFunctionSetGlobal(&key, function, allow_override ? 1 : 0);
}

TEST(CAbi, C030_SetGlobalRefusesASecondRegistration) {
  Ref function = MakeFunction(nullptr, Remember, nullptr);
  Ref other = MakeFunction(nullptr, Fail42, nullptr);
  EXPECT_EQ(SetGlobal("test.c030", function.get(), false), 0);
  EXPECT_EQ(StrongCount(function.get()), 2u);

  ExpectRaised(SetGlobal("test.c030", other.get(), false), "RuntimeError",
               "Global Function `test.c030` is already registered");
  EXPECT_EQ(StrongCount(other.get()), 1u);

  EXPECT_EQ(SetGlobal("test.c030", other.get(), true), 0);
  EXPECT_EQ(StrongCount(function.get()), 1u);
  EXPECT_EQ(GetGlobal("test.c030").get(), other.get());
}

TEST(CAbi, C031_GetGlobalGivesANewReferenceOrNothing) {
  Ref function = MakeFunction(nullptr, Remember, nullptr);
  ASSERT_EQ(SetGlobal("test.c031", function.get(), false), 0);

  Ref found = GetGlobal("test.c031");
  EXPECT_EQ(found.get(), function.get());
  EXPECT_EQ(StrongCount(function.get()), 3u);

  EXPECT_EQ(GetGlobal("test.c031.absent").get(), nullptr);
  EXPECT_FALSE(TakeRaised().present);
}

TVMFFIMethodInfo MethodInfo(const char* name, TVMFFIAny method) {
  TVMFFIMethodInfo info{};
  info.name = Bytes(name);
  info.doc = Bytes("what it does");
  info.metadata = Bytes("{\"k\":1}");
  info.method = method;
  return info;
}

TEST(CAbi, C033_SetGlobalFromMethodInfoRefusesDuplicatesAndNonFunctions) {
  Ref function = MakeFunction(nullptr, Remember, nullptr);
  const TVMFFIMethodInfo info = MethodInfo("test.c033", View(function.get()));
  EXPECT_EQ(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0), 0);
  EXPECT_EQ(GetGlobal("test.c033").get(), function.get());

  ExpectRaised(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0), "RuntimeError", "test.c033");
  EXPECT_EQ(TVMFFIFunctionSetGlobalFromMethodInfo(&info, 1), 0);

  const TVMFFIMethodInfo wrong = MethodInfo("test.c033.int", Int(3));
  ExpectRaised(TVMFFIFunctionSetGlobalFromMethodInfo(&wrong, 0), "TypeError",
               "Cannot convert from type `int` to `ffi.Function`");
}

}  // namespace
}  // namespace tvmffi::test
