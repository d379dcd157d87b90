#include "support.h"

static int deletions;
static void* deleted;
static void count_deletion(void* handle) {
  ++deletions;
  deleted = handle;
}

static TVMFFIObjectHandle new_opaque(void) {
  TVMFFIObjectHandle object = NULL;
  deletions = 0;
  CHECK(TVMFFIObjectCreateOpaque((void*)0x77, kTVMFFIOpaquePyObject, count_deletion, &object) == 0);
  return object;
}

static void c_abi_007_the_version_is_the_headers(void) {
  TVMFFIVersion version = {9, 9, 9};
  TVMFFIGetVersion(&version);
  CHECK(version.major == TVM_FFI_VERSION_MAJOR);
  CHECK(version.minor == TVM_FFI_VERSION_MINOR);
  CHECK(version.patch == TVM_FFI_VERSION_PATCH);
}

static void c_abi_008_an_opaque_object_starts_with_one_reference(void) {
  TVMFFIObject* object = new_opaque();
  CHECK(object->type_index == 74);
  CHECK(object->combined_ref_count == 0x100000001u);
  CHECK(((TVMFFIOpaqueObjectCell*)cell_of(object))->handle == (void*)0x77);
  TVMFFIObjectDecRef(object);
}

static void c_abi_009_the_deleter_runs_at_the_last_dec_ref(void) {
  TVMFFIObjectHandle object = new_opaque();
  CHECK(TVMFFIObjectIncRef(object) == 0);
  CHECK(TVMFFIObjectDecRef(object) == 0 && deletions == 0);
  CHECK(TVMFFIObjectDecRef(object) == 0 && deletions == 1);
  CHECK(deleted == (void*)0x77);
}

static void c_abi_010_opaque_refuses_other_types(void) {
  TVMFFIObjectHandle object = NULL;
  deletions = 0;
  CHECK(TVMFFIObjectCreateOpaque((void*)0x77, 70, count_deletion, &object) == -1);
  CHECK(raised("RuntimeError", "Only kTVMFFIOpaquePyObject is supported for now"));
  CHECK(deletions == 0);
}

static void c_abi_011_dec_ref_of_null_succeeds(void) { CHECK(TVMFFIObjectDecRef(NULL) == 0); }

static void c_abi_012_a_weak_reference_keeps_the_memory(void) {
  TVMFFIObject* object = new_opaque();
  object->combined_ref_count += (uint64_t)1 << 32;
  TVMFFIObjectDecRef(object);
  CHECK(deletions == 1);
  CHECK(object->combined_ref_count == 0x100000000u);
  object->deleter(object, 2);
  CHECK(deletions == 1);
}

static int seen_flags;
static void keep_flags(void* self, int flags) {
  (void)self;
  seen_flags = 10 * seen_flags + flags;
}

static void c_abi_013_the_deleter_runs_once_with_both_flags(void) {
  TVMFFIObject object = {.combined_ref_count = 0x100000001u, .type_index = 64};
  object.deleter = keep_flags;
  seen_flags = 0;
  TVMFFIObjectDecRef(&object);
  CHECK(seen_flags == 3);
}

const CItem kObjectItems[] = {
    ITEM(c_abi_007_the_version_is_the_headers),
    ITEM(c_abi_008_an_opaque_object_starts_with_one_reference),
    ITEM(c_abi_009_the_deleter_runs_at_the_last_dec_ref),
    ITEM(c_abi_010_opaque_refuses_other_types),
    ITEM(c_abi_011_dec_ref_of_null_succeeds),
    ITEM(c_abi_012_a_weak_reference_keeps_the_memory),
    ITEM(c_abi_013_the_deleter_runs_once_with_both_flags),
    {NULL, NULL},
};
