#include <stdalign.h>

#include "c_items.h"

/* A managed tensor over memory of its own; counts its deleter's calls. */
typedef struct {
  alignas(64) float data[64];
  int64_t shape[2];
  int64_t strides[2];
  DLManagedTensorVersioned managed;
  int deleter_calls;
} Source;

static void CountDeleter(DLManagedTensorVersioned* self) {
  ++((Source*)self->manager_ctx)->deleter_calls;
}

static void Init(Source* source, int64_t rows, int64_t columns) {
  memset(source, 0, sizeof(*source));
  source->shape[0] = rows;
  source->shape[1] = columns;
  source->managed.version.major = DLPACK_MAJOR_VERSION;
  source->managed.version.minor = DLPACK_MINOR_VERSION;
  source->managed.manager_ctx = source;
  source->managed.deleter = CountDeleter;
  DLTensor* tensor = &source->managed.dl_tensor;
  tensor->data = source->data;
  tensor->device.device_type = kDLCPU;
  tensor->ndim = 2;
  tensor->dtype.code = kDLFloat;
  tensor->dtype.bits = 32;
  tensor->dtype.lanes = 1;
  tensor->shape = source->shape;
}

static void UseStrides(Source* source, int64_t row, int64_t column) {
  source->strides[0] = row;
  source->strides[1] = column;
  source->managed.dl_tensor.strides = source->strides;
}

static TVMFFIObjectHandle ImportOk(Source* source, int contiguous) {
  TVMFFIObjectHandle tensor = NULL;
  CHECK(TVMFFITensorFromDLPackVersioned(&source->managed, 0, contiguous, &tensor) == 0);
  return tensor;
}

static void c_abi_079_import_without_strides(void) {
  Source source;
  Init(&source, 2, 3);
  TVMFFIObjectHandle tensor = ImportOk(&source, 0);
  const DLTensor* imported = Body(tensor);
  CHECK(imported->strides[0] == 3 && imported->strides[1] == 1);
  CHECK(imported->shape == source.shape);
  CHECK(imported->data == source.data);
  TVMFFIObjectDecRef(tensor);
}

static void c_abi_080_exports_hold_the_tensor(void) {
  Source source;
  Init(&source, 2, 3);
  TVMFFIObjectHandle tensor = ImportOk(&source, 0);
  DLManagedTensorVersioned* versioned = NULL;
  CHECK(TVMFFITensorToDLPackVersioned(tensor, &versioned) == 0);
  CHECK(versioned->version.major == 1 && versioned->version.minor == 3);
  CHECK(versioned->flags == 0);
  CHECK(versioned->manager_ctx == tensor);
  CHECK(StrongCount(tensor) == 2);
  DLManagedTensor* plain = NULL;
  CHECK(TVMFFITensorToDLPack(tensor, &plain) == 0);
  CHECK(plain->manager_ctx == tensor);
  CHECK(StrongCount(tensor) == 3);
  versioned->deleter(versioned);
  plain->deleter(plain);
  CHECK(StrongCount(tensor) == 1);
  TVMFFIObjectDecRef(tensor);
}

static void c_abi_081_source_outlives_exports(void) {
  Source source;
  Init(&source, 2, 3);
  TVMFFIObjectHandle tensor = ImportOk(&source, 0);
  DLManagedTensorVersioned* versioned = NULL;
  CHECK(TVMFFITensorToDLPackVersioned(tensor, &versioned) == 0);
  TVMFFIObjectDecRef(tensor);
  CHECK(source.deleter_calls == 0);
  versioned->deleter(versioned);
  CHECK(source.deleter_calls == 1);
}

static void c_abi_082_contiguity_is_checked(void) {
  Source source;
  Init(&source, 2, 2);
  UseStrides(&source, 1, 2);
  TVMFFIObjectHandle tensor = NULL;
  CHECK_RAISED(TVMFFITensorFromDLPackVersioned(&source.managed, 0, 1, &tensor), "RuntimeError",
               "FromDLPack: Tensor is not contiguous.");
  CHECK(source.deleter_calls == 0);
}

