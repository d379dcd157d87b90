#include "client/src/shared_tensor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "client/src/arena.h"
#include "client/src/imported_tensor.h"
#include "client/src/worker_slot.h"
#include "proto/base/clock.h"
#include "proto/channel/layout.h"

namespace tvmffi::host {
namespace {

constexpr size_t kAlignment = 64;

// A row-major layout of `shape`, which it refers to.
struct CompactLayout {
  std::vector<int64_t> strides;
  TensorLayout layout;
  size_t size = 0;

  Status Set(const std::vector<int64_t>& shape, DLDataType dtype) {
    const uint32_t ndim = static_cast<uint32_t>(shape.size());
    if (shape.size() > kMaxNdim) {
      return {Code::kInvalidArgument, "a tensor with " + std::to_string(shape.size()) +
                                          " dimensions; at most " + std::to_string(kMaxNdim)};
    }
    strides.resize(std::max<uint32_t>(ndim, 1));
    TVMFFI_RETURN_IF_ERROR(CompactStrides(ndim, shape.data(), strides.data()));
    layout = {dtype, ndim, shape.data(), strides.data()};
    TensorSpan span;
    TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
    size = static_cast<size_t>(span.high);
    return OkStatus();
  }
};

Status NoMemory(size_t size, const Status& why) {
  return {why.code, "no memory for a tensor of " + std::to_string(size) + " bytes: " + why.message};
}

Status MakeIn(ArenaUse use, const std::vector<int64_t>& shape, DLDataType dtype, Guard guard,
              TVMFFIAny* out) {
  CompactLayout compact;
  TVMFFI_RETURN_IF_ERROR(compact.Set(shape, dtype));
  const size_t size = compact.size;
  Result<std::shared_ptr<Arena>> arena = Arena::Create(std::max<size_t>(size, 1), use);
  if (!arena.ok()) return NoMemory(size, arena.status());
  const size_t aligned = (size + kAlignment - 1) / kAlignment * kAlignment;
  const size_t offset = guard == Guard::kLeft ? 0 : (*arena)->size() - aligned;
  (*arena)->SetTensor(offset, offset + size);
  char* data = (*arena)->data() + offset;
  TensorKeep keep;
  keep.arena = std::move(*arena);
  return MakeTensor(data, compact.layout, std::move(keep), out);
}

// Element by element into row-major order.
Status CopyCompact(const TensorLayout& from, const char* source, void* to) {
  const size_t bits = size_t{from.dtype.bits} * from.dtype.lanes;
  if (bits % 8 != 0)
    return {Code::kInvalidArgument, "a strided tensor of elements narrower than a byte"};
  const size_t item = bits / 8;
  std::vector<int64_t> index(from.ndim, 0);
  char* target = static_cast<char*>(to);
  while (true) {
    int64_t offset = 0;
    for (uint32_t d = 0; d < from.ndim; ++d) offset += index[d] * from.strides[d];
    std::memcpy(target, source + offset * static_cast<int64_t>(item), item);
    target += item;
    uint32_t d = from.ndim;
    while (d > 0 && ++index[d - 1] == from.shape[d - 1]) index[--d] = 0;
    if (d == 0) return OkStatus();
  }
}

Status Copy(ArenaUse use, const DLTensor& tensor, TVMFFIAny* out) {
  if (tensor.device.device_type != kDLCPU) {
    return {Code::kInvalidArgument, "a tensor on device type " +
                                        std::to_string(tensor.device.device_type) +
                                        "; only CPU tensors can be shared"};
  }
  int64_t scratch[kMaxNdim];
  TensorLayout from;
  TensorSpan span;
  TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &from));
  TVMFFI_RETURN_IF_ERROR(SpanOf(from, &span));
  const std::vector<int64_t> shape(from.shape, from.shape + from.ndim);
  TVMFFI_RETURN_IF_ERROR(MakeIn(use, shape, from.dtype, Guard::kRight, out));
  DLTensor* made = TVMFFITensorGetDLTensorPtr(out->v_obj);
  const char* source = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  if (span.nbytes() == 0) return OkStatus();
  if (IsCompact(from)) {
    std::memcpy(made->data, source, static_cast<size_t>(span.nbytes()));
    return OkStatus();
  }
  Status copied = CopyCompact(from, source, made->data);
  if (!copied.ok()) ReleaseAny(out);
  return copied;
}

}  // namespace

Status MakeSharedTensor(const std::vector<int64_t>& shape, DLDataType dtype, Guard guard,
                        TVMFFIAny* out) {
  return MakeIn(ArenaUse::kTensor, shape, dtype, guard, out);
}

Failure MakePoolTensor(const std::shared_ptr<WorkerSlot>& slot, const ModuleSpec& spec,
                       const std::vector<int64_t>& shape, DLDataType dtype, TVMFFIAny* out) {
  CompactLayout compact;
  if (Status fits = compact.Set(shape, dtype); !fits.ok()) return MakeError(fits);
  Failure failure;
  int64_t deadline;
  CallLane* lane = slot->AcquireFor(spec, MonotonicNanos(), &deadline, &failure);
  if (lane == nullptr) return failure;
  std::shared_ptr<Worker> worker = lane->worker;
  slot->GiveBack(lane);
  Result<std::shared_ptr<PoolBlock>> block =
      worker->tensors()->Allocate(compact.size, [&] { return slot->Idle(); });
  if (!block.ok()) return MakeError(NoMemory(compact.size, block.status()));
  TensorKeep keep;
  keep.block = *block;
  Status made = MakeTensor((*block)->data(), compact.layout, std::move(keep), out);
  return made.ok() ? Failure() : MakeError(made);
}

Status MakeInputTensor(const DLTensor& tensor, TVMFFIAny* out) {
  return Copy(ArenaUse::kInput, tensor, out);
}

Status CopyToSharedTensor(const DLTensor& tensor, TVMFFIAny* out) {
  return Copy(ArenaUse::kTensor, tensor, out);
}

bool IsShared(const DLTensor& tensor) {
  std::shared_ptr<Arena> arena =
      FindArena(static_cast<const char*>(tensor.data) + tensor.byte_offset);
  return arena != nullptr && (arena->use() == ArenaUse::kTensor ||
                              arena->use() == ArenaUse::kInput || arena->use() == ArenaUse::kPool);
}

}  // namespace tvmffi::host
