#include "c_items.h"

/* Follows the header of ffi.Map and ffi.Dict. */
typedef struct {
  void* data;
  uint64_t size;
  uint64_t slots;
  void (*data_deleter)(void* data);
} MapCell;

static const TVMFFIAny* Elements(const TVMFFISeqCell* cell) { return cell->data; }

static TVMFFIAny NewIntMap(const char* kind, int count) {
  TVMFFIAny args[64];
  for (int i = 0; i < count; ++i) {
    args[2 * i] = Int(i);
    args[2 * i + 1] = Int(i * i);
  }
  return CallOk(kind, args, 2 * count);
}

static TVMFFIAny CallFunction(const TVMFFIAny* function, int64_t arg) {
  TVMFFIAny argument = Int(arg);
  TVMFFIAny result = None();
  CHECK(TVMFFIFunctionCall(function->v_obj, &argument, 1, &result) == 0);
  return result;
}

static void c_abi_065_arrays_are_in_place(void) {
  TVMFFIAny array =
      CallOk("ffi.Array", ARGS(Int(1), RawStr("abc"), RawStr("longer string"), None()));
  const TVMFFISeqCell* cell = Body(array.v_obj);
  CHECK(cell->size == 4 && cell->capacity == 4);
  CHECK(cell->data == (char*)array.v_obj + 56);
  CHECK(cell->data_deleter == NULL);
  const int32_t kTypes[] = {1, 11, 65, 0};
  for (int i = 0; i < 4; ++i) {
    CHECK(Elements(cell)[i].type_index == kTypes[i]);
  }
  Release(&array);
  array = CallOk("ffi.Array", NULL, 0);
  cell = Body(array.v_obj);
  CHECK(cell->size == 0 && cell->capacity == 0);
  Release(&array);
}

static void c_abi_066_array_indices_are_checked(void) {
  TVMFFIAny array = CallOk("ffi.Array", ARGS(Int(1), Int(2), Int(3), Int(4)));
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.ArrayGetItem", ARGS(array, Int(4)), &result), "IndexError",
               "Index 4 out of bounds 4");
  CHECK_RAISED(CallGlobal("ffi.ArrayGetItem", ARGS(array, Int(-1)), &result), "IndexError",
               "Index -1 out of bounds 4");
  Release(&array);
}

static void c_abi_067_lists_are_outside(void) {
  TVMFFIAny list = CallOk("ffi.List", ARGS(Int(1), Int(2), Int(3)));
  const TVMFFISeqCell* cell = Body(list.v_obj);
  CHECK(cell->size == 3 && cell->capacity >= 3);
  CHECK(cell->data != (char*)list.v_obj + 56 && cell->data_deleter != NULL);
  CHECK(Elements(cell)[2].v_int64 == 3);
  Release(&list);
  list = CallOk("ffi.List", NULL, 0);
  cell = Body(list.v_obj);
  CHECK(cell->size == 0 && cell->capacity == 4 && cell->data_deleter != NULL);
  Release(&list);
}

static void c_abi_068_list_pop_and_set(void) {
  TVMFFIAny list = CallOk("ffi.List", ARGS(Int(5), Int(6)));
  CHECK(CallOk("ffi.ListPop", ARGS(list, Int(0))).v_int64 == 5);
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.ListPop", ARGS(list, Int(-1)), &result), "IndexError", "-1");
  CHECK_RAISED(CallGlobal("ffi.ListSetItem", ARGS(list, Int(10), Int(1)), &result), "IndexError",
               "10");
  Release(&list);
}

static void c_abi_069_array_and_list_are_distinct(void) {
  TVMFFIAny array = CallOk("ffi.Array", NULL, 0);
  TVMFFIAny list = CallOk("ffi.List", NULL, 0);
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.ArraySize", ARGS(list), &result), "TypeError", "but got `ffi.List`");
  CHECK_RAISED(CallGlobal("ffi.ListSize", ARGS(array), &result), "TypeError",
               "but got `ffi.Array`");
  Release(&array);
  Release(&list);
}

