#include "client/src/recorded_values.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "client/src/remote.h"

namespace tvmffi::host {

ValuesCopy::ValuesCopy(const TVMFFIAny* values, int32_t count, Worker* worker) : worker_(worker) {
  Status copied = Encode(values, count);
  if (copied.ok()) copied = CopyBytes();
  if (copied.ok()) return;
  refusal_ = std::move(copied.message);
  frame_.clear();
  areas_.clear();
}

Status ValuesCopy::Encode(const TVMFFIAny* values, int32_t count) {
  do {
    encode_again_ = false;
    pieces_.clear();
    writer_.Start(FrameOp::kCall, 0, 0, 0, static_cast<uint32_t>(count));
    for (int32_t i = 0; i < count; ++i) {
      TVMFFIAny value = values[i];
      if (value.type_index == kTVMFFIObjectRValueRef) {
        auto* object = *static_cast<TVMFFIObject**>(value.v_ptr);
        value = object != nullptr ? ObjectAny(object) : NoneAny();
      }
      Status put = writer_.Put(static_cast<uint32_t>(i), value, this);
      if (!put.ok())
        return {put.code, "argument " + std::to_string(i) + " cannot be recorded: " + put.message};
    }
  } while (encode_again_);
  const char* frame = writer_.Finish();
  frame_.assign(frame, frame + writer_.size());
  return OkStatus();
}

Status ValuesCopy::CopyBytes() {
  size_t total = 0;
  for (const Area& area : areas_) total += area.size();
  if (total > kMaxRecordingFile - kMaxRecordingHead || areas_.size() > kMaxRecordedMemories / 2) {
    return {Code::kResourceExhausted, "the arguments have " + std::to_string(total) + " bytes in " +
                                          std::to_string(areas_.size()) +
                                          " places, which is too much for a recording"};
  }
  for (Area& area : areas_) {
    area.bytes.reset(new (std::nothrow) char[area.size()]);
    if (area.bytes == nullptr) {
      return {Code::kResourceExhausted,
              "there was no memory for a copy of " + std::to_string(total) + " bytes of arguments"};
    }
    if (area.place == SavedPlace::kPlain) {
      std::memset(area.bytes.get(), 0, area.size());
    } else {
      std::memcpy(area.bytes.get(), area.low, area.size());
    }
  }
  for (const Piece& piece : pieces_) {
    const Area& area = areas_[piece.area];
    if (area.place != SavedPlace::kPlain) continue;
    CopyElements(piece.layout(), piece.first, area.bytes.get() + (piece.first - area.low));
  }
  return OkStatus();
}

SavedValues ValuesCopy::View() const {
  SavedValues values;
  values.refusal = refusal_;
  values.frame = frame_;
  for (const Area& area : areas_) {
    const uint32_t misalignment =
        area.place == SavedPlace::kPlain
            ? static_cast<uint32_t>(reinterpret_cast<uintptr_t>(area.low) % kRecordedAlignment)
            : 0;
    values.memory.push_back({area.place, misalignment, {area.bytes.get(), area.size()}});
  }
  return values;
}

// The whole tensor that [low, high) is a part of, where its memory is of a kind that workers map.
ValuesCopy::Area ValuesCopy::Surroundings(const char* low, const char* high) const {
  Area plain = {low, high, SavedPlace::kPlain, nullptr};
  const std::shared_ptr<Arena> arena = FindArena(low);
  if (arena == nullptr) return plain;
  if (arena->use() == ArenaUse::kPool && worker_ != nullptr && arena->VisibleTo(worker_->id())) {
    const std::shared_ptr<PoolBlock> block = worker_->tensors()->Find(low, high);
    if (block == nullptr) return plain;
    return {block->data(), block->data() + block->size(), SavedPlace::kPool, nullptr};
  }
  const bool has_own_segment =
      arena->use() == ArenaUse::kTensor || arena->use() == ArenaUse::kInput;
  const Slack& slack = arena->slack();
  if (!has_own_segment || low < slack.begin || high > slack.end) return plain;
  // At the right there is at most the slack that alignment needs.
  const bool at_left = slack.end + kRecordedAlignment <= arena->data() + arena->size();
  return {slack.begin, slack.end,
          arena->read_only() ? SavedPlace::kInput
          : at_left          ? SavedPlace::kGuardLeft
                             : SavedPlace::kGuardRight,
          nullptr};
}

size_t ValuesCopy::AddArea(Area wanted) {
  for (size_t i = 0; i < areas_.size(); ++i) {
    if (areas_[i].low <= wanted.low && wanted.high <= areas_[i].high) return i;
  }
  for (size_t i = 0; i < areas_.size();) {
    if (areas_[i].low >= wanted.high || wanted.low >= areas_[i].high) {
      ++i;
      continue;
    }
    if (areas_[i].place != wanted.place) wanted.place = SavedPlace::kPlain;
    wanted.low = std::min(wanted.low, areas_[i].low);
    wanted.high = std::max(wanted.high, areas_[i].high);
    areas_.erase(areas_.begin() + static_cast<std::ptrdiff_t>(i));
    encode_again_ = true;
    i = 0;
  }
  areas_.push_back(std::move(wanted));
  return areas_.size() - 1;
}

Status ValuesCopy::ExportTensor(const TVMFFIAny&, const DLTensor& tensor, TensorDesc* desc,
                                int64_t*) {
  if (tensor.device.device_type != kDLCPU) {
    return {Code::kInvalidArgument,
            "it is a tensor on device type " + std::to_string(tensor.device.device_type)};
  }
  int64_t scratch[kMaxNdim];
  TensorLayout layout;
  TensorSpan span;
  TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &layout));
  TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
  if (span.nbytes() == 0) return OkStatus();
  const char* first = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  const char* low = first + span.low;
  const size_t index = AddArea(Surroundings(low, first + span.high));
  desc->arena_id = static_cast<uint32_t>(index);
  desc->offset = static_cast<uint64_t>(low - areas_[index].low);
  desc->nbytes = static_cast<uint64_t>(span.nbytes());
  desc->data_offset = static_cast<uint64_t>(first - areas_[index].low);
  pieces_.push_back({index,
                     first,
                     layout.dtype,
                     {layout.shape, layout.shape + layout.ndim},
                     {layout.strides, layout.strides + layout.ndim}});
  return OkStatus();
}

Status ValuesCopy::ExportObject(const TVMFFIAny& cell, int32_t*, ObjectDesc*, TVMFFIByteArray*) {
  const bool is_function = cell.type_index == kTVMFFIFunction;
  const bool is_remote = is_function ? RemoteFunction::Find(cell.v_obj) != nullptr
                                     : FindRemoteReference(cell.v_obj) != nullptr;
  if (is_remote) return {Code::kInvalidArgument, "it is an object of its worker"};
  if (is_function) {
    return {Code::kInvalidArgument, "it is a callable of the process that made the call"};
  }
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(cell.type_index);
  return {Code::kInvalidArgument, "it is an object of type `" +
                                      std::string(info->type_key.data, info->type_key.size) +
                                      "` of the process that made the call"};
}

}  // namespace tvmffi::host
