#include "support.h"

static int32_t type_of(const char* key, int32_t parent, int32_t depth, int32_t slots) {
  const TVMFFIByteArray bytes = bytes_of(key);
  return TVMFFITypeGetOrAllocIndex(&bytes, -1, depth, slots, 1, parent);
}

static int32_t index_of(const char* key) {
  const TVMFFIByteArray bytes = bytes_of(key);
  int32_t index = -77;
  return TVMFFITypeKeyToIndex(&bytes, &index) == 0 ? index : -77;
}

static void c_abi_053_054_keys_and_indices(void) {
  CHECK(index_of("ffi.Tensor") == 70 && index_of("ffi.SmallStr") == 11);
  CHECK(index_of("nope.T") == -77 && raised("InternalError", "Cannot find type `nope.T`"));
  static const char* const keys[] = {"None",
                                     "int",
                                     "bool",
                                     "float",
                                     "void*",
                                     "DataType",
                                     "Device",
                                     "DLTensor*",
                                     "const char*",
                                     "TVMFFIByteArray*",
                                     "ObjectRValueRef",
                                     "ffi.SmallStr",
                                     "ffi.SmallBytes"};
  static const char* const objects[] = {
      "ffi.Object",         "ffi.String", "ffi.Bytes", "ffi.Error",         "ffi.Function",
      "ffi.Shape",          "ffi.Tensor", "ffi.Array", "ffi.Map",           "ffi.Module",
      "ffi.OpaquePyObject", "ffi.List",   "ffi.Dict",  "ffi.VisitInterrupt"};
  for (int32_t i = 0; i < COUNT(keys); ++i) {
    CHECK(index_of(keys[i]) == i && equal(TVMFFIGetTypeInfo(i)->type_key, keys[i]));
  }
  for (int32_t i = 0; i < COUNT(objects); ++i) {
    CHECK(index_of(objects[i]) == 64 + i && equal(TVMFFIGetTypeInfo(64 + i)->type_key, objects[i]));
  }
}

static void c_abi_055_057_dynamic_types(void) {
  CHECK(type_of("c_items.unknown", -2, 1, 0) == -2);
  const int32_t index = type_of("c_items.new", kTVMFFIObject, 1, 0);
  CHECK(index >= 128 && type_of("c_items.new", kTVMFFIObject, 1, 0) == index);
  CHECK(type_of("c_items.new", -2, 1, 0) == index);
}

static void c_abi_056_child_slots(void) {
  const int32_t parent = type_of("c_items.parent", kTVMFFIObject, 1, 3);
  CHECK(type_of("c_items.child1", parent, 2, 0) == parent + 1);
  CHECK(type_of("c_items.child2", parent, 2, 0) == parent + 2);
  CHECK(type_of("c_items.child3", parent, 2, 0) == parent + 3);
  const int32_t fourth = type_of("c_items.child4", parent, 2, 0);
  CHECK(fourth > parent + 3);
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(fourth);
  CHECK(info->type_depth == 2);
  CHECK(info->type_ancestors[0]->type_index == 64 && info->type_ancestors[1]->type_index == parent);
}

static int get_none(void* field, TVMFFIAny* result) {
  (void)field;
  *result = any_of(kTVMFFINone, 0);
  return 0;
}

static void c_abi_060_fields_are_unique(void) {
  const int32_t type = type_of("c_items.fields", kTVMFFIObject, 1, 0);
  TVMFFIFieldInfo field;
  memset(&field, 0, sizeof(field));
  field.name = bytes_of("x");
  field.getter = get_none;
  CHECK(TVMFFITypeRegisterField(type, &field) == 0 && TVMFFIGetTypeInfo(type)->num_fields == 1);
  CHECK(TVMFFITypeRegisterField(type, &field) == -1);
  CHECK(raised("InternalError", "Duplicate field name \"x\" in type \"c_items.fields\""));
  CHECK(TVMFFITypeRegisterField(99999, &field) == -1 && raised("InternalError", "99999"));
}

static void c_abi_061_metadata_is_set_once(void) {
  const int32_t type = type_of("c_items.metadata", kTVMFFIObject, 1, 0);
  TVMFFITypeMetadata metadata;
  memset(&metadata, 0, sizeof(metadata));
  metadata.total_size = 48;
  CHECK(TVMFFITypeRegisterMetadata(type, &metadata) == 0);
  CHECK(TVMFFIGetTypeInfo(type)->metadata->total_size == 48);
  CHECK(TVMFFITypeRegisterMetadata(type, &metadata) == -1);
  CHECK(raised("RuntimeError", "Overriding c_items.metadata"));
}

static void c_abi_062_063_attribute_columns(void) {
  const TVMFFIByteArray name = bytes_of("c_items.attr"), empty = bytes_of("c_items.empty_attr");
  const int32_t type = type_of("c_items.attributed", kTVMFFIObject, 1, 0);
  const TVMFFIAny value = any_of(kTVMFFIInt, 5), none = any_of(kTVMFFINone, 0);
  CHECK(TVMFFIGetTypeAttrColumn(&name) == NULL);
  CHECK(TVMFFITypeRegisterAttr(type, &name, &value) == 0);
  const TVMFFITypeAttrColumn* column = TVMFFIGetTypeAttrColumn(&name);
  CHECK(column->begin_index == 0 && column->size == type + 1 && column->data[type].v_int64 == 5);
  CHECK(TVMFFITypeRegisterAttr(type, &name, &value) == -1 &&
        raised("RuntimeError", "already registered"));
  CHECK(TVMFFITypeRegisterAttr(0, &empty, &none) == 0);
  CHECK(TVMFFIGetTypeAttrColumn(&empty)->size == 0);
  const TVMFFIByteArray hash = bytes_of("__any_hash__"), equality = bytes_of("__any_equal__");
  CHECK(TVMFFIGetTypeAttrColumn(&hash) != NULL && TVMFFIGetTypeAttrColumn(&equality) != NULL);
}

static void c_abi_064_modules_reflect_their_imports(void) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(kTVMFFIModule);
  CHECK(info->num_fields == 1 && equal(info->fields[0].name, "imports_"));
  CHECK(info->fields[0].offset == 24 && info->fields[0].size == 8);
  CHECK(info->fields[0].field_static_type_index == 71);
}

const CItem kTypeItems[] = {
    ITEM(c_abi_053_054_keys_and_indices),
    ITEM(c_abi_055_057_dynamic_types),
    ITEM(c_abi_056_child_slots),
    ITEM(c_abi_060_fields_are_unique),
    ITEM(c_abi_061_metadata_is_set_once),
    ITEM(c_abi_062_063_attribute_columns),
    ITEM(c_abi_064_modules_reflect_their_imports),
    {NULL, NULL},
};