static void c_abi_070_map_order_and_iteration(void) {
  TVMFFIAny map =
      CallOk("ffi.Map", ARGS(RawStr("a"), Int(1), RawStr("b"), Int(2), RawStr("a"), Int(3)));
  CHECK(CallOk("ffi.MapSize", ARGS(map)).v_int64 == 2);
  CHECK(CallOk("ffi.MapGetItem", ARGS(map, RawStr("a"))).v_int64 == 3);
  TVMFFIAny iterator = CallOk("ffi.MapForwardIterFunctor", ARGS(map));
  TVMFFIAny key = CallFunction(&iterator, 0);
  CHECK(SameText(ContentOf(&key), "a"));
  CHECK(CallFunction(&iterator, 1).v_int64 == 3);
  CHECK(CallFunction(&iterator, 2).v_int64 != 0);
  key = CallFunction(&iterator, 0);
  CHECK(SameText(ContentOf(&key), "b"));
  CHECK(CallFunction(&iterator, 1).v_int64 == 2);
  CHECK(CallFunction(&iterator, 2).v_int64 == 0);
  Release(&iterator);
  Release(&map);
}

static void c_abi_071_missing_map_keys(void) {
  TVMFFIAny map = CallOk("ffi.Map", NULL, 0);
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.MapGetItem", ARGS(map, Int(1)), &result), "KeyError",
               "key is not in Map");
  TVMFFIAny missing = CallOk("ffi.MapGetItemOrMissing", ARGS(map, Int(1)));
  TVMFFIAny sentinel = CallOk("ffi.GetInvalidObject", NULL, 0);
  CHECK(missing.v_obj == sentinel.v_obj);
  Release(&missing);
  Release(&sentinel);
  Release(&map);
}

static void c_abi_072_map_slots(void) {
  static const struct {
    int count;
    uint64_t slots;
  } kCases[] = {
      {0, 0x8000000000000002},
      {1, 0x8000000000000002},
      {2, 0x8000000000000002},
      {3, 0x8000000000000004},
      {4, 0x8000000000000004},
      {5, 8},
      {8, 16},
  };
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    TVMFFIAny map = NewIntMap("ffi.Map", kCases[i].count);
    const MapCell* cell = Body(map.v_obj);
    CHECK(cell->slots == kCases[i].slots);
    CHECK(cell->size == (uint64_t)kCases[i].count);
    Release(&map);
  }
}

static void c_abi_073_dicts_grow_in_place(void) {
  TVMFFIAny dict = CallOk("ffi.Dict", NULL, 0);
  for (int i = 0; i < 20; ++i) {
    CallOk("ffi.DictSetItem", ARGS(dict, Int(i), Int(i * i)));
  }
  const MapCell* cell = Body(dict.v_obj);
  CHECK(dict.v_obj->type_index == 76);
  CHECK(cell->size == 20 && cell->slots == 0x20);
  CHECK(CallOk("ffi.DictGetItem", ARGS(dict, Int(19))).v_int64 == 361);
  Release(&dict);
}

static void c_abi_075_odd_map_arguments(void) {
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.Map", ARGS(Int(1)), &result), "InternalError", "");
}

static void c_abi_076_erasing_a_missing_key(void) {
  TVMFFIAny dict = CallOk("ffi.Dict", ARGS(Int(1), Int(2)));
  CallOk("ffi.DictErase", ARGS(dict, Int(7)));
  CHECK(CallOk("ffi.DictSize", ARGS(dict)).v_int64 == 1);
  Release(&dict);
}

static void c_abi_077_shapes(void) {
  TVMFFIAny shape = CallOk("ffi.Shape", NULL, 0);
  CHECK(((TVMFFIShapeCell*)Body(shape.v_obj))->size == 0);
  Release(&shape);
  TVMFFIAny result = None();
  CHECK_RAISED(CallGlobal("ffi.Shape", ARGS(RawStr("x")), &result), "ValueError", "");
}

C_ITEMS(kContainerItems, C_ITEM(c_abi_065_arrays_are_in_place),
        C_ITEM(c_abi_066_array_indices_are_checked), C_ITEM(c_abi_067_lists_are_outside),
        C_ITEM(c_abi_068_list_pop_and_set), C_ITEM(c_abi_069_array_and_list_are_distinct),
        C_ITEM(c_abi_070_map_order_and_iteration), C_ITEM(c_abi_071_missing_map_keys),
        C_ITEM(c_abi_072_map_slots), C_ITEM(c_abi_073_dicts_grow_in_place),
        C_ITEM(c_abi_075_odd_map_arguments), C_ITEM(c_abi_076_erasing_a_missing_key),
        C_ITEM(c_abi_077_shapes));
