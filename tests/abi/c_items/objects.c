#include <pthread.h>

#include "c_items.h"

#define WEAK_ONE ((uint64_t)1 << 32)

static int deleter_calls;
static void* deleted_handle;

static void CountDeleter(void* handle) {
  ++deleter_calls;
  deleted_handle = handle;
}

static TVMFFIObject* NewOpaque(void) {
  deleter_calls = 0;
  deleted_handle = NULL;
  return MakeOpaque((void*)0x77, CountDeleter);
}

static void c_abi_007_version(void) {
  TVMFFIVersion version = {99, 99, 99};
  TVMFFIGetVersion(&version);
  CHECK(version.major == TVM_FFI_VERSION_MAJOR);
  CHECK(version.minor == TVM_FFI_VERSION_MINOR);
  CHECK(version.patch == TVM_FFI_VERSION_PATCH);
}

static void c_abi_008_create_opaque(void) {
  TVMFFIObject* object = NewOpaque();
  CHECK(object->type_index == 74);
  CHECK(object->combined_ref_count == 0x100000001);
  CHECK(((TVMFFIOpaqueObjectCell*)Body(object))->handle == (void*)0x77);
  CHECK(TVMFFIObjectDecRef(object) == 0);
}

static void c_abi_009_last_reference_deletes(void) {
  TVMFFIObject* object = NewOpaque();
  CHECK(TVMFFIObjectIncRef(object) == 0);
  CHECK(TVMFFIObjectDecRef(object) == 0);
  CHECK(deleter_calls == 0);
  CHECK(TVMFFIObjectDecRef(object) == 0);
  CHECK(deleter_calls == 1);
  CHECK(deleted_handle == (void*)0x77);
}

static void c_abi_010_only_opaque_py_object(void) {
  TVMFFIObjectHandle object = NULL;
  deleter_calls = 0;
  CHECK_RAISED(TVMFFIObjectCreateOpaque((void*)0x77, kTVMFFITensor, CountDeleter, &object),
               "RuntimeError", "Only kTVMFFIOpaquePyObject is supported for now");
  CHECK(deleter_calls == 0);
}

static void c_abi_011_dec_ref_null(void) { CHECK(TVMFFIObjectDecRef(NULL) == 0); }

static void c_abi_012_weak_reference_keeps_memory(void) {
  TVMFFIObject* object = NewOpaque();
  object->combined_ref_count += WEAK_ONE;
  CHECK(TVMFFIObjectDecRef(object) == 0);
  CHECK(deleter_calls == 1);
  CHECK(object->combined_ref_count == WEAK_ONE);
  object->deleter(object, kTVMFFIObjectDeleterFlagBitMaskWeak);
  CHECK(deleter_calls == 1);
}

static int flags_seen;
static int flag_calls;
static void (*original_deleter)(void* self, int flags);

static void NoteFlags(void* self, int flags) {
  flags_seen = flags;
  ++flag_calls;
  original_deleter(self, flags);
}

static void c_abi_013_both_flags_at_once(void) {
  TVMFFIObject* object = NewOpaque();
  original_deleter = object->deleter;
  object->deleter = NoteFlags;
  flag_calls = 0;
  CHECK(TVMFFIObjectDecRef(object) == 0);
  CHECK(flag_calls == 1);
  CHECK(flags_seen == kTVMFFIObjectDeleterFlagBitMaskBoth);
  CHECK(deleter_calls == 1);
}

static void* ChurnReferences(void* object) {
  for (int i = 0; i < 200000; ++i) {
    TVMFFIObjectIncRef(object);
    TVMFFIObjectDecRef(object);
  }
  return NULL;
}

static void c_abi_014_counts_are_atomic(void) {
  TVMFFIObject* object = NewOpaque();
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) {
    CHECK(pthread_create(&threads[i], NULL, ChurnReferences, object) == 0);
  }
  for (int i = 0; i < 4; ++i) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  CHECK(object->combined_ref_count == 0x100000001);
  CHECK(deleter_calls == 0);
  TVMFFIObjectDecRef(object);
}

C_ITEMS(kObjectItems, C_ITEM(c_abi_007_version), C_ITEM(c_abi_008_create_opaque),
        C_ITEM(c_abi_009_last_reference_deletes), C_ITEM(c_abi_010_only_opaque_py_object),
        C_ITEM(c_abi_011_dec_ref_null), C_ITEM(c_abi_012_weak_reference_keeps_memory),
        C_ITEM(c_abi_013_both_flags_at_once), C_ITEM(c_abi_014_counts_are_atomic));
