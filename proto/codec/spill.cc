#include "proto/codec/spill.h"

#include <cstring>
#include <string>

namespace tvmffi {

void MakeSpillFrame(const char* frame, const SpillRef& ref, char* out) {
  FrameHeader header;
  std::memcpy(&header, frame, sizeof(header));
  header.flags |= kSpilled;
  header.num_cells = 0;
  header.num_notes = 0;
  header.size = kSpillFrame;
  std::memcpy(out, &header, sizeof(header));
  std::memcpy(out + sizeof(header), &ref, sizeof(ref));
}

Result<bool> ReadSpillFrame(const char* frame, size_t size, SpillRef* ref) {
  if (size < sizeof(FrameHeader)) {
    return Status{Code::kInvalidArgument,
                  "frame of " + std::to_string(size) + " bytes has no header"};
  }
  FrameHeader header;
  std::memcpy(&header, frame, sizeof(header));
  if ((header.flags & kSpilled) == 0) return false;
  if (size != kSpillFrame || header.size != kSpillFrame || header.num_cells != 0 ||
      header.num_notes != 0) {
    return Status{Code::kInvalidArgument, "spilled frame of " + std::to_string(size) +
                                              " bytes, expected " + std::to_string(kSpillFrame) +
                                              " without cells and notes"};
  }
  std::memcpy(ref, frame + sizeof(header), sizeof(*ref));
  if (ref->size < sizeof(FrameHeader) || ref->size > kMaxFrame) {
    return Status{Code::kInvalidArgument, "spilled frame claims " + std::to_string(ref->size) +
                                              " bytes, at most " + std::to_string(kMaxFrame) +
                                              " are allowed"};
  }
  return true;
}

}  // namespace tvmffi
