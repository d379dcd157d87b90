#include "support.h"

static TVMFFIAny own(TVMFFIAny view) {
  TVMFFIAny owned;
  memset(&owned, 0xAB, sizeof(owned));
  CHECK(TVMFFIAnyViewToOwnedAny(&view, &owned) == 0);
  return owned;
}

static void c_abi_042_048_raw_strings(void) {
  TVMFFIAny small = own(raw_str("seven77")), empty = own(raw_str("")),
            heap = own(raw_str("eight888"));
  CHECK(small.type_index == 11 && small.small_str_len == 7 &&
        memcmp(small.v_bytes, "seven77", 8) == 0);
  CHECK(empty.type_index == 11 && empty.small_str_len == 0 && empty.v_uint64 == 0);
  CHECK(heap.type_index == 65 && strong_count(heap.v_obj) == 1 && heap.zero_padding == 0);
  CHECK(equal(content_of(&heap), "eight888"));
  release(heap);
  TVMFFIAny three = own(raw_str("abc"));
  CHECK(three.small_str_len == 3 && memcmp(three.v_bytes, "abc\0\0\0\0\0", 8) == 0);
}

static void c_abi_043_byte_arrays(void) {
  TVMFFIByteArray content = {"ab\0cd", 5};
  TVMFFIAny view = any_of(kTVMFFIByteArrayPtr, 0);
  view.v_ptr = &content;
  TVMFFIAny small = own(view);
  CHECK(small.type_index == 12 && small.small_str_len == 5);
  CHECK(memcmp(small.v_bytes, "ab\0cd\0\0\0", 8) == 0);
  content.data = "0123456789";
  content.size = 10;
  TVMFFIAny heap = own(view);
  CHECK(heap.type_index == 66 && equal(content_of(&heap), "0123456789"));
  release(heap);
}

static void c_abi_044_objects_and_rvalues(void) {
  TVMFFIObjectHandle object = NULL;
  CHECK(TVMFFIObjectCreateOpaque(NULL, kTVMFFIOpaquePyObject, NULL, &object) == 0);
  TVMFFIAny owned = own(view_of(object));
  CHECK(owned.v_obj == object && strong_count(object) == 2);
  release(owned);
  void* slot = object;
  TVMFFIAny view = any_of(kTVMFFIObjectRValueRef, 0), again = any_of(kTVMFFINone, 0);
  view.v_ptr = &slot;
  owned = own(view);
  CHECK(owned.v_obj == object && owned.type_index == 74 && strong_count(object) == 1 &&
        slot == NULL);
  CHECK(TVMFFIAnyViewToOwnedAny(&view, &again) == -1);
  CHECK(raised("InternalError", "RValueRef already moved"));
  release(owned);
}

static void c_abi_045_borrowed_tensors(void) {
  DLTensor tensor;
  TVMFFIAny view = any_of(kTVMFFIDLTensorPtr, 0);
  view.v_ptr = &tensor;
  TVMFFIAny owned = own(view);
  CHECK(owned.type_index == 7 && owned.v_ptr == &tensor);
}

static void c_abi_046_047_strings_and_bytes(void) {
  TVMFFIByteArray seven = {"seven77!", 7}, eight = {"eight888!", 8}, none = {NULL, 0};
  TVMFFIAny out;
  memset(&out, 0xAB, sizeof(out));
  CHECK(TVMFFIStringFromByteArray(&seven, &out) == 0 && out.type_index == 11);
  CHECK(TVMFFIStringFromByteArray(&none, &out) == 0 && out.type_index == 11 &&
        out.small_str_len == 0);
  CHECK(TVMFFIStringFromByteArray(&eight, &out) == 0 && out.type_index == 65);
  CHECK(content_of(&out).data[8] == '\0');
  release(out);
  TVMFFIByteArray three = {"123", 3}, nine = {"123456789", 9};
  CHECK(TVMFFIBytesFromByteArray(&three, &out) == 0 && out.type_index == 12);
  CHECK(TVMFFIBytesFromByteArray(&nine, &out) == 0 && out.type_index == 66);
  release(out);
}

