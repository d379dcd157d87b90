#include <cstring>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

Value Owned(const TVMFFIAny& view) {
  TVMFFIAny out;
  EXPECT_EQ(TVMFFIAnyViewToOwnedAny(&view, &out), 0);
  return Value(out);
}

TVMFFIAny ByteArrayPtr(const TVMFFIByteArray* bytes) {
  TVMFFIAny any = MakeAny(kTVMFFIByteArrayPtr);
  any.v_ptr = const_cast<TVMFFIByteArray*>(bytes);
  return any;
}

TEST(CAbi, C042_RawStringsBecomeSmallUpToSevenBytes) {
  const Value small = Owned(RawStr("seven77"));
  EXPECT_EQ(small.type_index(), kTVMFFISmallStr);
  EXPECT_EQ(small.any().small_str_len, 7u);
  EXPECT_STREQ(small.any().v_bytes, "seven77");

  const Value heap = Owned(RawStr("eight888"));
  EXPECT_EQ(heap.type_index(), kTVMFFIStr);
  EXPECT_EQ(StrongCount(heap.object()), 1u);
  EXPECT_EQ(heap.text(), "eight888");

  const Value empty = Owned(RawStr(""));
  EXPECT_EQ(empty.type_index(), kTVMFFISmallStr);
  EXPECT_EQ(empty.any().small_str_len, 0u);
}

TEST(CAbi, C043_ByteArraysBecomeSmallOrHeapBytes) {
  const TVMFFIByteArray five = Bytes(std::string_view("a\0b\0c", 5));
  const Value small = Owned(ByteArrayPtr(&five));
  EXPECT_EQ(small.type_index(), kTVMFFISmallBytes);
  EXPECT_EQ(small.text(), std::string("a\0b\0c", 5));

  const TVMFFIByteArray ten = Bytes("0123456789");
  EXPECT_EQ(Owned(ByteArrayPtr(&ten)).type_index(), kTVMFFIBytes);
}

TEST(CAbi, C044_ObjectsAreRetainedAndRValuesMoved) {
  Ref object;
  ASSERT_EQ(TVMFFIObjectCreateOpaque(nullptr, kTVMFFIOpaquePyObject, nullptr, object.out()), 0);
  {
    const Value owned = Owned(View(object.get()));
    EXPECT_EQ(owned.object(), object.get());
    EXPECT_EQ(StrongCount(object.get()), 2u);
  }

  TVMFFIObjectIncRef(object.get());
  auto* slot = static_cast<TVMFFIObject*>(object.get());
  TVMFFIAny reference = MakeAny(kTVMFFIObjectRValueRef);
  reference.v_ptr = &slot;
  const Value moved = Owned(reference);
  EXPECT_EQ(moved.object(), object.get());
  EXPECT_EQ(moved.type_index(), kTVMFFIOpaquePyObject);
  EXPECT_EQ(StrongCount(object.get()), 2u);
  EXPECT_EQ(slot, nullptr);

  TVMFFIAny out;
  ExpectRaised(TVMFFIAnyViewToOwnedAny(&reference, &out), "InternalError",
               "RValueRef already moved");
}

TEST(CAbi, C045_DLTensorPointersStayBorrowed) {
  DLTensor tensor{};
  TVMFFIAny view = MakeAny(kTVMFFIDLTensorPtr);
  view.v_ptr = &tensor;
  const Value owned = Owned(view);
  EXPECT_EQ(owned.type_index(), kTVMFFIDLTensorPtr);
  EXPECT_EQ(owned.any().v_ptr, &tensor);
}

TVMFFIAny FromBytes(int (*make)(const TVMFFIByteArray*, TVMFFIAny*), TVMFFIByteArray bytes) {
  TVMFFIAny out;
  std::memset(&out, 0xAB, sizeof(out));
  EXPECT_EQ(make(&bytes, &out), 0);
  return out;
}

TEST(CAbi, C046_StringFromByteArrayNeedsNoInitialisedOutput) {
  const Value seven(FromBytes(TVMFFIStringFromByteArray, Bytes("1234567")));
  EXPECT_EQ(seven.type_index(), kTVMFFISmallStr);

  const Value eight(FromBytes(TVMFFIStringFromByteArray, Bytes("12345678")));
  EXPECT_EQ(eight.type_index(), kTVMFFIStr);
  EXPECT_EQ(TVMFFIBytesGetByteArrayPtr(eight.object())->data[8], '\0');

  const Value null(FromBytes(TVMFFIStringFromByteArray, {nullptr, 0}));
  EXPECT_EQ(null.type_index(), kTVMFFISmallStr);
  EXPECT_EQ(null.any().small_str_len, 0u);
}

TEST(CAbi, C047_BytesFromByteArray) {
  EXPECT_EQ(Value(FromBytes(TVMFFIBytesFromByteArray, Bytes("123"))).type_index(),
            kTVMFFISmallBytes);
  EXPECT_EQ(Value(FromBytes(TVMFFIBytesFromByteArray, Bytes("123456789"))).type_index(),
            kTVMFFIBytes);
}

TEST(CAbi, C048_UnusedBytesOfSmallValuesAreZero) {
  const TVMFFIAny hello = FromBytes(TVMFFIStringFromByteArray, Bytes("hello"));
  uint64_t words[2];
  std::memcpy(words, &hello, sizeof(words));
  EXPECT_EQ(words[0], 0x000000050000000bu);
  EXPECT_EQ(words[1], 0x0000006f6c6c6568u);
}

}  // namespace
}  // namespace tvmffi::test
