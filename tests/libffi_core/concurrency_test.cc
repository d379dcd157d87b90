// The process-wide tables under threads that register and look up at once. Most useful with the
// thread sanitizer.
#include <atomic>
#include <thread>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 200;

template <typename Body>
void InThreads(const Body& body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back([&body, t] { body(t); });
  for (std::thread& thread : threads) thread.join();
}

int32_t Alloc(const std::string& key) {
  const TVMFFIByteArray bytes = Bytes(key);
  return TVMFFITypeGetOrAllocIndex(&bytes, -1, 1, 0, 1, kTVMFFIObject);
}

TEST(Concurrency, TypesAreRegisteredOnceAndFoundWhileOthersRegister) {
  std::atomic<int32_t> indices[kRounds] = {};
  InThreads([&](int) {
    for (int i = 0; i < kRounds; ++i) {
      const int32_t index = Alloc("test.concurrent" + std::to_string(i));
      int32_t expected = 0;
      if (!indices[i].compare_exchange_strong(expected, index)) {
        EXPECT_EQ(expected, index);
      }
      EXPECT_EQ(TVMFFIGetTypeInfo(index)->type_index, index);
    }
  });
}

TEST(Concurrency, GlobalFunctionsAreReplacedWhileOthersCallThem) {
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(
                nullptr, [](void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return 0; }, nullptr,
                function.out()),
            0);
  const TVMFFIByteArray shared_name = Bytes("test.concurrent.shared");
  ASSERT_EQ(TVMFFIFunctionSetGlobal(&shared_name, function.get(), 0), 0);
  InThreads([&](int t) {
    const std::string own_name = "test.concurrent.own" + std::to_string(t);
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_EQ(TVMFFIFunctionSetGlobal(&shared_name, function.get(), 1), 0);
      const TVMFFIByteArray name = Bytes(own_name);
      EXPECT_EQ(TVMFFIFunctionSetGlobal(&name, function.get(), 0), 0);
      Value result;
      EXPECT_EQ(TryCallGlobal("test.concurrent.shared", {}, &result), 0);
      EXPECT_EQ(CallGlobal("ffi.FunctionRemoveGlobal", {RawStr(own_name.c_str())}).as_int(), 1);
    }
  });
  EXPECT_EQ(StrongCount(function.get()), 2u);
}

TEST(Concurrency, AttributesAreRegisteredWhileColumnsAreLookedUp) {
  const TVMFFIByteArray attr = Bytes("test.concurrent_attr");
  InThreads([&](int t) {
    for (int i = 0; i < kRounds; ++i) {
      const int32_t type = Alloc("test.attr" + std::to_string(t) + "_" + std::to_string(i));
      const TVMFFIAny value = Int(i);
      EXPECT_EQ(TVMFFITypeRegisterAttr(type, &attr, &value), 0);
      EXPECT_NE(TVMFFIGetTypeAttrColumn(&attr), nullptr);
    }
  });
}

TEST(Concurrency, ModulesAreLoadedCalledAndDropped) {
  const std::string path = TVMFFI_TEST_MODULE_DIR "/basic.so";
  InThreads([&](int) {
    for (int i = 0; i < kRounds / 10; ++i) {
      const Value module = CallGlobal("ffi.ModuleLoadFromFile", {RawStr(path.c_str())});
      const Value function =
          CallGlobal("ffi.ModuleGetFunction", {module.any(), RawStr("fail5"), Bool(false)});
      Value result;
      EXPECT_EQ(Call(function.object(), {}, &result), -1);
      EXPECT_EQ(TakeRaised().message, "from fail5");
    }
  });
}

TEST(Concurrency, ImportsAreLookedUpAtOnce) {
  const Value module = CallGlobal("ffi.SystemLib", {RawStr("concurrent_")});
  void* context = static_cast<char*>(module.object()) - 8;
  InThreads([&](int) {
    TVMFFIObjectHandle first = nullptr;
    EXPECT_EQ(TVMFFIEnvModLookupFromImports(context, "ffi.ArraySize", &first), 0);
    for (int i = 0; i < kRounds; ++i) {
      TVMFFIObjectHandle again = nullptr;
      EXPECT_EQ(TVMFFIEnvModLookupFromImports(context, "ffi.ArraySize", &again), 0);
      EXPECT_EQ(again, first);
    }
  });
}

}  // namespace
}  // namespace tvmffi::test
