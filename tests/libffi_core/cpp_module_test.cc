// A C++ module and the library exchange containers, errors, tensors, callbacks, objects and
// modules. With TVMFFI_TEST_CPP_MODULE in the environment the module of that path is tested, which
// other headers may have built; TVMFFI_TEST_CPP_MODULE_ALLOCATES=1 says that these headers take
// their objects from the custom allocator.
#include <tvm/ffi/error.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

class CppModule : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* other = std::getenv("TVMFFI_TEST_CPP_MODULE");
    const char* path = other != nullptr ? other : TVMFFI_TEST_MODULE_DIR "/cpp_module.so";
    module_ = CallGlobal("ffi.ModuleLoadFromFile", {RawStr(path)});
  }

  int TryCall(const char* name, std::vector<TVMFFIAny> args, Value* result) {
    const Value function =
        CallGlobal("ffi.ModuleGetFunction", {module_.any(), RawStr(name), Bool(false)});
    if (function.object() == nullptr) {
      ADD_FAILURE() << "no function " << name;
      return -1;
    }
    return Call(function.object(), std::move(args), result);
  }

  Value CallIn(const char* name, std::vector<TVMFFIAny> args) {
    Value result;
    const int code = TryCall(name, std::move(args), &result);
    if (code != 0) ADD_FAILURE() << name << ": " << TakeRaised().message;
    return result;
  }

  Value module_;
};

TEST_F(CppModule, C074_MapsAreReadableBothWays) {
  for (int64_t count : {0, 1, 3, 4, 5, 40, 1000}) {
    SCOPED_TRACE(count);
    const Value made_there = CallIn("make_map", {Int(count)});
    ASSERT_EQ(CallGlobal("ffi.MapSize", {made_there.any()}).as_int(), count);
    std::vector<TVMFFIAny> entries;
    std::vector<std::string> keys;
    for (int64_t i = 0; i < count; ++i) keys.push_back("key_number_" + std::to_string(i));
    for (int64_t i = 0; i < count; ++i) {
      const TVMFFIAny key = RawStr(keys[static_cast<size_t>(i)].c_str());
      EXPECT_EQ(CallGlobal("ffi.MapGetItem", {made_there.any(), key}).as_int(), i);
      entries.push_back(key);
      entries.push_back(Int(i));
    }
    const Value made_here = CallGlobal("ffi.Map", entries);
    EXPECT_EQ(CallIn("sum_map", {made_here.any(), Int(count)}).as_int(),
              count * (count - 1) / 2 + 1000 * count);
  }
}

TEST_F(CppModule, ArraysOfTheModuleAreReadable) {
  const Value array = CallIn("make_array", {Int(100)});
  EXPECT_EQ(CallGlobal("ffi.ArraySize", {array.any()}).as_int(), 100);
  EXPECT_EQ(CallGlobal("ffi.ArrayGetItem", {array.any(), Int(99)}).text(), "element 99");
}

TEST_F(CppModule, C025_ErrorsOfTheModule) {
  Value result;
  EXPECT_EQ(TryCall("throw_error", {RawStr("why")}, &result), -1);
  const Raised thrown = TakeRaised();
  EXPECT_EQ(thrown.kind, "ValueError");
  EXPECT_EQ(thrown.message, "thrown: why");
  EXPECT_NE(thrown.backtrace.find("cpp_module.cc\", line "), std::string::npos) << thrown.backtrace;
  EXPECT_EQ(TryCall("throw_error", {RawStr("again")}, &result), -1);
  const tvm::ffi::Error error = tvm::ffi::details::MoveFromSafeCallRaised();
  EXPECT_EQ(error.message(), "thrown: again");
  EXPECT_FALSE(error.cause_chain().has_value());
  EXPECT_FALSE(error.extra_context().has_value());
  ExpectRaised(TryCall("throw_std", {}, &result), "InternalError", "a standard exception");
  ExpectRaised(TryCall("check", {Int(1), Int(2)}, &result), "InternalError",
               "Check failed: a == b (1 vs. 2) : they differ");
  ExpectRaised(TryCall("check", {Int(1)}, &result), "TypeError",
               "Mismatched number of arguments when calling: `check(0: int, 1: int) -> void`. "
               "Expected 2 but got 1 arguments");
  ExpectRaised(TryCall("check", {Int(1), RawStr("x")}, &result), "TypeError",
               "Expected `int` but got `const char*`");
}

