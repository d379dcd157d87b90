// A reply of a hostile worker, from the bytes in the lane to values. Whatever was accepted must
// survive the way back.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "proto/codec/spill.h"
#include "tests/proto/value_support.h"

namespace tvmffi {
namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// What was decoded goes out again and comes back as something the library calls equal. Not for NaN,
// which equals nothing.
void CheckWayBack(const TVMFFIAny& value, TestMemory* memory) {
  FrameWriter writer;
  writer.Start(FrameOp::kReturn, 0, 0, 0, 1);
  Status sent = writer.Put(0, value, memory);
  Check(sent.ok(), "a decoded value cannot be encoded");
  std::vector<char> frame(writer.Finish(), writer.Finish() + writer.size());
  FrameReader reader;
  Check(reader.Open(frame.data(), frame.size()).ok(), "an encoded frame cannot be opened");
  OwnedAny again;
  Check(reader.GetOwned(0, memory, again.out()).ok(), "an encoded value cannot be decoded");
  Check(again.get().type_index == value.type_index, "a value changed its type");
  FrameWriter second;
  second.Start(FrameOp::kReturn, 0, 0, 0, 1);
  Check(second.Put(0, again.get(), memory).ok(), "a value cannot be encoded twice");
  const char* bytes = second.Finish();
  Check(std::vector<char>(bytes, bytes + second.size()) == frame, "a value changed on the way");
}

void Decode(const std::vector<char>& frame, bool owned) {
  FrameReader reader;
  if (!reader.Open(frame.data(), frame.size()).ok()) return;
  TestMemory memory;
  for (uint32_t i = 0; i < reader.num_cells(); ++i) {
    TVMFFIByteArray text;
    if (reader.GetString(i, &text).ok())
      Check(text.data[text.size] == '\0' || text.size < 8, "text without an end");
    OwnedAny value;
    Status status =
        owned ? reader.GetOwned(i, &memory, value.out()) : reader.Get(i, &memory, value.out());
    Check(status.ok() || value.get().type_index == kTVMFFINone, "a failed decode left a value");
    if (status.ok() && owned) CheckWayBack(value.get(), &memory);
  }
  for (uint32_t i = 0; i < reader.num_notes(); ++i) reader.note(i);
}

}  // namespace
}  // namespace tvmffi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exactly this size: the sanitizer sees every byte read past its end.
  const std::vector<char> frame(data, data + size);
  tvmffi::SpillRef ref;
  tvmffi::Result<bool> spilled = tvmffi::ReadSpillFrame(frame.data(), frame.size(), &ref);
  if (!spilled.ok() || *spilled) return 0;
  tvmffi::Decode(frame, /*owned=*/true);
  tvmffi::Decode(frame, /*owned=*/false);
  return 0;
}
