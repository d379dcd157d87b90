#include "client/src/transfer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "client/src/imported_tensor.h"
#include "client/src/remote.h"
#include "client/src/worker_slot.h"

namespace tvmffi::host {
namespace {

// A fault that far from an argument is not blamed on it: a guard page and the slack before it.
constexpr int64_t kNear = 2 * 4096;

Status Violation(std::string what) { return {Code::kInvalidArgument, std::move(what)}; }

std::string TypeKey(int32_t type_index) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(type_index);
  return std::string(info->type_key.data, info->type_key.size);
}

// Unchanged pages are not written: the caller's memory may be read-only, and other threads may
// write what the worker did not. Returns the bytes written.
uint64_t CopyChanged(const char* from, char* to, size_t size) {
  constexpr size_t kChunk = 4096;
  uint64_t written = 0;
  for (size_t at = 0; at < size; at += kChunk) {
    const size_t count = std::min(kChunk, size - at);
    if (std::memcmp(from + at, to + at, count) == 0) continue;
    std::memcpy(to + at, from + at, count);
    written += count;
  }
  return written;
}

}  // namespace

bool ReadOnlyArguments::Has(int32_t index) const {
  return all || std::find(indices.begin(), indices.end(), index) != indices.end();
}

void Transfer::Begin(WorkerSlot* slot, Worker* worker, uint32_t lane, LaneCounters* counters) {
  slot_ = slot;
  worker_ = worker;
  counters_ = counters;
  if (known_worker_ != worker->id()) {
    known_worker_ = worker->id();
    known_arenas_.fill(0);
  }
  first_block_ = (static_cast<uint64_t>(lane + 1) << 48) + next_block_;
  taken_handle_ = nullptr;
  in_request_ = true;
}

void Transfer::End() {
  next_block_ += lent_.size();
  lent_.clear();
  staged_in_ = 0;
  ranges_.clear();
  planned_.clear();
  arguments_.clear();
  moved_.clear();
  plain_args_.clear();
  callbacks_.clear();
  kept_.clear();
  slot_ = nullptr;
  worker_ = nullptr;
}

const TVMFFIAny* Transfer::TakeMoved(const TVMFFIAny* args, int32_t num_args) {
  if (!plain_args_.empty()) return plain_args_.data();
  const bool any_moved = std::any_of(args, args + num_args, [](const TVMFFIAny& arg) {
    return arg.type_index == kTVMFFIObjectRValueRef;
  });
  if (!any_moved) return args;
  plain_args_.assign(args, args + num_args);
  for (TVMFFIAny& arg : plain_args_) {
    if (arg.type_index != kTVMFFIObjectRValueRef) continue;
    auto** place = static_cast<TVMFFIObject**>(arg.v_ptr);
    arg = *place != nullptr ? ObjectAny(*place) : NoneAny();
    moved_.emplace_back(std::exchange(*place, nullptr));
  }
  return plain_args_.data();
}

Status Transfer::PutArguments(FrameWriter* writer, uint32_t first, const TVMFFIAny* args,
                              int32_t num_args, const ReadOnlyArguments* read_only,
                              int32_t* bad_argument) {
  encode_again_ = false;
  lent_.clear();
  ranges_.clear();
  arguments_.clear();
  callbacks_.clear();
  args = TakeMoved(args, num_args);
  for (int32_t i = 0; i < num_args; ++i) {
    argument_ = i;
    read_only_ = read_only != nullptr && read_only->Has(i);
    Status put = writer->Put(first + static_cast<uint32_t>(i), args[i], this);
    if (!put.ok()) {
      *bad_argument = i;
      return put;
    }
  }
  return OkStatus();
}

Status Transfer::PutCallbackResult(FrameWriter* writer, const TVMFFIAny& value) {
  in_request_ = false;
  argument_ = -1;
  read_only_ = false;
  encode_again_ = false;
  planned_.clear();
  return writer->Put(0, value, this);
}

