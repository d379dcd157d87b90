#include "tools/hostctl/recorded_arguments.h"

#include <string>
#include <utility>

namespace tvmffi::hostctl {
namespace {

struct OwnedTensor {
  DLManagedTensorVersioned managed;
  std::vector<int64_t> extents;  // shape, then strides
  std::shared_ptr<void> keep;
};

void Delete(DLManagedTensorVersioned* managed) {
  delete static_cast<OwnedTensor*>(managed->manager_ctx);
}

Status Malformed(const std::string& what) {
  return {Code::kInvalidArgument, "the recorded arguments are malformed: " + what};
}

// `extents`: shape, then strides.
void Fill(const TensorDesc& desc, char* first, std::vector<int64_t>* extents, DLTensor* tensor) {
  *tensor = {};
  tensor->data = first;
  tensor->device = {kDLCPU, 0};
  tensor->ndim = static_cast<int32_t>(desc.ndim);
  tensor->dtype = {desc.dtype_code, desc.dtype_bits, desc.dtype_lanes};
  tensor->shape = extents->data();
  tensor->strides = extents->data() + desc.ndim;
}

}  // namespace

RecordedArguments::~RecordedArguments() {
  for (TVMFFIAny& value : values_) ReleaseAny(&value);
}

Status RecordedArguments::Read(const SavedValues& values, std::vector<ReplayMemory> memory) {
  memory_ = std::move(memory);
  Status opened = reader_.Open(values.frame.data(), values.frame.size());
  if (!opened.ok()) return Malformed(opened.message);
  if (reader_.header().op != FrameOp::kCall || reader_.num_notes() != 0) {
    return Malformed("they are no request for a call");
  }
  for (uint32_t i = 0; i < reader_.num_cells(); ++i) {
    TVMFFIAny value;
    Status got = reader_.Get(i, this, &value);
    if (!got.ok()) return Malformed("argument " + std::to_string(i) + ": " + got.message);
    values_.push_back(value);
  }
  return OkStatus();
}

Status RecordedArguments::ImportTensor(const TensorDesc& desc, const int64_t* shape,
                                       const int64_t* strides, bool as_pointer, TVMFFIAny* out) {
  if (desc.device_type != kDLCPU) {
    return Malformed("a tensor on device type " + std::to_string(desc.device_type));
  }
  char* first = nullptr;
  std::shared_ptr<void> keep;
  if (desc.nbytes != 0) {
    if (desc.arena_id >= memory_.size()) {
      return Malformed("memory " + std::to_string(desc.arena_id) + " of " +
                       std::to_string(memory_.size()));
    }
    const ReplayMemory& memory = memory_[desc.arena_id];
    if (desc.offset > memory.size || desc.nbytes > memory.size - desc.offset ||
        desc.data_offset > memory.size) {
      return Malformed("a tensor of " + std::to_string(desc.nbytes) + " bytes at byte " +
                       std::to_string(desc.offset) + " of memory of " +
                       std::to_string(memory.size));
    }
    first = memory.data + desc.data_offset;
    keep = memory.keep;
  }
  std::vector<int64_t> extents(shape, shape + desc.ndim);
  extents.insert(extents.end(), strides, strides + desc.ndim);
  *out = NoneAny();
  if (as_pointer) {
    pointers_.push_back({{}, std::move(extents)});
    Fill(desc, first, &pointers_.back().extents, &pointers_.back().tensor);
    out->type_index = kTVMFFIDLTensorPtr;
    out->v_ptr = &pointers_.back().tensor;
    return OkStatus();
  }
  auto* owned = new OwnedTensor{{}, std::move(extents), std::move(keep)};
  owned->managed.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
  owned->managed.manager_ctx = owned;
  owned->managed.deleter = &Delete;
  Fill(desc, first, &owned->extents, &owned->managed.dl_tensor);
  TVMFFIObjectHandle tensor = nullptr;
  if (TVMFFITensorFromDLPackVersioned(&owned->managed, 0, 0, &tensor) != 0) {
    delete owned;
    return RaisedStatus(Code::kInternal, "cannot make a tensor");
  }
  out->type_index = kTVMFFITensor;
  out->v_obj = static_cast<TVMFFIObject*>(tensor);
  return OkStatus();
}

Status RecordedArguments::ImportObject(int32_t, const ObjectDesc&, const char*, TVMFFIAny*) {
  return Malformed("an object of a process that is gone");
}

Status RecordedArguments::ImportArgument(uint64_t, TVMFFIAny*) {
  return Malformed("a value that stands for another one");
}

}  // namespace tvmffi::hostctl
