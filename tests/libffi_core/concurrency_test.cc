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

TEST(Concurrency, AttributesAreReadWhileOthersAreAdded) {
  const TVMFFIByteArray attr = Bytes("test.concurrent_read_attr");
  const int32_t known = Alloc("test.attr_known");
  const TVMFFIAny value = Int(42);
  ASSERT_EQ(TVMFFITypeRegisterAttr(known, &attr, &value), 0);
  const TVMFFITypeAttrColumn* column = TVMFFIGetTypeAttrColumn(&attr);
  InThreads([&](int t) {
    for (int i = 0; i < kRounds; ++i) {
      if (t == 0) {
        const TVMFFIAny added = Int(i);
        EXPECT_EQ(
            TVMFFITypeRegisterAttr(Alloc("test.attr_added" + std::to_string(i)), &attr, &added), 0);
      }
      EXPECT_EQ(TVMFFIGetTypeAttrColumn(&attr), column);
      const int32_t size = __atomic_load_n(&column->size, __ATOMIC_ACQUIRE);
      const TVMFFIAny* data = __atomic_load_n(&column->data, __ATOMIC_ACQUIRE);
      ASSERT_LT(known, size);
      EXPECT_EQ(data[known].v_int64, 42);
    }
  });
}

TEST(Concurrency, AnAttributeIsRegisteredByOneThreadOnly) {
  const TVMFFIByteArray attr = Bytes("test.concurrent_once");
  std::atomic<int> registered{0};
  InThreads([&](int) {
    for (int i = 0; i < kRounds; ++i) {
      const TVMFFIAny value = Int(i);
      const int32_t type = Alloc("test.once" + std::to_string(i));
      if (TVMFFITypeRegisterAttr(type, &attr, &value) == 0) {
        ++registered;
      } else {
        EXPECT_EQ(TakeRaised().kind, "RuntimeError");
      }
    }
  });
  EXPECT_EQ(registered, kRounds);
}

int GetNothing(void*, TVMFFIAny*) { return 0; }

TEST(Concurrency, TypesGetFieldsMethodsAndChildrenAtOnce) {
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(
                nullptr, [](void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return 0; }, nullptr,
                function.out()),
            0);
  const TVMFFIByteArray key = Bytes("test.concurrent_reflected");
  const int32_t type = TVMFFITypeGetOrAllocIndex(&key, -1, 1, 20, 1, kTVMFFIObject);
  InThreads([&](int t) {
    for (int i = 0; i < kRounds / 4; ++i) {
      const std::string name = "m" + std::to_string(t) + "_" + std::to_string(i);
      TVMFFIFieldInfo field{};
      field.name = Bytes(name);
      field.getter = GetNothing;
      EXPECT_EQ(TVMFFITypeRegisterField(type, &field), 0);
      TVMFFIMethodInfo method{};
      method.name = Bytes(name);
      method.method = View(function.get());
      EXPECT_EQ(TVMFFITypeRegisterMethod(type, &method), 0);
      const std::string child_key = "test.concurrent_child" + std::to_string(i);
      const TVMFFIByteArray child_bytes = Bytes(child_key);
      const int32_t child = TVMFFITypeGetOrAllocIndex(&child_bytes, -1, 2, 0, 1, type);
      EXPECT_EQ(TVMFFIGetTypeInfo(child)->type_ancestors[1]->type_index, type);
      int32_t found = 0;
      EXPECT_EQ(TVMFFITypeKeyToIndex(&child_bytes, &found), 0);
      EXPECT_EQ(found, child);
      const Value keys = CallGlobal("ffi.GetRegisteredTypeKeys", {});
      EXPECT_EQ(keys.type_index(), kTVMFFIArray);
    }
  });
  EXPECT_EQ(TVMFFIGetTypeInfo(type)->num_fields, kThreads * (kRounds / 4));
  EXPECT_EQ(TVMFFIGetTypeInfo(type)->num_methods, kThreads * (kRounds / 4));
}

TEST(Concurrency, MetadataIsSetByOneThreadOnly) {
  ::testing::internal::CaptureStderr();
  std::atomic<int> set{0};
  InThreads([&](int t) {
    for (int i = 0; i < kRounds / 10; ++i) {
      const int32_t type = Alloc("test.concurrent_metadata" + std::to_string(i));
      TVMFFITypeMetadata metadata{};
      metadata.total_size = 100 + t;
      if (TVMFFITypeRegisterMetadata(type, &metadata) == 0) ++set;
      TakeRaised();
    }
  });
  ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(set, kRounds / 10);
}

