// The short way through the codec for frames of a few plain values: what FrameWriter and
// FrameReader do with them, without state and without calls.
#ifndef TVMFFI_PROTO_CODEC_PLAIN_H_
#define TVMFFI_PROTO_CODEC_PLAIN_H_

#include <tvm/ffi/c_api.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "proto/codec/frame.h"

namespace tvmffi {

inline constexpr uint32_t kMaxPlainCells = 8;
inline constexpr size_t kMaxPlainFrame = sizeof(FrameHeader) + kMaxPlainCells * sizeof(WireCell);

// None, integers, floats and bools. False, and `*bits` untouched, for anything else.
inline bool PlainBits(const TVMFFIAny& value, uint64_t* bits) {
  switch (value.type_index) {
    case kTVMFFIInt:
    case kTVMFFIFloat:
      *bits = value.v_uint64;
      return true;
    case kTVMFFIBool:
      *bits = value.v_int64 != 0 ? 1 : 0;
      return true;
    case kTVMFFINone:
      *bits = 0;
      return true;
    default:
      return false;
  }
}

// Writes a finished frame into `place`: 8-byte aligned, kMaxPlainFrame bytes, written once and
// never read. Its size; 0 when there are more than kMaxPlainCells values or one is not plain.
inline size_t WritePlainFrame(const FrameHeader& header, const TVMFFIAny* values, char* place) {
  if (header.num_cells > kMaxPlainCells) return 0;
  auto* cells = reinterpret_cast<WireCell*>(place + sizeof(FrameHeader));
  for (uint32_t i = 0; i < header.num_cells; ++i) {
    uint64_t bits;
    if (!PlainBits(values[i], &bits)) return 0;
    new (cells + i) WireCell{values[i].type_index, 0, {bits}};
  }
  const uint32_t size =
      static_cast<uint32_t>(sizeof(FrameHeader) + header.num_cells * sizeof(WireCell));
  new (place) FrameHeader{
      header.op, 0, 0, header.num_cells, size, header.lane_call, header.target, header.call_id};
  return size;
}

// Decodes a cell of a private copy. False when it is not plain, or not well-formed.
inline bool ReadPlainCell(const char* at, TVMFFIAny* out) {
  WireCell cell;
  std::memcpy(&cell, at, sizeof(cell));
  if (cell.kind != kTVMFFIInt && cell.kind != kTVMFFIFloat) {
    const bool is_bool = cell.kind == kTVMFFIBool && cell.bits <= 1;
    const bool is_none = cell.kind == kTVMFFINone && cell.bits == 0;
    if (!is_bool && !is_none) return false;
  }
  out->type_index = cell.kind;
  out->zero_padding = 0;
  out->v_uint64 = cell.bits;
  return true;
}

// Reads a whole frame, a private copy. False when it is anything but a well-formed one of plain
// values without notes: FrameReader then tells what it is.
inline bool ReadPlainFrame(const char* frame, size_t size, FrameHeader* header,
                           TVMFFIAny (&values)[kMaxPlainCells]) {
  if (size < sizeof(FrameHeader)) return false;
  std::memcpy(header, frame, sizeof(*header));
  if (header->flags != 0 || header->num_notes != 0 || header->num_cells > kMaxPlainCells ||
      header->size != size || size != sizeof(*header) + header->num_cells * sizeof(WireCell)) {
    return false;
  }
  for (uint32_t i = 0; i < header->num_cells; ++i) {
    if (!ReadPlainCell(frame + sizeof(*header) + i * sizeof(WireCell), &values[i])) return false;
  }
  return true;
}

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_PLAIN_H_
