// The call frame: what one Lane::Send carries. Flat, little-endian, 8-byte aligned:
//
//   FrameHeader | num_cells x WireCell | payload | num_notes x Note
//
// Offsets in cells count from the start of the frame; every byte of the payload is described by at
// most one cell. A receiver works on its private copy (Lane::Receive made it) and still checks
// every offset, count and depth against the budget before use.
#ifndef TVMFFI_PROTO_CODEC_FRAME_H_
#define TVMFFI_PROTO_CODEC_FRAME_H_

#include <cstddef>
#include <cstdint>

namespace tvmffi {

enum class FrameOp : uint8_t {
  kInvalid = 0,
  // client -> worker, opens an exchange. `target` is a handle of the worker's table.
  kCall = 1,        // target: Function; cells: arguments
  kCallGlobal = 2,  // cells: the name of one of the worker's global functions, then its arguments
  kLoad = 3,        // cells: path; answered by kReturn with the module
  // client -> worker, answers a nested request of the worker
  kCallbackReturn = 4,  // one cell
  kCallbackError = 5,   // cells as kError
  kMemoryGranted = 6,   // target: arena id
  kMemoryRefused = 7,
  // client -> worker, opens an exchange
  kReady = 8,  // no cells; the first of a worker, answered by kReturn with None before any plug-in
  // worker -> client, closes the exchange
  kReturn = 16,  // one cell
  kError = 17,   // cells: kind, message, backtrace (strings)
  // worker -> client, nested request
  kCallback = 18,    // target: callback id of this call; cells: arguments
  kNeedMemory = 19,  // target: bytes wanted for results
};

enum FrameFlags : uint8_t {
  // The frame in the lane is only header and one SpillRef; the whole frame lies in that arena.
  kSpilled = 1,
};

struct FrameHeader {
  FrameOp op;
  uint8_t flags;
  uint16_t num_notes;
  uint32_t num_cells;
  uint32_t size;       // of the whole frame
  uint32_t lane_call;  // counts exchanges of this lane; replies repeat it
  uint64_t target;
  uint64_t call_id;  // unique per client; for reports and logs
};
static_assert(sizeof(FrameHeader) == 32, "with one cell a frame fits the lane's first line");

// Shaped like TVMFFIAny. `kind` below 64 and for strings, bytes, shape, tensors and containers is
// the ABI's type index; payload kinds hold an offset into the frame.
struct WireCell {
  int32_t kind;
  // Length of small strings; bytes of other strings; elements of arrays and lists; pairs of maps
  // and dicts; extents of shapes; 3 for errors (kind, message, backtrace); 0 for everything else.
  uint32_t count;
  union {
    uint64_t bits;  // image of the ABI's payload word for POD and small kinds
    // Of the bytes (a NUL follows them), int64 extents, nested WireCells (map: key, value, ...),
    // TensorDesc or ObjectDesc.
    uint64_t offset;
  };
};
static_assert(sizeof(WireCell) == 16, "same shape as TVMFFIAny");

// Kinds beyond the ABI's. Type indices of 128 and above never cross.
enum WireKind : int32_t {
  kWireHandle = 1000,    // offset: ObjectDesc; an object that lives in the worker
  kWireCallback = 1001,  // offset: ObjectDesc; a function of the client, valid during this call
  kWireArgument = 1002,  // bits: index of a tensor or callback among those this call's request
                         // carried, in encoding order
};

// Bookkeeping that rides along. kRetained and kDropped are counted per block: one pair for each
// argument tensor kept, and a kDropped on one lane may overtake its kRetained on another. A call's
// kRetained notes are on the frame that closes it.
enum class NoteKind : uint32_t {
  kRelease = 1,   // client -> worker: the client dropped its last use of a handle
  kRetained = 2,  // worker -> client: something kept argument block `id` beyond the call
  kDropped = 3,   // worker -> client: a retained block is free again
};
struct Note {
  NoteKind kind;
  uint32_t reserved;
  uint64_t id;
};
static_assert(sizeof(Note) == 16, "aligned");

enum TensorFlags : uint32_t {
  kTensorReadOnly = 1,
  kTensorHasByteOffset = 2,
};

// A tensor inside an arena; one of no bytes belongs to none, and its arena and offsets are 0.
// Followed by `ndim` extents and `ndim` strides (elements), int64 each.
struct TensorDesc {
  uint32_t arena_id;
  uint32_t flags;
  uint64_t offset;       // of the lowest byte the tensor touches, in the arena
  uint64_t nbytes;       // from there to the highest byte it touches
  uint64_t data_offset;  // of DLTensor::data + byte_offset, in the arena; differs from `offset`
                         // with negative strides
  uint64_t
      id;  // request: block id for notes; reply: handle that keeps the memory allocated, 0 if none
  uint8_t dtype_code;
  uint8_t dtype_bits;
  uint16_t dtype_lanes;
  int32_t device_type;
  int32_t device_id;
  uint32_t ndim;
};
static_assert(sizeof(TensorDesc) == 56, "layout");

// An object that stays where it is. Followed by `key_size` bytes of type key (kWireHandle).
struct ObjectDesc {
  uint64_t id;                // handle in the worker's table, or callback id of this call
  int32_t static_type_index;  // 64..127 when the type has one, else 0
  uint32_t key_size;
};
static_assert(sizeof(ObjectDesc) == 16, "layout");

struct SpillRef {
  uint32_t arena_id;
  uint32_t reserved;
  uint64_t offset;
  uint64_t size;
};

// Budgets a decoder enforces; exceeding one is a protocol violation in a reply, an error in a
// request.
inline constexpr uint32_t kMaxDepth = 64;
inline constexpr uint32_t kMaxCells = 1u << 20;
inline constexpr uint32_t kMaxNdim = 64;
inline constexpr uint32_t kMaxNotes = 65535;
inline constexpr size_t kMaxFrame = 256u << 20;
inline constexpr uint32_t kMaxTypeKey = 256;

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_FRAME_H_