TEST_F(CppModule, TensorsAndOptionalArguments) {
  float data[4] = {1, 2, 3, 4};
  int64_t shape[] = {4}, strides[] = {1};
  DLTensor tensor{data, {kDLCPU, 0}, 1, {kDLFloat, 32, 1}, shape, strides, 0};
  TVMFFIAny view = MakeAny(kTVMFFIDLTensorPtr);
  view.v_ptr = &tensor;
  EXPECT_EQ(CallIn("scale", {view, Float(2), None()}).any().v_float64, 20);
  EXPECT_EQ(data[3], 8);
  EXPECT_EQ(CallIn("scale", {view, Int(1), RawStr("note")}).any().v_float64, -20);
  strides[0] = 2;
  shape[0] = 2;
  Value result;
  ExpectRaised(TryCall("scale", {view, Int(1), None()}, &result), "ValueError", "contiguous");
}

int Double(void*, const TVMFFIAny* args, int32_t, TVMFFIAny* result) {
  *result = Int(2 * args[0].v_int64);
  return 0;
}
int RaiseValueError(void*, const TVMFFIAny*, int32_t, TVMFFIAny*) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "from the callback");
  return -1;
}

TEST_F(CppModule, CallbacksAndTheirErrors) {
  Ref twice, raising;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, Double, nullptr, twice.out()), 0);
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, RaiseValueError, nullptr, raising.out()), 0);
  EXPECT_EQ(CallIn("call_back", {View(twice.get()), Int(20)}).as_int(), 42);
  EXPECT_EQ(CallIn("catch_from", {View(raising.get())}).as_int(), 1);
  Value result;
  ExpectRaised(TryCall("call_back", {View(raising.get()), Int(20)}, &result), "ValueError",
               "from the callback");
}

TEST_F(CppModule, ACallbackOutlivesTheCallThatBroughtIt) {
  Ref twice;
  ASSERT_EQ(TVMFFIFunctionCreate(nullptr, Double, nullptr, twice.out()), 0);
  CallIn("keep", {View(twice.get())});
  EXPECT_EQ(StrongCount(twice.get()), 2u);
  std::thread([this] { EXPECT_EQ(CallIn("call_kept", {Int(4)}).as_int(), 8); }).join();
  CallIn("forget", {});
  EXPECT_EQ(StrongCount(twice.get()), 1u);
}

TEST_F(CppModule, TensorsOutliveTheirCall) {
  Value tensor = CallIn("make_tensor", {Int(5)});
  ASSERT_EQ(tensor.type_index(), kTVMFFITensor);
  DLManagedTensorVersioned* exported = nullptr;
  ASSERT_EQ(TVMFFITensorToDLPackVersioned(tensor.object(), &exported), 0);
  tensor = Value();

  ASSERT_EQ(exported->dl_tensor.ndim, 1);
  EXPECT_EQ(exported->dl_tensor.shape[0], 5);
  EXPECT_EQ(exported->dl_tensor.strides[0], 1);
  EXPECT_EQ(static_cast<float*>(exported->dl_tensor.data)[4], 2);
  EXPECT_EQ(CallIn("live_tensors", {}).as_int(), 1);
  exported->deleter(exported);
  EXPECT_EQ(CallIn("live_tensors", {}).as_int(), 0);
}

TEST_F(CppModule, ObjectsOfTheModulesOwnType) {
  const Value array = CallIn("make_array", {Int(3)});
  Value box = CallIn("make_box", {array.any()});
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(box.type_index());
  EXPECT_EQ(Text(info->type_key), "test.cpp_module.Box");
  EXPECT_EQ(info->type_depth, 1);
  EXPECT_EQ(StrongCount(array.object()), 2u);

  EXPECT_EQ(CallIn("unbox", {box.any()}).object(), array.object());
  Value result;
  ExpectRaised(TryCall("unbox", {array.any()}, &result), "TypeError",
               "Expected `test.cpp_module.Box` but got `ffi.Array`");
  box = Value();
  EXPECT_EQ(StrongCount(array.object()), 1u);
}