Status Transfer::ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc,
                              int64_t*) {
  if (tensor.device.device_type != kDLCPU) {
    return {Code::kInvalidArgument, "it is a tensor on device type " +
                                        std::to_string(tensor.device.device_type) +
                                        "; only CPU tensors can cross"};
  }
  int64_t scratch[kMaxNdim];
  TensorLayout layout;
  TensorSpan span;
  TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &layout));
  TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
  const char* first = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  if (in_request_) arguments_.push_back(cell);

  Lent lent;
  lent.cell = cell;
  lent.argument = argument_;
  if (!in_request_ && cell.type_index == kTVMFFITensor) lent.keep = ObjectRef::Share(cell.v_obj);
  desc->id = BlockId(lent_.size());
  if (span.nbytes() == 0) {
    lent_.push_back(std::move(lent));
    return OkStatus();
  }
  std::shared_ptr<Arena> arena = FindArena(first + span.low);
  bool zero_copy = arena != nullptr && arena->VisibleTo(worker_->id()) &&
                   arena->use() != ArenaUse::kStaging &&
                   first + span.high <= arena->data() + arena->size();
  if (zero_copy && arena->use() == ArenaUse::kPool) {
    lent.pool_block = worker_->tensors()->Find(first + span.low, first + span.high);
    zero_copy = lent.pool_block != nullptr;
  }
  TVMFFI_RETURN_IF_ERROR(zero_copy ? LendArena(std::move(arena), layout, span, first, desc, &lent)
                                   : LendCopy(layout, span, first, desc, &lent));
  lent.first_element = first;
  lent.arena_id = desc->arena_id;
  lent.arena_offset = static_cast<int64_t>(desc->offset);
  lent.nbytes = static_cast<int64_t>(desc->nbytes);
  lent.data_offset = static_cast<int64_t>(desc->data_offset);
  lent_.push_back(std::move(lent));
  return OkStatus();
}

Status Transfer::LendArena(std::shared_ptr<Arena> arena, const TensorLayout&,
                           const TensorSpan& span, const char* first, TensorDesc* desc,
                           Lent* lent) {
  uint32_t* known = &known_arenas_[arena->id() % known_arenas_.size()];
  if (*known != arena->id()) {
    TVMFFI_RETURN_IF_ERROR(worker_->Share(arena));
    *known = arena->id();
  }
  desc->arena_id = arena->id();
  desc->flags = 0;
  if (arena->read_only()) desc->flags |= kTensorReadOnly;
  desc->offset = static_cast<uint64_t>(first + span.low - arena->data());
  desc->nbytes = static_cast<uint64_t>(span.nbytes());
  desc->data_offset = static_cast<uint64_t>(first - arena->data());
  lent->arena = std::move(arena);
  counters_->zero_copy_tensors.Add(1);
  return OkStatus();
}

Status Transfer::AddRange(const char* low, const char* high, int* range) {
  for (size_t i = 0; i < ranges_.size(); ++i) {
    if (ranges_[i].low <= low && high <= ranges_[i].high) {
      *range = static_cast<int>(i);
      return OkStatus();
    }
  }
  // Aliasing survives only when overlapping tensors are copied as one range.
  const char* union_low = low;
  const char* union_high = high;
  for (const auto& [planned_low, planned_high] : planned_) {
    if (planned_low < union_high && union_low < planned_high) {
      union_low = std::min(union_low, planned_low);
      union_high = std::max(union_high, planned_high);
    }
  }
  for (const Range& other : ranges_) {
    if (other.low < union_high && union_low < other.high) {
      union_low = std::min(union_low, other.low);
      union_high = std::max(union_high, other.high);
      encode_again_ = true;
    }
  }
  if (encode_again_ && in_request_) {
    planned_.emplace_back(union_low, union_high);
    *range = 0;
    return OkStatus();
  }
  encode_again_ = false;
  const size_t pad = kFront + reinterpret_cast<uintptr_t>(union_low) % StagingPool::kAlignment;
  Result<StagingBlock> block =
      worker_->staging()->Allocate(pad + static_cast<size_t>(union_high - union_low) + kBackSlack);
  if (!block.ok()) return block.status();
  std::shared_ptr<StagingBlock> owned(new StagingBlock(std::move(*block)),
                                      [weak = worker_->weak_from_this()](StagingBlock* done) {
                                        if (std::shared_ptr<Worker> worker = weak.lock())
                                          worker->staging()->Free(std::move(*done));
                                        delete done;
                                      });
  *range = static_cast<int>(ranges_.size());
  ranges_.push_back({union_low, union_high, std::move(owned), pad});
  ranges_.back().slack().Fill();
  return OkStatus();
}