static void c_abi_049_small_and_heap_strings_are_one_key(void) {
  /* A string object may hold a short text, too; this one is never deleted. */
  struct {
    TVMFFIObject header;
    TVMFFIByteArray content;
  } string = {{.combined_ref_count = 0x100000002u, .type_index = 65}, {"int8", 4}};
  const TVMFFIAny heap = view_of(&string);
  TVMFFIAny entry[2] = {raw_str("int8"), any_of(kTVMFFIInt, 5)};
  TVMFFIObjectHandle map = object_from("ffi.Map", entry, 2);
  TVMFFIAny args[2] = {view_of(map), heap};
  CHECK(int_from("ffi.MapGetItem", args, 2) == 5);
  TVMFFIObjectDecRef(map);
}

static bool parses_as(const char* text, int code, int bits, int lanes, const char* printed) {
  const TVMFFIByteArray bytes = bytes_of(text);
  DLDataType dtype;
  TVMFFIAny out;
  if (TVMFFIDataTypeFromString(&bytes, &dtype) != 0) return false;
  if (dtype.code != code || dtype.bits != bits || dtype.lanes != lanes) return false;
  if (TVMFFIDataTypeToString(&dtype, &out) != 0) return false;
  const bool matches = equal(content_of(&out), printed);
  release(out);
  return matches;
}

static void c_abi_050_051_dtypes(void) {
  CHECK(parses_as("", 3, 0, 0, "") && parses_as("void", 3, 0, 0, ""));
  CHECK(parses_as("bool", 6, 8, 1, "bool") && parses_as("bool1", 6, 1, 1, "bool1"));
  CHECK(parses_as("int", 0, 32, 1, "int32") && parses_as("u8", 1, 8, 1, "uint8"));
  CHECK(parses_as("float", 2, 32, 1, "float32") && parses_as("bf16x2", 4, 16, 2, "bfloat16x2"));
  CHECK(parses_as("handle", 3, 64, 1, "handle"));
  CHECK(parses_as("float8_e4m3fn", 10, 8, 1, "float8_e4m3fn"));
  CHECK(parses_as("float4_e2m1fn_x2", 17, 4, 2, "float4_e2m1fnx2"));
  CHECK(parses_as("int8xvscalex4", 0, 8, (uint16_t)-4, "int8xvscalex4"));
}

static bool refused(const char* text, const char* message) {
  const TVMFFIByteArray bytes = bytes_of(text);
  DLDataType dtype;
  return TVMFFIDataTypeFromString(&bytes, &dtype) == -1 && raised("ValueError", message);
}

static void c_abi_052_bad_dtypes(void) {
  CHECK(refused("nope", "unknown dtype `nope`"));
  CHECK(refused("float8_e9", "unknown float8 type `float8_e9`"));
  CHECK(
      refused("int8x0",
              "Invalid lanes specification in dtype 'int8x0'. Lanes must be a positive integer."));
  CHECK(refused("int300", "Bits value 300 is out of range for uint8_t in dtype 'int300'"));
  const DLDataType complex64 = {kDLComplex, 64, 1};
  TVMFFIAny out;
  CHECK(TVMFFIDataTypeToString(&complex64, &out) == -1);
  CHECK(raised("ValueError", "DLDataType contains unknown type_code=5"));
}

const CItem kValueItems[] = {
    ITEM(c_abi_042_048_raw_strings),
    ITEM(c_abi_043_byte_arrays),
    ITEM(c_abi_044_objects_and_rvalues),
    ITEM(c_abi_045_borrowed_tensors),
    ITEM(c_abi_046_047_strings_and_bytes),
    ITEM(c_abi_049_small_and_heap_strings_are_one_key),
    ITEM(c_abi_050_051_dtypes),
    ITEM(c_abi_052_bad_dtypes),
    {NULL, NULL},
};
