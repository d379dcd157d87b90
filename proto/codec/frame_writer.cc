#include <algorithm>
#include <string>

#include "proto/codec/any.h"
#include "proto/codec/map_view.h"
#include "proto/codec/tensor.h"
#include "proto/codec/value.h"

namespace tvmffi {
namespace {

constexpr size_t kFirstCapacity = 4096;
// The payload leaves room for the notes.
constexpr size_t kMaxPayloadEnd = kMaxFrame - kMaxNotes * sizeof(Note);

size_t Align8(size_t size) { return (size + 7) & ~size_t{7}; }

Status Invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

}  // namespace

void FrameWriter::Grow(size_t size) {
  const size_t capacity = std::max({size, kFirstCapacity, size_ == 0 ? 0 : capacity_ * 2});
  std::unique_ptr<char[]> data(new char[capacity]);
  if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

void FrameWriter::Shrink() {
  data_.reset();
  capacity_ = 0;
}

Status FrameWriter::Append(size_t size, size_t* offset) {
  if (size > kMaxPayloadEnd || size_ + Align8(size) > kMaxPayloadEnd) {
    return {Code::kResourceExhausted, "the values of one call may take " +
                                          std::to_string(kMaxPayloadEnd) +
                                          " bytes, this one would be number " +
                                          std::to_string(size_) + " + " + std::to_string(size)};
  }
  const size_t end = size_ + Align8(size);
  if (end > capacity_) Grow(end);
  *offset = size_;
  if (end != size_) std::memset(data_.get() + end - 8, 0, 8);
  size_ = end;
  return OkStatus();
}

Status FrameWriter::AppendCells(uint64_t count, size_t* offset) {
  if (count > kMaxCells || cells_ + count > kMaxCells) {
    return {Code::kResourceExhausted,
            "the values of one call may have " + std::to_string(kMaxCells) +
                " elements in all, this one has " + std::to_string(count) + " after " +
                std::to_string(cells_)};
  }
  cells_ += count;
  TVMFFI_RETURN_IF_ERROR(Append(count * sizeof(WireCell), offset));
  std::memset(data_.get() + *offset, 0, count * sizeof(WireCell));
  return OkStatus();
}

void FrameWriter::AppendNotes() {
  const size_t count = std::min<size_t>(notes_.size(), kMaxNotes);
  const size_t bytes = count * sizeof(Note);
  if (size_ + bytes > capacity_) Grow(size_ + bytes);
  std::memcpy(data_.get() + size_, notes_.data(), bytes);
  size_ += bytes;
  const uint16_t num_notes = static_cast<uint16_t>(count);
  std::memcpy(data_.get() + offsetof(FrameHeader, num_notes), &num_notes, sizeof(num_notes));
  notes_.erase(notes_.begin(), notes_.begin() + static_cast<std::ptrdiff_t>(count));
}

void FrameWriter::PutString(uint32_t index, const char* data, size_t size) {
  const size_t room = kMaxPayloadEnd - size_;
  if (size + 8 > room) size = room < 8 ? 0 : room - 8;
  // Cannot fail: the text was cut to what fits, and an empty one becomes None if not even that
  // does.
  (void)PutBytes(TopCell(index), kTVMFFIStr, data, size).ok();
}

Status FrameWriter::PutAt(size_t at, const TVMFFIAny& value, ValueExporter* exporter,
                          uint32_t depth) {
  WireCell cell = {value.type_index, 0, {value.v_uint64}};
  switch (value.type_index) {
    case kTVMFFINone:
      cell.bits = 0;
      break;
    case kTVMFFIBool:
      cell.bits = value.v_int64 != 0 ? 1 : 0;
      break;
    case kTVMFFIInt:
    case kTVMFFIFloat:
    case kTVMFFIDevice:
      break;
    case kTVMFFIDataType:
      cell.bits = 0;
      std::memcpy(&cell.bits, &value.v_dtype, sizeof(value.v_dtype));
      break;
    case kTVMFFIOpaquePtr:
      if (value.v_ptr != nullptr)
        return Invalid("an opaque pointer means nothing in another process");
      break;
    case kTVMFFISmallStr:
    case kTVMFFISmallBytes:
      cell.count = std::min<uint32_t>(value.small_str_len, sizeof(value.v_bytes) - 1);
      cell.bits = 0;
      std::memcpy(&cell.bits, value.v_bytes, cell.count);
      break;
    case kTVMFFIRawStr:
      return PutBytes(at, kTVMFFIRawStr, value.v_c_str, std::strlen(value.v_c_str));
    case kTVMFFIByteArrayPtr: {
      const auto* bytes = static_cast<const TVMFFIByteArray*>(value.v_ptr);
      return PutBytes(at, kTVMFFIByteArrayPtr, bytes->data, bytes->size);
    }
    case kTVMFFIDLTensorPtr:
      if (depth != 0)
        return Invalid("a DLTensor* inside a container cannot be kept alive in another process");
      return PutTensor(at, value, *static_cast<const DLTensor*>(value.v_ptr), exporter);
    case kTVMFFIObjectRValueRef:
      return PutMoved(at, value, exporter, depth);
    default:
      if (value.type_index >= kTVMFFIStaticObjectBegin)
        return PutObject(at, value, exporter, depth);
      return Invalid("a value of unknown type index " + std::to_string(value.type_index) +
                     " cannot cross");
  }
  StoreCell(at, cell);
  return OkStatus();
}

Status FrameWriter::PutObject(size_t at, const TVMFFIAny& value, ValueExporter* exporter,
                              uint32_t depth) {
  switch (value.type_index) {
    case kTVMFFIStr:
    case kTVMFFIBytes: {
      const TVMFFIByteArray* bytes = TVMFFIBytesGetByteArrayPtr(value.v_obj);
      return PutBytes(at, value.type_index, bytes->data, bytes->size);
    }
    case kTVMFFIShape:
      return PutShape(at, *TVMFFIShapeGetCellPtr(value.v_obj));
    case kTVMFFIError:
      return PutError(at, *TVMFFIErrorGetCellPtr(value.v_obj));
    case kTVMFFITensor:
      return PutTensor(at, value, *TVMFFITensorGetDLTensorPtr(value.v_obj), exporter);
    case kTVMFFIArray:
    case kTVMFFIList:
    case kTVMFFIMap:
    case kTVMFFIDict:
      if (depth == kMaxDepth) {
        return Invalid("containers are nested deeper than " + std::to_string(kMaxDepth) +
                       " levels, or in a cycle");
      }
      return value.type_index == kTVMFFIArray || value.type_index == kTVMFFIList
                 ? PutSequence(at, value, exporter, depth)
                 : PutMap(at, value, exporter, depth);
    default:
      return PutForeign(at, value, exporter);
  }
}

Status FrameWriter::PutMoved(size_t at, const TVMFFIAny& value, ValueExporter* exporter,
                             uint32_t depth) {
  auto* slot = static_cast<TVMFFIObject**>(value.v_ptr);
  if (*slot == nullptr) return Invalid("RValueRef already moved");
  TVMFFIAny object = NoneAny();
  object.type_index = (*slot)->type_index;
  object.v_obj = *slot;
  TVMFFI_RETURN_IF_ERROR(PutObject(at, object, exporter, depth));
  *slot = nullptr;
  ReleaseAny(&object);
  return OkStatus();
}

Status FrameWriter::PutBytes(size_t at, int32_t kind, const char* data, size_t size) {
  size_t offset = 0;
  if (size > kMaxPayloadEnd)
    size = kMaxPayloadEnd;  // Append refuses it, with one byte more, without overflow
  TVMFFI_RETURN_IF_ERROR(Append(size + 1, &offset));
  if (size != 0) std::memcpy(data_.get() + offset, data, size);
  StoreCell(at, {kind, static_cast<uint32_t>(size), {offset}});
  return OkStatus();
}

Status FrameWriter::PutShape(size_t at, const TVMFFIShapeCell& shape) {
  if (shape.size > kMaxCells)
    return Invalid("a shape of " + std::to_string(shape.size) + " extents cannot cross");
  size_t offset = 0;
  TVMFFI_RETURN_IF_ERROR(Append(shape.size * sizeof(int64_t), &offset));
  if (shape.size != 0) std::memcpy(data_.get() + offset, shape.data, shape.size * sizeof(int64_t));
  StoreCell(at, {kTVMFFIShape, static_cast<uint32_t>(shape.size), {offset}});
  return OkStatus();
}

Status FrameWriter::PutError(size_t at, const TVMFFIErrorCell& error) {
  size_t cells = 0;
  TVMFFI_RETURN_IF_ERROR(AppendCells(3, &cells));
  const TVMFFIByteArray* parts[] = {&error.kind, &error.message, &error.backtrace};
  for (size_t i = 0; i < 3; ++i) {
    TVMFFI_RETURN_IF_ERROR(
        PutBytes(cells + i * sizeof(WireCell), kTVMFFIStr, parts[i]->data, parts[i]->size));
  }
  StoreCell(at, {kTVMFFIError, 3, {cells}});
  return OkStatus();
}

Status FrameWriter::PutSequence(size_t at, const TVMFFIAny& value, ValueExporter* exporter,
                                uint32_t depth) {
  const auto* sequence = reinterpret_cast<const TVMFFISeqCell*>(value.v_obj + 1);
  const uint64_t count = static_cast<uint64_t>(sequence->size);
  size_t cells = 0;
  TVMFFI_RETURN_IF_ERROR(AppendCells(count, &cells));
  const auto* elements = static_cast<const TVMFFIAny*>(sequence->data);
  for (uint64_t i = 0; i < count; ++i) {
    TVMFFI_RETURN_IF_ERROR(PutAt(cells + i * sizeof(WireCell), elements[i], exporter, depth + 1));
  }
  StoreCell(at, {value.type_index, static_cast<uint32_t>(count), {cells}});
  return OkStatus();
}

Status FrameWriter::PutMap(size_t at, const TVMFFIAny& value, ValueExporter* exporter,
                           uint32_t depth) {
  MapView map(value.v_obj);
  size_t cells = 0;
  if (map.size() > kMaxCells / 2)
    return Invalid("a map of " + std::to_string(map.size()) + " entries cannot cross");
  TVMFFI_RETURN_IF_ERROR(AppendCells(2 * map.size(), &cells));
  uint64_t next = cells;
  while (map.Next()) {
    TVMFFI_RETURN_IF_ERROR(PutAt(next, map.key(), exporter, depth + 1));
    TVMFFI_RETURN_IF_ERROR(PutAt(next + sizeof(WireCell), map.value(), exporter, depth + 1));
    next += 2 * sizeof(WireCell);
  }
  StoreCell(at, {value.type_index, static_cast<uint32_t>(map.size()), {cells}});
  return OkStatus();
}

Status FrameWriter::PutTensor(size_t at, const TVMFFIAny& value, const DLTensor& tensor,
                              ValueExporter* exporter) {
  int64_t scratch[kMaxNdim];
  TensorLayout layout;
  TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &layout));
  TensorDesc desc = {};
  int64_t argument = -1;
  TVMFFI_RETURN_IF_ERROR(exporter->ExportTensor(value, tensor, &desc, &argument));
  if (argument >= 0) {
    StoreCell(at, {kWireArgument, 0, {static_cast<uint64_t>(argument)}});
    return OkStatus();
  }
  desc.dtype_code = tensor.dtype.code;
  desc.dtype_bits = tensor.dtype.bits;
  desc.dtype_lanes = tensor.dtype.lanes;
  desc.device_type = tensor.device.device_type;
  desc.device_id = tensor.device.device_id;
  desc.ndim = layout.ndim;
  const size_t extents = layout.ndim * sizeof(int64_t);
  size_t offset = 0;
  TVMFFI_RETURN_IF_ERROR(Append(sizeof(desc) + 2 * extents, &offset));
  char* to = data_.get() + offset;
  std::memcpy(to, &desc, sizeof(desc));
  if (extents != 0) {
    std::memcpy(to + sizeof(desc), layout.shape, extents);
    std::memcpy(to + sizeof(desc) + extents, layout.strides, extents);
  }
  StoreCell(at, {value.type_index, 0, {offset}});
  return OkStatus();
}

Status FrameWriter::PutForeign(size_t at, const TVMFFIAny& value, ValueExporter* exporter) {
  int32_t kind = 0;
  ObjectDesc desc = {};
  TVMFFIByteArray key = {nullptr, 0};
  TVMFFI_RETURN_IF_ERROR(exporter->ExportObject(value, &kind, &desc, &key));
  if (kind == kWireArgument) {
    StoreCell(at, {kWireArgument, 0, {desc.id}});
    return OkStatus();
  }
  if (key.size > kMaxTypeKey) {
    return Invalid("the type key of an object has " + std::to_string(key.size) +
                   " bytes, at most " + std::to_string(kMaxTypeKey) + " can cross");
  }
  desc.key_size = static_cast<uint32_t>(key.size);
  size_t offset = 0;
  TVMFFI_RETURN_IF_ERROR(Append(sizeof(desc) + key.size, &offset));
  std::memcpy(data_.get() + offset, &desc, sizeof(desc));
  if (key.size != 0) std::memcpy(data_.get() + offset + sizeof(desc), key.data, key.size);
  StoreCell(at, {kind, 0, {offset}});
  return OkStatus();
}

}  // namespace tvmffi