Status Transfer::LendCopy(const TensorLayout& layout, const TensorSpan& span, const char* first,
                          TensorDesc* desc, Lent* lent) {
  TVMFFI_RETURN_IF_ERROR(AddRange(first + span.low, first + span.high, &lent->range));
  if (encode_again_) return OkStatus();
  const Range& range = ranges_[static_cast<size_t>(lent->range)];
  desc->arena_id = range.block->arena->id();
  desc->flags = 0;
  desc->offset = range.arena_offset(first + span.low);
  desc->nbytes = static_cast<uint64_t>(span.nbytes());
  desc->data_offset = range.arena_offset(first);
  lent->copy_back = !read_only_;
  lent->span = span;
  lent->dtype = layout.dtype;
  lent->shape.assign(layout.shape, layout.shape + layout.ndim);
  lent->strides.assign(layout.strides, layout.strides + layout.ndim);
  counters_->staged_tensors.Add(1);
  return OkStatus();
}

void Transfer::StageIn() {
  for (; staged_in_ < lent_.size(); ++staged_in_) {
    const Lent& lent = lent_[staged_in_];
    if (lent.range < 0) continue;
    char* staged = ranges_[static_cast<size_t>(lent.range)].staged(lent.first_element);
    counters_->bytes_copied_in.Add(
        static_cast<int64_t>(CopyElements(lent.layout(), lent.first_element, staged)));
  }
}

void Transfer::CopyBack(const Lent& lent) {
  const Range& range = ranges_[static_cast<size_t>(lent.range)];
  char* caller = const_cast<char*>(lent.first_element);
  const char* staged = range.staged(lent.first_element);
  const uint64_t copied = IsCompact(lent.layout())
                              ? CopyChanged(staged, caller, static_cast<size_t>(lent.span.nbytes()))
                              : CopyElements(lent.layout(), staged, caller);
  counters_->bytes_copied_out.Add(static_cast<int64_t>(copied));
}

std::optional<int64_t> Transfer::OverrunOf(const Lent& lent) const {
  const char* overrun = nullptr;
  const char* first = lent.first_element;
  if (lent.pool_block != nullptr) {
    overrun = lent.pool_block->FindOverrun();
  } else if (lent.range >= 0) {
    const Range& range = ranges_[static_cast<size_t>(lent.range)];
    overrun = range.slack().FindOverrun();
    first = range.staged(first);
  } else if (lent.arena != nullptr) {
    overrun = lent.arena->FindOverrun();
  }
  return overrun != nullptr ? std::optional<int64_t>(overrun - first) : std::nullopt;
}

std::optional<ArgumentByte> Transfer::CopyBack() {
  for (size_t i = 0; i < staged_in_; ++i) {
    if (lent_[i].argument < 0) continue;
    if (std::optional<int64_t> at = OverrunOf(lent_[i]))
      return ArgumentByte{lent_[i].argument, *at};
  }
  for (size_t i = 0; i < staged_in_; ++i) {
    const Lent& lent = lent_[i];
    if (lent.range >= 0 && lent.copy_back) CopyBack(lent);
  }
  return std::nullopt;
}

