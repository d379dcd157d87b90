#include <cstdint>
#include <thread>
#include <vector>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

int deleter_calls = 0;
void* deleted_handle = nullptr;
void CountDelete(void* handle) {
  ++deleter_calls;
  deleted_handle = handle;
}

void* const kForeign = reinterpret_cast<void*>(0x77);

class CAbiObject : public ::testing::Test {
 protected:
  void SetUp() override {
    deleter_calls = 0;
    deleted_handle = nullptr;
    ASSERT_EQ(TVMFFIObjectCreateOpaque(kForeign, kTVMFFIOpaquePyObject, CountDelete, &object_), 0);
  }
  TVMFFIObject* header() { return static_cast<TVMFFIObject*>(object_); }
  TVMFFIObjectHandle object_ = nullptr;
};

TEST(CAbi, C007_GetVersionIsTheHeadersVersion) {
  TVMFFIVersion version{};
  TVMFFIGetVersion(&version);

  EXPECT_EQ(version.major, uint32_t{TVM_FFI_VERSION_MAJOR});
  EXPECT_EQ(version.minor, uint32_t{TVM_FFI_VERSION_MINOR});
  EXPECT_EQ(version.patch, uint32_t{TVM_FFI_VERSION_PATCH});
}

TEST_F(CAbiObject, C008_OpaqueStartsWithOneStrongAndOneWeak) {
  EXPECT_EQ(header()->type_index, 74);
  EXPECT_EQ(header()->combined_ref_count, 0x100000001u);
  EXPECT_EQ(TVMFFIOpaqueObjectGetCellPtr(object_)->handle, kForeign);
  TVMFFIObjectDecRef(object_);
}

TEST_F(CAbiObject, C009_DeleterRunsOnceAtTheLastDecRef) {
  EXPECT_EQ(TVMFFIObjectIncRef(object_), 0);
  EXPECT_EQ(TVMFFIObjectDecRef(object_), 0);
  EXPECT_EQ(deleter_calls, 0);

  EXPECT_EQ(TVMFFIObjectDecRef(object_), 0);

  EXPECT_EQ(deleter_calls, 1);
  EXPECT_EQ(deleted_handle, kForeign);
}

TEST(CAbi, C010_OpaqueRefusesOtherTypes) {
  deleter_calls = 0;
  TVMFFIObjectHandle object = nullptr;
  ExpectRaised(TVMFFIObjectCreateOpaque(kForeign, kTVMFFITensor, CountDelete, &object),
               "RuntimeError", "Only kTVMFFIOpaquePyObject is supported for now");
  EXPECT_EQ(deleter_calls, 0);
}

TEST(CAbi, C011_DecRefOfNullSucceeds) { EXPECT_EQ(TVMFFIObjectDecRef(nullptr), 0); }

TEST_F(CAbiObject, C012_AWeakReferenceKeepsTheMemoryButNotTheContent) {
  __atomic_fetch_add(&header()->combined_ref_count, uint64_t{1} << 32, __ATOMIC_RELAXED);

  TVMFFIObjectDecRef(object_);

  EXPECT_EQ(deleter_calls, 1);
  EXPECT_EQ(header()->combined_ref_count, 0x100000000u);
  header()->deleter(object_, kTVMFFIObjectDeleterFlagBitMaskWeak);
  EXPECT_EQ(deleter_calls, 1);
}

int seen_flags = 0;

TEST(CAbi, C013_WithoutWeakReferencesTheDeleterRunsOnceWithBothFlags) {
  TVMFFIObject object{};
  object.combined_ref_count = 0x100000001u;
  object.type_index = kTVMFFIObject;
  object.deleter = [](void*, int flags) { seen_flags = 10 * seen_flags + flags; };
  seen_flags = 0;

  TVMFFIObjectDecRef(&object);

  EXPECT_EQ(seen_flags, 3);
}

TEST(CAbi, NullDeleterIsTolerated) {
  TVMFFIObject object{};
  object.combined_ref_count = 0x100000001u;
  EXPECT_EQ(TVMFFIObjectDecRef(&object), 0);
}

TEST_F(CAbiObject, C014_CountsSurviveFourThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 200000; ++n) {
        TVMFFIObjectIncRef(object_);
        TVMFFIObjectDecRef(object_);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(header()->combined_ref_count, 0x100000001u);
  EXPECT_EQ(deleter_calls, 0);
  TVMFFIObjectDecRef(object_);
}

}  // namespace
}  // namespace tvmffi::test
