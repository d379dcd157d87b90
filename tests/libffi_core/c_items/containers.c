#include "support.h"

static TVMFFIAny of_int(int64_t value) { return any_of(kTVMFFIInt, value); }

static uint64_t slots_of(TVMFFIObjectHandle map) { return ((const uint64_t*)cell_of(map))[2]; }

static void c_abi_065_066_arrays(void) {
  TVMFFIAny elements[] = {of_int(1), raw_str("abc"), raw_str("longer string"),
                          any_of(kTVMFFINone, 0)};
  TVMFFIObjectHandle array = object_from("ffi.Array", elements, 4),
                     empty = object_from("ffi.Array", NULL, 0);
  const TVMFFISeqCell* cell = (const TVMFFISeqCell*)cell_of(array);
  const TVMFFIAny* data = (const TVMFFIAny*)cell->data;
  CHECK(cell->size == 4 && cell->capacity == 4 && cell->data_deleter == NULL);
  CHECK((char*)cell->data == (char*)array + 56);
  CHECK(data[0].type_index == 1 && data[1].type_index == 11);
  CHECK(data[2].type_index == 65 && data[3].type_index == 0);
  const TVMFFISeqCell* no_cell = (const TVMFFISeqCell*)cell_of(empty);
  CHECK(no_cell->size == 0 && no_cell->capacity == 0);

  TVMFFIAny args[2] = {view_of(array), of_int(4)}, result;
  CHECK(call_global("ffi.ArrayGetItem", args, 2, &result) == -1);
  CHECK(raised("IndexError", "Index 4 out of bounds 4"));
  args[1] = of_int(-1);
  CHECK(call_global("ffi.ArrayGetItem", args, 2, &result) == -1);
  CHECK(raised("IndexError", "Index -1 out of bounds 4"));
  TVMFFIObjectDecRef(array);
  TVMFFIObjectDecRef(empty);
}

static void c_abi_067_068_069_lists(void) {
  TVMFFIAny elements[] = {of_int(10), of_int(20)}, result;
  TVMFFIObjectHandle list = object_from("ffi.List", elements, 2),
                     empty = object_from("ffi.List", NULL, 0);
  const TVMFFISeqCell* cell = (const TVMFFISeqCell*)cell_of(empty);
  CHECK(cell->size == 0 && cell->capacity == 4 && cell->data_deleter != NULL);
  TVMFFIAny args[3] = {view_of(list), of_int(-1), of_int(0)};
  CHECK(call_global("ffi.ListPop", args, 2, &result) == -1 && raised("IndexError", "-1"));
  args[1] = of_int(10);
  CHECK(call_global("ffi.ListSetItem", args, 3, &result) == -1 && raised("IndexError", "10"));
  args[1] = of_int(0);
  CHECK(int_from("ffi.ListPop", args, 2) == 10 && int_from("ffi.ListSize", args, 1) == 1);
  CHECK(call_global("ffi.ArraySize", args, 1, &result) == -1 && raised("TypeError", "`ffi.List`"));
  TVMFFIObjectHandle array = object_from("ffi.Array", NULL, 0);
  args[0] = view_of(array);
  CHECK(call_global("ffi.ListSize", args, 1, &result) == -1 && raised("TypeError", "`ffi.Array`"));
  TVMFFIObjectDecRef(array);
  TVMFFIObjectDecRef(list);
  TVMFFIObjectDecRef(empty);
}