std::optional<ArgumentByte> Transfer::Locate(uint32_t arena_id, int64_t offset) const {
  std::optional<ArgumentByte> nearest;
  int64_t shortest = kNear;
  for (const Lent& lent : lent_) {
    if (lent.argument < 0 || lent.nbytes == 0 || lent.arena_id != arena_id) continue;
    const int64_t end = lent.arena_offset + lent.nbytes;
    const int64_t distance = std::max({lent.arena_offset - offset, offset - end + 1, int64_t{0}});
    if (distance >= shortest) continue;
    shortest = distance;
    nearest = ArgumentByte{lent.argument, offset - lent.data_offset};
  }
  return nearest;
}

void Transfer::Retain(uint64_t block_id) {
  // A worker may name anything; only this call's blocks can be meant.
  if (block_id < first_block_ || block_id - first_block_ >= lent_.size()) return;
  const Lent& lent = lent_[block_id - first_block_];
  ObjectRef object;
  if (lent.cell.type_index == kTVMFFITensor) object = ObjectRef::Share(lent.cell.v_obj);
  std::shared_ptr<StagingBlock> block =
      lent.range >= 0 ? ranges_[static_cast<size_t>(lent.range)].block : nullptr;
  worker_->Retain(block_id, std::move(block), std::move(object), lent.pool_block);
}

TVMFFIObjectHandle Transfer::Callback(uint64_t id) const {
  return id < callbacks_.size() ? callbacks_[id] : nullptr;
}

Status Transfer::ExportFunction(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc) {
  if (RemoteFunction* remote = RemoteFunction::Find(cell.v_obj)) {
    if (std::optional<uint64_t> handle = remote->HandleIn(*worker_)) {
      *kind = kWireHandle;
      desc->id = *handle;
      return OkStatus();
    }
  }
  *kind = kWireCallback;
  desc->id = callbacks_.size();
  callbacks_.push_back(cell.v_obj);
  if (in_request_) {
    arguments_.push_back(cell);
  } else {
    kept_.push_back(ObjectRef::Share(cell.v_obj));
  }
  return OkStatus();
}

Status Transfer::ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                              TVMFFIByteArray*) {
  if (cell.type_index == kTVMFFIFunction) return ExportFunction(cell, kind, desc);
  if (cell.v_obj->deleter == nullptr) {
    *kind = kWireHandle;
    desc->id = reinterpret_cast<const HandleView*>(cell.v_obj)->id;
    return OkStatus();
  }
  const RemoteReference* remote = FindRemoteReference(cell.v_obj);
  if (remote == nullptr) {
    return {Code::kInvalidArgument,
            "it is an object of type `" + TypeKey(cell.type_index) +
                "` of this process; only values, tensors, functions and objects of the worker "
                "can cross"};
  }
  Result<uint64_t> handle = remote->HandleIn(*worker_);
  if (!handle.ok()) return handle.status();
  *kind = kWireHandle;
  desc->id = *handle;
  return OkStatus();
}

TVMFFIObjectHandle Transfer::OwnerOf(int range) const {
  for (const Lent& lent : lent_) {
    if (lent.range == range && lent.cell.type_index == kTVMFFITensor) return lent.cell.v_obj;
  }
  return nullptr;
}

Status Transfer::ImportStaged(const std::shared_ptr<Arena>& arena, const TensorDesc& desc,
                              const TensorLayout& layout, TVMFFIAny* out) {
  for (size_t i = 0; i < ranges_.size(); ++i) {
    const Range& range = ranges_[i];
    const uint64_t begin = range.arena_offset(range.low);
    const uint64_t size = static_cast<uint64_t>(range.high - range.low);
    if (range.block->arena != arena || desc.offset < begin || desc.nbytes > size ||
        desc.offset - begin > size - desc.nbytes) {
      continue;
    }
    TensorKeep keep{nullptr, ObjectRef::Share(OwnerOf(static_cast<int>(i))),
                    worker_->weak_from_this(), desc.id};
    return MakeTensor(const_cast<char*>(range.low) + (desc.data_offset - begin), layout,
                      std::move(keep), out);
  }
  if (!worker_->IsRetained(*arena, desc.offset, desc.nbytes)) {
    return Violation("a tensor lies outside the arguments, at byte " + std::to_string(desc.offset) +
                     " of arena " + std::to_string(desc.arena_id));
  }
  TensorKeep keep{arena, {}, worker_->weak_from_this(), desc.id};
  return MakeTensor(arena->data() + desc.data_offset, layout, std::move(keep), out);
}

