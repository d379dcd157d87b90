// TVMFFIAny <-> call frame. Needs only the C ABI of whatever libtvm_ffi the process has, functions
// of 0.1.0; containers are read by layout and built through the global functions `ffi.Array`,
// `ffi.Map`, `ffi.List`, `ffi.Dict`, `ffi.Shape`.
#ifndef TVMFFI_PROTO_CODEC_VALUE_H_
#define TVMFFI_PROTO_CODEC_VALUE_H_

#include <tvm/ffi/c_api.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "proto/base/status.h"
#include "proto/codec/frame.h"

namespace tvmffi {

// What encoding asks of the end it runs in: values that cannot be copied into the frame.
class ValueExporter {
 public:
  virtual ~ValueExporter() = default;

  // `cell` is a kTVMFFITensor or kTVMFFIDLTensorPtr. Fills arena_id, flags, offset, nbytes,
  // data_offset and id of the zeroed `desc` (shape, strides, dtype and device are the codec's job),
  // or names the request argument it is:
  // `*argument`, -1 on entry, becomes its index (replies only). An exporter that needs the object
  // after Put returns takes its own reference: the caller may have passed it by rvalue reference.
  virtual Status ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc,
                              int64_t* argument) = 0;

  // Any other object (functions, modules, opaque Python objects, registered types): `*kind` becomes
  // kWireHandle, kWireCallback or kWireArgument (then desc->id is the index). `*key`, empty on
  // entry, may name the type and must stay valid until Put returns. InvalidArgument says why it
  // cannot cross; the text ends up in a TypeError naming the argument.
  virtual Status ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                              TVMFFIByteArray* key) = 0;
};

// What decoding asks. Importers report a peer that broke the rules as kInvalidArgument, like the
// codec.
class ValueImporter {
 public:
  virtual ~ValueImporter() = default;

  // The codec has checked that ndim, extents, strides and dtype are sane and that every element
  // lies inside [desc.offset, desc.offset + desc.nbytes). Left to the importer: that this range
  // lies inside the arena, the device, and that the ids are known. `shape` and `strides` (ndim
  // each, 8-byte aligned) point into the frame: copy them. `as_pointer`: the sender had a
  // DLTensor*; `out` becomes a kTVMFFIDLTensorPtr whose target the importer owns.
  virtual Status ImportTensor(const TensorDesc& desc, const int64_t* shape, const int64_t* strides,
                              bool as_pointer, TVMFFIAny* out) = 0;

  // `kind` is kWireHandle or kWireCallback; `key` holds desc.key_size bytes and points into the
  // frame.
  virtual Status ImportObject(int32_t kind, const ObjectDesc& desc, const char* key,
                              TVMFFIAny* out) = 0;

  // A kWireArgument.
  virtual Status ImportArgument(uint64_t index, TVMFFIAny* out) = 0;

  // An error that travels as a value. By default exactly these three texts.
  virtual Status ImportError(const TVMFFIByteArray& kind, const TVMFFIByteArray& message,
                             const TVMFFIByteArray& backtrace, TVMFFIAny* out);
};

// Builds frames, one after the other, keeping its buffer. Not thread-safe.
class FrameWriter {
 public:
  // Starts a frame of `num_cells` top-level cells (at most kMaxCells), all None. An unfinished
  // frame is dropped.
  void Start(FrameOp op, uint64_t target, uint64_t call_id, uint32_t lane_call,
             uint32_t num_cells) {
    const size_t size = sizeof(FrameHeader) + num_cells * sizeof(WireCell);
    size_ = 0;
    if (capacity_ > kKeptCapacity) Shrink();
    if (size > capacity_) Grow(size);
    // Written in place: a copy of a header just built field by field would stall on its own stores.
    new (data_.get()) FrameHeader{op, 0, 0, num_cells, 0, lane_call, target, call_id};
    auto* cells = reinterpret_cast<WireCell*>(data_.get() + sizeof(FrameHeader));
    for (uint32_t i = 0; i < num_cells; ++i) new (cells + i) WireCell{kTVMFFINone, 0, {0}};
    cells_ = num_cells;
    size_ = size;
  }

  // Encodes value `index`. The Status of a value that cannot cross says why (without naming the
  // argument); the frame is then to be dropped. A kTVMFFIObjectRValueRef crosses as the object it
  // holds, which is moved out of it.
  Status Put(uint32_t index, const TVMFFIAny& value, ValueExporter* exporter) {
    if (value.type_index == kTVMFFIInt || value.type_index == kTVMFFIFloat) {
      StoreCell(TopCell(index), WireCell{value.type_index, 0, {value.v_uint64}});
      return OkStatus();
    }
    return PutAt(TopCell(index), value, exporter, 0);
  }

  // Plain text cell (kTVMFFIStr) without an ABI object behind it. Cut off at what the frame can
  // hold.
  void PutString(uint32_t index, const char* data, size_t size);

  // The note rides on the frame that is finished next; it survives a dropped one. At most kMaxNotes
  // ride on one frame, the rest on later ones.
  void AddNote(NoteKind kind, uint64_t id) { notes_.push_back({kind, 0, id}); }

  // True when notes wait for the next frame.
  bool has_notes() const { return !notes_.empty(); }

  // Completes the frame, [result, result + size()), valid until the next Start. 8-byte aligned.
  const char* Finish() {
    if (!notes_.empty()) AppendNotes();
    const uint32_t size = static_cast<uint32_t>(size_);
    std::memcpy(data_.get() + offsetof(FrameHeader, size), &size, sizeof(size));
    return data_.get();
  }
  // Before Finish: without the notes.
  size_t size() const { return size_; }
  size_t finished_size() const {
    return size_ + std::min<size_t>(notes_.size(), kMaxNotes) * sizeof(Note);
  }

