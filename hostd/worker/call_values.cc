#include "hostd/worker/call_values.h"

#include <string>
#include <utility>

#include "proto/base/clock.h"

namespace tvmffi::hostd {
namespace {

Status Violation(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

TVMFFIAny ObjectAny(int32_t type_index, void* object) {
  TVMFFIAny any;
  any.type_index = type_index;
  any.zero_padding = 0;
  any.v_obj = static_cast<TVMFFIObject*>(object);
  return any;
}

// Offsets are computed on integers: the first element's address may lie far from any allocation.
uint64_t OffsetIn(const Arena& arena, const char* address) {
  return reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(arena.segment.data());
}

// `first` is the address of the first element, of what lies in `arena` as a whole.
void DescribePlace(const Arena& arena, const char* first, const TensorSpan& span,
                   TensorDesc* desc) {
  desc->arena_id = arena.id;
  desc->offset = OffsetIn(arena, first + span.low);
  desc->nbytes = static_cast<uint64_t>(span.nbytes());
  desc->data_offset = OffsetIn(arena, first);
}

}  // namespace

CallValues::CallValues(WorkerState* state, CallbackCarrier* carrier)
    : state_(state), carrier_(carrier), arenas_(&state->arenas), pool_(&state->notes) {}

uint64_t CallValues::Export(ObjectRef object) {
  const uint64_t id = state_->handles.Insert(std::move(object));
  exported_.push_back(id);
  return id;
}

void CallValues::DropExport() {
  for (uint64_t id : exported_) state_->handles.Release(id);
  exported_.clear();
}

Result<char*> CallValues::Locate(const TensorDesc& desc) {
  if (desc.nbytes == 0) return nullptr;
  const Arena* arena = arenas_.Find(desc.arena_id, kArenaPatience);
  if (arena == nullptr) {
    return Status{Code::kUnavailable, "arena " + std::to_string(desc.arena_id) +
                                          " of a tensor argument has not been shared"};
  }
  if (desc.offset + desc.nbytes > arena->segment.size()) {
    return Violation("tensor argument ends at byte " + std::to_string(desc.offset + desc.nbytes) +
                     ", arena " + std::to_string(desc.arena_id) + " has " +
                     std::to_string(arena->segment.size()));
  }
  return arena->segment.data() + desc.data_offset;
}

Status CallValues::ImportTensor(const TensorDesc& desc, const int64_t* shape,
                                const int64_t* strides, bool as_pointer, TVMFFIAny* out) {
  if (desc.device_type != kDLCPU) {
    return {Code::kUnavailable, "tensors on device type " + std::to_string(desc.device_type) +
                                    " cannot be passed to an isolated function"};
  }
  Result<char*> data = Locate(desc);
  if (!data.ok()) return data.status();
  ArgumentTensor* tensor = pool_.Make(desc, shape, strides, *data);
  tensors_.push_back(tensor);
  if (in_request_) arguments_.push_back(tensor);
  if (as_pointer) {
    *out = NoneAny();
    out->type_index = kTVMFFIDLTensorPtr;
    out->v_ptr = &tensor->tensor;
  } else {
    TVMFFIObjectIncRef(tensor);
    *out = ObjectAny(kTVMFFITensor, tensor);
  }
  return OkStatus();
}

Status CallValues::ImportObject(int32_t kind, const ObjectDesc& desc, const char*, TVMFFIAny* out) {
  if (kind == kWireCallback) return ImportCallback(desc.id, out);
  ObjectRef object = state_->handles.Find(desc.id);
  if (!object) return Violation("handle " + std::to_string(desc.id) + " is unknown here");
  *out = ObjectAny(TVMFFIObjectGetTypeIndex(object.get()), object.get());
  object.release();
  return OkStatus();
}

Status CallValues::ImportCallback(uint64_t id, TVMFFIAny* out) {
  ObjectRef function;
  Callback* callback = nullptr;
  TVMFFI_RETURN_IF_ERROR(Callback::Make(carrier_, id, &function, &callback));
  callbacks_.push_back(callback);
  if (in_request_) arguments_.push_back(function.get());
  *out = ObjectAny(kTVMFFIFunction, function.release());
  return OkStatus();
}

Status CallValues::ImportArgument(uint64_t index, TVMFFIAny*) {
  return Violation("argument reference " + std::to_string(index) + " in a frame of the client");
}

int64_t CallValues::ArgumentOf(const void* object) const {
  for (size_t i = 0; i < arguments_.size(); ++i) {
    if (arguments_[i] == object) return static_cast<int64_t>(i);
  }
  return -1;
}

int64_t CallValues::ArgumentOf(const DLTensor* tensor) const {
  return ArgumentOf(static_cast<const void*>(reinterpret_cast<const char*>(tensor) -
                                             offsetof(ArgumentTensor, tensor)));
}

Status CallValues::ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc,
                                int64_t* argument) {
  *argument = ArgumentOf(&tensor);
  if (*argument >= 0) return OkStatus();
  if (tensor.device.device_type != kDLCPU) {
    return Violation("a tensor on device type " + std::to_string(tensor.device.device_type) +
                     " cannot leave an isolated function");
  }
  int64_t scratch[kMaxNdim];
  TensorLayout layout;
  TensorSpan span;
  TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &layout));
  TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
  if (span.nbytes() == 0) return OkStatus();
  const char* first = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  auto arena = state_->arenas.FindRange(first + span.low, static_cast<size_t>(span.nbytes()));
  if (arena == nullptr) return ExportCopy(tensor, layout, span, desc);
  DescribePlace(*arena, first, span, desc);
  if (cell.type_index == kTVMFFITensor) desc->id = Export(ObjectRef::Share(cell.v_obj));
  return OkStatus();
}