Status Transfer::ImportTensor(const TensorDesc& desc, const int64_t* shape, const int64_t* strides,
                              bool, TVMFFIAny* out) {
  if (desc.device_type != kDLCPU) {
    return Violation("a tensor on device type " + std::to_string(desc.device_type));
  }
  const TensorLayout layout = {
      {desc.dtype_code, desc.dtype_bits, desc.dtype_lanes}, desc.ndim, shape, strides};
  if (desc.nbytes == 0)
    return MakeTensor(nullptr, layout, {nullptr, {}, worker_->weak_from_this(), desc.id}, out);
  std::shared_ptr<Arena> arena = worker_->FindLent(desc.arena_id);
  if (arena == nullptr)
    return Violation("a tensor in arena " + std::to_string(desc.arena_id) +
                     ", which it was not lent");
  if (desc.nbytes > arena->size() || desc.offset > arena->size() - desc.nbytes ||
      desc.data_offset > arena->size()) {
    return Violation("a tensor ends at byte " + std::to_string(desc.offset + desc.nbytes) +
                     " of arena " + std::to_string(desc.arena_id) + ", which has " +
                     std::to_string(arena->size()));
  }
  if (arena->use() == ArenaUse::kStaging) return ImportStaged(arena, desc, layout, out);
  TensorKeep keep{arena, {}, worker_->weak_from_this(), desc.id};
  if (arena->use() == ArenaUse::kPool) {
    const char* low = arena->data() + desc.offset;
    keep.block = worker_->tensors()->Find(low, low + desc.nbytes);
    if (keep.block == nullptr) {
      return Violation("a tensor lies at byte " + std::to_string(desc.offset) + " of arena " +
                       std::to_string(desc.arena_id) + ", where there is none");
    }
  }
  return MakeTensor(arena->data() + desc.data_offset, layout, std::move(keep), out);
}

Status Transfer::ImportObject(int32_t kind, const ObjectDesc& desc, const char* key,
                              TVMFFIAny* out) {
  if (kind != kWireHandle) return Violation("a callable of this process that it was not given");
  if (taken_handle_ != nullptr) {
    *std::exchange(taken_handle_, nullptr) = desc.id;
    *out = NoneAny();
    return OkStatus();
  }
  return MakeRemote(slot_->shared_from_this(), worker_->shared_from_this(), desc,
                    std::string_view(key, desc.key_size), out);
}

Status Transfer::ImportArgument(uint64_t index, TVMFFIAny* out) {
  if (index >= arguments_.size()) {
    return Violation("argument " + std::to_string(index) + " of " +
                     std::to_string(arguments_.size()));
  }
  const TVMFFIAny& argument = arguments_[index];
  if (argument.type_index != kTVMFFIDLTensorPtr) {
    TVMFFIObjectIncRef(argument.v_obj);
    *out = argument;
    return OkStatus();
  }
  // Nothing can keep a bare DLTensor alive; its memory is as long-lived as in a local call.
  const DLTensor& tensor = *static_cast<const DLTensor*>(argument.v_ptr);
  int64_t scratch[kMaxNdim];
  TensorLayout layout;
  TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &layout));
  return MakeTensor(static_cast<char*>(tensor.data) + tensor.byte_offset, layout, {}, out);
}

}  // namespace tvmffi::host