static void c_abi_070_071_maps(void) {
  TVMFFIAny entries[] = {raw_str("a"), of_int(1), raw_str("b"), of_int(2), raw_str("a"), of_int(3)};
  TVMFFIObjectHandle map = object_from("ffi.Map", entries, 6);
  TVMFFIAny args[2] = {view_of(map), raw_str("a")}, result;
  CHECK(int_from("ffi.MapSize", args, 1) == 2 && int_from("ffi.MapGetItem", args, 2) == 3);
  TVMFFIObjectHandle cursor = object_from("ffi.MapForwardIterFunctor", args, 1);
  static const char* const keys[] = {"a", "b"};
  static const int64_t values[] = {3, 2};
  for (int i = 0; i < 2; ++i) {
    TVMFFIAny command = of_int(0);
    result = any_of(kTVMFFINone, 0);
    CHECK(TVMFFIFunctionCall(cursor, &command, 1, &result) == 0 &&
          equal(content_of(&result), keys[i]));
    command = of_int(1);
    CHECK(TVMFFIFunctionCall(cursor, &command, 1, &result) == 0 && result.v_int64 == values[i]);
    command = of_int(2);
    CHECK(TVMFFIFunctionCall(cursor, &command, 1, &result) == 0 && result.v_int64 == (i == 0));
  }
  TVMFFIObjectDecRef(cursor);

  args[1] = raw_str("z");
  CHECK(call_global("ffi.MapGetItem", args, 2, &result) == -1 &&
        raised("KeyError", "key is not in Map"));
  TVMFFIObjectHandle missing = object_from("ffi.MapGetItemOrMissing", args, 2);
  TVMFFIObjectHandle sentinel = object_from("ffi.GetInvalidObject", NULL, 0);
  CHECK(missing != NULL && missing == sentinel);
  TVMFFIObjectDecRef(missing);
  TVMFFIObjectDecRef(sentinel);
  TVMFFIObjectDecRef(map);
}

static void c_abi_072_075_the_slots_of_maps(void) {
  TVMFFIAny entries[16], result;
  for (int i = 0; i < 8; ++i) entries[2 * i] = entries[2 * i + 1] = of_int(i);
  for (int32_t n = 1; n <= 8; ++n) {
    TVMFFIObjectHandle map = object_from("ffi.Map", entries, 2 * n);
    const uint64_t slots = slots_of(map), small = (uint64_t)1 << 63;
    if (n <= 4) CHECK(slots == (small | (n <= 2 ? 2 : 4)));
    if (n == 5) CHECK(slots == 8);
    if (n == 8) CHECK(slots == 16);
    TVMFFIObjectDecRef(map);
  }
  CHECK(call_global("ffi.Map", entries, 3, &result) == -1 && raised("InternalError", ""));
}

static void c_abi_073_076_dicts_grow_in_place(void) {
  TVMFFIObjectHandle dict = object_from("ffi.Dict", NULL, 0);
  TVMFFIAny args[3] = {view_of(dict), of_int(0), of_int(0)}, result;
  for (int64_t i = 0; i < 20; ++i) {
    args[1] = args[2] = of_int(i);
    CHECK(call_global("ffi.DictSetItem", args, 3, &result) == 0);
  }
  CHECK(((const uint64_t*)cell_of(dict))[1] == 20 && slots_of(dict) == 0x20);
  CHECK(((TVMFFIObject*)dict)->type_index == 76);
  args[1] = of_int(77);
  CHECK(call_global("ffi.DictErase", args, 2, &result) == 0);
  CHECK(int_from("ffi.DictSize", args, 1) == 20);
  TVMFFIObjectDecRef(dict);
}

static void c_abi_077_shapes(void) {
  TVMFFIObjectHandle shape = object_from("ffi.Shape", NULL, 0);
  CHECK(((const TVMFFIShapeCell*)cell_of(shape))->size == 0);
  TVMFFIObjectDecRef(shape);
  TVMFFIAny text = raw_str("x"), result;
  CHECK(call_global("ffi.Shape", &text, 1, &result) == -1);
  CHECK(raised("ValueError", "Expect shape to take list of int arguments"));
}

const CItem kContainerItems[] = {
    ITEM(c_abi_065_066_arrays),
    ITEM(c_abi_067_068_069_lists),
    ITEM(c_abi_070_071_maps),
    ITEM(c_abi_072_075_the_slots_of_maps),
    ITEM(c_abi_073_076_dicts_grow_in_place),
    ITEM(c_abi_077_shapes),
    {NULL, NULL},
};
