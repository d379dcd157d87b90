// Any bytes as what a client notes about its calls. The daemon reads them without trust.
#include "proto/channel/recorder.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto memory = std::make_unique<tvmffi::RecorderMemory>();
  // The beginning is the names, which are long: lanes get the bytes first.
  auto* lanes = reinterpret_cast<uint8_t*>(memory->lanes);
  const size_t in_lanes = std::min(size, sizeof(memory->lanes));
  std::memcpy(lanes, data, in_lanes);
  std::memcpy(static_cast<void*>(memory.get()), data + in_lanes,
              std::min(size - in_lanes, sizeof(memory->names)));
  const tvmffi::Recording recording = tvmffi::ReadRecorder(*memory, 1'000'000);
  for (const tvmffi::CallRecord& call : recording.recent) {
    if (call.elapsed < 0 || call.function.size() > tvmffi::kRecordedName) std::abort();
  }
  if (recording.running.size() > tvmffi::kMaxLanes) std::abort();
  (void)recording.totals.Quantile(0.99);
  return 0;
}
