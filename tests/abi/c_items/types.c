#include "c_items.h"

static int32_t NewType(const char* key, int32_t depth, int32_t slots, int32_t parent) {
  const TVMFFIByteArray bytes = Bytes(key);
  return TVMFFITypeGetOrAllocIndex(&bytes, -1, depth, slots, 1, parent);
}

static void c_abi_053_type_keys(void) {
  int32_t index = -7;
  TVMFFIByteArray key = Bytes("ffi.Tensor");
  CHECK(TVMFFITypeKeyToIndex(&key, &index) == 0 && index == 70);
  key = Bytes("ffi.SmallStr");
  CHECK(TVMFFITypeKeyToIndex(&key, &index) == 0 && index == 11);
  key = Bytes("nope.T");
  CHECK_RAISED(TVMFFITypeKeyToIndex(&key, &index), "InternalError", "Cannot find type `nope.T`");
  CHECK(index == 11);
}

static void c_abi_054_builtin_types_round_trip(void) {
  static const struct {
    int32_t index;
    const char* key;
  } kTypes[] = {
      {0, "None"},
      {1, "int"},
      {2, "bool"},
      {3, "float"},
      {4, "void*"},
      {5, "DataType"},
      {6, "Device"},
      {7, "DLTensor*"},
      {8, "const char*"},
      {9, "TVMFFIByteArray*"},
      {10, "ObjectRValueRef"},
      {11, "ffi.SmallStr"},
      {12, "ffi.SmallBytes"},
      {64, "ffi.Object"},
      {65, "ffi.String"},
      {66, "ffi.Bytes"},
      {67, "ffi.Error"},
      {68, "ffi.Function"},
      {69, "ffi.Shape"},
      {70, "ffi.Tensor"},
      {71, "ffi.Array"},
      {72, "ffi.Map"},
      {73, "ffi.Module"},
      {74, "ffi.OpaquePyObject"},
      {75, "ffi.List"},
      {76, "ffi.Dict"},
  };
  for (size_t i = 0; i < sizeof(kTypes) / sizeof(kTypes[0]); ++i) {
    const TVMFFIByteArray key = Bytes(kTypes[i].key);
    int32_t index = -7;
    CHECK(TVMFFITypeKeyToIndex(&key, &index) == 0 && index == kTypes[i].index);
    CHECK(SameText(TVMFFIGetTypeInfo(kTypes[i].index)->type_key, kTypes[i].key));
  }
}

static void c_abi_055_dynamic_types(void) {
  const int32_t index = NewType("c_items.Dynamic", 1, 0, kTVMFFIObject);
  CHECK(index >= 128);
  CHECK(NewType("c_items.Dynamic", 1, 0, kTVMFFIObject) == index);
}

static void c_abi_056_child_slots(void) {
  const int32_t parent = NewType("c_items.Parent", 1, 3, kTVMFFIObject);
  CHECK(NewType("c_items.Child1", 2, 0, parent) == parent + 1);
  CHECK(NewType("c_items.Child2", 2, 0, parent) == parent + 2);
  CHECK(NewType("c_items.Child3", 2, 0, parent) == parent + 3);
  const int32_t fourth = NewType("c_items.Child4", 2, 0, parent);
  CHECK(fourth > parent + 3 || fourth < parent);
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(fourth);
  CHECK(info->type_depth == 2);
  CHECK(info->type_ancestors[0]->type_index == 64);
  CHECK(info->type_ancestors[1]->type_index == parent);
}

static void c_abi_057_query_mode(void) {
  CHECK(NewType("c_items.Unknown", 1, 0, -2) == -2);
  CHECK(NewType("c_items.Unknown", 1, 0, -2) == -2);
  const int32_t index = NewType("c_items.Known", 1, 0, kTVMFFIObject);
  CHECK(NewType("c_items.Known", 1, 0, -2) == index);
}

static int GetNothing(void* field, TVMFFIAny* result) {
  (void)field;
  *result = None();
  return 0;
}

static void c_abi_060_register_field(void) {
  const int32_t index = NewType("c_items.C1", 1, 0, kTVMFFIObject);
  TVMFFIFieldInfo field;
  memset(&field, 0, sizeof(field));
  field.name = Bytes("x");
  field.size = 8;
  field.alignment = 8;
  field.offset = 24;
  field.getter = GetNothing;
  field.default_value_or_factory = None();
  field.field_static_type_index = kTVMFFIInt;
  CHECK(TVMFFITypeRegisterField(index, &field) == 0);
  CHECK(TVMFFIGetTypeInfo(index)->num_fields == 1);
  CHECK(SameText(TVMFFIGetTypeInfo(index)->fields[0].name, "x"));
  CHECK_RAISED(TVMFFITypeRegisterField(index, &field), "InternalError",
               "Duplicate field name \"x\" in type \"c_items.C1\"");
  CHECK(TVMFFITypeRegisterField(99999, &field) == -1);
  CHECK(TakeRaised());
}

static void c_abi_061_metadata_once(void) {
  const int32_t index = NewType("c_items.C2", 1, 0, kTVMFFIObject);
  TVMFFITypeMetadata metadata;
  memset(&metadata, 0, sizeof(metadata));
  metadata.doc = Bytes("A type.");
  metadata.total_size = 32;
  CHECK(TVMFFITypeRegisterMetadata(index, &metadata) == 0);
  CHECK(TVMFFIGetTypeInfo(index)->metadata->total_size == 32);
  CHECK_RAISED(TVMFFITypeRegisterMetadata(index, &metadata), "RuntimeError",
               "Overriding c_items.C2");
}

static void c_abi_062_attribute_columns(void) {
  const TVMFFIByteArray name = Bytes("__c_items_attr__");
  const TVMFFIByteArray empty_name = Bytes("__c_items_empty__");
  const int32_t index = NewType("c_items.C3", 1, 0, kTVMFFIObject);
  CHECK(TVMFFIGetTypeAttrColumn(&name) == NULL);
  const TVMFFIAny value = Int(42);
  CHECK(TVMFFITypeRegisterAttr(index, &name, &value) == 0);
  const TVMFFITypeAttrColumn* column = TVMFFIGetTypeAttrColumn(&name);
  CHECK(column != NULL && column->begin_index == 0 && column->size == index + 1);
  CHECK(column->data[index].type_index == kTVMFFIInt && column->data[index].v_int64 == 42);
  CHECK_RAISED(TVMFFITypeRegisterAttr(index, &name, &value), "RuntimeError", "__c_items_attr__");
  const TVMFFIAny none = None();
  CHECK(TVMFFITypeRegisterAttr(kTVMFFINone, &empty_name, &none) == 0);
  column = TVMFFIGetTypeAttrColumn(&empty_name);
  CHECK(column != NULL && column->size == 0);
}

static void c_abi_063_columns_present_at_load(void) {
  const TVMFFIByteArray hash = Bytes("__any_hash__");
  const TVMFFIByteArray equal = Bytes("__any_equal__");
  CHECK(TVMFFIGetTypeAttrColumn(&hash) != NULL);
  CHECK(TVMFFIGetTypeAttrColumn(&equal) != NULL);
}

C_ITEMS(kTypeItems, C_ITEM(c_abi_053_type_keys), C_ITEM(c_abi_054_builtin_types_round_trip),
        C_ITEM(c_abi_055_dynamic_types), C_ITEM(c_abi_056_child_slots),
        C_ITEM(c_abi_057_query_mode), C_ITEM(c_abi_060_register_field),
        C_ITEM(c_abi_061_metadata_once), C_ITEM(c_abi_062_attribute_columns),
        C_ITEM(c_abi_063_columns_present_at_load));
