#include "support.h"

static int deletions;
static void count_deletion(DLManagedTensorVersioned* self) {
  (void)self;
  ++deletions;
}

static float data[80];
static int64_t shape[2];
static int64_t strides[2];

static DLManagedTensorVersioned source_of(int64_t rows, int64_t columns, bool with_strides) {
  DLManagedTensorVersioned source;
  memset(&source, 0, sizeof(source));
  source.version.major = DLPACK_MAJOR_VERSION;
  source.version.minor = DLPACK_MINOR_VERSION;
  source.deleter = count_deletion;
  source.dl_tensor.data = data;
  source.dl_tensor.device.device_type = kDLCPU;
  source.dl_tensor.ndim = 2;
  source.dl_tensor.dtype = (DLDataType){kDLFloat, 32, 1};
  shape[0] = rows, shape[1] = columns;
  source.dl_tensor.shape = shape;
  source.dl_tensor.strides = with_strides ? strides : NULL;
  deletions = 0;
  return source;
}

static void c_abi_079_imports_compute_strides(void) {
  DLManagedTensorVersioned source = source_of(2, 3, false);
  TVMFFIObjectHandle tensor = NULL;
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 0, &tensor) == 0);
  const DLTensor* view = (const DLTensor*)cell_of(tensor);
  CHECK(view->strides[0] == 3 && view->strides[1] == 1);
  CHECK(view->shape == shape && view->data == data);
  TVMFFIObjectDecRef(tensor);
  CHECK(deletions == 1);
}

static void c_abi_080_081_exports_hold_the_tensor(void) {
  DLManagedTensorVersioned source = source_of(2, 3, false), *versioned = NULL;
  DLManagedTensor* plain = NULL;
  TVMFFIObjectHandle tensor = NULL;
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 0, &tensor) == 0);
  CHECK(TVMFFITensorToDLPackVersioned(tensor, &versioned) == 0);
  CHECK(versioned->version.major == 1 && versioned->version.minor == 3 && versioned->flags == 0);
  CHECK(versioned->manager_ctx == tensor && strong_count(tensor) == 2);
  CHECK(TVMFFITensorToDLPack(tensor, &plain) == 0);
  CHECK(plain->manager_ctx == tensor && strong_count(tensor) == 3);
  versioned->deleter(versioned);
  CHECK(strong_count(tensor) == 2);
  TVMFFIObjectDecRef(tensor);
  CHECK(deletions == 0);
  plain->deleter(plain);
  CHECK(deletions == 1);
}

static void c_abi_082_083_084_refused_imports(void) {
  TVMFFIObjectHandle tensor = NULL;
  strides[0] = 1, strides[1] = 2;
  DLManagedTensorVersioned source = source_of(2, 2, true);
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 1, &tensor) == -1);
  CHECK(raised("RuntimeError", "FromDLPack: Tensor is not contiguous."));
  source = source_of(2, 2, false);
  source.dl_tensor.data = (char*)data + 4 + (64 - (uintptr_t)data % 64);
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 64, 0, &tensor) == -1);
  CHECK(raised("RuntimeError", "FromDLPack: Data is not aligned to 64 bytes."));
  source.flags = DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 0, &tensor) == -1);
  CHECK(raised("RuntimeError", "Subbyte type padded is not yet supported"));
  CHECK(deletions == 0);
  source = source_of(2, 2, false);
  source.deleter = NULL;
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 0, &tensor) == 0);
  TVMFFIObjectDecRef(tensor);
}

static void c_abi_085_086_what_counts_as_contiguous(void) {
  TVMFFIObjectHandle tensor = NULL;
  strides[0] = 17, strides[1] = 13;
  DLManagedTensorVersioned source = source_of(0, 5, true);
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 1, &tensor) == 0);
  TVMFFIObjectDecRef(tensor);
  strides[0] = 77, strides[1] = 1;
  source = source_of(1, 3, true);
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 1, &tensor) == 0);
  TVMFFIObjectDecRef(tensor);
  source = source_of(1, 1, false);
  source.dl_tensor.ndim = 0;
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 1, &tensor) == 0);
  CHECK(((const DLTensor*)cell_of(tensor))->strides == NULL);
  TVMFFIObjectDecRef(tensor);
}

static void c_abi_087_views(void) {
  DLManagedTensorVersioned source = source_of(2, 3, false);
  TVMFFIObjectHandle tensor = NULL, view = NULL;
  CHECK(TVMFFITensorFromDLPackVersioned(&source, 0, 0, &tensor) == 0);
  int64_t view_shape[1] = {6}, view_strides[1] = {1};
  DLTensor prototype = *(const DLTensor*)cell_of(tensor);
  prototype.ndim = 1;
  prototype.shape = view_shape;
  prototype.strides = NULL;
  CHECK(TVMFFITensorCreateUnsafeView(tensor, &prototype, &view) == -1);
  CHECK(raised("InternalError", "Check not null: prototype.strides"));
  prototype.strides = view_strides;
  CHECK(TVMFFITensorCreateUnsafeView(tensor, &prototype, &view) == 0 && strong_count(tensor) == 2);
  const DLTensor* seen = (const DLTensor*)cell_of(view);
  CHECK(seen->shape != view_shape && seen->shape[0] == 6);
  TVMFFIObjectDecRef(view);
  CHECK(strong_count(tensor) == 1);
  TVMFFIObjectDecRef(tensor);
}

const CItem kTensorItems[] = {
    ITEM(c_abi_079_imports_compute_strides),
    ITEM(c_abi_080_081_exports_hold_the_tensor),
    ITEM(c_abi_082_083_084_refused_imports),
    ITEM(c_abi_085_086_what_counts_as_contiguous),
    ITEM(c_abi_087_views),
    {NULL, NULL},
};
