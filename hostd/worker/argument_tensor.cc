#include "hostd/worker/argument_tensor.h"

#include <cstring>
#include <utility>

namespace tvmffi::hostd {
namespace {

// One strong and one weak reference.
constexpr uint64_t kUnshared = 0x100000001;
constexpr size_t kMaxFree = 64;

}  // namespace

ArgumentTensorPool::~ArgumentTensorPool() {
  for (ArgumentTensor* tensor : free_) delete tensor;
}

ArgumentTensor* ArgumentTensorPool::Make(const TensorDesc& desc, const int64_t* shape,
                                         const int64_t* strides, void* data) {
  ArgumentTensor* made = nullptr;
  if (free_.empty()) {
    made = new ArgumentTensor();
  } else {
    made = free_.back();
    free_.pop_back();
  }
  made->header.combined_ref_count = kUnshared;
  made->header.type_index = kTVMFFITensor;
  made->header.deleter = Delete;
  int64_t* extents = made->extents;
  if (desc.ndim > ArgumentTensor::kInlineDims)
    extents = made->large_extents = new int64_t[2 * size_t{desc.ndim}];
  if (desc.ndim != 0) {
    std::memcpy(extents, shape, desc.ndim * sizeof(int64_t));
    std::memcpy(extents + desc.ndim, strides, desc.ndim * sizeof(int64_t));
  }
  made->tensor.data = data;
  made->tensor.device = {static_cast<DLDeviceType>(desc.device_type), desc.device_id};
  made->tensor.ndim = static_cast<int32_t>(desc.ndim);
  made->tensor.dtype = {desc.dtype_code, desc.dtype_bits, desc.dtype_lanes};
  made->tensor.shape = extents;
  made->tensor.strides = extents + desc.ndim;
  made->tensor.byte_offset = 0;
  made->block_id = desc.id;
  made->arena_id = desc.arena_id;
  made->notes = notes_;
  return made;
}

bool ArgumentTensorPool::IsUnshared(const ArgumentTensor* tensor) {
  return __atomic_load_n(&tensor->header.combined_ref_count, __ATOMIC_ACQUIRE) == kUnshared;
}

void ArgumentTensorPool::Recycle(ArgumentTensor* tensor) {
  if (free_.size() == kMaxFree || tensor->large_extents != nullptr) {
    delete[] tensor->large_extents;
    delete tensor;
    return;
  }
  free_.push_back(tensor);
}

void ArgumentTensorPool::Abandon(ArgumentTensor* tensor, std::shared_ptr<const Arena> mapping) {
  tensor->mapping = new std::shared_ptr<const Arena>(std::move(mapping));
  TVMFFIObjectDecRef(tensor);
}

// Runs only for abandoned tensors, on whatever thread drops them.
void ArgumentTensorPool::Delete(void* self, int flags) {
  auto* tensor = static_cast<ArgumentTensor*>(self);
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) {
    delete std::exchange(tensor->mapping, nullptr);
    tensor->notes->Add(NoteKind::kDropped, tensor->block_id);
  }
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) {
    delete[] tensor->large_extents;
    delete tensor;
  }
}

}  // namespace tvmffi::hostd