static void c_abi_083_alignment_is_checked(void) {
  Source source;
  Init(&source, 2, 2);
  source.managed.dl_tensor.data = source.data + 1;
  TVMFFIObjectHandle tensor = NULL;
  CHECK_RAISED(TVMFFITensorFromDLPackVersioned(&source.managed, 64, 0, &tensor), "RuntimeError",
               "FromDLPack: Data is not aligned to 64 bytes.");
  CHECK(source.deleter_calls == 0);
}

/* A struct of another major version is refused too, which the published library accepts. */
static void c_abi_084_padded_types_and_null_deleters(void) {
  Source source;
  Init(&source, 2, 2);
  TVMFFIObjectHandle tensor = NULL;
  source.managed.flags = DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
  CHECK_RAISED(TVMFFITensorFromDLPackVersioned(&source.managed, 0, 0, &tensor), "RuntimeError",
               "Subbyte type padded is not yet supported");
  source.managed.flags = 0;
  source.managed.version.major = DLPACK_MAJOR_VERSION + 1;
  CHECK_RAISED(TVMFFITensorFromDLPackVersioned(&source.managed, 0, 0, &tensor), "RuntimeError",
               "major version");
  source.managed.version.major = DLPACK_MAJOR_VERSION;
  source.managed.deleter = NULL;
  TVMFFIObjectDecRef(ImportOk(&source, 0));
}

static void c_abi_085_empty_and_unit_extents_are_contiguous(void) {
  Source source;
  Init(&source, 0, 5);
  UseStrides(&source, 99, 77);
  TVMFFIObjectDecRef(ImportOk(&source, 1));
  Init(&source, 1, 3);
  UseStrides(&source, 77, 1);
  TVMFFIObjectDecRef(ImportOk(&source, 1));
}

static void c_abi_086_scalars(void) {
  Source source;
  Init(&source, 0, 0);
  source.managed.dl_tensor.ndim = 0;
  source.managed.dl_tensor.shape = NULL;
  TVMFFIObjectHandle tensor = ImportOk(&source, 1);
  CHECK(((DLTensor*)Body(tensor))->strides == NULL);
  TVMFFIObjectDecRef(tensor);
}

static void c_abi_087_views(void) {
  Source source;
  Init(&source, 2, 3);
  TVMFFIObjectHandle tensor = ImportOk(&source, 0);
  UseStrides(&source, 3, 1);
  DLTensor prototype = source.managed.dl_tensor;
  TVMFFIObjectHandle view = NULL;
  CHECK(TVMFFITensorCreateUnsafeView(tensor, &prototype, &view) == 0);
  const DLTensor* viewed = Body(view);
  CHECK(viewed->shape != source.shape && viewed->shape[1] == 3);
  CHECK(StrongCount(tensor) == 2);
  TVMFFIObjectDecRef(view);
  CHECK(StrongCount(tensor) == 1);
  prototype.strides = NULL;
  CHECK_RAISED(TVMFFITensorCreateUnsafeView(tensor, &prototype, &view), "InternalError",
               "Check not null: prototype.strides");
  TVMFFIObjectDecRef(tensor);
}

C_ITEMS(kTensorItems, C_ITEM(c_abi_079_import_without_strides),
        C_ITEM(c_abi_080_exports_hold_the_tensor), C_ITEM(c_abi_081_source_outlives_exports),
        C_ITEM(c_abi_082_contiguity_is_checked), C_ITEM(c_abi_083_alignment_is_checked),
        C_ITEM(c_abi_084_padded_types_and_null_deleters),
        C_ITEM(c_abi_085_empty_and_unit_extents_are_contiguous), C_ITEM(c_abi_086_scalars),
        C_ITEM(c_abi_087_views));
