// TVMFFIAny <-> call frame. Needs only the C ABI of whatever libtvm_ffi the process has, functions of 0.1.0; containers are
// read by layout and built through the global functions `ffi.Array`, `ffi.Map`, `ffi.List`, `ffi.Dict`, `ffi.Shape`.
#ifndef TVMFFI_PROTO_CODEC_VALUE_H_
#define TVMFFI_PROTO_CODEC_VALUE_H_

#include <tvm/ffi/c_api.h>

#include <vector>

#include "proto/base/status.h"
#include "proto/codec/frame.h"

namespace tvmffi {

// What encoding asks of the end it runs in: values that cannot be copied into the frame.
class ValueExporter {
 public:
  virtual ~ValueExporter() = default;
  // `cell` is a kTVMFFITensor or kTVMFFIDLTensorPtr. Fills everything but ndim, dtype and device (the codec's job), or
  // names the request argument it is (`*argument` >= 0, replies only).
  virtual Status ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc, int64_t* argument) = 0;
  // Any other object: `*kind` becomes kWireHandle, kWireCallback or kWireArgument (then desc->id is the index).
  // InvalidArgument says why it cannot cross; the text ends up in a TypeError naming the argument.
  virtual Status ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc, std::vector<char>* key) = 0;
};

// What decoding asks. Every description has been checked for shape and budget, not against what the arena holds: that
// check (range, alignment, id known) is the importer's. `out` receives an owned value.
class ValueImporter {
 public:
  virtual ~ValueImporter() = default;
  // `as_pointer`: the sender had a DLTensor*, not a Tensor. extents/strides point into the frame copy (8-byte aligned).
  virtual Status ImportTensor(const TensorDesc& desc, const int64_t* shape, const int64_t* strides, bool as_pointer,
                              TVMFFIAny* out) = 0;
  virtual Status ImportObject(int32_t kind, const ObjectDesc& desc, const char* key, TVMFFIAny* out) = 0;
  virtual Status ImportArgument(uint64_t index, TVMFFIAny* out) = 0;
};

// Builds one frame. Reused from call to call: keeps its buffer.
class FrameWriter {
 public:
  // Starts a frame with room for `num_cells` top-level cells.
  void Start(FrameOp op, uint64_t target, uint64_t call_id, uint32_t lane_call, uint32_t num_cells);
  // Encodes value `index`. The Status of a value that cannot cross says why; the frame is then to be dropped.
  Status Put(uint32_t index, const TVMFFIAny& value, ValueExporter* exporter);
  // Plain text cell without an ABI object behind it.
  void PutString(uint32_t index, const char* data, size_t size);
  void AddNote(NoteKind kind, uint64_t id);
  // Writes the header's final sizes. The frame is [data, data + size).
  const char* Finish();
  size_t size() const;

 private:
  std::vector<char> buffer_;
  std::vector<Note> notes_;
};

// Reads one frame from a private copy.
class FrameReader {
 public:
  // Checks header, sizes, counts and budgets. `frame` stays alive and unchanged while the reader is used.
  static Result<FrameReader> Open(const char* frame, size_t size);

  const FrameHeader& header() const;
  uint32_t num_notes() const;
  Note note(uint32_t index) const;
  // Decodes cell `index` into an owned value. On failure nothing is leaked.
  Status Get(uint32_t index, ValueImporter* importer, TVMFFIAny* out) const;
  // The bytes of a string or bytes cell, pointing into the frame.
  Status GetString(uint32_t index, TVMFFIByteArray* out) const;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_VALUE_H_
