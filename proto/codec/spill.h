// Frames too large for a lane: the frame itself lies in an arena, the lane carries its header and
// where it lies.
#ifndef TVMFFI_PROTO_CODEC_SPILL_H_
#define TVMFFI_PROTO_CODEC_SPILL_H_

#include <cstddef>

#include "proto/base/status.h"
#include "proto/codec/frame.h"

namespace tvmffi {

inline constexpr size_t kSpillFrame = sizeof(FrameHeader) + sizeof(SpillRef);

// Writes the frame that stands for the finished `frame`, stored at `ref`, into `out` (kSpillFrame
// bytes).
void MakeSpillFrame(const char* frame, const SpillRef& ref, char* out);

// True when a received frame only names where the real one lies; `*ref` is then filled, with a size
// between sizeof(FrameHeader) and kMaxFrame. That the arena has such a range is for the caller to
// check; then it copies the range out and opens the copy. A frame that claims to be spilled and is
// malformed is an error.
Result<bool> ReadSpillFrame(const char* frame, size_t size, SpillRef* ref);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_SPILL_H_