 private:
  // A buffer that one large frame made longer than this is given back with the next one.
  static constexpr size_t kKeptCapacity = 4u << 20;

  static size_t TopCell(uint32_t index) { return sizeof(FrameHeader) + index * sizeof(WireCell); }
  void StoreCell(size_t at, const WireCell& cell) { new (data_.get() + at) WireCell(cell); }
  Status PutAt(size_t at, const TVMFFIAny& value, ValueExporter* exporter, uint32_t depth);
  Status PutObject(size_t at, const TVMFFIAny& value, ValueExporter* exporter, uint32_t depth);
  Status PutMoved(size_t at, const TVMFFIAny& value, ValueExporter* exporter, uint32_t depth);
  Status PutBytes(size_t at, int32_t kind, const char* data, size_t size);
  Status PutShape(size_t at, const TVMFFIShapeCell& shape);
  Status PutError(size_t at, const TVMFFIErrorCell& error);
  Status PutSequence(size_t at, const TVMFFIAny& value, ValueExporter* exporter, uint32_t depth);
  Status PutMap(size_t at, const TVMFFIAny& value, ValueExporter* exporter, uint32_t depth);
  Status PutTensor(size_t at, const TVMFFIAny& value, const DLTensor& tensor,
                   ValueExporter* exporter);
  Status PutForeign(size_t at, const TVMFFIAny& value, ValueExporter* exporter);
  // Makes room for `size` bytes of payload, 8-byte aligned and zero padded; `*offset` is where they
  // go.
  Status Append(size_t size, size_t* offset);
  Status AppendCells(uint64_t count, size_t* offset);
  void AppendNotes();
  void Grow(size_t size);
  void Shrink();

  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  uint64_t cells_ = 0;
  std::vector<Note> notes_;
};

// Reads frames from private copies, one after the other. Not thread-safe.
class FrameReader {
 public:
  // Checks header, sizes, counts and budgets. `frame` is 8-byte aligned and stays alive and
  // unchanged while it is read. Refuses spilled frames: fetch those first (spill.h).
  Status Open(const char* frame, size_t size);

  const FrameHeader& header() const { return header_; }
  uint32_t num_cells() const { return header_.num_cells; }
  uint32_t num_notes() const { return header_.num_notes; }
  Note note(uint32_t index) const;

  // Decodes cell `index` into an argument view: an owned value, except that RawStr, ByteArrayPtr
  // (valid until the next Open) and DLTensorPtr keep their kind. Release it with ReleaseAny
  // (any.h). On failure nothing is leaked and `out` is None; kInvalidArgument then means that the
  // sender broke the protocol. Each cell is decoded at most once.
  Status Get(uint32_t index, ValueImporter* importer, TVMFFIAny* out) {
    if (index < header_.num_cells) {
      WireCell cell;
      std::memcpy(&cell, frame_ + sizeof(FrameHeader) + index * sizeof(WireCell), sizeof(cell));
      if (cell.kind == kTVMFFIInt || cell.kind == kTVMFFIFloat) {
        out->type_index = cell.kind;
        out->zero_padding = 0;
        out->v_uint64 = cell.bits;
        return OkStatus();
      }
    }
    return GetTop(index, importer, /*owned=*/false, out);
  }

  // The same into an owned value, as results are: RawStr and ByteArrayPtr become owned, a
  // DLTensorPtr is refused.
  Status GetOwned(uint32_t index, ValueImporter* importer, TVMFFIAny* out) {
    return GetTop(index, importer, /*owned=*/true, out);
  }

  // The bytes of a string or bytes cell of any kind, pointing into the frame (small ones too); a
  // NUL follows them.
  Status GetString(uint32_t index, TVMFFIByteArray* out) const;

 private:
  Status GetTop(uint32_t index, ValueImporter* importer, bool owned, TVMFFIAny* out);
  Status GetCell(size_t at, ValueImporter* importer, bool owned, uint32_t depth, TVMFFIAny* out);
  Status GetSmall(const WireCell& cell, TVMFFIAny* out);
  Status GetBytes(size_t at, const WireCell& cell, bool owned, TVMFFIAny* out);
  Status GetShape(const WireCell& cell, TVMFFIAny* out);
  Status GetError(const WireCell& cell, ValueImporter* importer, TVMFFIAny* out);
  Status GetContainer(const WireCell& cell, ValueImporter* importer, uint32_t depth,
                      TVMFFIAny* out);
  Status GetTensor(const WireCell& cell, ValueImporter* importer, TVMFFIAny* out);
  Status GetForeign(const WireCell& cell, ValueImporter* importer, TVMFFIAny* out);
  // Checks that [offset, offset + size) is 8-byte aligned payload and takes it from the budget.
  Status Claim(uint64_t offset, uint64_t size);
  Status CheckPayload(uint64_t offset, uint64_t size) const;
  Status StringAt(size_t at, TVMFFIByteArray* out) const;

  const char* frame_ = nullptr;
  size_t payload_begin_ = 0;
  size_t payload_end_ = 0;
  // Payload bytes not yet described by a decoded cell: an honest frame describes each once, so this
  // bounds all work.
  uint64_t budget_ = 0;
  FrameHeader header_ = {};
  std::vector<std::unique_ptr<TVMFFIByteArray>> byte_arrays_;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_VALUE_H_
