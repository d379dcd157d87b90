#include "c_items.h"

static TVMFFIAny Owned(TVMFFIAny view) {
  TVMFFIAny owned;
  memset(&owned, 0xAB, sizeof(owned));
  CHECK(TVMFFIAnyViewToOwnedAny(&view, &owned) == 0);
  return owned;
}

static bool UnusedBytesAreZero(const TVMFFIAny* value) {
  for (uint32_t i = value->small_str_len; i < 8; ++i) {
    if (value->v_bytes[i] != 0) {
      return false;
    }
  }
  return true;
}

static void c_abi_042_raw_strings_become_owned(void) {
  TVMFFIAny small = Owned(RawStr("seven77"));
  CHECK(small.type_index == 11 && small.small_str_len == 7);
  CHECK(SameText(ContentOf(&small), "seven77") && small.v_bytes[7] == 0);
  TVMFFIAny heap = Owned(RawStr("eight888"));
  CHECK(heap.type_index == 65 && StrongCount(heap.v_obj) == 1);
  CHECK(SameText(ContentOf(&heap), "eight888"));
  Release(&heap);
  TVMFFIAny empty = Owned(RawStr(""));
  CHECK(empty.type_index == 11 && empty.small_str_len == 0);
}

static void c_abi_043_byte_arrays_become_owned(void) {
  TVMFFIByteArray five = {"a\0cde", 5};
  TVMFFIAny view = MakeAny(kTVMFFIByteArrayPtr, 0);
  view.v_ptr = &five;
  TVMFFIAny small = Owned(view);
  CHECK(small.type_index == 12 && small.small_str_len == 5);
  CHECK(memcmp(small.v_bytes, "a\0cde", 5) == 0);
  TVMFFIByteArray ten = {"0123456789", 10};
  view.v_ptr = &ten;
  TVMFFIAny heap = Owned(view);
  CHECK(heap.type_index == 66);
  Release(&heap);
}

static void c_abi_044_objects_are_retained_and_rvalues_moved(void) {
  TVMFFIObjectHandle object = MakeOpaque(NULL, NULL);
  TVMFFIAny owned = Owned(View(object));
  CHECK(owned.v_obj == object && StrongCount(object) == 2);
  Release(&owned);

  TVMFFIObject* slot = object;
  TVMFFIAny rvalue = MakeAny(kTVMFFIObjectRValueRef, 0);
  rvalue.v_ptr = &slot;
  owned = Owned(rvalue);
  CHECK(owned.v_obj == object && StrongCount(object) == 1 && slot == NULL);
  TVMFFIAny again = None();
  CHECK_RAISED(TVMFFIAnyViewToOwnedAny(&rvalue, &again), "InternalError",
               "RValueRef already moved");
  Release(&owned);
}

static void c_abi_045_tensor_pointers_stay_borrowed(void) {
  DLTensor tensor;
  memset(&tensor, 0, sizeof(tensor));
  TVMFFIAny view = MakeAny(kTVMFFIDLTensorPtr, 0);
  view.v_ptr = &tensor;
  TVMFFIAny owned = Owned(view);
  CHECK(owned.type_index == 7 && owned.v_ptr == &tensor);
}

static TVMFFIAny NewString(TVMFFIByteArray bytes) {
  TVMFFIAny value;
  memset(&value, 0xAB, sizeof(value));
  CHECK(TVMFFIStringFromByteArray(&bytes, &value) == 0);
  return value;
}

static void c_abi_046_strings_from_byte_arrays(void) {
  TVMFFIAny small = NewString(Bytes("seven77"));
  CHECK(small.type_index == 11);
  TVMFFIAny heap = NewString(Bytes("eight888"));
  CHECK(heap.type_index == 65 && ContentOf(&heap).data[8] == 0);
  Release(&heap);
  TVMFFIByteArray nothing = {NULL, 0};
  TVMFFIAny empty = NewString(nothing);
  CHECK(empty.type_index == 11 && empty.small_str_len == 0);
}

static void c_abi_047_bytes_from_byte_arrays(void) {
  const TVMFFIByteArray three = Bytes("abc");
  const TVMFFIByteArray nine = Bytes("123456789");
  TVMFFIAny value;
  CHECK(TVMFFIBytesFromByteArray(&three, &value) == 0 && value.type_index == 12);
  CHECK(TVMFFIBytesFromByteArray(&nine, &value) == 0 && value.type_index == 66);
  Release(&value);
}

static void c_abi_048_unused_bytes_are_zero(void) {
  const char* const texts[] = {"", "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg"};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
    TVMFFIAny text = NewString(Bytes(texts[i]));
    CHECK(text.zero_padding == i && UnusedBytesAreZero(&text));
    const TVMFFIByteArray bytes = Bytes(texts[i]);
    TVMFFIAny blob;
    memset(&blob, 0xAB, sizeof(blob));
    CHECK(TVMFFIBytesFromByteArray(&bytes, &blob) == 0);
    CHECK(blob.zero_padding == i && UnusedBytesAreZero(&blob));
  }
}

/* A heap string of a length that the library itself keeps small. */
typedef struct {
  TVMFFIObject header;
  TVMFFIByteArray bytes;
} HeapString;

static void c_abi_049_heap_and_small_strings_are_one_key(void) {
  HeapString key;
  memset(&key, 0, sizeof(key));
  key.header.combined_ref_count = 0x100000001;
  key.header.type_index = kTVMFFIStr;
  key.bytes = Bytes("int8");
  TVMFFIAny small = NewString(Bytes("int8"));
  CHECK(small.type_index == kTVMFFISmallStr);
  TVMFFIAny map = CallOk("ffi.Map", ARGS(small, Int(5)));
  TVMFFIAny found = CallOk("ffi.MapGetItem", ARGS(map, View(&key)));
  CHECK(found.v_int64 == 5);
  Release(&map);
}

C_ITEMS(kValueItems, C_ITEM(c_abi_042_raw_strings_become_owned),
        C_ITEM(c_abi_043_byte_arrays_become_owned),
        C_ITEM(c_abi_044_objects_are_retained_and_rvalues_moved),
        C_ITEM(c_abi_045_tensor_pointers_stay_borrowed), C_ITEM(c_abi_046_strings_from_byte_arrays),
        C_ITEM(c_abi_047_bytes_from_byte_arrays), C_ITEM(c_abi_048_unused_bytes_are_zero),
        C_ITEM(c_abi_049_heap_and_small_strings_are_one_key));
