// Registration on some threads while others read what is registered.
#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace tvmffi::test {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Function;
namespace refl = tvm::ffi::reflection;

constexpr int kNumThreads = 4;
constexpr int kNumRounds = 200;

class CounterObj : public tvm::ffi::Object {
 public:
  int64_t a = 0;
  int64_t b = 2;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("test.concurrent.Counter", CounterObj, tvm::ffi::Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<CounterObj>()
      .def_rw("a", &CounterObj::a)
      .def_rw("b", &CounterObj::b, refl::default_value(7));
}

int32_t NewType(const std::string& key, int32_t parent) {
  const TVMFFIByteArray bytes{key.data(), key.size()};
  const int32_t depth = TVMFFIGetTypeInfo(parent)->type_depth + 1;
  return TVMFFITypeGetOrAllocIndex(&bytes, -1, depth, 0, 1, parent);
}

// Runs `body(thread number)` on all threads at once.
template <typename Body>
void OnThreads(const Body& body) {
  std::atomic<int> num_ready{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kNumThreads; ++i) {
    threads.emplace_back([&, i] {
      num_ready.fetch_add(1);
      while (num_ready.load() < kNumThreads) std::this_thread::yield();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ReflectionConcurrency, TypesAttributesAndConstructorsAreRegisteredAtOnce) {
  refl::EnsureTypeAttrColumn("test.concurrent");
  const refl::TypeAttrColumn column("test.concurrent");
  const Function add_init = Function::GetGlobalRequired("ffi._RegisterFFIInit");
  std::atomic<int> num_wrong{0};
  OnThreads([&](int thread) {
    for (int round = 0; round < kNumRounds; ++round) {
      const std::string key =
          "test.concurrent." + std::to_string(thread) + "." + std::to_string(round);
      const int32_t type = NewType(key, CounterObj::RuntimeTypeIndex());
      const TVMFFIByteArray name = refl::AsByteArray("test.concurrent");
      const TVMFFIAny value = tvm::ffi::AnyView(round).CopyToTVMFFIAny();
      if (TVMFFITypeRegisterAttr(type, &name, &value) != 0) ++num_wrong;
      add_init(type);
      if (column[type].cast<int64_t>() != round) ++num_wrong;
      if (refl::TypeAttrColumn("__ffi_init__")[type] == nullptr) ++num_wrong;
      if (refl::TypeAttrColumn("__ffi_init__")[CounterObj::RuntimeTypeIndex()] == nullptr) {
        ++num_wrong;
      }
    }
  });
  EXPECT_EQ(num_wrong, 0);
}

TEST(ReflectionConcurrency, ObjectsAreMadeWhileTypesAreRegistered) {
  const Function init =
      refl::TypeAttrColumn("__ffi_init__")[CounterObj::RuntimeTypeIndex()].cast<Function>();
  std::atomic<int> num_wrong{0};
  OnThreads([&](int thread) {
    for (int round = 0; round < kNumRounds; ++round) {
      if (thread == 0) {
        NewType("test.concurrent.more." + std::to_string(round), kTVMFFIObject);
        continue;
      }
      const Any made = init(round);
      const auto* counter = made.as<CounterObj>();
      if (counter->a != round || counter->b != 7) ++num_wrong;
      const refl::FieldGetter get("test.concurrent.Counter", "a");
      if (get(counter).cast<int64_t>() != round) ++num_wrong;
      const Any other = refl::ObjectCreator("test.concurrent.Counter")(
          tvm::ffi::Map<tvm::ffi::String, Any>{{"a", thread}});
      if (other.as<CounterObj>()->a != thread) ++num_wrong;
    }
  });
  EXPECT_EQ(num_wrong, 0);
}

TEST(ReflectionConcurrency, OneOfTwoRegistrationsOfATypeWins) {
  const int32_t type = NewType("test.concurrent.contested", kTVMFFIObject);
  const Function add_init = Function::GetGlobalRequired("ffi._RegisterFFIInit");
  std::atomic<int> num_won{0};
  OnThreads([&](int) {
    try {
      add_init(type);
      ++num_won;
    } catch (const tvm::ffi::Error& error) {
      EXPECT_EQ(error.kind(), "RuntimeError");
    }
  });
  EXPECT_EQ(num_won, 1);
}

}  // namespace
}  // namespace tvmffi::test