Status CallValues::ExportCopy(const DLTensor& tensor, const TensorLayout& layout,
                              const TensorSpan& span, TensorDesc* desc) {
  Result<ObjectRef> copy = MakeResultTensor(&state_->results, layout);
  if (!copy.ok()) return copy.status();
  char* data = static_cast<char*>(TVMFFITensorGetDLTensorPtr(copy->get())->data);
  CopyElements(layout, static_cast<const char*>(tensor.data) + tensor.byte_offset, data);
  auto arena = state_->arenas.FindRange(data + span.low, static_cast<size_t>(span.nbytes()));
  if (arena == nullptr) return {Code::kInternal, "result memory lies in no arena"};
  DescribePlace(*arena, data, span, desc);
  copied_.push_back({tensor, ObjectRef::Share(copy->get())});
  desc->id = Export(std::move(*copy));
  return OkStatus();
}

void CallValues::CopyBack() {
  for (const Copied& copied : copied_) {
    int64_t scratch[kMaxNdim];
    TensorLayout layout;
    if (!LayoutOf(copied.original, scratch, &layout).ok()) continue;
    char* to = static_cast<char*>(copied.original.data) + copied.original.byte_offset;
    CopyElements(layout, TVMFFITensorGetDLTensorPtr(copied.copy.get())->data, to);
  }
  copied_.clear();
}

Status CallValues::ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                                TVMFFIByteArray* key) {
  const int64_t argument = ArgumentOf(static_cast<const void*>(cell.v_obj));
  if (argument >= 0) {
    *kind = kWireArgument;
    desc->id = static_cast<uint64_t>(argument);
    return OkStatus();
  }
  *key = TVMFFIGetTypeInfo(cell.type_index)->type_key;
  if (key->size > kMaxTypeKey)
    return Violation("the result's type key has " + std::to_string(key->size) + " bytes");
  *kind = kWireHandle;
  desc->static_type_index = cell.type_index < kTVMFFIDynObjectBegin ? cell.type_index : 0;
  desc->id = Export(ObjectRef::Share(cell.v_obj));
  return OkStatus();
}

bool CallValues::EndTensor(ArgumentTensor* tensor, FrameWriter* reply) {
  if (ArgumentTensorPool::IsUnshared(tensor)) {
    pool_.Recycle(tensor);
    return false;
  }
  reply->AddNote(NoteKind::kRetained, tensor->block_id);
  ArgumentTensorPool::Abandon(tensor, state_->arenas.Find(tensor->arena_id));
  return true;
}

bool CallValues::End(FrameWriter* reply) {
  for (Callback* callback : callbacks_) {
    callback->End();
    callback->Unref();
  }
  size_t retained = 0;
  for (ArgumentTensor* tensor : tensors_) retained += EndTensor(tensor, reply) ? 1 : 0;
  callbacks_.clear();
  tensors_.clear();
  arguments_.clear();
  copied_.clear();
  return retained <= kMaxNotes;
}

}  // namespace tvmffi::hostd