// Counts what the builtin allocator does.
struct CountingAllocator {
  static void* Allocate(size_t size, size_t alignment, int32_t type_index, void* context) {
    auto* builtin = static_cast<TVMFFICustomAllocator*>(context);
    void* body = builtin->allocate(size, alignment, type_index, builtin->context);
    delete_space = static_cast<TVMFFIObjectAllocHeader*>(body)[-1].delete_space;
    static_cast<TVMFFIObjectAllocHeader*>(body)[-1].delete_space = Delete;
    // Whoever relies on zeros here is wrong.
    std::memset(body, 0xAB, size);
    ++allocated;
    return body;
  }
  static void Delete(void* body) {
    ++deleted;
    delete_space(body);
  }
  static std::atomic<int> allocated;
  static std::atomic<int> deleted;
  static void (*delete_space)(void*);
};
std::atomic<int> CountingAllocator::allocated{0};
std::atomic<int> CountingAllocator::deleted{0};
void (*CountingAllocator::delete_space)(void*) = nullptr;

TEST_F(CppModule, C096_ObjectsOfModulesThatAskForItComeFromTheCustomAllocator) {
  const char* asks = std::getenv("TVMFFI_TEST_CPP_MODULE_ALLOCATES");
  TVMFFICustomAllocator mine{CountingAllocator::Allocate, TVMFFIGetCustomAllocator()};
  ASSERT_EQ(TVMFFISetCustomAllocator(&mine), 0);
  {
    const Value array = CallIn("make_array", {Int(100)});
    const Value map = CallIn("make_map", {Int(40)});
    const Value tensor = CallIn("make_tensor", {Int(3)});
    ASSERT_EQ(TVMFFISetCustomAllocator(nullptr), 0);
    EXPECT_EQ(CallGlobal("ffi.ArrayGetItem", {array.any(), Int(99)}).text(), "element 99");
    EXPECT_EQ(CallGlobal("ffi.MapSize", {map.any()}).as_int(), 40);
  }
  EXPECT_EQ(CountingAllocator::allocated > 100, asks != nullptr);
  EXPECT_EQ(CountingAllocator::deleted, CountingAllocator::allocated);
}

TEST_F(CppModule, ErrorsOfTheLibraryReachTheModulesHandlers) {
  const Ref global = GetGlobal("ffi.ArraySize");
  EXPECT_EQ(CallIn("catch_from", {View(global.get())}).as_int(), 2);
}

TEST_F(CppModule, DTypesAsArguments) {
  EXPECT_EQ(CallIn("print_dtype", {RawStr("bf16x2")}).text(), "bfloat16x2");
}

TEST_F(CppModule, ModulesLoadModules) {
  EXPECT_EQ(CallIn("load_and_call", {RawStr(TVMFFI_TEST_MODULE_DIR "/basic.so"), RawStr("main")})
                .as_int(),
            17);
}

TEST_F(CppModule, AModuleObjectOfTheModule) {
  const Value counter = CallIn("make_counter", {});
  EXPECT_EQ(CallGlobal("ffi.ModuleGetKind", {counter.any()}).text(), "counter");
  const Value next =
      CallGlobal("ffi.ModuleGetFunction", {counter.any(), RawStr("next"), Bool(true)});
  ASSERT_EQ(next.type_index(), kTVMFFIFunction);
  Value result;
  ASSERT_EQ(Call(next.object(), {}, &result), 0);
  ASSERT_EQ(Call(next.object(), {}, &result), 0);
  EXPECT_EQ(result.as_int(), 2);
  const Value none =
      CallGlobal("ffi.ModuleGetFunction", {counter.any(), RawStr("nope"), Bool(true)});
  EXPECT_EQ(none.type_index(), kTVMFFINone);
}

}  // namespace
}  // namespace tvmffi::test
