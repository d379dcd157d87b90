// Tensors over DLPack memory.
#include <tvm/ffi/c_api.h>

#include <algorithm>
#include <memory>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"

namespace tvmffi::core {
namespace {

// What a Tensor made here keeps alive.
struct Keeper {
  void* owner;
  void (*release)(void* owner);
};

struct TensorObject {
  TVMFFIObject header;
  DLTensor tensor;
  Keeper keeper;
  // DLPACK_FLAG_BITMASK_READ_ONLY or 0, given on when the tensor is exported.
  uint64_t flags;

  ~TensorObject() { keeper.release(keeper.owner); }

  int64_t* trailing() { return reinterpret_cast<int64_t*>(this + 1); }
};

template <typename Managed>
void ReleaseManaged(void* owner) {
  auto* managed = static_cast<Managed*>(owner);
  if (managed->deleter != nullptr) managed->deleter(managed);
}

// What must hold before an extent is looked at.
void CheckExtents(const DLTensor& tensor) {
  if (tensor.ndim < 0) {
    throw Failure("ValueError",
                  "a tensor cannot have " + std::to_string(tensor.ndim) + " dimensions");
  }
  if (tensor.ndim > 0) NotNull(tensor.shape, "DLTensor: shape");
}

void RequireTensor(TVMFFIObjectHandle handle, const char* what) {
  const int32_t index = NotNull(static_cast<TVMFFIObject*>(handle), what).type_index;
  if (index != kTVMFFITensor) {
    throw Failure("TypeError", std::string(what) + ": expected `ffi.Tensor`, type index " +
                                   std::to_string(kTVMFFITensor) + ", but got type index " +
                                   std::to_string(index));
  }
}

bool IsContiguous(const DLTensor& tensor) {
  if (tensor.strides == nullptr) return true;
  for (int32_t i = 0; i < tensor.ndim; ++i) {
    if (tensor.shape[i] == 0) return true;
  }
  int64_t expected = 1;
  for (int32_t i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] == 1) continue;
    if (tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

// Whether `data` is an address that arithmetic may be done on.
bool HasDirectAddress(const DLDevice& device) {
  switch (device.device_type) {
    case kDLCPU:
    case kDLCUDA:
    case kDLCUDAHost:
    case kDLROCM:
    case kDLROCMHost:
    case kDLCUDAManaged:
      return true;
    default:
      return false;
  }
}

bool IsAligned(const DLTensor& tensor, int32_t alignment) {
  uint64_t address = tensor.byte_offset;
  if (HasDirectAddress(tensor.device)) address += reinterpret_cast<uintptr_t>(tensor.data);
  return address % static_cast<uint64_t>(alignment) == 0;
}

void CheckImport(const DLTensor& tensor, int32_t require_alignment, int32_t require_contiguous) {
  CheckExtents(tensor);
  if (require_alignment > 0 && !IsAligned(tensor, require_alignment)) {
    throw Failure("RuntimeError", "FromDLPack: Data is not aligned to " +
                                      std::to_string(require_alignment) + " bytes.");
  }
  if (require_contiguous != 0 && !IsContiguous(tensor)) {
    throw Failure("RuntimeError", "FromDLPack: Tensor is not contiguous.");
  }
}

void FillRowMajorStrides(const DLTensor& tensor, int64_t* strides) {
  int64_t stride = 1;
  for (int32_t i = tensor.ndim - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= tensor.shape[i];
  }
}

// Shares shape and, when it has them, strides with the source.
TensorObject* Import(const DLTensor& source, Keeper keeper, uint64_t flags) {
  const bool add_strides = source.strides == nullptr && source.ndim > 0;
  const size_t trailing = add_strides ? static_cast<size_t>(source.ndim) * sizeof(int64_t) : 0;
  auto* object = NewObject<TensorObject>(kTVMFFITensor, trailing, source, keeper, flags);
  if (add_strides) {
    FillRowMajorStrides(source, object->trailing());
    object->tensor.strides = object->trailing();
  }
  return object;
}

TensorObject* NewView(TVMFFIObjectHandle source, const DLTensor& prototype, uint64_t flags) {
  const auto ndim = static_cast<size_t>(prototype.ndim);
  auto* object = NewObject<TensorObject>(kTVMFFITensor, 2 * ndim * sizeof(int64_t), prototype,
                                         Keeper{source, DecRef}, flags);
  IncRef(source);
  object->tensor.shape = object->trailing();
  object->tensor.strides = object->trailing() + ndim;
  std::copy_n(prototype.shape, ndim, object->tensor.shape);
  std::copy_n(prototype.strides, ndim, object->tensor.strides);
  return object;
}

// Only tensors made here have a place for them.
uint64_t FlagsOf(TVMFFIObjectHandle tensor) {
  auto* object = static_cast<TensorObject*>(tensor);
  return object->header.deleter == DeleteObject<TensorObject> ? object->flags : 0;
}

template <typename Managed>
Managed* Export(TVMFFIObjectHandle tensor) {
  auto managed = std::make_unique<Managed>();
  managed->dl_tensor = *TVMFFITensorGetDLTensorPtr(tensor);
  managed->manager_ctx = tensor;
  managed->deleter = [](Managed* self) {
    DecRef(self->manager_ctx);
    delete self;
  };
  IncRef(tensor);
  return managed.release();
}

}  // namespace
}  // namespace tvmffi::core

using tvmffi::core::Failure;
using tvmffi::core::Guarded;
using tvmffi::core::NotNull;

extern "C" {

int TVMFFITensorFromDLPack(DLManagedTensor* from, int32_t require_alignment,
                           int32_t require_contiguous, TVMFFIObjectHandle* out) {
  return Guarded([&] {
    TVMFFIObjectHandle& result = NotNull(out, "TVMFFITensorFromDLPack: out");
    NotNull(from, "TVMFFITensorFromDLPack: from");
    tvmffi::core::CheckImport(from->dl_tensor, require_alignment, require_contiguous);
    result = tvmffi::core::Import(from->dl_tensor,
                                  {from, tvmffi::core::ReleaseManaged<DLManagedTensor>}, 0);
  });
}

int TVMFFITensorFromDLPackVersioned(DLManagedTensorVersioned* from, int32_t require_alignment,
                                    int32_t require_contiguous, TVMFFIObjectHandle* out) {
  return Guarded([&] {
    TVMFFIObjectHandle& result = NotNull(out, "TVMFFITensorFromDLPackVersioned: out");
    NotNull(from, "TVMFFITensorFromDLPackVersioned: from");
    if (from->version.major != DLPACK_MAJOR_VERSION) {
      throw Failure("RuntimeError", "FromDLPack: the tensor has DLPack major version " +
                                        std::to_string(from->version.major) + ", expected " +
                                        std::to_string(DLPACK_MAJOR_VERSION));
    }
    if ((from->flags & DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED) != 0) {
      throw Failure("RuntimeError", "Subbyte type padded is not yet supported");
    }
    tvmffi::core::CheckImport(from->dl_tensor, require_alignment, require_contiguous);
    result = tvmffi::core::Import(from->dl_tensor,
                                  {from, tvmffi::core::ReleaseManaged<DLManagedTensorVersioned>},
                                  from->flags & DLPACK_FLAG_BITMASK_READ_ONLY);
  });
}

int TVMFFITensorToDLPack(TVMFFIObjectHandle from, DLManagedTensor** out) {
  return Guarded([&] {
    DLManagedTensor*& result = NotNull(out, "TVMFFITensorToDLPack: out");
    tvmffi::core::RequireTensor(from, "TVMFFITensorToDLPack: from");
    result = tvmffi::core::Export<DLManagedTensor>(from);
  });
}

int TVMFFITensorToDLPackVersioned(TVMFFIObjectHandle from, DLManagedTensorVersioned** out) {
  return Guarded([&] {
    DLManagedTensorVersioned*& result = NotNull(out, "TVMFFITensorToDLPackVersioned: out");
    tvmffi::core::RequireTensor(from, "TVMFFITensorToDLPackVersioned: from");
    auto* managed = tvmffi::core::Export<DLManagedTensorVersioned>(from);
    managed->version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
    managed->flags = tvmffi::core::FlagsOf(from);
    result = managed;
  });
}

int TVMFFITensorCreateUnsafeView(TVMFFIObjectHandle source, const DLTensor* prototype,
                                 TVMFFIObjectHandle* out) {
  return Guarded([&] {
    TVMFFIObjectHandle& result = NotNull(out, "TVMFFITensorCreateUnsafeView: out");
    tvmffi::core::RequireTensor(source, "TVMFFITensorCreateUnsafeView: source");
    tvmffi::core::CheckExtents(NotNull(prototype, "TVMFFITensorCreateUnsafeView: prototype"));
    if (prototype->strides == nullptr) {
      throw Failure("InternalError", "Check not null: prototype.strides ");
    }
    result = tvmffi::core::NewView(source, *prototype, tvmffi::core::FlagsOf(source));
  });
}

}  // extern "C"
