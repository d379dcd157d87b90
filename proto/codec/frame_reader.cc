#include <string>
#include <vector>

#include "proto/codec/any.h"
#include "proto/codec/map_hash.h"
#include "proto/codec/tensor.h"
#include "proto/codec/value.h"

namespace tvmffi {
namespace {

Status Violation(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

// Maps whose keys were chosen to meet in one slot would take quadratic time to build.
constexpr uint32_t kMaxKeysPerSlot = 256;

// The elements of a container while it is being built.
class Elements {
 public:
  explicit Elements(size_t count) { values_.reserve(count); }
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;
  ~Elements() {
    for (TVMFFIAny& value : values_) ReleaseAny(&value);
  }

  TVMFFIAny* Add() {
    values_.push_back(NoneAny());
    return &values_.back();
  }

  bool HasCrowdedSlot() const {
    return tvmffi::HasCrowdedSlot(values_.data(), values_.size() / 2, kMaxKeysPerSlot);
  }

  // Calls the global function `builder` with all elements.
  Status Build(TVMFFIObjectHandle builder, const char* name, TVMFFIAny* out) {
    if (builder == nullptr)
      return {Code::kUnavailable, std::string("this libtvm_ffi has no ") + name};
    OwnedAny result;
    const int32_t count = static_cast<int32_t>(values_.size());
    if (TVMFFIFunctionCall(builder, values_.data(), count, result.out()) != 0) {
      return RaisedStatus(Code::kInternal, std::string("cannot build an ") + name);
    }
    *out = result.release();
    return OkStatus();
  }

 private:
  std::vector<TVMFFIAny> values_;
};

Status BuildContainer(int32_t kind, Elements* elements, TVMFFIAny* out) {
  static const TVMFFIObjectHandle array = FindGlobal("ffi.Array");
  static const TVMFFIObjectHandle list = FindGlobal("ffi.List");
  static const TVMFFIObjectHandle map = FindGlobal("ffi.Map");
  static const TVMFFIObjectHandle dict = FindGlobal("ffi.Dict");
  switch (kind) {
    case kTVMFFIArray:
      return elements->Build(array, "ffi.Array", out);
    case kTVMFFIList:
      return elements->Build(list, "ffi.List", out);
    case kTVMFFIMap:
      return elements->Build(map, "ffi.Map", out);
    default:
      return elements->Build(dict, "ffi.Dict", out);
  }
}

Status OwnText(int32_t kind, const TVMFFIByteArray& bytes, TVMFFIAny* out) {
  const bool text = kind == kTVMFFIStr || kind == kTVMFFIRawStr;
  *out = NoneAny();
  const int code =
      text ? TVMFFIStringFromByteArray(&bytes, out) : TVMFFIBytesFromByteArray(&bytes, out);
  if (code == 0) return OkStatus();
  *out = NoneAny();
  return RaisedStatus(Code::kResourceExhausted,
                      "cannot make a string of " + std::to_string(bytes.size) + " bytes");
}

bool IsText(int32_t kind) {
  return kind == kTVMFFIStr || kind == kTVMFFIBytes || kind == kTVMFFIRawStr ||
         kind == kTVMFFIByteArrayPtr;
}

}  // namespace

Status ValueImporter::ImportError(const TVMFFIByteArray& kind, const TVMFFIByteArray& message,
                                  const TVMFFIByteArray& backtrace, TVMFFIAny* out) {
  TVMFFIObjectHandle error = nullptr;
  if (TVMFFIErrorCreate(&kind, &message, &backtrace, &error) != 0) {
    return {Code::kResourceExhausted, "cannot make an error object"};
  }
  out->type_index = kTVMFFIError;
  out->zero_padding = 0;
  out->v_obj = static_cast<TVMFFIObject*>(error);
  return OkStatus();
}

Status FrameReader::Open(const char* frame, size_t size) {
  byte_arrays_.clear();
  header_ = {};
  if (size < sizeof(FrameHeader))
    return Violation("frame of " + std::to_string(size) + " bytes has no header");
  FrameHeader header;
  std::memcpy(&header, frame, sizeof(header));
  if (header.size != size || size > kMaxFrame || size % 8 != 0) {
    return Violation("frame says it has " + std::to_string(header.size) + " bytes, received " +
                     std::to_string(size));
  }
  if (header.flags != 0)
    return Violation("frame has unknown flags " + std::to_string(header.flags));
  if (header.num_cells > kMaxCells || header.num_notes > kMaxNotes) {
    return Violation("frame has " + std::to_string(header.num_cells) + " cells and " +
                     std::to_string(header.num_notes) + " notes, over the limit");
  }
  const size_t cells_end = sizeof(FrameHeader) + size_t{header.num_cells} * sizeof(WireCell);
  const size_t notes = size_t{header.num_notes} * sizeof(Note);
  if (cells_end + notes > size) {
    return Violation("frame of " + std::to_string(size) + " bytes cannot hold " +
                     std::to_string(header.num_cells) + " cells and " +
                     std::to_string(header.num_notes) + " notes");
  }
  frame_ = frame;
  payload_begin_ = cells_end;
  payload_end_ = size - notes;
  budget_ = payload_end_ - payload_begin_;
  header_ = header;
  return OkStatus();
}

Note FrameReader::note(uint32_t index) const {
  Note note;
  std::memcpy(&note, frame_ + payload_end_ + index * sizeof(Note), sizeof(note));
  return note;
}

Status FrameReader::CheckPayload(uint64_t offset, uint64_t size) const {
  if (offset % 8 != 0 || offset < payload_begin_ || offset > payload_end_ ||
      size > payload_end_ - offset) {
    return Violation("cell points at " + std::to_string(size) + " bytes at " +
                     std::to_string(offset) + ", the payload is [" +
                     std::to_string(payload_begin_) + ", " + std::to_string(payload_end_) + ")");
  }
  return OkStatus();
}

Status FrameReader::Claim(uint64_t offset, uint64_t size) {
  TVMFFI_RETURN_IF_ERROR(CheckPayload(offset, size));
  if (size > budget_) return Violation("cells describe more bytes than the frame has");
  budget_ -= size;
  return OkStatus();
}

Status FrameReader::GetString(uint32_t index, TVMFFIByteArray* out) const {
  if (index >= header_.num_cells) {
    return Violation("frame has " + std::to_string(header_.num_cells) +
                     " cells, wanted a string in number " + std::to_string(index));
  }
  return StringAt(sizeof(FrameHeader) + index * sizeof(WireCell), out);
}

Status FrameReader::StringAt(size_t at, TVMFFIByteArray* out) const {
  WireCell cell;
  std::memcpy(&cell, frame_ + at, sizeof(cell));
  if (cell.kind == kTVMFFISmallStr || cell.kind == kTVMFFISmallBytes) {
    if (cell.count >= sizeof(cell.bits) || cell.bits >> (8 * cell.count) != 0) {
      return Violation("small string of " + std::to_string(cell.count) + " bytes is malformed");
    }
    *out = {frame_ + at + offsetof(WireCell, bits), cell.count};
    return OkStatus();
  }
  if (!IsText(cell.kind))
    return Violation("cell of kind " + std::to_string(cell.kind) + " where a string belongs");
  TVMFFI_RETURN_IF_ERROR(CheckPayload(cell.offset, uint64_t{cell.count} + 1));
  if (frame_[cell.offset + cell.count] != '\0') return Violation("string is not followed by a NUL");
  *out = {frame_ + cell.offset, cell.count};
  return OkStatus();
}

Status FrameReader::GetTop(uint32_t index, ValueImporter* importer, bool owned, TVMFFIAny* out) {
  *out = NoneAny();
  if (index >= header_.num_cells) {
    return Violation("frame has " + std::to_string(header_.num_cells) + " cells, wanted number " +
                     std::to_string(index));
  }
  return GetCell(sizeof(FrameHeader) + index * sizeof(WireCell), importer, owned, 0, out);
}

Status FrameReader::GetCell(size_t at, ValueImporter* importer, bool owned, uint32_t depth,
                            TVMFFIAny* out) {
  WireCell cell;
  std::memcpy(&cell, frame_ + at, sizeof(cell));
  switch (cell.kind) {
    case kTVMFFINone:
    case kTVMFFIInt:
    case kTVMFFIBool:
    case kTVMFFIFloat:
    case kTVMFFIOpaquePtr:
    case kTVMFFIDataType:
    case kTVMFFIDevice:
    case kTVMFFISmallStr:
    case kTVMFFISmallBytes:
      return GetSmall(cell, out);
    case kTVMFFIStr:
    case kTVMFFIBytes:
    case kTVMFFIRawStr:
    case kTVMFFIByteArrayPtr:
      return GetBytes(at, cell, owned, out);
    case kTVMFFIShape:
      return GetShape(cell, out);
    case kTVMFFIError:
      return GetError(cell, importer, out);
    case kTVMFFIArray:
    case kTVMFFIList:
    case kTVMFFIMap:
    case kTVMFFIDict:
      if (depth == kMaxDepth)
        return Violation("containers are nested deeper than " + std::to_string(kMaxDepth));
      return GetContainer(cell, importer, depth, out);
    case kTVMFFIDLTensorPtr:
      if (owned) return Violation("a DLTensor* where an owned value belongs");
      return GetTensor(cell, importer, out);
    case kTVMFFITensor:
      return GetTensor(cell, importer, out);
    case kWireHandle:
    case kWireCallback:
      return GetForeign(cell, importer, out);
    case kWireArgument:
      return importer->ImportArgument(cell.bits, out);
    default:
      return Violation("cell of unknown kind " + std::to_string(cell.kind));
  }
}

Status FrameReader::GetSmall(const WireCell& cell, TVMFFIAny* out) {
  uint64_t allowed = ~uint64_t{0};
  const bool text = cell.kind == kTVMFFISmallStr || cell.kind == kTVMFFISmallBytes;
  if (text) {
    if (cell.count >= sizeof(cell.bits))
      return Violation("small string of " + std::to_string(cell.count) + " bytes");
    allowed = (uint64_t{1} << (8 * cell.count)) - 1;
  } else if (cell.kind == kTVMFFINone || cell.kind == kTVMFFIOpaquePtr) {
    allowed = 0;
  } else if (cell.kind == kTVMFFIBool) {
    allowed = 1;
  } else if (cell.kind == kTVMFFIDataType) {
    allowed = 0xFFFFFFFF;
  }
  if ((cell.bits & ~allowed) != 0) {
    return Violation("payload " + std::to_string(cell.bits) + " does not fit kind " +
                     std::to_string(cell.kind));
  }
  out->type_index = cell.kind;
  out->small_str_len = text ? cell.count : 0;
  out->v_uint64 = cell.bits;
  return OkStatus();
}

Status FrameReader::GetBytes(size_t at, const WireCell& cell, bool owned, TVMFFIAny* out) {
  TVMFFIByteArray bytes;
  TVMFFI_RETURN_IF_ERROR(StringAt(at, &bytes));
  TVMFFI_RETURN_IF_ERROR(Claim(cell.offset, uint64_t{cell.count} + 1));
  if (owned || cell.kind == kTVMFFIStr || cell.kind == kTVMFFIBytes)
    return OwnText(cell.kind, bytes, out);
  out->type_index = cell.kind;
  out->zero_padding = 0;
  if (cell.kind == kTVMFFIRawStr) {
    out->v_c_str = bytes.data;
  } else {
    byte_arrays_.push_back(std::make_unique<TVMFFIByteArray>(bytes));
    out->v_ptr = byte_arrays_.back().get();
  }
  return OkStatus();
}

Status FrameReader::GetShape(const WireCell& cell, TVMFFIAny* out) {
  static const TVMFFIObjectHandle shape = FindGlobal("ffi.Shape");
  TVMFFI_RETURN_IF_ERROR(Claim(cell.offset, uint64_t{cell.count} * sizeof(int64_t)));
  Elements extents(cell.count);
  for (uint32_t i = 0; i < cell.count; ++i) {
    TVMFFIAny* extent = extents.Add();
    extent->type_index = kTVMFFIInt;
    std::memcpy(&extent->v_int64, frame_ + cell.offset + i * sizeof(int64_t), sizeof(int64_t));
  }
  return extents.Build(shape, "ffi.Shape", out);
}

Status FrameReader::GetError(const WireCell& cell, ValueImporter* importer, TVMFFIAny* out) {
  if (cell.count != 3)
    return Violation("error of " + std::to_string(cell.count) + " texts, expected 3");
  TVMFFI_RETURN_IF_ERROR(Claim(cell.offset, 3 * sizeof(WireCell)));
  TVMFFIByteArray parts[3];
  for (size_t i = 0; i < 3; ++i) {
    const size_t at = cell.offset + i * sizeof(WireCell);
    TVMFFI_RETURN_IF_ERROR(StringAt(at, &parts[i]));
    WireCell part;
    std::memcpy(&part, frame_ + at, sizeof(part));
    if (IsText(part.kind)) TVMFFI_RETURN_IF_ERROR(Claim(part.offset, uint64_t{part.count} + 1));
  }
  return importer->ImportError(parts[0], parts[1], parts[2], out);
}

Status FrameReader::GetContainer(const WireCell& cell, ValueImporter* importer, uint32_t depth,
                                 TVMFFIAny* out) {
  const bool map = cell.kind == kTVMFFIMap || cell.kind == kTVMFFIDict;
  const uint64_t count = uint64_t{cell.count} * (map ? 2 : 1);
  TVMFFI_RETURN_IF_ERROR(Claim(cell.offset, count * sizeof(WireCell)));
  if (count > kMaxCells) return Violation("container of " + std::to_string(count) + " elements");
  Elements elements(count);
  for (uint64_t i = 0; i < count; ++i) {
    const size_t at = cell.offset + i * sizeof(WireCell);
    TVMFFI_RETURN_IF_ERROR(GetCell(at, importer, /*owned=*/true, depth + 1, elements.Add()));
  }
  if (map && elements.HasCrowdedSlot()) {
    return Violation("map of " + std::to_string(cell.count) +
                     " entries whose keys meet in one slot");
  }
  return BuildContainer(cell.kind, &elements, out);
}

Status FrameReader::GetTensor(const WireCell& cell, ValueImporter* importer, TVMFFIAny* out) {
  TVMFFI_RETURN_IF_ERROR(CheckPayload(cell.offset, sizeof(TensorDesc)));
  TensorDesc desc;
  std::memcpy(&desc, frame_ + cell.offset, sizeof(desc));
  if (desc.ndim > kMaxNdim)
    return Violation("tensor of " + std::to_string(desc.ndim) + " dimensions");
  TVMFFI_RETURN_IF_ERROR(
      Claim(cell.offset, sizeof(desc) + uint64_t{desc.ndim} * 2 * sizeof(int64_t)));
  // Offsets are multiples of 8 and so is the frame's address.
  const auto* shape = reinterpret_cast<const int64_t*>(frame_ + cell.offset + sizeof(desc));
  const int64_t* strides = shape + desc.ndim;
  TVMFFI_RETURN_IF_ERROR(CheckDesc(desc, shape, strides));
  return importer->ImportTensor(desc, shape, strides, cell.kind == kTVMFFIDLTensorPtr, out);
}

Status FrameReader::GetForeign(const WireCell& cell, ValueImporter* importer, TVMFFIAny* out) {
  TVMFFI_RETURN_IF_ERROR(CheckPayload(cell.offset, sizeof(ObjectDesc)));
  ObjectDesc desc;
  std::memcpy(&desc, frame_ + cell.offset, sizeof(desc));
  if (desc.key_size > kMaxTypeKey)
    return Violation("type key of " + std::to_string(desc.key_size) + " bytes");
  TVMFFI_RETURN_IF_ERROR(Claim(cell.offset, sizeof(desc) + desc.key_size));
  return importer->ImportObject(cell.kind, desc, frame_ + cell.offset + sizeof(desc), out);
}

}  // namespace tvmffi