TEST(Concurrency, GlobalFunctionsAreListedWhileOthersComeAndGo) {
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(
                nullptr, [](void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return 0; }, nullptr,
                function.out()),
            0);
  InThreads([&](int t) {
    const std::string name = "test.concurrent.listed" + std::to_string(t);
    const TVMFFIByteArray bytes = Bytes(name);
    for (int i = 0; i < kRounds / 10; ++i) {
      EXPECT_EQ(TVMFFIFunctionSetGlobal(&bytes, function.get(), 0), 0);
      const Value names = CallGlobal("ffi.FunctionListGlobalNamesFunctor", {});
      Value count, last;
      ASSERT_EQ(Call(names.object(), {Int(-1)}, &count), 0);
      ASSERT_EQ(Call(names.object(), {Int(count.as_int() - 1)}, &last), 0);
      EXPECT_FALSE(last.text().empty());
      EXPECT_EQ(CallGlobal("ffi.FunctionRemoveGlobal", {RawStr(name.c_str())}).as_int(), 1);
    }
  });
  EXPECT_EQ(StrongCount(function.get()), 1u);
}

TEST(Concurrency, SharedObjectsAreCountedAndDropped) {
  static std::atomic<int> deleted{0};
  deleted = 0;
  for (int round = 0; round < 20; ++round) {
    TVMFFIObjectHandle object = nullptr;
    ASSERT_EQ(TVMFFIObjectCreateOpaque(
                  nullptr, kTVMFFIOpaquePyObject, [](void*) { ++deleted; }, &object),
              0);
    for (int t = 0; t < kThreads; ++t) TVMFFIObjectIncRef(object);
    InThreads([&](int) {
      for (int i = 0; i < kRounds; ++i) {
        const TVMFFIAny view = View(object);
        TVMFFIAny owned = None();
        EXPECT_EQ(TVMFFIAnyViewToOwnedAny(&view, &owned), 0);
        TVMFFIObjectDecRef(owned.v_obj);
      }
      TVMFFIObjectDecRef(object);
    });
    EXPECT_EQ(deleted, round);
    TVMFFIObjectDecRef(object);
    EXPECT_EQ(deleted, round + 1);
  }
}

TEST(Concurrency, WeakReferencesArePromotedWhileTheLastStrongOneGoes) {
  for (int round = 0; round < kRounds; ++round) {
    TVMFFIObjectHandle object = nullptr;
    ASSERT_EQ(TVMFFIObjectCreateOpaque(nullptr, kTVMFFIOpaquePyObject, nullptr, &object), 0);
    uint64_t* count = &static_cast<TVMFFIObject*>(object)->combined_ref_count;
    constexpr uint64_t kOneWeak = uint64_t{1} << 32;
    __atomic_fetch_add(count, kThreads * kOneWeak, __ATOMIC_RELAXED);
    InThreads([&](int t) {
      if (t == 0) TVMFFIObjectDecRef(object);
      uint64_t seen = __atomic_load_n(count, __ATOMIC_RELAXED);
      while ((seen & 0xffffffff) != 0 &&
             !__atomic_compare_exchange_n(count, &seen, seen + 1, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED)) {
      }
      if ((seen & 0xffffffff) != 0) TVMFFIObjectDecRef(object);
      if (__atomic_fetch_sub(count, kOneWeak, __ATOMIC_ACQ_REL) == kOneWeak) {
        static_cast<TVMFFIObject*>(object)->deleter(object, kTVMFFIObjectDeleterFlagBitMaskWeak);
      }
    });
  }
}

TEST(Concurrency, SystemLibrariesAreMadeOnce) {
  std::atomic<TVMFFIObjectHandle> modules[20] = {};
  InThreads([&](int) {
    for (int i = 0; i < 20; ++i) {
      const std::string prefix = "concurrent_lib" + std::to_string(i) + "_";
      const std::string symbol = "__tvm_ffi_" + prefix + "f";
      EXPECT_EQ(TVMFFIEnvModRegisterSystemLibSymbol(symbol.c_str(), &modules), 0);
      const Value module = CallGlobal("ffi.SystemLib", {RawStr(prefix.c_str())});
      TVMFFIObjectHandle expected = nullptr;
      if (!modules[i].compare_exchange_strong(expected, module.object())) {
        EXPECT_EQ(expected, module.object());
      }
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

TEST(Concurrency, FunctionsOfImportsAreLookedUpAtOnce) {
  const std::string path = TVMFFI_TEST_MODULE_DIR "/basic.so";
  const Value module = CallGlobal("ffi.ModuleLoadFromFile", {RawStr(path.c_str())});
  const Value imported = CallGlobal("ffi.ModuleLoadFromFile", {RawStr(path.c_str())});
  CallGlobal("ffi.ModuleImportModule", {module.any(), imported.any()});
  void* context = static_cast<char*>(module.object()) - 8;
  std::atomic<TVMFFIObjectHandle> found[2] = {};
  InThreads([&](int) {
    for (int i = 0; i < kRounds; ++i) {
      TVMFFIObjectHandle function = nullptr, expected = nullptr;
      EXPECT_EQ(TVMFFIEnvModLookupFromImports(context, i % 2 == 0 ? "add" : "main", &function), 0);
      if (!found[i % 2].compare_exchange_strong(expected, function)) {
        EXPECT_EQ(expected, function);
      }
      const Value visible =
          CallGlobal("ffi.ModuleGetFunction", {module.any(), RawStr("main"), Bool(true)});
      Value result;
      EXPECT_EQ(Call(visible.object(), {}, &result), 0);
      EXPECT_EQ(result.as_int(), 17);
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
